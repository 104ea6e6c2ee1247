"""Pictures of any kind -> float pixels, and results back to the kind that came."""

import contextlib
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from zoo.errors import ZooError

ENDINGS = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601, as in Pillow's "L"
_YCBCR = np.array(  # ITU-R BT.601, Y in 16..235 of 255, as MATLAB's rgb2ycbcr
    [[65.481, 128.553, 24.966], [-37.797, -74.203, 112.0], [112.0, -93.786, -18.214]]
)
_YCBCR_BLACK = np.array([16, 128, 128])
_MOST_CHANNELS = 16  # a three-dimensional array whose last axis is longer is a batch of grey


@dataclass
class Pixels:
    """Pictures as the zoo computes with them.

    Attributes:
        values: `[b, h, w, c]` float32 in [0, 1], c is 1 or 3.
        single: whether one picture came, rather than a batch.
        back: values of the same shape, or enlarged -> the kind of object that came.
    """

    values: np.ndarray
    single: bool
    back: Callable[[np.ndarray], Any] = field(repr=False)


def read(picture) -> Pixels:
    """Reads a path, a PIL image or an array.

    Arrays are uint8 or uint16 over their whole range or float in [0, 1]; `[h, w]`,
    `[h, w, c]`, `[b, h, w]` (grey, wider than 16) or `[b, h, w, c]`, c being 1 (grey),
    3 (colour) or 4 (colour with alpha, which is set aside and given back unchanged).
    Of PIL images, palette and CMYK pictures become colour, transparent ones RGBA, and 16-bit
    ones keep their depth; of files, EXIF rotation is applied.

    Raises:
        ZooError: anything else; the message says what came and what was expected.
    """
    if isinstance(picture, (str, os.PathLike)):
        picture = open_image(picture)
    if isinstance(picture, Image.Image):
        return _from_image(picture)
    return _from_array(picture)


def open_image(path) -> Image.Image:
    """Opens and decodes a picture file, rotated as its EXIF data says; of several frames, one."""
    with _explained(Path(path)), Image.open(path) as image:
        image.getexif()  # read, then dropped: writing it anew fails on odd fields
        image.info.pop("exif", None)
        return ImageOps.exif_transpose(image)


def refuse_unreadable(path) -> None:
    """Raises as `open_image` where a file's first bytes show that it cannot be read."""
    with _explained(Path(path)), Image.open(path):
        pass


@contextlib.contextmanager
def _explained(path: Path):
    if os.path.isdir(path):
        raise ZooError(f"{path} is a folder: a picture file was expected")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            yield
    except FileNotFoundError:
        raise ZooError(f"{path}: no such file") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ZooError(
            f"{path}: more pixels than PIL.Image.MAX_IMAGE_PIXELS = {Image.MAX_IMAGE_PIXELS} "
            f"({error}); raise that limit if you trust the file"
        ) from None
    except UnidentifiedImageError:
        size = path.stat().st_size
        raise ZooError(
            f"{path}: not a picture that Pillow can read ({size} bytes); "
            "convert it to PNG or JPEG, or fetch it again"
        ) from None
    except (OSError, SyntaxError, ValueError) as error:
        raise ZooError(f"{path}: the picture cannot be read: {error}") from error


def folder_files(folder) -> list[Path]:
    """The picture files directly in a folder, sorted by name. Raises ZooError if none.

    Hidden files are left out: macOS puts a `._photo.jpg`, no picture, beside each `photo.jpg`.
    """
    folder = Path(folder)
    try:
        shown = (p for p in folder.iterdir() if not p.name.startswith("."))
        files = sorted(p for p in shown if p.suffix.lower() in ENDINGS)
    except OSError as error:
        raise ZooError(f"{folder}: the folder cannot be read: {error.strerror}") from error
    if not files:
        raise ZooError(f"{folder}: no pictures in it; expected files in {' '.join(ENDINGS)}")
    return files


def fit_channels(values: np.ndarray, channels: int | str) -> np.ndarray:
    """`[..., c]` -> `[..., channels]`: grey by BT.601 luma, colour by repeating.

    With "Y", colour becomes the luma of `to_ycbcr`, and grey stays what it is.
    """
    if channels == "Y":
        return values if values.shape[-1] == 1 else to_ycbcr(values)[..., :1]
    if values.shape[-1] == channels:
        return values
    return values @ LUMA[:, None] if channels == 1 else np.repeat(values, channels, -1)


def to_ycbcr(values: np.ndarray) -> np.ndarray:
    """Colour `[..., 3]` in [0, 1] -> Y, Cb, Cr as 8-bit video has them, over 255."""
    return ((values @ _YCBCR.T + _YCBCR_BLACK) / 255).astype(np.float32)


