"""Pictures to classes and their probabilities."""

from typing import NamedTuple

import numpy as np
from PIL import Image

from zoo.errors import ZooError
from zoo.images.pixels import fit_channels, read
from zoo.tasks.pipeline import Pipeline


class Label(NamedTuple):
    """A class and how probable it is, in [0, 1]."""

    label: str
    probability: float


class Classifier(Pipeline):
    """Tells which of `spec.labels` a picture shows."""

    def __call__(self, picture, ensemble: bool = False):
        """Classifies.

        Args:
            picture: a path, a PIL image, or an array, as `zoo.images.pixels.read` takes it; or a
                list.
            ensemble: take the mean over the picture as it came, mirrored, and moved by a pixel
                each way, as far as the net was trained on pictures so changed; slower.

        Returns:
            The `Label`s of a picture, most probable first; a list of these for a batch.

        Raises:
            ZooError: the input is no such picture, or the net was trained on no such changes; the
                message says what was expected.
        """
        if isinstance(picture, (list, tuple)):
            return [self(one, ensemble) for one in picture]
        pixels = read(picture)
        answers = [self._labels(p) for p in self.infer(pixels.values, ensemble)]
        return answers[0] if pixels.single else answers

    def infer(self, values: np.ndarray, ensemble: bool = False) -> np.ndarray:
        """`[b, h, w, c]` of any size, pixels in [0, 1] -> probabilities `[b, classes]`."""
        values = self.fitted(values)
        if not ensemble:
            return self.through("", values)
        views = self._views(values)
        probabilities = self.through("", np.concatenate(views))
        return probabilities.reshape(len(views), len(values), -1).mean(0)

    def encoded(self, values: np.ndarray) -> np.ndarray:
        """Pixels in the net's channels, size and range: what the net alone takes."""
        return self.spec.encode(self.fitted(values))

    def fitted(self, values: np.ndarray) -> np.ndarray:
        """Pixels in the net's channels and size (bilinear with antialiasing)."""
        values = fit_channels(values, self.spec.shape[-1])
        if values.shape[1:3] == self.spec.shape[:2]:
            return values
        return _resized(values, *self.spec.shape[:2])

    def _views(self, values: np.ndarray) -> list[np.ndarray]:
        """Pictures of the net's size as they are, and as the recipe's augmentation changes them."""
        augment, views = self.entry.recipe.augment, [values]
        if "mirror" in augment:
            views.append(values[:, :, ::-1])
        if "shift" in augment:
            views += [_moved(view, *by) for view in views for by in _ONE_PIXEL]
        if len(views) == 1:
            raise ZooError(
                f"{self.entry.name} was trained on pictures neither mirrored nor moved: it has no "
                "self-ensemble"
            )
        return views

    def _labels(self, probabilities: np.ndarray) -> list[Label]:
        order = np.argsort(-probabilities, kind="stable")
        return [Label(self.spec.labels[i], float(probabilities[i])) for i in order]


_ONE_PIXEL = ((-1, 0), (1, 0), (0, -1), (0, 1))


def _moved(values: np.ndarray, down: int, across: int) -> np.ndarray:
    """`[b, h, w, c]` moved by one pixel or none; black comes in, as in the augmentation."""
    height, width = values.shape[1:3]
    padded = np.pad(values, ((0, 0), (1, 1), (1, 1), (0, 0)))
    return padded[:, 1 - down : 1 - down + height, 1 - across : 1 - across + width]


def _resized(values: np.ndarray, height: int, width: int) -> np.ndarray:
    """float32 `[b, h, w, c]` -> `[b, height, width, c]`, bilinear, antialiased where it shrinks."""
    planes = np.moveaxis(values.astype(np.float32), -1, 1).reshape(-1, *values.shape[1:3])
    size, triangle = (width, height), Image.Resampling.BILINEAR
    made = np.stack([Image.fromarray(plane).resize(size, triangle) for plane in planes])
    return np.moveaxis(made.reshape(len(values), -1, height, width), 1, -1)
