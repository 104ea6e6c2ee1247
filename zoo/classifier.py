"""Pictures to classes and their probabilities."""

from typing import NamedTuple

import numpy as np

from zoo.pipeline import Pipeline
from zoo.pixels import fit_channels, read


class Label(NamedTuple):
    """A class and how probable it is, in [0, 1]."""

    label: str
    probability: float


class Classifier(Pipeline):
    """Tells which of `spec.labels` a picture shows."""

    def __call__(self, picture):
        """Classifies.

        Args:
            picture: a path, a PIL image, or an array, as `zoo.pixels.read` takes it; or a list.

        Returns:
            The `Label`s of a picture, most probable first; a list of these for a batch.

        Raises:
            ZooError: the input is no such picture; the message says what was expected.
        """
        if isinstance(picture, (list, tuple)):
            return [self(one) for one in picture]
        pixels = read(picture)
        answers = [self._labels(p) for p in self.infer(pixels.values)]
        return answers[0] if pixels.single else answers

    def infer(self, values: np.ndarray) -> np.ndarray:
        """`[b, h, w, c]` of any size, pixels in [0, 1] -> probabilities `[b, classes]`."""
        return self.run(self.encoded(values))

    def encoded(self, values: np.ndarray) -> np.ndarray:
        """Pixels in the net's channels, size (bilinear with antialiasing) and range."""
        import tensorflow as tf

        values = fit_channels(values, self.spec.shape[-1])
        if values.shape[1:3] != self.spec.shape[:2]:
            values = tf.image.resize(values, self.spec.shape[:2], antialias=True).numpy()
        return self.spec.encode(values)

    def _labels(self, probabilities: np.ndarray) -> list[Label]:
        order = np.argsort(-probabilities, kind="stable")
        return [Label(self.spec.labels[i], float(probabilities[i])) for i in order]
