"""Pictures side by side, with captions, and tables of shares."""

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFont

_ZOOM, _GAP, _LINE = (96, 88, 66), 8, 18  # top, left and side of the enlarged part; pixels


def grid(pictures: np.ndarray, columns: int | None = None, gap: int = 2) -> Image.Image:
    """One sheet of pictures, row by row.

    Args:
        pictures: uint8 `[n, h, w, c]`.
        columns: how many in a row; by default as many as make it square.
        gap: white pixels between them.
    """
    count, height, width, channels = pictures.shape
    columns = columns or math.ceil(math.sqrt(count))
    down, across = height + gap, width + gap
    shape = (math.ceil(count / columns) * down - gap, columns * across - gap, channels)
    sheet = np.full(shape, 255, np.uint8)
    for number, picture in enumerate(pictures):
        top, left = number // columns * down, number % columns * across
        sheet[top : top + height, left : left + width] = picture
    return Image.fromarray(sheet[..., 0] if channels == 1 else sheet)


def beside(left: Image.Image, right: Image.Image) -> Image.Image:
    """Two sheets in one, on white."""
    sheet = Image.new("RGB", (left.width + _GAP + right.width, max(left.height, right.height)))
    sheet.paste("white", (0, 0, *sheet.size))
    sheet.paste(left, (0, 0))
    sheet.paste(right, (left.width + _GAP, 0))
    return sheet


def compared(pictures: list[tuple[str, np.ndarray]]) -> Image.Image:
    """Pictures of one size with captions: one row whole, one row a part of each, enlarged."""
    height, width = pictures[0][1].shape[:2]
    step = width + _GAP
    sheet = Image.new("RGB", (step * len(pictures) - _GAP, 2 * height + _LINE + _GAP), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    for number, (caption, pixels) in enumerate(pictures):
        left = number * step
        draw.text((left + 2, 2), caption, "black", font)
        whole = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
        sheet.paste(whole, (left, _LINE))
        top, first, side = _ZOOM
        part = whole.crop((first, top, first + side, top + side))
        sheet.paste(
            part.resize((width, height), Image.Resampling.NEAREST), (left, _LINE + height + _GAP)
        )
    return sheet


def captioned(
    pictures: list[np.ndarray], captions: list[str], side: int = 84, nothing: str = "none"
) -> Image.Image:
    """Pictures `[h, w, c]`, five in a row, each enlarged to a side and with a line below; of none,
    the line that says so."""
    font, columns, width = ImageFont.load_default(11), 5, 150
    height = side + 2 * _LINE
    rows = max(1, -(-len(pictures) // columns))
    image = Image.new("RGB", (columns * width, rows * height), "white")
    draw = ImageDraw.Draw(image)
    if not pictures:
        draw.text((3, 3), nothing, "black", font)
    for number, (pixels, caption) in enumerate(zip(pictures, captions, strict=True)):
        left, top = number % columns * width, number // columns * height
        part = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
        image.paste(part.resize((side, side), Image.Resampling.NEAREST), (left, top))
        draw.text((left, top + side + 3), caption, "black", font)
    return image


def matrix(shares: np.ndarray, labels: tuple[str, ...], cell: int = 38) -> Image.Image:
    """Shares in percent `[n, n]`, rows and columns headed by the labels; a confusion matrix."""
    font, side = ImageFont.load_default(12), len(labels) * cell
    left = top = 12 + math.ceil(max(map(font.getlength, labels)))
    image = Image.new("RGB", (left + side, top + side), "white")
    draw = ImageDraw.Draw(image)
    for row, label in enumerate(labels):
        draw.text((left - 6, top + row * cell + cell // 2), label, "black", font, anchor="rm")
        image.paste(_upright(label, font, top - 6, cell), (left + row * cell, 0))
        for column, share in enumerate(shares[row]):
            corner = left + column * cell, top + row * cell
            shade = int(255 - (1.2 if row == column else 2.5) * share)
            box = (*corner, corner[0] + cell - 2, corner[1] + cell - 2)
            draw.rectangle(box, fill=(shade, shade, 255) if row == column else (255, shade, shade))
            if share >= 0.05:
                middle = (corner[0] + cell // 2, corner[1] + cell // 2)
                draw.text(middle, f"{share:.1f}", "black", font, anchor="mm")
    return image


def _upright(label: str, font, length: int, width: int) -> Image.Image:
    """A label that reads upwards, from the lower edge."""
    line = Image.new("RGB", (length, width), "white")
    ImageDraw.Draw(line).text((0, width // 2), label, "black", font, anchor="lm")
    return line.transpose(Image.Transpose.ROTATE_90)
