"""Generated pictures beside real ones, in the features of a classifier of this zoo."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from zoo import index, loading
from zoo.data.sources import Pictures
from zoo.errors import ZooError
from zoo.metrics import distances
from zoo.schema import Entry, FeatureExtractor
from zoo.storage import weights

SEED = 0
"""Of the latents that are measured."""
_BATCH, _PIXELS = 500, 2**21
"""So many pictures at once, and so many pixels of what the classifier takes: memory is bounded."""
_MOST = 1_000  # classes
LEAST = 12
"""Pictures: half of them are compared, each with its five nearest."""
_RARE = 0.01  # so rare among the real ones, a class may be lost


class Features:
    """What a classifier sees in pictures.

    Attributes:
        features: float32 `[n, d]`, what its last layer decides by.
        classes: int64 `[n]`, what it takes them for; None where its classes are not theirs.
    """

    classes: np.ndarray | None

    def __init__(self, extractor: FeatureExtractor, pictures: np.ndarray):
        """Looks at pictures `[n, h, w, c]`, pixels in [0, 1]."""
        height, width = index.entry(extractor.name).spec.size
        batch = max(1, min(_BATCH, _PIXELS // (height * width)))
        parts = [pictures[i : i + batch] for i in range(0, len(pictures), batch)]
        seen = [_layers_of(extractor)(part) for part in parts]
        self.features = np.concatenate([features for features, _ in seen])
        probs = np.concatenate([probs for _, probs in seen])
        self.classes = probs.argmax(-1) if extractor.classes else None

    def __len__(self) -> int:
        return len(self.features)

    def fidelity(self, real: "Features") -> dict:
        """These, generated, beside as many real ones: as `distances.compared` does; `least_class`.

        The latter is how frequent a class is among those generated beside how frequent it is among
        the real ones, of the class that comes off worst: near 1 where none is lost.
        """
        figures = distances.compared(real.features, self.features)
        made, wanted = self._shares(), real._shares()
        if made is None or wanted is None:
            return figures
        common = wanted > _RARE
        return figures | {"least_class": float(np.min(made[common] / wanted[common]))}

    def _shares(self) -> np.ndarray | None:
        if self.classes is None:
            return None
        return np.bincount(self.classes, minlength=_MOST) / len(self)

    def subset(self, which: slice) -> "Features":
        """Some of the pictures."""
        chosen = object.__new__(Features)
        chosen.features = self.features[which]
        chosen.classes = None if self.classes is None else self.classes[which]
        return chosen


def of(entry: Entry, pictures: Pictures) -> Features:
    """Of a set, by the extractor that an entry names. Raises as `extractor_of`."""
    return Features(extractor_of(entry), pictures.values())


def halves(entry: Entry, pictures: Pictures) -> tuple[Features, Features]:
    """Of every second picture of a set, and of the others. Raises as `extractor_of`, and for a set
    of fewer than `LEAST`."""
    if len(pictures) < LEAST:
        raise ZooError(
            f"{pictures.name}: expected {LEAST} pictures or more, half of which are compared with "
            f"as many made ones, got {len(pictures)}"
        )
    seen = of(entry, pictures)
    return seen.subset(slice(0, None, 2)), seen.subset(slice(1, None, 2))


def generated(pipeline: Any, decode: Callable[[np.ndarray], np.ndarray], count: int) -> Features:
    """Of so many pictures that `decode` makes of latents. Raises as `extractor_of`."""
    return Features(extractor_of(pipeline.entry), decode(pipeline.codes(count, SEED)))


def extractor_of(entry: Entry) -> FeatureExtractor:
    """Whose features its pictures are compared by. Raises ZooError where it names none."""
    if not entry.feature_extractor:
        raise ZooError(
            f"{entry.name} has no feature extractor: what it generates cannot be measured"
        )
    return entry.feature_extractor


def novelty(made: Features, real: Features, training: Features) -> dict[str, float]:
    """How far generated pictures are from their nearest training pictures, beside real new ones.

    Returns:
        `novelty`, the ratio of the median distances, near 0 where training pictures are copied;
        `copies`, the share of those made that are nearer than all but 5 % of the real ones are.
    """
    ours, theirs = (distances.nearest(s.features, training.features)[1] for s in (made, real))
    ratio = np.median(ours) / max(np.median(theirs), 1e-9)
    return {"novelty": float(ratio), "copies": float(np.mean(ours < np.quantile(theirs, 0.05)))}


@functools.cache
def _layers_of(extractor: FeatureExtractor):
    import keras
    import tensorflow as tf

    entry = index.entry(extractor.name)
    actual = (weights.published(entry) or {}).get("sha256", {}).get(weights.WEIGHTS)
    if actual != extractor.sha256:
        raise ZooError(
            f"the weights of {extractor.name} have the SHA-256 {actual}; figures by its features "
            f"are of {extractor.sha256}: measure again all that uses them, and write the new one "
            "there"
        )
    pipeline = loading.load(entry.full_name)
    net = pipeline.net
    both = keras.Model(net.input, [net.layers[-1].input, net.output])
    see = tf.function(lambda x: both(x, training=False), [tf.TensorSpec(net.input_shape)])
    return lambda pictures: [np.asarray(part) for part in see(pipeline.preprocess(pictures))]
