"""Pictures side by side."""

import math

import numpy as np
from PIL import Image


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
