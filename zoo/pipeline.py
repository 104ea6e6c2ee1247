"""What every name becomes when it is loaded: a net with the preprocessing of its weights."""

import functools

import numpy as np

from zoo.index import Entry


class Pipeline:
    """A net with the preprocessing that belongs to its weights; one subclass a kind of task.

    Attributes:
        entry: what the index says of it.
        spec: what goes in and comes out.
        net: the plain Keras model; change it, fine-tune it with `compile` and `fit`.
        source: where the weights came from: "pretrained", an absolute path, or None.
    """

    def __init__(self, entry: Entry, net, source: str | None = None):
        self.entry, self.spec, self.net, self.source = entry, entry.spec, net, source
        self._compiled = {}

    def __repr__(self) -> str:
        return f"<{self.entry.full_name}: {self.entry.summary}>"

    def run(self, batch: np.ndarray) -> np.ndarray:
        """The net alone, in inference: float32 `[b, ...]` as the net takes it."""
        return self._run(self.net, batch)

    def _run(self, net, batch: np.ndarray):
        """A net, or a part of it, compiled once for all sizes."""
        import tensorflow as tf

        if net.name not in self._compiled:
            signature = tf.TensorSpec(net.input_shape, tf.float32)
            # a partial, not a lambda: TensorFlow would count the traces of all nets as those of one
            infer = functools.partial(net, training=False)
            self._compiled[net.name] = tf.function(infer, [signature])
        return tf.nest.map_structure(np.asarray, self._compiled[net.name](batch))
