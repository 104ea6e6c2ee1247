"""Pictures of any kind -> float pixels, and results back to the input's kind."""

import os

import numpy as np
from PIL import Image

from zoo.errors import ZooError
from zoo.images import depth, extras, opening
from zoo.images.arrays import Pixels, by_parts, from_array
from zoo.images.opening import ENDINGS as ENDINGS
from zoo.images.opening import refuse_unreadable as refuse_unreadable

LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601, as in Pillow's "L"
_YCBCR = np.array(  # ITU-R BT.601, Y in 16..235 of 255, as MATLAB's rgb2ycbcr
    [[65.481, 128.553, 24.966], [-37.797, -74.203, 112.0], [112.0, -93.786, -18.214]]
)
_OF_IMAGES = (1, 2, 3, 4)  # channels; two are grey with alpha
_YCBCR_BLACK = np.array([16, 128, 128])


def read(picture) -> Pixels:
    """Reads a picture, or a batch of them as an array.

    A path, the bytes of a file, an object with `read`, and what `PIL.Image.open` makes of it are
    the same picture: turned as its EXIF data says, the first of several pages or frames. Palette
    and CMYK pictures become colour; alpha is set aside and given back. Given back is a PIL image
    with the profile, resolution, EXIF data and text of the input; of 16 bits in colour,
    for which Pillow has no mode, a `zoo.images.depth.DeepImage`.

    Arrays are uint8 or uint16 over their whole range or float in [0, 1]; `[h, w]`, `[h, w, c]`,
    `[b, h, w]` (grey, wider than 16) or `[b, h, w, c]`, c being 1 (grey), 3 (colour)
    or 4 (colour with alpha). Floats may lie outside of [0, 1], as noise does, by 1 at
    most and by 0.05 in the mean over all pixels, and are clipped.

    Raises:
        ZooError: anything else; the message says what was expected and what the input is.

    Warns:
        ZooWarning: something of a file is not read: other pages, bits beyond 8, damaged EXIF data.
    """
    if isinstance(picture, Image.Image):
        return _from_image(picture)
    if _is_file(picture):
        with opening.opened(picture) as image:
            return _from_image(image)
    return from_array(picture)


def open_image(source) -> Image.Image:
    """Opens and decodes a picture file, turned as its EXIF data says.

    Args:
        source: a path, the bytes of a file, or an object with `read` (binary).

    Raises:
        ZooError: it is no picture that can be read whole, or costs far more than its size tells.

    Warns:
        ZooWarning: it has other pages or frames, or more than 8 bits in colour.
    """
    with opening.opened(source) as image:
        opening.check(image)
        depth.warn_if_deep(image)
        return opening.decoded(image)


def _is_file(picture) -> bool:
    if isinstance(picture, memoryview):
        return picture.ndim == 1 and picture.itemsize == 1
    return isinstance(picture, (str, os.PathLike, bytes, bytearray)) or hasattr(picture, "read")


def fit_channels(values: np.ndarray, channels: int | str) -> np.ndarray:
    """`[..., c]` -> `[..., channels]`: grey by BT.601 luma, colour by repeating.

    With "Y", colour becomes the luma of `to_ycbcr`, and grey stays what it is.
    """
    if channels == "Y":
        return values if values.shape[-1] == 1 else to_ycbcr(values)[..., :1]
    if values.shape[-1] == channels:
        return values
    return values @ LUMA[:, None] if channels == 1 else np.repeat(values, int(channels), -1)


def to_ycbcr(values: np.ndarray) -> np.ndarray:
    """Colour `[..., 3]` in [0, 1] -> Y, Cb, Cr as 8-bit video has them, over 255."""

    def turned(pixels: np.ndarray) -> np.ndarray:
        return ((pixels @ _YCBCR.T + _YCBCR_BLACK) / 255).astype(np.float32)

    return by_parts(turned, values)


def from_ycbcr(values: np.ndarray) -> np.ndarray:
    """The inverse of `to_ycbcr`, clipped to [0, 1]."""

    def turned(pixels: np.ndarray) -> np.ndarray:
        colour = (pixels * 255 - _YCBCR_BLACK) @ np.linalg.inv(_YCBCR).T
        return np.clip(colour, 0, 1).astype(np.float32)

    return by_parts(turned, values)


def to_uint8(values: np.ndarray) -> np.ndarray:
    """[0, 1] -> the nearest of 0..255, clipped."""
    return np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)


def _from_image(image: Image.Image) -> Pixels:
    opening.check(image)
    deep = depth.read(image)
    turned = opening.decoded(image)
    info = extras.carried(turned, image)
    array = _plain(turned, image, info) if deep is None else deep
    inner = from_array(array, _OF_IMAGES)

    def back(values: np.ndarray) -> Image.Image | depth.DeepImage:
        result = inner.back(values)
        if result.dtype == np.uint16 and result.ndim == 3:
            return depth.DeepImage(result, info)
        result = Image.fromarray(result)
        result.info = dict(info)
        return result

    return Pixels(inner.values, True, back, inner.alpha)


def _plain(image: Image.Image, source: Image.Image, info: dict) -> np.ndarray:
    """A picture of any of Pillow's modes as an array that `from_array` takes."""
    mode = image.mode
    if mode.startswith("I;16"):
        return _with_alpha(_all_bits(np.asarray(image), source), image.info.get("transparency"))
    if mode == "F":
        return np.asarray(image)
    if mode == "I":
        return _unsigned16(image)
    if mode in ("CMYK", "LAB") and info.pop(extras.PROFILE, None):  # which is of no use to RGB
        return np.asarray(extras.in_srgb(image, "RGB"))
    grey, alpha = mode in ("1", "L", "LA", "La"), image.has_transparency_data or mode == "La"
    return np.asarray(_converted(image, ("L" if grey else "RGB") + ("A" if alpha else "")))


def _converted(image: Image.Image, mode: str) -> Image.Image:
    try:
        if image.mode == "La":  # which Pillow turns into LA alone
            return image.convert("LA")
        if mode == "LA":  # a grey that is transparent; Pillow knows how by way of colour
            colour = image.convert("RGBA")
            return Image.merge("LA", [image.convert("L"), colour.getchannel("A")])
        return image.convert(mode)
    except ValueError:
        raise ZooError(
            f"expected a picture of Pillow's mode L, RGB or RGBA, got {image.mode}: convert it"
        ) from None


def _all_bits(values: np.ndarray, source: Image.Image) -> np.ndarray:
    """Of a TIFF of 10 or 12 bits, which Pillow leaves at the lower end of 16, over all of them."""
    bits = getattr(source, "tag_v2", {}).get(258, (16,))
    bits = bits[0] if isinstance(bits, tuple) else bits
    if not 8 < bits < 16:
        return values
    return np.rint(values * (65535 / (2**bits - 1))).astype(np.uint16)


def _with_alpha(values: np.ndarray, transparent: int | None) -> np.ndarray:
    """Greys of 16 bits, with alpha where one of them stands for what is transparent."""
    if transparent is None:
        return values
    return np.stack([values, np.where(values == transparent, 0, 65535).astype(np.uint16)], -1)


def _unsigned16(image: Image.Image) -> np.ndarray:
    values = np.asarray(image)
    if values.size and (values.min() < 0 or values.max() > 65535):
        raise ZooError(
            f"a 32-bit picture: expected values in 0..65535, got {values.min()}..{values.max()}"
        )
    return values.astype(np.uint16)
