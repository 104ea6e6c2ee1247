"""Noisy pictures to clean ones; of some nets, told how strong the noise is."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from zoo.data.degradation import Degradation
from zoo.errors import ZooError
from zoo.images import noise
from zoo.images.pixels import read
from zoo.tasks.functions import IMAGE
from zoo.tasks.restorer import Restorer

SIGMA = "sigma"
"""What such a function takes beside `image`: `[b, h, w, 1]` in grey levels of 0..255."""


class Denoised(NamedTuple):
    """A picture without its noise.

    Attributes:
        picture: of the kind that came.
        sigma: how strong the net was told that the noise is, in grey levels of 0..255: a number,
            of a batch an array `[b]`, or the map `[b, h, w, 1]`; None of a net that is not told.
    """

    picture: Any
    sigma: Any


class Denoiser(Restorer):
    """Takes noise away."""

    def __call__(
        self,
        picture: Any,
        scale: int | None = None,
        progress: bool = True,
        ensemble: bool = False,
        sigma: Any = None,
        strength: float = 1.0,
    ) -> Any:
        """Denoises; see `denoise`.

        Returns:
            Pictures of the kind that came (an image for a path), same type, range and size. Alpha
            is kept.
        """
        made = self.denoise(picture, scale, progress, ensemble, sigma, strength)
        return [one.picture for one in made] if isinstance(made, list) else made.picture

    def denoise(
        self,
        picture: Any,
        scale: int | None = None,
        progress: bool = True,
        ensemble: bool = False,
        sigma: Any = None,
        strength: float = 1.0,
    ) -> Any:
        """Denoises, and says which noise level it took.

        Args:
            picture: a path, a PIL image, or an array, as `zoo.images.pixels.read` takes it; or a
                list.
            scale: 1 or None.
            progress: show a bar (on stderr) where a large picture takes more than two seconds.
            ensemble: denoise the picture in its eight rotations and mirrorings and take the mean
                (Timofte et al. 2016): a little better, eight times as long.
            sigma: of nets that are told it (`spec.noise_level`): the noise's standard deviation in
                grey levels of 0..255, a number or a map of the picture's height and width; of a
                batch also one a picture. By default "auto": estimated from the picture. Where it
                is 0 pixels stay what they are.
            strength: times that; more than 1 where noise is left, less where detail is lost.

        Returns:
            A `Denoised`; a list of these for a list.

        Raises:
            ZooError: the input is no such picture; the level is none, out of the net's range, of
                another size, or for a net that is not told it; the picture is too small to
                estimate it from. The message says what was expected.

        Warns:
            ZooWarning: more noise is estimated than the net was made for.
        """
        options = scale, progress, ensemble, sigma, strength
        if isinstance(picture, (list, tuple)):
            return [self.denoise(one, *options) for one in picture]
        pixels = read(picture)
        level = self.level(pixels.values, sigma, strength)
        made = self.infer(pixels.values, scale, progress, ensemble, sigma=level)
        back, single = pixels.back, pixels.single
        del pixels  # of which there may be many
        return Denoised(back(made), _said(level, single))

    def infer(
        self,
        values: np.ndarray,
        scale: int | None = None,
        progress: bool = False,
        ensemble: bool = False,
        beside: np.ndarray | None = None,
        sigma: Any = None,
    ) -> np.ndarray:
        """`[b, h, w, c]`, pixels near [0, 1] -> `[b, h, w, c]` in [0, 1].

        A grey net denoises each colour channel by itself; a colour net takes grey for colour, and
        gives back the mean. `sigma` is as in `denoise`.
        """
        level = self.level(values, sigma)
        if level is None:
            return super().infer(values, scale, progress, ensemble, beside)
        if not level.any():
            return np.clip(values, 0, 1)
        made = super().infer(values, scale, progress, ensemble, level)
        return self.but_clean(values, level, made)

    def but_clean(self, values: np.ndarray, level: np.ndarray, made: np.ndarray) -> np.ndarray:
        """What the net made of pictures; where it is told that there is no noise, these."""
        return made if level.all() else np.where(level == 0, np.clip(values, 0, 1), made)

    def level(self, values: np.ndarray, sigma: Any = None, strength: float = 1.0) -> Any:
        """What the net is told of pictures `[b, h, w, c]`: see `zoo.images.noise.level`; None of a
        net that is told nothing."""
        self.refuse_level(sigma, strength)
        if not self.spec.noise_level:
            return None
        (noisy,) = self.spec.degradations
        estimate = noise.of_white if noisy.kind == "noise" else noise.of_camera
        return noise.level(values, sigma, strength, noisy.low, noisy.high, estimate)

    def refuse_level(self, sigma: Any = None, strength: float = 1.0) -> None:
        """Raises ZooError, before there is a picture, where the net cannot be told this."""
        if not self.spec.noise_level and (sigma is not None or strength != 1):
            raise ZooError(
                f"{self.entry.name} is not told how strong the noise is: expected no sigma or "
                "strength; name a net that is, such as ffdnet_color"
            )
        if isinstance(sigma, (int, float)):
            self._refuse_beyond(sigma, strength)

    def _refuse_beyond(self, sigma: float, strength: float) -> None:
        (noisy,) = self.spec.degradations
        noise.level(np.zeros((1, 1, 1, 1)), sigma, strength, noisy.low, noisy.high)

    def undo(self, damage: Degradation) -> Callable[..., np.ndarray]:
        return functools.partial(super().undo(damage), **self.knows(damage))

    def knows(self, damage: Degradation) -> dict[str, float]:
        """The noise level, where the damage is of the kind that the net is told of."""
        told = [one.kind for one in self.spec.degradations if self.spec.noise_level]
        return {"sigma": damage.low} if damage.kind in told else {}

    def at_once(self, values: np.ndarray, *beside: np.ndarray) -> np.ndarray:
        if not beside:
            return super().at_once(values)
        return self.compute("", {IMAGE: values, SIGMA: beside[0]})

    def run(self, batch: np.ndarray) -> np.ndarray:
        """The net alone; the noise level, in its value range, is the last channel."""
        if not self.spec.noise_level:
            return super().run(batch)
        return np.asarray(self.net([batch[..., :-1], batch[..., -1:]], training=False))


def _said(level: np.ndarray | None, single: bool) -> Any:
    if level is None or level.shape[1:] != (1, 1, 1):
        return level
    return float(level[0, 0, 0, 0]) if single else level[:, 0, 0, 0]
