"""From a name to a callable: pixels in, labels or a picture out."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from zoo import index
from zoo.errors import ZooError
from zoo.pixels import fit_channels, read
from zoo.tiling import tiled
from zoo.weights import load_into


class Label(NamedTuple):
    """A class and how probable it is, in [0, 1]."""

    label: str
    probability: float


class Pipeline:
    """A net with the preprocessing that belongs to its weights.

    Attributes:
        entry: what the index says of it.
        spec: what goes in and comes out.
        net: the plain Keras model; change it, fine-tune it with `compile` and `fit`.
        source: where the weights came from: "pretrained", an absolute path, or None.
    """

    def __init__(self, entry: index.Entry, net, source: str | None = None):
        self.entry, self.spec, self.net, self.source = entry, entry.spec, net, source
        self._compiled = None

    def __repr__(self) -> str:
        return f"<{self.entry.full_name}: {self.entry.summary}>"

    def __call__(self, picture, progress: bool = True):
        """Classifies or restores.

        Args:
            picture: a path, a PIL image, or an array: uint8, uint16 or float in [0, 1], `[h, w]`,
                `[h, w, c]`, `[b, h, w]` (grey, wider than 16) or `[b, h, w, c]`; or a list.
            progress: show a bar (on stderr) where a large picture takes more than two seconds.

        Returns:
            classify: the `Label`s of a picture, most probable first; a list of these for a batch.
            denoise: pictures of the kind that came (an image for a path), same size, type and
                range. A grey net restores each colour channel by itself; alpha is kept.

        Raises:
            ZooError: the input is no such picture; the message says what was expected.
        """
        if isinstance(picture, (list, tuple)):
            return [self(one, progress) for one in picture]
        pixels = read(picture)
        result = self.infer(pixels.values, progress)
        if self.spec.restores:
            return pixels.back(result)
        answers = [self._labels(p) for p in result]
        return answers[0] if pixels.single else answers

    def infer(self, values: np.ndarray, progress: bool = False) -> np.ndarray:
        """Pixels to the task's plain result; what an exported file computes, too.

        Args:
            values: float32 `[b, h, w, c]`, pixels in [0, 1]; noise may pass the ends.
            progress: as in a call.

        Returns:
            classify: probabilities `[b, classes]`. denoise: pixels `[b, h, w, c]` in [0, 1].
        """
        return self.restore(values, progress) if self.spec.restores else self.classify(values)

    def classify(self, values: np.ndarray) -> np.ndarray:
        """`[b, h, w, c]` of any size, pixels in [0, 1] -> probabilities `[b, classes]`."""
        return self.run(self.spec.encode(self._fitted(values)))

    def restore(self, values: np.ndarray, progress: bool = False) -> np.ndarray:
        """`[b, h, w, c]`, pixels near [0, 1] (noise may pass the ends) -> the same in [0, 1]."""
        channels = self.spec.shape[-1]
        if channels not in (1, values.shape[-1]):
            raise ZooError(f"{self.entry.name} restores pictures of {channels} channels only")
        each = values if channels == values.shape[-1] else _channels_as_batch(values)
        result = self.spec.decode(
            tiled(self.run, self.spec.encode(each), self.spec.reach, progress=progress)
        )
        result = np.clip(result, 0, 1)
        return result if each is values else _batch_as_channels(result, values.shape)

    def run(self, batch: np.ndarray) -> np.ndarray:
        """The net alone, in inference: float32 `[b, h, w, c]` in the spec's value range."""
        import tensorflow as tf

        if self._compiled is None:
            signature = tf.TensorSpec((None, *self.spec.shape), tf.float32)
            self._compiled = tf.function(lambda x: self.net(x, training=False), [signature])
        return self._compiled(batch).numpy()

    def _fitted(self, values: np.ndarray) -> np.ndarray:
        """Pictures in the net's channels and size (bilinear with antialiasing)."""
        import tensorflow as tf

        values = fit_channels(values, self.spec.shape[-1])
        if values.shape[1:3] == self.spec.shape[:2]:
            return values
        return tf.image.resize(values, self.spec.shape[:2], antialias=True).numpy()

    def _labels(self, probabilities: np.ndarray) -> list[Label]:
        order = np.argsort(-probabilities, kind="stable")
        return [Label(self.spec.labels[i], float(probabilities[i])) for i in order]


def load(name: str, weights: object = "pretrained") -> Pipeline:
    """Loads a net by name.

    Args:
        name: `family_variant` or `family_variant.tag`.
        weights: "pretrained"; a run directory or a `.h5` file; None for fresh weights.

    Raises:
        ZooError: unknown name; weights missing, changed, cut short, or of another net.
    """
    entry = index.entry(name)
    net = entry.build()
    if weights is None:
        return Pipeline(entry, net)
    load_into(net, entry, weights)
    source = weights if weights == "pretrained" else str(Path(weights).resolve())
    return Pipeline(entry, net, source)


def _channels_as_batch(values: np.ndarray) -> np.ndarray:
    """`[b, h, w, c]` -> `[b * c, h, w, 1]`."""
    batch, height, width, channels = values.shape
    return np.moveaxis(values, -1, 1).reshape(batch * channels, height, width, 1)


def _batch_as_channels(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    batch, height, width, channels = shape
    return np.moveaxis(values.reshape(batch, channels, height, width), 1, -1)
