"""Pictures seen otherwise: turned and mirrored, and their channels as a batch."""

import functools
import itertools
from collections.abc import Callable

import numpy as np


def mean_of_eight(restore: Callable, *given: np.ndarray) -> np.ndarray:
    """The mean of what a picture's rotations and mirrorings give, turned back; what is given beside
    it, `[b, h, w, d]`, turns with it."""

    def seen(turns: int, mirror: int) -> np.ndarray:
        turned = [np.rot90(one[:, :, ::mirror], turns, axes=(1, 2)) for one in given]
        return np.rot90(restore(*turned), -turns, axes=(1, 2))[:, :, ::mirror]

    views = itertools.product(range(4), (1, -1))
    return functools.reduce(np.add, itertools.starmap(seen, views)) / 8


def channels_as_batch(values: np.ndarray) -> np.ndarray:
    """`[b, h, w, c]` -> `[b * c, h, w, 1]`."""
    batch, height, width, channels = values.shape
    return np.moveaxis(values, -1, 1).reshape(batch * channels, height, width, 1)


def batch_as_channels(values: np.ndarray, channels: int) -> np.ndarray:
    """`[b * c, h, w, 1]` -> `[b, h, w, c]`."""
    height, width = values.shape[1:3]
    return np.moveaxis(values.reshape(-1, channels, height, width), 1, -1)


ONE_PIXEL = ((-1, 0), (1, 0), (0, -1), (0, 1))
"""Down and across: by one pixel each way."""


def moved(values: np.ndarray, down: int, across: int) -> np.ndarray:
    """`[b, h, w, c]` moved by one pixel or none; black comes in, as in the augmentation."""
    height, width = values.shape[1:3]
    padded = np.pad(values, ((0, 0), (1, 1), (1, 1), (0, 0)))
    return padded[:, 1 - down : 1 - down + height, 1 - across : 1 - across + width]
