"""Random numbers to pictures: the pipeline of generators, and what autoencoders have of it."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from zoo.errors import ZooError
from zoo.images.pixels import to_uint8
from zoo.tasks.pipeline import Pipeline

if TYPE_CHECKING:
    import keras

BATCH = 256
"""Pictures that are made at once."""


class Generator(Pipeline):
    """Makes pictures from `spec.latent` normal numbers and, where it has labels, a class."""

    _maker = ""

    @property
    def decoder(self) -> "keras.Model":
        """The net that makes pictures."""
        return self.net

    def __call__(self, latent: ArrayLike) -> np.ndarray:
        """As `decode`, with pictures as uint8."""
        return to_uint8(self.decode(latent))

    def sample(self, count: int, seed: int = 0, label: str | None = None) -> np.ndarray:
        """Makes new pictures; the same for the same seed, on any machine, up to float rounding.

        Args:
            count: how many; the first ones are the same, however many follow.
            seed: of the latents, 0 to 2**32 - 1.
            label: of which class; one of `spec.labels`. Without it the classes take turns.

        Returns:
            uint8 `[count, h, w, c]`.

        Raises:
            ZooError: the count is no positive integer, the seed none that NumPy takes, or the net
                does not know the label.
        """
        return to_uint8(self.decode(self.codes(count, seed, label)))

    def codes(self, count: int, seed: int = 0, label: str | None = None) -> np.ndarray:
        """The vectors that `sample` makes pictures from: float32 `[count, spec.code]`."""
        _refuse_outside("count", count, 1)
        _refuse_outside("seed", seed, 0, 2**32 - 1)
        latents = np.random.RandomState(seed).standard_normal((count, self.spec.latent))
        return np.concatenate([latents, self._classes(count, label)], axis=1).astype(np.float32)

    def decode(self, latent: ArrayLike) -> np.ndarray:
        """Latents to pictures.

        Args:
            latent: `[b, n]`, or `[n]` for one picture; n is `spec.code`: the normal numbers,
                then the class as one-hot where the net has labels.

        Returns:
            float32 `[b, h, w, c]` (`[h, w, c]` for one), pixels in [0, 1].

        Raises:
            ZooError: these are no latents, of another length, or not finite.
        """
        latents = _numbers(latent)
        if latents.ndim not in (1, 2) or latents.shape[-1] != self.spec.code or not latents.size:
            raise ZooError(
                f"{self.entry.name}: expected latents of shape [b, {self.spec.code}], got "
                f"{list(latents.shape)}"
            )
        if not np.isfinite(latents).all():
            raise ZooError("expected finite latents, got NaN or infinity")
        made = self._decoded(np.atleast_2d(latents))
        if not np.isfinite(made).all():
            raise ZooError(
                f"{self.entry.name}: expected latents as normal numbers are, got up to "
                f"{np.abs(latents).max():g}, which the net overflows on"
            )
        return made[0] if latents.ndim == 1 else made

    def infer(self, latents: np.ndarray) -> np.ndarray:
        """As `decode`, for `[b, n]`: what an exported file computes, too."""
        return self.decode(latents)

    def interpolate(self, first: ArrayLike, last: ArrayLike, count: int = 8) -> np.ndarray:
        """Pictures on the way from one latent to another, both included.

        Args:
            first: `[n]`, as `decode` takes it.
            last: likewise.
            count: how many, at least 2: both ends are among them.

        Returns:
            uint8 `[count, h, w, c]`; the way is along a great circle (White 2016), for in a normal
            distribution of many numbers hardly anything lies near its middle.

        Raises:
            ZooError: an end is no single latent, as `decode` says; the count is less.
        """
        _refuse_outside("count", count, 2)
        start, end = (self._end(latent) for latent in (first, last))
        way = [_between(start, end, share) for share in np.linspace(0, 1, count)]
        return to_uint8(self.decode(np.stack(way)))

    def _end(self, latent: ArrayLike) -> np.ndarray:
        values = _numbers(latent).astype(np.float64)
        if values.shape != (self.spec.code,):
            raise ZooError(
                f"{self.entry.name}: expected ends of shape [{self.spec.code}], got "
                f"{list(values.shape)}"
            )
        return values

    def _classes(self, count: int, label: str | None) -> np.ndarray:
        known = self.spec.labels if self.spec.code > self.spec.latent else ()
        if label is not None and label not in known:
            told = f"it knows {', '.join(known)}" if known else "it has no classes to choose from"
            raise ZooError(f"{self.entry.name} cannot make {label!r}: {told}")
        if not known:
            return np.zeros((count, 0))
        which = np.arange(count) % len(known) if label is None else [known.index(label)] * count
        return np.eye(len(known))[which]

    def _decoded(self, latents: np.ndarray) -> np.ndarray:
        groups = [latents[i : i + BATCH] for i in range(0, len(latents), BATCH)]
        return np.concatenate([self.executor(self._maker, group) for group in groups])


def _refuse_outside(name: str, value: Any, least: int, most: float = np.inf) -> None:
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not (whole and least <= value <= most):
        told = f"{least} or more" if most == np.inf else f"{least} to {most}"
        raise ZooError(f"{name}: expected a whole number, {told}, got {value!r}")


def _numbers(latent: ArrayLike) -> np.ndarray:
    try:
        values = np.asarray(latent)
        if values.dtype.kind in "biuf" or values.dtype.name == "bfloat16":
            return values.astype(np.float32)
        got = f"an array of {values.dtype}"
    except (TypeError, ValueError):  # rows of different lengths
        got = type(latent).__name__
    raise ZooError(f"expected latents, an array of numbers [b, n], got {got}")


def _between(first: np.ndarray, last: np.ndarray, share: float) -> np.ndarray:
    """Spherical interpolation (Shoemake 1985); straight where both point the same way."""
    norms = np.linalg.norm(first) * np.linalg.norm(last)
    angle = np.arccos(np.clip(first @ last / norms, -1, 1)) if norms else 0.0
    if np.sin(angle) < 1e-6:
        return (1 - share) * first + share * last
    weights = np.sin((1 - share) * angle), np.sin(share * angle)
    return (weights[0] * first + weights[1] * last) / np.sin(angle)
