"""Arrays of pictures -> float pixels, and results back to arrays of the input's kind."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from zoo.errors import ZooError

_MOST_CHANNELS = 16  # a three-dimensional array whose last axis is longer is a batch of grey
_MOST_BEYOND, _MEAN_BEYOND = 1.0, 0.05  # of floats outside of [0, 1]: at most, and in the mean


@dataclass
class Pixels:
    """Pictures as the zoo computes with them.

    Attributes:
        values: `[b, h, w, c]` float32 in [0, 1], c is 1 or 3.
        single: whether the input was one picture, rather than a batch.
        back: values of the same shape, or enlarged -> an object of the input's kind.
        alpha: `[b, h, w, 1]` float32 in [0, 1], 0 where a picture is transparent; or None.
    """

    values: np.ndarray
    single: bool
    back: Callable[[np.ndarray], Any] = field(repr=False)
    alpha: np.ndarray | None = None

    def over(self, background: float) -> np.ndarray:
        """The values, with a background of this grey in [0, 1] where a picture is transparent."""
        if self.alpha is None:
            return self.values
        return self.values * self.alpha + np.float32(background) * (1 - self.alpha)


def from_array(picture, channels: tuple[int, ...] = (1, 3, 4)) -> Pixels:
    """An array as `zoo.images.pixels.read` takes it, or what becomes one.

    Args:
        picture: with alpha last, where there are two or four channels.
        channels: how many it can have.

    Raises:
        ZooError: it is no picture; the message says what was expected.
    """
    try:
        given = np.asarray(picture)
    except ValueError:  # rows of different lengths
        raise ZooError("expected a picture, got a list of lists of different lengths") from None
    scale, array = _scaled(given)
    whole, single = _as_batch(array, channels)
    colours = 1 if whole.shape[-1] < 3 else 3
    alpha = whole[..., colours:].copy()  # of a view all of the picture would be kept
    kind, channelled = array.dtype, array.ndim - (not single) == 3

    def back(result: np.ndarray) -> np.ndarray:
        if scale == 1:
            full = np.array(result, kind, order="C")
        else:
            full = by_parts(lambda part: _numbers(part, scale).astype(kind), result)
        if alpha.shape[-1]:
            full = np.concatenate([full, _enlarged(alpha, result.shape)], -1)
        full = full.astype(kind, copy=False)  # whose order of bytes may be another
        full = full if channelled else full[..., 0]
        return full[0] if single else full

    opaque = _floats(alpha, scale) if alpha.shape[-1] else None
    return Pixels(_floats(whole[..., :colours], scale), single, back, opaque)


def by_parts(function: Callable[[np.ndarray], np.ndarray], values: np.ndarray) -> np.ndarray:
    """A function of single pixels, `[n, c]` to `[n, d]`, over `[..., c]`: what it holds meanwhile
    is small beside a large picture."""
    flat = values.reshape(-1, values.shape[-1])
    parts = [function(flat[i : i + _AT_ONCE]) for i in range(0, len(flat), _AT_ONCE)]
    return np.concatenate(parts).reshape(*values.shape[:-1], -1)


_AT_ONCE = 2**18  # pixels


def _numbers(values: np.ndarray, white: int) -> np.ndarray:
    return np.rint(np.clip(values, 0, 1) * white)


def _floats(values: np.ndarray, scale: int) -> np.ndarray:
    return np.divide(values, np.float32(scale), dtype=np.float32, casting="unsafe")


def _enlarged(alpha: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Alpha `[b, h, w, 1]` or `[b, h, w, 0]` in the size of a result, each pixel repeated."""
    factors = [large // small for large, small in zip(shape[1:3], alpha.shape[1:3], strict=True)]
    return alpha.repeat(factors[0], 1).repeat(factors[1], 2)


def _scaled(array: np.ndarray) -> tuple[int, np.ndarray]:
    """What white is in this array, and the array; raises where its values are none of a picture."""
    if array.dtype.kind == "u" and array.dtype.itemsize <= 2:
        return int(np.iinfo(array.dtype).max), array
    if array.dtype.kind != "f":
        raise ZooError(
            "expected an array of uint8 (0..255), uint16 (0..65535) or float in [0, 1], got "
            f"{array.dtype}"
        )
    return 1, _clipped(array) if array.size else array


def _clipped(array: np.ndarray) -> np.ndarray:
    """Floats in [0, 1]. Raises ZooError where they lie further outside than noise does."""
    low, high = array.min(), array.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ZooError("expected floats in [0, 1], got NaN or infinite values")
    if low >= 0 and high <= 1:
        return array
    inside = np.clip(array, 0, 1)
    beyond = max(-low, high - 1)
    if beyond > _MOST_BEYOND or np.abs(array - inside).mean(dtype=np.float64) > _MEAN_BEYOND:
        raise ZooError(
            f"expected floats in [0, 1], got {low:.4g} to {high:.4g}; divide 8-bit values by 255 "
            "or pass them as uint8"
        )
    return inside


def _as_batch(array: np.ndarray, channels: tuple[int, ...]) -> tuple[np.ndarray, bool]:
    shape = array.shape
    if array.size == 0:
        raise ZooError(f"an empty picture: expected sides of at least 1, got the shape {shape}")
    if array.ndim == 2:
        batch, single = array[None, ..., None], True
    elif array.ndim == 3 and shape[-1] > _MOST_CHANNELS:
        batch, single = array[..., None], False
    elif array.ndim == 3:
        batch, single = array[None], True
    elif array.ndim == 4:
        batch, single = array, False
    else:
        raise ZooError(f"expected an array {_SHAPES}, got the shape {shape}")
    if batch.shape[-1] not in channels:
        raise ZooError(
            f"expected an array {_SHAPES} with c = 1 (grey), 3 (colour) or 4 (colour and "
            f"alpha), got the shape {shape} with {batch.shape[-1]} channels"
        )
    return batch, single


_SHAPES = "[h, w], [h, w, c], [b, h, w] or [b, h, w, c]"
