"""Arrays in an `.npz` file, its colour pictures as one lossless WebP: half of the bytes."""

import io
from typing import Any

import numpy as np
from PIL import Image

_WEBP, _COUNT = ".webp", ".count"
_LONGEST, _FEWEST = 16_383, 100_000  # the format's side, and bytes for which it is worth it


def save(target: Any, **arrays: Any) -> None:
    """Writes an `.npz` file, as `numpy.savez_compressed`; `files.read_npz` gives the same arrays.

    Args:
        target: a path or an open file.
        **arrays: by their names.
    """
    kept = {name: np.asarray(array) for name, array in arrays.items()}
    for name in [name for name, array in kept.items() if _fits(array)]:
        pictures = kept.pop(name)
        kept[name + _COUNT] = np.array(len(pictures))
        kept[name + _WEBP] = np.frombuffer(_encoded(pictures), np.uint8)
    np.savez_compressed(target, **kept)  # type: ignore[arg-type]


def unpacked(arrays: dict[str, np.ndarray], most: int) -> dict[str, np.ndarray]:
    """The arrays as they were saved. Raises where one is damaged, or has more than `most` bytes."""
    packed = [name.removesuffix(_WEBP) for name in arrays if name.endswith(_WEBP)]
    for name in packed:
        data, count = arrays.pop(name + _WEBP), arrays.pop(name + _COUNT)
        arrays[name] = _decoded(data.tobytes(), int(count), most)
    return arrays


def _fits(array: np.ndarray) -> bool:
    if array.dtype != np.uint8 or array.ndim != 4 or array.nbytes < _FEWEST:
        return False
    count, height, width, channels = array.shape
    return max(count * height, width) <= _LONGEST and channels == 3


def _encoded(pictures: np.ndarray) -> bytes:
    image = Image.fromarray(pictures.reshape(-1, *pictures.shape[2:]))
    data = io.BytesIO()
    # both are effort; a quality of 100 takes eight times as long for 1 % less
    image.save(data, "WEBP", lossless=True, quality=80, method=6)
    return data.getvalue()


def _decoded(data: bytes, count: int, most: int) -> np.ndarray:
    with Image.open(io.BytesIO(data), formats=["WEBP"]) as image:
        if image.width * image.height * 3 > most:
            raise ValueError(f"a picture of {image.width}x{image.height}, more than {most} bytes")
        pixels = np.asarray(image.convert("RGB"))
    if count < 1 or len(pixels) % count:
        raise ValueError(f"expected {count} pictures of one size, got {len(pixels)} rows")
    return pixels.reshape(count, -1, *pixels.shape[1:])
