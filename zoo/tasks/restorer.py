"""Damaged or small pictures to better or larger ones."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from zoo.data.degradation import Degradation
from zoo.errors import ZooError
from zoo.images.pixels import from_ycbcr, read, to_ycbcr
from zoo.images.resize import CUBIC_REACH, enlarge, to_multiple
from zoo.images.tiling import tiled
from zoo.images.views import batch_as_channels, channels_as_batch, mean_of_eight
from zoo.tasks.pipeline import Pipeline


class Restorer(Pipeline):
    """Undoes `spec.degradations`."""

    def __call__(
        self, picture: Any, scale: int | None = None, progress: bool = True, ensemble: bool = False
    ) -> Any:
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
        beside: np.ndarray | None = None,
    ) -> np.ndarray:
        """`[b, h, w, c]`, pixels near [0, 1] -> `[b, h * scale, w * scale, c]` in [0, 1].

        A grey net restores the luma of colour pictures, or each channel by itself, as its spec
        says; a colour net takes grey for colour, and gives back the mean. What is `beside` the
        pictures, `[b, h, w, d]` or `[b, 1, 1, d]`, goes with each of them through the net.
        """
        scale = self.known(scale)
        net, came = self.spec.shape[-1], values.shape[-1]
        views = mean_of_eight if ensemble else _as_it_is
        once = functools.partial(self._restored, scale=scale, progress=progress)

        def restore(pixels: np.ndarray) -> np.ndarray:
            return views(once, pixels, *_of_each(beside, pixels))

        if came == net:
            return restore(values)
        if came == 1:
            return restore(np.repeat(values, net, -1)).mean(-1, keepdims=True)
        if self.spec.luma:
            ycbcr = to_ycbcr(values)
            luma, chroma = restore(ycbcr[..., :1]), enlarge(ycbcr[..., 1:], scale)
            return from_ycbcr(np.concatenate([luma, chroma], -1))
        return batch_as_channels(restore(channels_as_batch(values)), came)

    def _restored(
        self, values: np.ndarray, *beside: np.ndarray, scale: int, progress: bool
    ) -> np.ndarray:
        """The first scale is inside, as in an exported file; for others, enlarges before."""
        inside = self.spec.scales[0]
        given = enlarge(values, scale // inside)
        self._refuse_small(given, inside)
        height, width = (side * inside for side in given.shape[1:3])
        laid_out = [np.broadcast_to(one, (*given.shape[:3], one.shape[-1])) for one in beside]
        given, *laid_out = (to_multiple(one, self.spec.multiple) for one in (given, *laid_out))
        run, radius, multiple = self.at_once, self.spec.receptive_radius, self.spec.multiple
        made = tiled(
            run, given, radius, progress=progress, scale=inside, multiple=multiple, beside=laid_out
        )
        return made[:, :height, :width]

    def at_once(self, values: np.ndarray, *beside: np.ndarray) -> np.ndarray:
        """One tile, `[b, h, w, c]`, by whatever computes."""
        return self.compute("", values)

    def undo(self, damage: Degradation) -> Callable[..., np.ndarray]:
        """`infer`, told what is known of the damage."""
        return functools.partial(self.infer, scale=damage.scale)

    def _refuse_small(self, values: np.ndarray, scale: int) -> None:
        height, width = values.shape[1:3]
        if not self.spec.free_size and (height, width) != self.spec.size:
            raise ZooError(
                f"{self.entry.name}: expected {'x'.join(map(str, self.spec.size))}, got a picture "
                f"of {height}x{width}; resize it first"
            )
        least = max(-(-self.spec.border // scale), 1 if scale == 1 else CUBIC_REACH)
        if min(height, width) < least:
            raise ZooError(
                f"{self.entry.name}: expected sides of at least {least} pixels, got a picture of "
                f"{height}x{width}"
            )

    def known(self, scale: int | None) -> int:
        """The scale that is meant, by default the first. Raises ZooError on one it has not."""
        scales = self.spec.scales
        if scale is None:
            return scales[0]
        if scale not in scales:
            known = " or ".join(map(str, scales))
            raise ZooError(f"{self.entry.name}: expected a scale of {known}, got {scale!r}")
        return int(scale)

    def run(self, batch: np.ndarray) -> np.ndarray:
        """The net alone: float32 `[b, h, w, c]` in the spec's value range, to the same shape.

        What the net's `border` takes is added before.
        """
        from zoo.images.resize import mirrored

        return np.asarray(self.net(mirrored(batch, self.spec.border), training=False))


def _as_it_is(restore: Callable[..., np.ndarray], *given: np.ndarray) -> np.ndarray:
    return restore(*given)


def _of_each(beside: np.ndarray | None, values: np.ndarray) -> list[np.ndarray]:
    """What is beside each picture, or each of its channels."""
    return [] if beside is None else [beside.repeat(len(values) // len(beside), 0)]
