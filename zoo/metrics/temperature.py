"""Probabilities that mean what they say: one temperature, fitted on held-out pictures.

Guo, Pleiss, Sun, Weinberger: On Calibration of Modern Neural Networks, ICML 2017, section 4.2
"""

import numpy as np

from zoo.metrics import quality

_LEAST, _MOST, _STEPS = 0.1, 10.0, 60


def temperature(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """By what to divide the logits so that the right classes `[n]` become most likely.

    Args:
        probabilities: `[n, classes]`, a softmax of the logits.
        labels: the right classes.
    """

    def loss(log_temperature: float) -> float:
        return quality.cross_entropy(cooled(probabilities, np.exp(log_temperature)), labels)

    low, high = np.log(_LEAST), np.log(_MOST)
    for _ in range(_STEPS):  # the loss has one minimum (it is convex in 1 / temperature)
        left, right = low + (high - low) / 3, high - (high - low) / 3
        low, high = (low, right) if loss(left) < loss(right) else (left, high)
    return float(np.exp((low + high) / 2))


def cooled(probabilities: np.ndarray, divisor: float) -> np.ndarray:
    """The probabilities `[n, classes]` after the logits are divided."""
    logits = np.log(np.maximum(probabilities, 1e-30)) / divisor
    weights = np.exp(logits - logits.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True)
