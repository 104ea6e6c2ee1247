"""Pictures to the numbers that they could be made from, and back."""

from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.errors import ZooError
from zoo.images.pixels import fit_channels, read
from zoo.tasks.functions import DECODER, ENCODER
from zoo.tasks.generator import Generator

if TYPE_CHECKING:
    import keras


class Autoencoder(Generator):
    """Makes pictures from latents, and finds the latents of pictures."""

    _maker = DECODER

    @property
    def encoder(self) -> "keras.Model":
        """The net that finds latents: pictures to their mean and log variance."""
        return self.net.get_layer("encoder")

    @property
    def decoder(self) -> "keras.Model":
        return self.net.get_layer("decoder")

    def __call__(self, picture: Any) -> Any:
        """As `reconstruct`."""
        return self.reconstruct(picture)

    def encode(self, picture: Any) -> Any:
        """The normal distribution of the latents that a picture could be made from.

        Args:
            picture: as `zoo.images.pixels.read` takes it, of the net's size; or a list.

        Returns:
            Mean and log variance, float32 `[b, latent]` (`[latent]` for one picture); a list of
            these for a list.

        Raises:
            ZooError: the input is no such picture, or of another size.
        """
        if isinstance(picture, (list, tuple)):
            return [self.encode(one) for one in picture]
        pixels = read(picture)
        mean, logvar = self._encoded(pixels.over(self.spec.background))
        return (mean[0], logvar[0]) if pixels.single else (mean, logvar)

    def reconstruct(self, picture: Any) -> Any:
        """A picture of the kind that came, made again from the mean of its latents; or a list."""
        if isinstance(picture, (list, tuple)):
            return [self.reconstruct(one) for one in picture]
        pixels = read(picture)
        made = self._decoded(self._encoded(pixels.over(self.spec.background))[0])
        return pixels.back(fit_channels(made, pixels.values.shape[-1]))

    def infer(self, values: np.ndarray) -> np.ndarray:
        """Pixels `[b, h, w, c]` in [0, 1] -> pixels made again from the mean of their latents."""
        return self._decoded(self._encoded(values)[0])

    def _encoded(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        found = self.parameters(values)
        if found.shape[-1] == self.spec.latent:  # of an encoder that is sure
            return found, np.full_like(found, -np.inf)
        mean, logvar = np.split(found, 2, axis=-1)
        return mean, logvar

    def parameters(self, values: np.ndarray) -> np.ndarray:
        """`[b, h, w, c]`, pixels in [0, 1] -> mean and log variance side by side, `[b, 2 n]`."""
        height, width, channels = self.spec.shape
        if values.shape[1:3] != (height, width):
            raise ZooError(
                f"{self.entry.name}: expected a picture of {height}x{width}, got "
                f"{values.shape[1]}x{values.shape[2]}; PIL.ImageOps.fit(image, ({width}, {height}))"
                " makes one of its middle"
            )
        return self.compute(ENCODER, fit_channels(values, channels))
