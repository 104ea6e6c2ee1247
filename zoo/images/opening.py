"""Picture files, opened with care: whatever a decoder raises is a ZooError, nothing is left out in
silence, and what a file may cost is bounded."""

import contextlib
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from zoo.errors import ZooError, warn
from zoo.storage.files import refuse_irregular

ENDINGS = (".avif", ".bmp", ".dib", ".gif", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".mpo",
           ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".qoi", ".tga", ".tif", ".tiff",
           ".webp")  # fmt: skip
"""Of files that are taken for pictures by their names alone."""
BESIDE = (".csv", ".db", ".html", ".ini", ".json", ".md", ".py", ".txt", ".xml", ".xmp", ".yaml",
          ".yml")  # fmt: skip
"""Of files that lie beside pictures, and are left out without a word."""
ORIENTATION = 0x0112
MOST_PIXELS_PER_BYTE, LARGE = 200, 36_000_000
"""A file that unpacks into more pixels than `LARGE`, a page of A4 at 600 dpi, and into more for
each of its bytes than this, is refused: such a picture shows nearly nothing, and takes gigabytes
and minutes all the same."""
_MOST_PAGES = 1000


@contextlib.contextmanager
def opened(source) -> Iterator[Image.Image]:
    """A picture of which the head is read, and the pixels are not.

    Args:
        source: a path, the bytes of a file, or an object with `read` (binary).

    Raises:
        ZooError: it is no picture.
    """
    file, name = _file(source)
    with file:
        with explained(name):
            image = _identified(file, name)
        image.filename = name
        yield image


def check(image: Image.Image) -> None:
    """What can be said of a picture before its pixels are read.

    Raises:
        ZooError: it has more pixels than `PIL.Image.MAX_IMAGE_PIXELS`, or far more than its bytes
            can tell apart.

    Warns:
        ZooWarning: it has other pages or frames, which are not read.
    """
    with explained(name_of(image)):
        _refuse_costly(image)
        _warn_of_frames(image)


def decoded(image: Image.Image) -> Image.Image:
    """A picture with its pixels, turned as its EXIF data says.

    Raises:
        ZooError: it cannot be read whole.

    Warns:
        ZooWarning: its EXIF data is damaged.
    """
    with explained(name_of(image)):
        image.load()
        return _turned(image)


def refuse_unreadable(source) -> None:
    """Raises, as reading does, where a file's first bytes show that it cannot be read."""
    with opened(source) as image, explained(name_of(image)):
        _refuse_costly(image)


def is_picture(path: Path) -> bool:
    """Whether a file is one by its name, or by its first bytes."""
    if path.suffix.lower() in ENDINGS:
        return True
    if path.suffix.lower() in BESIDE:
        return False
    try:
        refuse_unreadable(path)
    except ZooError:
        return False
    return True


@contextlib.contextmanager
def explained(name: str) -> Iterator[None]:
    """Makes a ZooError of whatever a decoder raises: there is no end to the kinds."""
    try:
        yield
    except ZooError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_many(name, str(error)) from None
    except Exception as error:
        if isinstance(error, Warning):  # somebody's filter made it an error
            raise
        raise ZooError(
            f"{name}: the picture cannot be read: expected a whole, undamaged file, got "
            f"{str(error) or type(error).__name__}"
        ) from error


def _identified(file, name: str) -> ImageFile.ImageFile:
    try:
        return Image.open(file)
    except UnidentifiedImageError:
        size = file.seek(0, os.SEEK_END)
        raise ZooError(
            f"{name}: not a picture that Pillow can read ({size} bytes): expected PNG, JPEG, TIFF "
            "or the like; convert it, or fetch it again"
        ) from None


def _file(source) -> tuple[io.IOBase, str]:
    """A file that can be read from its start, and what to call it."""
    if isinstance(source, (str, os.PathLike)):
        refuse_irregular(source)
        with explained(os.fspath(source)):
            return open(source, "rb"), os.fspath(source)
    if isinstance(source, (bytes, bytearray, memoryview)):
        return io.BytesIO(source), f"{len(source)} bytes"
    name = getattr(source, "name", None) or f"an object of {type(source).__name__}"
    with explained(str(name)):
        if hasattr(source, "seekable") and source.seekable():
            source.seek(0)
        data = source.read()
    if not isinstance(data, bytes):
        raise ZooError(f"{name}: expected a file opened as binary, got {type(data).__name__}")
    return io.BytesIO(data), str(name)


def name_of(image: Image.Image) -> str:
    """What to call a picture in messages."""
    file = file_of(image)
    return str(getattr(image, "filename", "") or getattr(file, "name", "") or "the picture")


def file_of(image: Image.Image) -> Any:
    """The binary file that a picture's pixels are read from, or None where it has none."""
    return getattr(image, "fp", None)


def _refuse_costly(image: Image.Image) -> None:
    pixels, limit = image.width * image.height, Image.MAX_IMAGE_PIXELS
    if limit is not None and pixels > limit and _is_of_file(image):
        raise _too_many(name_of(image), f"{image.width} x {image.height}")
    if pixels > LARGE and _is_of_file(image) and pixels > MOST_PIXELS_PER_BYTE * _bytes(image):
        raise ZooError(
            f"{name_of(image)}: expected at most {MOST_PIXELS_PER_BYTE} pixels a byte, got "
            f"{image.width} x {image.height} of {_bytes(image)} bytes; if you trust the file, "
            "load it with PIL.Image.open(...).copy() and pass that"
        )


def _is_of_file(image: Image.Image) -> bool:
    """Whether its pixels are still to be read."""
    return file_of(image) is not None and bool(getattr(image, "tile", None))


def _bytes(image: Image.Image) -> int:
    file = file_of(image)
    place = file.tell()
    size = file.seek(0, os.SEEK_END)
    file.seek(place)
    return max(size, 1)


def _too_many(name: str, got: str) -> ZooError:
    return ZooError(
        f"{name}: more pixels than PIL.Image.MAX_IMAGE_PIXELS = {Image.MAX_IMAGE_PIXELS} ({got}); "
        "raise that limit if you trust the file"
    )


def _warn_of_frames(image: Image.Image) -> None:
    """Of a picture that stands at its first page; who went to another knows of them."""
    if image.format == "PSD" or not hasattr(image, "tell") or image.tell() != 0:
        return  # what Photoshop has are layers, no pages
    count = _pages(image) if image.format == "TIFF" else getattr(image, "n_frames", 1)
    if count > 1:
        counted = f"{_MOST_PAGES} or more" if count == _MOST_PAGES else count
        warn(f"{name_of(image)} has {counted} pages or frames, of which the first alone is read")


def _pages(image: Image.Image) -> int:
    """How many, as far as they are counted: each costs a search through those before."""
    count = 1
    try:
        while count < _MOST_PAGES:
            image.seek(count)
            count += 1
    except EOFError:
        pass
    image.seek(0)
    return count


def _turned(image: Image.Image) -> Image.Image:
    """As its EXIF data says, which then says nothing of it."""
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # fields that cannot be read, or not written anew: cameras have such
        plain = image.copy()
        for key in ("exif", "Raw profile type exif"):
            plain.info.pop(key, None)
        with contextlib.suppress(Exception):
            plain.getexif()[ORIENTATION] = image.getexif().get(ORIENTATION, 1)
        warn(f"{name_of(image)}: its EXIF data is damaged and left out")
        return ImageOps.exif_transpose(plain)
