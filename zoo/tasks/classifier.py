"""Pictures to classes and their probabilities."""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from zoo.errors import ZooError
from zoo.images.pixels import fit_channels, read
from zoo.images.resize import to_size
from zoo.images.views import ONE_PIXEL, moved
from zoo.tasks.pipeline import Pipeline

if TYPE_CHECKING:
    pass


class Label(NamedTuple):
    """A class and how probable it is, in [0, 1]."""

    label: str
    probability: float


class Classifier(Pipeline):
    """Tells which of `spec.labels` a picture shows."""

    def __call__(self, picture: Any, ensemble: bool = False) -> Any:
        """Classifies.

        Args:
            picture: a path, a PIL image, or an array, as `zoo.images.pixels.read` takes it; or a
                list. Where it is transparent, the background of the net (`spec.background`) shows.
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
        answers = [self._labels(p) for p in self.infer(pixels.over(self.spec.background), ensemble)]
        return answers[0] if pixels.single else answers

    def infer(self, values: np.ndarray, ensemble: bool = False) -> np.ndarray:
        """`[b, h, w, c]` of any size, pixels in [0, 1] -> probabilities `[b, classes]`."""
        values = self.fitted(values)
        if not ensemble:
            return self.compute("", values)
        views = self._views(values)
        probabilities = self.compute("", np.concatenate(views))
        return probabilities.reshape(len(views), len(values), -1).mean(0)

    def fitted(self, values: np.ndarray) -> np.ndarray:
        """Pixels in the net's channels and size (bilinear with antialiasing)."""
        values = fit_channels(values, self.spec.shape[-1])
        return to_size(values, *self.spec.size)

    def _views(self, values: np.ndarray) -> list[np.ndarray]:
        """Pictures of the net's size as they are, and as the recipe's augmentation changes them."""
        augment, views = self.entry.recipe.augment, [values]
        if "mirror" in augment:
            views.append(values[:, :, ::-1])
        if "shift" in augment:
            views += [moved(view, *by) for view in views for by in ONE_PIXEL]
        if len(views) == 1:
            raise ZooError(
                f"{self.entry.name} was trained on pictures neither mirrored nor moved: it has no "
                "self-ensemble"
            )
        return views

    def _labels(self, probabilities: np.ndarray) -> list[Label]:
        order = np.argsort(-probabilities, kind="stable")
        return [Label(self.spec.labels[i], float(probabilities[i])) for i in order]
