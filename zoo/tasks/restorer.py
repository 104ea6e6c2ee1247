"""Damaged or small pictures to better or larger ones."""

import functools
import itertools
from collections.abc import Callable

import numpy as np

from zoo.errors import ZooError
from zoo.images.pixels import from_ycbcr, read, to_ycbcr
from zoo.images.resize import CUBIC_REACH, enlarge
from zoo.images.tiling import tiled
from zoo.tasks.pipeline import Pipeline


class Restorer(Pipeline):
    """Undoes `spec.degradations`."""

    def __call__(
        self, picture, scale: int | None = None, progress: bool = True, ensemble: bool = False
    ):
        """Restores or enlarges.

        Args:
            picture: a path, a PIL image, or an array, as `zoo.images.pixels.read` takes it; or a
                list.
            scale: by how much to enlarge, one of `spec.scales`; by default the first.
            progress: show a bar (on stderr) where a large picture takes more than two seconds.
            ensemble: restore the picture in its eight rotations and mirrorings and take the mean
                (Timofte et al. 2016): a little better, eight times as long.

        Returns:
            Pictures of the kind that came (an image for a path), same type and range, and same
            size but for the scale. Alpha is kept, and enlarged with them.

        Raises:
            ZooError: the input is no such picture, or the net has no such scale; the message
                says what was expected.
        """
        if isinstance(picture, (list, tuple)):
            return [self(one, scale, progress, ensemble) for one in picture]
        pixels = read(picture)
        return pixels.back(self.infer(pixels.values, scale, progress, ensemble))

    def infer(
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
        scale = self.known(scale)
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
            luma, chroma = through(ycbcr[..., :1]), enlarge(ycbcr[..., 1:], scale)
            return from_ycbcr(np.concatenate([luma, chroma], -1))
        return _batch_as_channels(through(_channels_as_batch(values)), came)

    def _through_net(self, values: np.ndarray, scale: int, progress: bool) -> np.ndarray:
        """The first scale is inside, as in an exported file; for others, enlarges before."""
        inside = self.spec.scales[0]
        given = enlarge(values, scale // inside)
        self._refuse_small(given, inside)
        run = functools.partial(self.through, "")
        return tiled(run, given, self.spec.reach, progress=progress, scale=inside)

    def _refuse_small(self, values: np.ndarray, scale: int) -> None:
        height, width = values.shape[1:3]
        least = max(-(-self.spec.margin // scale), 1 if scale == 1 else CUBIC_REACH)
        if min(height, width) < least:
            raise ZooError(
                f"a picture of {height}x{width} came: {self.entry.name} needs sides of at least "
                f"{least} pixels"
            )

    def known(self, scale: int | None) -> int:
        """The scale that is meant, by default the first. Raises ZooError on one it has not."""
        scales = self.spec.scales
        if scale is None:
            return scales[0]
        if scale not in scales:
            known = " or ".join(map(str, scales))
            raise ZooError(f"{self.entry.name} enlarges by {known}: a scale of {scale!r} came")
        return int(scale)

    def run(self, batch: np.ndarray) -> np.ndarray:
        """The net alone: float32 `[b, h, w, c]` in the spec's value range, to the same shape.

        What the net's `margin` takes is added before.
        """
        from zoo.images.resize import mirrored

        return np.asarray(self.net(mirrored(batch, self.spec.margin), training=False))


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
