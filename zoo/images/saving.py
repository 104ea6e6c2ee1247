"""Results into files: with their profile, resolution and text, in formats that hold them."""

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, PngImagePlugin

from zoo.errors import ZooError, need, warn
from zoo.images import extras
from zoo.storage import files

_PROFILES = ("AVIF", "JPEG", "MPO", "PNG", "TIFF", "WEBP")
_EXIF = _PROFILES
_XMP = ("AVIF", "JPEG", "MPO", "TIFF", "WEBP")
_RESOLUTION = ("BMP", "DIB", "JPEG", "MPO", "PCX", "PNG", "TIFF")
_COMMENTS = ("GIF", "JPEG", "JPEG2000", "MPO")
_ALPHA = ("AVIF", "DDS", "ICNS", "ICO", "JPEG2000", "PNG", "QOI", "SGI", "TGA", "TIFF", "WEBP")
_ICONS = ("ICNS", "ICO")
_SIXTEEN_BITS = ("JPEG2000", "PNG", "PPM", "TIFF")
_FLOATS = ("TIFF", "PPM")
"""Formats, as Pillow calls them, and what each has a place for."""


def format_of(target) -> str:
    """The format of a file by its ending. Raises ZooError where Pillow writes none of it."""
    kind = Image.registered_extensions().get(Path(target).suffix.lower())
    if kind in Image.SAVE:
        return kind
    raise ZooError(f"{target}: expected the ending of a picture format, such as .png")


def save(image: Image.Image | np.ndarray, target) -> None:
    """Writes a picture, whole or not at all.

    Its `info` goes with it as far as the format has a place for it; where that has none for a
    colour profile, the pixels are converted to sRGB. Floats become 16 bits where they must.

    Args:
        image: a PIL image, or a `zoo.images.depth.DeepImage`, as a pipeline gives them back.
        target: a file; its ending says the format.

    Raises:
        ZooError: the format is unknown, or has no alpha or no 16 bits for a picture that does; the
            file cannot be written.

    Warns:
        ZooWarning: floats were rounded.
    """
    kind, target = format_of(target), Path(target)
    if isinstance(image, np.ndarray):
        data = _deep(image, kind, target)
    else:
        data = _encoded(_fitting(image, kind, target), kind, target)
    with files.whole(target) as partial:
        partial.write_bytes(data)


def _fitting(image: Image.Image, kind: str, target: Path) -> Image.Image:
    """The picture as the format can hold it."""
    if image.mode == "F" and kind not in _FLOATS:
        warn(f"{target}: {kind} has no floats: they are rounded to 16 bits; .tif keeps them")
        values = np.rint(np.clip(np.asarray(image), 0, 1) * 65535).astype(np.uint16)
        info, image = image.info, Image.fromarray(values)
        image.info = dict(info)
    if image.mode.startswith("I") and kind not in _SIXTEEN_BITS:
        raise ZooError(f"{target}: expected 8 bits for {kind}, got 16; use .png or .tif")
    if image.mode in ("LA", "RGBA", "PA") and kind not in _ALPHA:
        raise ZooError(f"{target}: expected no alpha for {kind}, got {image.mode}; use .png")
    return image if kind in _PROFILES else extras.in_srgb(image)


def _encoded(image: Image.Image, kind: str, target: Path) -> bytes:
    data = io.BytesIO()
    try:
        image.save(data, format=kind, **_options(image.info, kind))
    except Exception as error:  # of any encoder
        raise ZooError(
            f"{target}: a picture of mode {image.mode}, {image.width} x {image.height}, cannot be "
            f"written as {kind}: {error}; use .png"
        ) from error
    _refuse_other_size(data, image, kind, target)
    return data.getvalue()


def _refuse_other_size(data: io.BytesIO, image: Image.Image, kind: str, target: Path) -> None:
    """Icons come in some sizes only, and encoders make one of them of any picture."""
    if kind not in _ICONS:
        return
    with Image.open(data) as written:
        if written.size != image.size:
            (width, height), (wide, high) = image.size, written.size
            raise ZooError(
                f"{target}: {kind} has no {width} x {height}, it would become {wide} x {high}; "
                "use .png"
            )


