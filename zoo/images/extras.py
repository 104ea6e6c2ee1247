"""What a picture carries beside its pixels: a colour profile, resolution, EXIF data and text."""

import io
from typing import Any, cast

from PIL import Image, ImageCms

from zoo.errors import warn

Info = dict[str | tuple[int, int], Any]
"""Of a PIL image, as Pillow declares it."""
PROFILE = "icc_profile"
XMP = "XML:com.adobe.xmp"  # as PNG calls it
_KEPT = (PROFILE, "dpi", "exif", "xmp", "comment", "gamma", "srgb", "chromaticity")
_DESCRIBING = (0x010E, 0x010F, 0x0110, 0x0131, 0x0132, 0x013B, 0x8298)
"""EXIF tags of a TIFF that say what it shows, and not how it is stored: ImageDescription, Make,
Model, Software, DateTime, Artist, Copyright."""
_SUB_DIRECTORIES = (0x8769, 0x8825)  # EXIF's own, GPS


def carried(image: Image.Image, source: Image.Image) -> Info:
    """Of a picture's `info`, what is true of a restored one, too.

    Args:
        image: loaded, and turned as its EXIF data says.
        source: the same as it was opened.
    """
    kept: Info = {key: image.info[key] for key in _KEPT if image.info.get(key) is not None}
    kept |= {key: text for key, text in image.info.items() if _is_text(key, text)}
    if min(kept.get("dpi", (2,))) <= 1:  # what Pillow says where a TIFF says nothing
        del kept["dpi"]
    if "xmp" not in kept and isinstance(image.info.get(XMP), str):
        kept["xmp"] = image.info[XMP].encode()
    if source.format == "TIFF" and "exif" not in kept and (described := _of_tiff(source)):
        kept["exif"] = described
    return kept


def texts(info: dict) -> dict[str, str]:
    """The text of a picture's `info` by keyword, as PNG has it."""
    found = {str(key): text for key, text in info.items() if _is_text(key, text)}
    if comment := info.get("comment"):
        plain = comment.decode("latin-1") if isinstance(comment, bytes) else str(comment)
        found.setdefault("Comment", plain.rstrip("\0"))
    return found


def in_srgb(image: Image.Image, mode: str | None = None) -> Image.Image:
    """A picture in sRGB by its profile, which it then does without; unchanged where it has none.

    Args:
        image: with its profile in `info`.
        mode: of the result; its own by default.
    """
    profile = image.info.get(PROFILE)
    if not profile:
        return image
    mode = mode or image.mode
    flat = image.convert("RGB") if mode == image.mode in ("P", "1") else image
    try:
        converted = _converted(flat, profile, mode)
    except Exception:  # of a damaged profile, or one for another kind of pixels
        warn("a colour profile cannot be read and is left out: colours may look different")
        converted = image.convert(mode)
    converted.info = {key: value for key, value in image.info.items() if key != PROFILE}
    return converted


def _converted(image: Image.Image, profile: bytes, mode: str) -> Image.Image:
    source, srgb = ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
    if image.mode in ("L", "LA"):  # sRGB is of colour: grey goes there and back
        grey = image.getchannel(0)
        given = grey if source.profile.xcolor_space.strip() == "GRAY" else grey.convert("RGB")
        converted = _between(given, source, srgb, "RGB").convert("L")
        return Image.merge("LA", [converted, image.getchannel(1)]) if mode == "LA" else converted
    return _between(image, source, srgb, mode)


def _between(image: Image.Image, source: Any, target: Any, mode: str) -> Image.Image:
    """From one profile to another; Pillow's function gives None only where it works in place."""
    return cast(Image.Image, ImageCms.profileToProfile(image, source, target, outputMode=mode))


def _is_text(key, text) -> bool:
    hidden = key == XMP or str(key).startswith("Raw profile type") or key == "compression"
    return isinstance(key, str) and isinstance(text, str) and not hidden


def _of_tiff(image: Image.Image) -> bytes:
    """The describing part of a TIFF's tags as EXIF data; nothing where they cannot be written."""
    kept = Image.Exif()
    try:
        tags = image.getexif()
        kept.update({tag: tags[tag] for tag in _DESCRIBING if tag in tags})
        for tag in _SUB_DIRECTORIES:
            if inner := tags.get_ifd(tag):
                kept.get_ifd(tag).update(inner)
        return kept.tobytes() if len(kept) or any(map(kept.get_ifd, _SUB_DIRECTORIES)) else b""
    except Exception:  # odd fields
        return b""