def from_ycbcr(values: np.ndarray) -> np.ndarray:
    """The inverse of `to_ycbcr`, clipped to [0, 1]."""
    colour = (values * 255 - _YCBCR_BLACK) @ np.linalg.inv(_YCBCR).T
    return np.clip(colour, 0, 1).astype(np.float32)


def to_uint8(values: np.ndarray) -> np.ndarray:
    """[0, 1] -> the nearest of 0..255, clipped."""
    return np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)


def _from_image(image: Image.Image) -> Pixels:
    mode = image.mode
    if mode.startswith("I;16") or mode == "F":
        plain = image
    elif mode == "I":
        plain = Image.fromarray(_unsigned16(image))
    elif image.has_transparency_data:
        plain = _converted(image, "RGBA")
    elif mode in ("1", "L"):
        plain = _converted(image, "L")
    else:
        plain = _converted(image, "RGB")
    inner = _from_array(np.asarray(plain))
    return Pixels(inner.values, True, lambda values: Image.fromarray(inner.back(values)))


def _converted(image: Image.Image, mode: str) -> Image.Image:
    try:
        return image.convert(mode)
    except ValueError:
        raise ZooError(
            f"a picture of Pillow's mode {image.mode} came: convert it to L, RGB or RGBA"
        ) from None


def _unsigned16(image: Image.Image) -> np.ndarray:
    values = np.asarray(image)
    if values.size and (values.min() < 0 or values.max() > 65535):
        raise ZooError(
            f"a 32-bit picture with values {values.min()}..{values.max()}: expected 0..65535"
        )
    return values.astype(np.uint16)


def _from_array(picture) -> Pixels:
    array = np.asarray(picture)
    scale = _scale(array)
    values, single = _as_batch(array)
    values = values.astype(np.float32) / scale
    channels = min(values.shape[-1], 3)
    alpha = array.reshape(values.shape)[..., channels:]

    def back(result: np.ndarray) -> np.ndarray:
        if scale != 1:
            result = np.rint(np.clip(result, 0, 1) * scale)
        whole = np.concatenate([result.astype(array.dtype), _enlarged(alpha, result.shape)], -1)
        whole = whole.astype(array.dtype, copy=False)
        whole = whole if array.ndim - (not single) == 3 else whole[..., 0]
        return whole[0] if single else whole

    return Pixels(values[..., :channels], single, back)


def _enlarged(alpha: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Alpha `[b, h, w, 1]` or `[b, h, w, 0]` in the size of a result, each pixel repeated."""
    factors = [large // small for large, small in zip(shape[1:3], alpha.shape[1:3], strict=True)]
    return alpha.repeat(factors[0], 1).repeat(factors[1], 2)


def _scale(array: np.ndarray) -> int:
    """What white is in this array; raises where its values are none of a picture."""
    if array.dtype.kind == "u" and array.dtype.itemsize <= 2:
        return int(np.iinfo(array.dtype).max)
    if array.dtype.kind != "f":
        raise ZooError(
            f"an array of {array.dtype} came: expected uint8 (0..255), uint16 (0..65535) "
            "or float in [0, 1]"
        )
    if array.size and not np.isfinite(array).all():
        raise ZooError("the picture holds NaN or infinite values: expected floats in [0, 1]")
    if array.size and (array.min() < 0 or array.max() > 1):
        raise ZooError(
            f"floats from {array.min():.4g} to {array.max():.4g} came: expected [0, 1]; "
            "divide 8-bit values by 255 or pass them as uint8"
        )
    return 1


def _as_batch(array: np.ndarray) -> tuple[np.ndarray, bool]:
    shape = array.shape
    if array.size == 0:
        raise ZooError(f"an empty picture of shape {shape} came: every side must be at least 1")
    if array.ndim == 2:
        batch, single = array[None, ..., None], True
    elif array.ndim == 3 and shape[-1] > _MOST_CHANNELS:
        batch, single = array[..., None], False
    elif array.ndim == 3:
        batch, single = array[None], True
    elif array.ndim == 4:
        batch, single = array, False
    else:
        raise ZooError(f"an array of shape {shape} came: expected {_SHAPES}")
    if batch.shape[-1] not in (1, 3, 4):
        raise ZooError(
            f"an array of shape {shape} with {batch.shape[-1]} channels came: expected {_SHAPES} "
            "with c = 1 (grey), 3 (colour) or 4 (colour and alpha)"
        )
    return batch, single


_SHAPES = "[h, w], [h, w, c], [b, h, w] or [b, h, w, c]"