def _options(info: dict, kind: str) -> dict:
    """What Pillow is to write beside the pixels."""
    places = {extras.PROFILE: _PROFILES, "exif": _EXIF, "xmp": _XMP, "dpi": _RESOLUTION}
    options = {key: info[key] for key, kinds in places.items() if info.get(key) and kind in kinds}
    if kind in _COMMENTS and (comment := extras.texts(info).get("Comment")):
        options["comment"] = comment.encode("utf-8")[:65_000]
    if kind == "PNG":
        options["pnginfo"] = _png_chunks(info)
    if kind == "TIFF" and (tags := _tiff_tags(info)):
        options["tiffinfo"] = tags
    return options


def _png_chunks(info: dict) -> PngImagePlugin.PngInfo:
    chunks = PngImagePlugin.PngInfo()
    for key, text in extras.texts(info).items():
        chunks.add_itxt(key, text) if _beyond_latin(text) else chunks.add_text(key, text)
    if xmp := info.get("xmp"):
        chunks.add_itxt(extras.XMP, xmp.decode("utf-8", "replace"))
    if extras.PROFILE not in info:
        for name, data in _colour_chunks(info):
            chunks.add(name, data)
    return chunks


def _beyond_latin(text: str) -> bool:
    return any(ord(character) > 255 for character in text)


def _colour_chunks(info: dict):
    """What a PNG without a profile can say of its colours."""
    if "gamma" in info:
        yield b"gAMA", struct.pack(">I", round(info["gamma"] * 100_000))
    if "chromaticity" in info:
        yield b"cHRM", struct.pack(">8I", *(round(one * 100_000) for one in info["chromaticity"]))
    if "srgb" in info:
        yield b"sRGB", bytes([info["srgb"]])


def _tiff_tags(info: dict):
    """EXIF data, XMP and text as tags of TIFF, which has both in its own directory."""
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    tags = ImageFileDirectory_v2()
    if text := extras.texts(info).get("Comment") or extras.texts(info).get("Description"):
        tags[0x010E] = text
    if info.get("exif"):
        exif = Image.Exif()
        exif.load(info["exif"])
        for tag in exif:
            tags[tag] = exif.get_ifd(tag) if tag in (0x8769, 0x8825) else exif[tag]
    if info.get("xmp"):
        tags[0x02BC] = info["xmp"]
    return tags


def _deep(image: np.ndarray, kind: str, target: Path) -> bytes:
    if kind == "PNG":
        return _deep_png(image)
    if kind == "TIFF":
        return _deep_tiff(image)
    raise ZooError(f"{target}: expected 8 bits for {kind}, got 16 in colour; use .png or .tif")


def _deep_png(image: np.ndarray) -> bytes:
    """Encoded by TensorFlow; the chunks of the rest as Pillow writes them, put after the head."""
    import tensorflow as tf

    with tf.device("CPU"):
        data = tf.io.encode_png(np.asarray(image), compression=6).numpy()
    head = 8 + 25  # the signature, and IHDR
    return data[:head] + _other_chunks(getattr(image, "info", {})) + data[head:]


def _other_chunks(info: dict) -> bytes:
    """All chunks of a one-pixel picture with this `info` but those of its pixels."""
    buffer = io.BytesIO()
    Image.new("RGB", (1, 1)).save(buffer, "PNG", **_options(info, "PNG"))
    data, place, found = buffer.getvalue(), 8, b""
    while place < len(data):
        (length,) = struct.unpack(">I", data[place : place + 4])
        chunk = data[place : place + length + 12]
        if chunk[4:8] not in (b"IHDR", b"IDAT", b"IEND"):
            found += chunk
        place += length + 12
    return found


def _deep_tiff(image: np.ndarray) -> bytes:
    need("tifffile", "a TIFF file of 16 bits in colour")
    import tifffile

    data, info = io.BytesIO(), getattr(image, "info", {})
    resolution: dict[str, Any] = {}
    if info.get("dpi"):
        resolution = {"resolution": tuple(map(float, info["dpi"])), "resolutionunit": "INCH"}
    tifffile.imwrite(
        data,
        np.asarray(image),
        photometric="minisblack" if image.shape[-1] == 2 else "rgb",
        extrasamples=["unassalpha"] if image.shape[-1] in (2, 4) else None,
        compression="zlib",
        iccprofile=info.get(extras.PROFILE),
        metadata=None,
        description=extras.texts(info).get("Comment"),
        **resolution,
    )
    return data.getvalue()
