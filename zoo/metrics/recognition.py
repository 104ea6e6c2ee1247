"""How well a classifier recognises the pictures of a set."""

import math
from collections.abc import Callable

import numpy as np

from zoo.data.sources import Pictures
from zoo.metrics import quality

Infer = Callable[[np.ndarray], np.ndarray]
"""Pixels in [0, 1], `[b, h, w, c]`, to probabilities `[b, classes]`."""


_MOST = 5_000_000
"""Numbers in a batch: what a net makes of large pictures on its way takes much memory."""


def measured(
    infer: Infer, pictures: Pictures, labels: tuple[str, ...], batch: int = 500
) -> dict[str, float]:
    """Accuracy and calibration error in percent and negative log-likelihood in nats of a set."""
    right = pictures.labels_among(labels)
    found = probabilities(infer, pictures, batch)
    return {
        "accuracy": quality.accuracy(found, right),
        "nll": quality.cross_entropy(found, right),
        "ece": quality.calibration_error(found, right),
    }


def probabilities(infer: Infer, pictures: Pictures, batch: int = 500) -> np.ndarray:
    """What a classifier says of each picture of a set, `[n, classes]`."""
    sizes = set(pictures.shapes)
    batch = 1 if len(sizes) > 1 else min(batch, max(1, _MOST // math.prod(*sizes or [(1,)])))
    batches = (pictures.images[i : i + batch] for i in range(0, len(pictures), batch))
    return np.concatenate([infer(np.stack(b).astype(np.float32) / 255) for b in batches])
