"""Pictures of more than 8 bits a channel that Pillow, which has no mode for them, would cut."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

from zoo.errors import installed, warn
from zoo.images.opening import ORIENTATION, explained, file_of, name_of

_DEEP_RAW = re.compile(r"(L|LA|LAB|RGB|RGBA|RGBX|RGBa|CMYK);16[LBN]")
_EIGHT_BITS = ("L", "LA", "P", "RGB", "RGBA", "RGBX", "CMYK", "LAB", "YCbCr")
_TURNS: dict[int, Callable[[np.ndarray], np.ndarray]] = {  # EXIF's orientations
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: np.rot90,
}


class DeepImage(np.ndarray):
    """A picture of 16 bits in colour, uint16 `[h, w, c]`, c being 2, 3 or 4 (the last is alpha).

    Attributes:
        info: as of a PIL image: profile, resolution and text.
    """

    def __new__(cls, values: np.ndarray, info: dict):
        image = np.asarray(values, np.uint16).view(cls)
        image.info = dict(info)
        return image

    def __array_finalize__(self, source):
        self.info = getattr(source, "info", {})

    def save(self, target) -> None:
        """Writes a PNG or TIFF file; see `zoo.images.saving.save`."""
        from zoo.images.saving import save

        save(self, target)


def read(image: Image.Image) -> np.ndarray | None:
    """All bits of a picture that Pillow would cut to 8, turned as its EXIF data says.

    Args:
        image: opened, and not loaded.

    Returns:
        uint16 `[h, w, c]`, or None where Pillow reads all there is, or nothing installed reads
        more.

    Warns:
        ZooWarning: 8 bits are read of more.
    """
    if not is_deep(image):
        return None
    with explained(name_of(image)):
        values = _READERS.get(image.format, _none)(image)
    if values is None:
        warn_if_deep(image)
        return None
    return _TURNS.get(_orientation(image), np.asarray)(values)


def warn_if_deep(image: Image.Image) -> None:
    """Warns that Pillow reads 8 bits of more."""
    if is_deep(image):
        warn(
            f"{name_of(image)} has more than 8 bits a channel, of which 8 are read; for all of "
            "them convert it to PNG, or to TIFF without compression (pip install tifffile)"
        )


def is_deep(image: Image.Image) -> bool:
    """Whether Pillow would cut this picture, which is not loaded yet."""
    tiles = getattr(image, "tile", None)
    if image.mode not in _EIGHT_BITS or not tiles or file_of(image) is None:
        return False
    return any(map(_is_deep, tiles)) or _TESTS.get(image.format, lambda _: False)(image)


def _is_deep(tile) -> bool:
    codec, *_, arguments = tile
    arguments = arguments if isinstance(arguments, tuple) else (arguments,)
    if any(isinstance(one, str) and _DEEP_RAW.fullmatch(one) for one in arguments):
        return True
    if codec.startswith("ppm"):
        return isinstance(arguments[-1], int) and arguments[-1] > 255
    return codec == "SGI16" or (codec == "bcn" and arguments[0] == 6)


def _has_deep_samples(image: Any) -> bool:
    bits = image.tag_v2.get(258, ())
    return max(bits if isinstance(bits, tuple) else (bits,), default=1) > 8


def _head(image: Image.Image) -> bytes:
    file = file_of(image)
    place = file.tell()
    file.seek(0)
    head = file.read(4096)
    file.seek(place)
    return head


def _whole(image: Image.Image) -> bytes:
    file = file_of(image)
    file.seek(0)
    return file.read()


def _is_deep_avif(image: Image.Image) -> bool:
    """The flag of high bit depth in the configuration of AV1 (AV1-ISOBMFF, section 2.3.3)."""
    found = re.search(rb"av1C..(.)", _head(image), re.DOTALL)
    return found is not None and bool(found[1][0] & 0x40)


def _is_deep_jpeg2000(image: Image.Image) -> bool:
    """The precision of the first component in the marker SIZ (ISO 15444-1, A.5.1)."""
    found = re.search(rb"\xff\x4f\xff\x51.{38}(.)", _head(image), re.DOTALL)
    return found is not None and (found[1][0] & 0x7F) + 1 > 8


_TESTS: dict[str | None, Callable[[Image.Image], bool]] = {
    "TIFF": _has_deep_samples,
    "AVIF": _is_deep_avif,
    "JPEG2000": _is_deep_jpeg2000,
}


def _png(image: Image.Image) -> np.ndarray:
    import tensorflow as tf

    with tf.device("CPU"):
        return tf.io.decode_png(_whole(image), dtype=tf.uint16).numpy()


def _tiff(image: Image.Image) -> np.ndarray | None:
    if not installed("tifffile") or image.mode not in ("RGB", "RGBA"):
        return None
    import tifffile

    file_of(image).seek(0)
    try:
        with tifffile.TiffFile(file_of(image)) as file:
            page = file.pages[0]
            values = page.asarray()
            samples = 0 if page.axes.startswith("S") else values.ndim - 1
            premultiplied = 1 in (page.extrasamples or ())
    except (ValueError, ImportError, KeyError):  # packed in a way that takes imagecodecs
        return None
    values = np.moveaxis(values, samples, -1)
    fits = values.dtype == np.uint16 and values.ndim == 3 and values.shape[-1] in (3, 4)
    return values[..., : len(image.mode)] if fits and not premultiplied else None


def _none(image: Image.Image) -> None:
    return None


_READERS: dict[str | None, Callable[[Image.Image], np.ndarray | None]] = {
    "PNG": _png,
    "TIFF": _tiff,
}


def _orientation(image: Image.Image) -> int:
    try:
        return image.getexif().get(ORIENTATION, 1)
    except Exception:  # damaged
        return 1
