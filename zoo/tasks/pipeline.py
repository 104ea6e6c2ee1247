"""What every name becomes when it is loaded: a net with the preprocessing of its weights."""

import functools
from collections.abc import Callable

import numpy as np

from zoo.errors import ZooError
from zoo.index import Entry


class Pipeline:
    """A net with the preprocessing that belongs to its weights; one subclass a kind of task.

    Attributes:
        entry: what the index says of it.
        spec: what goes in and comes out.
        source: where the weights came from: "pretrained", an absolute path, or None.
        through: what computes: the name of a part (see `zoo.tasks.parts`) and its input `[b, ...]`
            -> its outputs, side by side on the last axis. The net, or a file in another runtime.
    """

    def __init__(
        self,
        entry: Entry,
        net=None,
        source: str | None = None,
        through: Callable[[str, np.ndarray], np.ndarray] | None = None,
    ):
        self.entry, self.spec, self.source = entry, entry.spec, source
        self._net = net
        self.through = through or _InKeras(self)

    def __repr__(self) -> str:
        return f"<{self.entry.full_name}: {self.entry.summary}>"

    @property
    def net(self):
        """The plain Keras model; change it, fine-tune it with `compile` and `fit`.

        Raises:
            ZooError: the pipeline was loaded for another runtime, which has no net.
        """
        if self._net is None:
            raise ZooError(
                f"{self.entry.name} runs from an exported file here, which has no net to look into "
                'or to train: load it with runtime="keras"'
            )
        return self._net


class _InKeras:
    """Runs the parts of a pipeline as they are exported, each compiled once for all sizes."""

    def __init__(self, pipeline: Pipeline):
        self.pipeline, self.compiled = pipeline, {}

    def __call__(self, name: str, values: np.ndarray) -> np.ndarray:
        if name not in self.compiled:
            self.compiled[name] = self._compile(name)
        return np.asarray(self.compiled[name](values))

    def _compile(self, name: str):
        import tensorflow as tf

        from zoo.tasks.parts import parts

        (part,) = (part for part in parts(self.pipeline) if part.name == name)
        # a partial, not a lambda: TensorFlow would count the traces of all nets as those of one
        serve = functools.partial(_side_by_side, part)
        return tf.function(serve, [tf.TensorSpec(part.shape, tf.float32)], autograph=False)


def _side_by_side(part, values):
    import tensorflow as tf

    made = part.serve(values)
    return tf.concat([made[output] for output in part.outputs], axis=-1)
