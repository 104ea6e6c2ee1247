"""Generated pictures beside real ones, in the features of a classifier of this zoo."""

import functools

import numpy as np

from zoo import index, loading, weights
from zoo.errors import ZooError
from zoo.metrics import distances

_BATCH, _MOST = 500, 1_000  # pictures at once; classes
_RARE = 0.01  # so rare among the real ones, a class may be lost


class Judged:
    """What a classifier sees in pictures.

    Attributes:
        features: float32 `[n, d]`, what its last layer decides by.
        classes: int64 `[n]`, what it takes them for.
    """

    def __init__(self, judge: index.Judge, pictures: np.ndarray):
        """Looks at pictures `[n, h, w, c]`, pixels in [0, 1]."""
        parts = [pictures[i : i + _BATCH] for i in range(0, len(pictures), _BATCH)]
        seen = [_eyes(judge)(part) for part in parts]
        self.features = np.concatenate([features for features, _ in seen])
        self.classes = np.concatenate([probs.argmax(-1) for _, probs in seen])

    def likeness(self, real: "Judged") -> dict:
        """These, generated, beside as many real ones: as `distances.compared` does; `least_class`.

        The latter is how frequent a class is among those generated beside how frequent it is among
        the real ones, of the class that comes off worst: near 1 where none is lost.
        """
        shares = [np.bincount(s.classes, minlength=_MOST) / len(s.classes) for s in (self, real)]
        common = shares[1] > _RARE
        least = float(np.min(shares[0][common] / shares[1][common]))
        return distances.compared(real.features, self.features) | {"least_class": least}

    def part(self, which: slice) -> "Judged":
        """Some of the pictures."""
        chosen = object.__new__(Judged)
        chosen.features, chosen.classes = self.features[which], self.classes[which]
        return chosen


def novelty(made: Judged, real: Judged, training: Judged) -> float:
    """How far generated pictures are from their nearest training pictures, beside real new ones.

    The ratio of the median distances: near 0 where training pictures are copied.
    """
    far = [np.median(distances.nearest(s.features, training.features)[1]) for s in (made, real)]
    return float(far[0] / max(far[1], 1e-9))


@functools.cache
def _eyes(judge: index.Judge):
    import keras
    import tensorflow as tf

    entry = index.entry(judge.name)
    actual = (weights.published(entry) or {}).get("sha256", {}).get(weights.WEIGHTS)
    if actual != judge.sha256:
        raise ZooError(
            f"the weights of {judge.name} have the SHA-256 {actual}; figures by its features are "
            f"of {judge.sha256}: measure all that it judges again, and write the new one there"
        )
    pipeline = loading.load(entry.full_name)
    net = pipeline.net
    both = keras.Model(net.input, [net.layers[-1].input, net.output])
    see = tf.function(lambda x: both(x, training=False), [tf.TensorSpec(net.input_shape)])
    return lambda pictures: [np.asarray(part) for part in see(pipeline.encoded(pictures))]
