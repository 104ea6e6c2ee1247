"""Random numbers to pictures, and pictures to the numbers that they could be made from."""

import numpy as np

from zoo.errors import ZooError
from zoo.images.pixels import fit_channels, read, to_uint8
from zoo.tasks.parts import DECODER, ENCODER
from zoo.tasks.pipeline import Pipeline

BATCH = 256
"""Pictures that are made at once: memory stays bounded, however many are asked for."""


class Generator(Pipeline):
    """Makes pictures from `spec.latent` normal numbers and, where it has labels, a class."""

    _maker = ""

    @property
    def decoder(self):
        """The net that makes pictures."""
        return self.net

    def __call__(self, latent) -> np.ndarray:
        """As `decode`, with pictures as uint8."""
        return to_uint8(self.decode(latent))

    def sample(self, count: int, seed: int = 0, label: str | None = None) -> np.ndarray:
        """Makes new pictures; the same for the same seed, on any machine, up to float rounding.

        Args:
            count: how many; the first ones are the same, however many follow.
            seed: of the latents.
            label: of which class; one of `spec.labels`. Without it the classes take turns.

        Returns:
            uint8 `[count, h, w, c]`.

        Raises:
            ZooError: the count is no positive integer, or the net does not know the label.
        """
        return to_uint8(self.decode(self.codes(count, seed, label)))

    def codes(self, count: int, seed: int = 0, label: str | None = None) -> np.ndarray:
        """The vectors that `sample` makes pictures from: float32 `[count, spec.code]`."""
        if isinstance(count, bool) or not isinstance(count, (int, np.integer)) or count < 1:
            raise ZooError(f"a count of {count!r} came: expected a positive integer")
        latents = np.random.RandomState(seed).standard_normal((count, self.spec.latent))
        return np.concatenate([latents, self._classes(count, label)], axis=1).astype(np.float32)

    def decode(self, latent) -> np.ndarray:
        """Latents to pictures.

        Args:
            latent: `[b, n]`, or `[n]` for one picture; n is `spec.code`: the normal numbers,
                then the class as one-hot where the net has labels.

        Returns:
            float32 `[b, h, w, c]` (`[h, w, c]` for one), pixels in [0, 1].

        Raises:
            ZooError: the latents are of another length, or not finite.
        """
        latents = np.asarray(latent, np.float32)
        if latents.ndim not in (1, 2) or latents.shape[-1] != self.spec.code or not latents.size:
            raise ZooError(
                f"latents of shape {list(latents.shape)} came: {self.entry.name} makes a picture "
                f"from {self.spec.code} numbers, [b, {self.spec.code}]"
            )
        if not np.isfinite(latents).all():
            raise ZooError("latents came that are not finite numbers")
        made = self._decoded(np.atleast_2d(latents))
        return made[0] if latents.ndim == 1 else made

    def infer(self, latents: np.ndarray) -> np.ndarray:
        """As `decode`, for `[b, n]`: what an exported file computes, too."""
        return self.decode(latents)

    def interpolate(self, first, last, count: int = 8) -> np.ndarray:
        """Pictures on the way from one latent to another, both included.

        Args:
            first, last: `[n]` each, as `decode` takes them.
            count: how many, at least 2.

        Returns:
            uint8 `[count, h, w, c]`; the way is along a great circle (White 2016), for in a normal
            distribution of many numbers hardly anything lies near its middle.
        """
        if count < 2:
            raise ZooError(f"a count of {count!r} came: expected 2 or more, with both ends")
        ends = np.asarray(first, np.float64), np.asarray(last, np.float64)
        way = [_between(*ends, share) for share in np.linspace(0, 1, count)]
        return to_uint8(self.decode(np.stack(way)))

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
        parts = [latents[i : i + BATCH] for i in range(0, len(latents), BATCH)]
        return np.concatenate([self.through(self._maker, part) for part in parts])


class Autoencoder(Generator):
    """Makes pictures from latents, and finds the latents of pictures."""

    _maker = DECODER

    @property
    def encoder(self):
        """The net that finds latents: pictures to their mean and log variance."""
        return self.net.get_layer("encoder")

    @property
    def decoder(self):
        return self.net.get_layer("decoder")

    def __call__(self, picture):
        """As `reconstruct`."""
        return self.reconstruct(picture)

    def encode(self, picture) -> tuple[np.ndarray, np.ndarray]:
        """The normal distribution of the latents that a picture could be made from.

        Args:
            picture: as `zoo.images.pixels.read` takes it, of the net's size.

        Returns:
            Mean and log variance, float32 `[b, latent]` (`[latent]` for one picture).

        Raises:
            ZooError: the input is no such picture, or of another size.
        """
        pixels = read(picture)
        pair = self._encoded(pixels.values)
        return tuple(part[0] for part in pair) if pixels.single else pair

    def reconstruct(self, picture):
        """A picture of the kind that came, made again from the mean of its latents."""
        pixels = read(picture)
        made = self._decoded(self._encoded(pixels.values)[0])
        return pixels.back(np.broadcast_to(made, pixels.values.shape))

    def infer(self, values: np.ndarray) -> np.ndarray:
        """Pixels `[b, h, w, c]` in [0, 1] -> pixels made again from the mean of their latents."""
        return self._decoded(self._encoded(values)[0])

    def encoded(self, values: np.ndarray) -> np.ndarray:
        """`[b, h, w, c]`, pixels in [0, 1] -> mean and log variance side by side, `[b, 2 n]`."""
        height, width, channels = self.spec.shape
        if values.shape[1:3] != (height, width):
            raise ZooError(
                f"a picture of {values.shape[1]}x{values.shape[2]} came: {self.entry.name} takes "
                f"{height}x{width}; resize it first"
            )
        return self.through(ENCODER, fit_channels(values, channels))

    def _encoded(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return tuple(np.split(self.encoded(values), 2, axis=-1))


def _between(first: np.ndarray, last: np.ndarray, share: float) -> np.ndarray:
    """Spherical interpolation (Shoemake 1985); straight where both point the same way."""
    norms = np.linalg.norm(first) * np.linalg.norm(last)
    angle = np.arccos(np.clip(first @ last / norms, -1, 1)) if norms else 0.0
    if np.sin(angle) < 1e-6:
        return (1 - share) * first + share * last
    weights = np.sin((1 - share) * angle), np.sin(share * angle)
    return (weights[0] * first + weights[1] * last) / np.sin(angle)
