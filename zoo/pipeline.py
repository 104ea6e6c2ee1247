"""From a name to a callable: pixels in, labels or a picture out."""

import functools
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from zoo import index
from zoo.errors import ZooError
from zoo.pixels import fit_channels, from_ycbcr, read, to_ycbcr
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

    def __call__(
        self, picture, scale: int | None = None, progress: bool = True, ensemble: bool = False
    ):
        """Classifies, restores or enlarges.

        Args:
            picture: a path, a PIL image, or an array: uint8, uint16 or float in [0, 1], `[h, w]`,
                `[h, w, c]`, `[b, h, w]` (grey, wider than 16) or `[b, h, w, c]`; or a list.
            scale: by how much to enlarge, one of `spec.scales`; by default the first.
            progress: show a bar (on stderr) where a large picture takes more than two seconds.
            ensemble: restore the picture in its eight rotations and mirrorings and take the mean
                (Timofte et al. 2016): a little better, eight times as long. Not for classify.

        Returns:
            classify: the `Label`s of a picture, most probable first; a list of these for a batch.
            Others: pictures of the kind that came (an image for a path), same type and range,
                and same size but for the scale. Alpha is kept, and enlarged with them.

        Raises:
            ZooError: the input is no such picture, or the net has no such scale; the message
                says what was expected.
        """
        if isinstance(picture, (list, tuple)):
            return [self(one, scale, progress, ensemble) for one in picture]
        pixels = read(picture)
        result = self.infer(pixels.values, scale, progress, ensemble)
        if self.spec.restores:
            return pixels.back(result)
        answers = [self._labels(p) for p in result]
        return answers[0] if pixels.single else answers

    def infer(
        self,
        values: np.ndarray,
        scale: int | None = None,
        progress: bool = False,
        ensemble: bool = False,
    ) -> np.ndarray:
        """Pixels to the task's plain result; what an exported file computes, too.

        Args:
            values: float32 `[b, h, w, c]`, pixels in [0, 1]; noise may pass the ends.
            scale, progress, ensemble: as in a call.

        Returns:
            classify: probabilities `[b, classes]`.
            Others: pixels `[b, h * scale, w * scale, c]` in [0, 1].
        """
        if self.spec.restores:
            return self.restore(values, scale, progress, ensemble)
        if scale is not None or ensemble:
            raise ZooError(f"{self.entry.name} classifies: it takes no scale and no ensemble")
        return self.classify(values)

    def classify(self, values: np.ndarray) -> np.ndarray:
        """`[b, h, w, c]` of any size, pixels in [0, 1] -> probabilities `[b, classes]`."""
        return self.run(self.spec.encode(self._fitted(values)))

    def restore(
        self,
        values: np.ndarray,
        scale: int | None = None,
        progress: bool = False,
        ensemble: bool = False,
    ) -> np.ndarray:
        """`[b, h, w, c]`, pixels near [0, 1] -> `[b, h * scale, w * scale, c]` in [0, 1].

        A grey net restores the luma of colour pictures, or each channel by itself, as its spec
        says; a colour net takes grey for colour, and gives back the mean.
        """
        scale = self._known(scale)
        net, came = self.spec.shape[-1], values.shape[-1]
        through = functools.partial(self._through_net, scale=scale, progress=progress)
        if ensemble:
            through = functools.partial(_mean_of_eight, through)
        if came == net:
            return through(values)
        if came == 1:
            return through(np.repeat(values, net, -1)).mean(-1, keepdims=True)
        if self.spec.luma:
            ycbcr = to_ycbcr(values)
            chroma = np.asarray(self.spec.decode(self.spec.encode(ycbcr[..., 1:], scale)))
            return from_ycbcr(np.concatenate([through(ycbcr[..., :1]), chroma], -1))
        return _batch_as_channels(through(_channels_as_batch(values)), came)

    def _through_net(self, values: np.ndarray, scale: int, progress: bool) -> np.ndarray:
        spec = self.spec
        encoded = np.asarray(spec.encode(values, scale))
        restored = tiled(self.run, encoded, spec.reach, progress=progress)
        return np.clip(spec.decode(restored), 0, 1)

    def _known(self, scale: int | None) -> int:
        scales = self.spec.scales
        if scale is None:
            return scales[0]
        if scale not in scales:
            known = " or ".join(map(str, scales))
            raise ZooError(f"{self.entry.name} enlarges by {known}: a scale of {scale!r} came")
        return int(scale)

    def run(self, batch: np.ndarray) -> np.ndarray:
        """The net alone, in inference: float32 `[b, h, w, c]` in the spec's value range.

        A net that restores gives the same shape; what its `margin` takes is added before.
        """
        import tensorflow as tf

        if self._compiled is None:
            signature = tf.TensorSpec((None, *self.spec.shape), tf.float32)
            self._compiled = tf.function(lambda x: self.net(x, training=False), [signature])
        if self.spec.margin:
            from zoo.resize import mirrored

            batch = mirrored(batch, self.spec.margin)
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


def _mean_of_eight(restore: Callable, values: np.ndarray) -> np.ndarray:
    """The mean of what a picture's rotations and mirrorings give, turned back."""
    total = 0
    for turns, mirror in itertools.product(range(4), (1, -1)):
        turned = np.rot90(values[:, :, ::mirror], turns, axes=(1, 2))
        total += np.rot90(restore(turned), -turns, axes=(1, 2))[:, :, ::mirror]
    return total / 8


def _channels_as_batch(values: np.ndarray) -> np.ndarray:
    """`[b, h, w, c]` -> `[b * c, h, w, 1]`."""
    batch, height, width, channels = values.shape
    return np.moveaxis(values, -1, 1).reshape(batch * channels, height, width, 1)


def _batch_as_channels(values: np.ndarray, channels: int) -> np.ndarray:
    """`[b * c, h, w, 1]` -> `[b, h, w, c]`."""
    height, width = values.shape[1:3]
    return np.moveaxis(values.reshape(-1, channels, height, width), 1, -1)
