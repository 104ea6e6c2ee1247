"""Figures of merit, on arrays."""

from collections.abc import Callable

import numpy as np

from zoo.errors import ZooError
from zoo.images.pixels import to_uint8


def psnr(result: np.ndarray, original: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB of two uint8 pictures `[h, w, c]`."""
    import tensorflow as tf

    return float(tf.image.psnr(result, original, max_val=255))


def reconstructions(infer: Callable[[np.ndarray], np.ndarray], values: np.ndarray) -> np.ndarray:
    """PSNR in dB `[n]` of pictures `[n, h, w, c]` in [0, 1] that are made again."""
    pairs = zip(to_uint8(infer(values)), to_uint8(values), strict=True)
    return np.array([psnr(*pair) for pair in pairs])


def ssim(result: np.ndarray, original: np.ndarray) -> float:
    """Structural similarity of two uint8 pictures `[h, w, c]`, sides at least 11.

    Wang et al. 2004: 11x11 Gaussian window of 1.5, K1 .01, K2 .03, mean over the valid part
    and the channels.
    """
    import tensorflow as tf

    if min(original.shape[:2]) < 11:
        raise ZooError(f"SSIM needs sides of at least 11 pixels; a picture is {original.shape}")
    return float(tf.image.ssim(result, original, max_val=255))


def accuracy(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Share of pictures whose most probable class is the right one, in percent."""
    return float(np.mean(probabilities.argmax(-1) == labels) * 100)


def cross_entropy(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Mean negative log probability of the right class, in nats."""
    right = probabilities[np.arange(len(labels)), labels]
    return abs(float(np.mean(np.log(np.maximum(right, 1e-12)))))  # none is above zero


def calibration_error(probabilities: np.ndarray, labels: np.ndarray, bins: int = 15) -> float:
    """Expected calibration error in percent (Guo et al. 2017, equation 3).

    Args:
        probabilities: `[n, classes]`.
        labels: the right classes `[n]`.
        bins: intervals of the highest probability, equally wide.
    """
    confidence, right = probabilities.max(-1), probabilities.argmax(-1) == labels
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [np.sum(confidence[place == b]) - np.sum(right[place == b]) for b in range(bins)]
    return float(np.sum(np.abs(gaps)) / len(labels) * 100)
