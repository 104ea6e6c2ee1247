"""Digits drawn with a font, for where a data set of handwritten ones is not at hand."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont


def drawn_digit(digit: int, rng: np.random.Generator) -> np.ndarray:
    """A light digit on black, uint8 `[28, 28]`: another size, weight, slant and place each time."""
    side = 4 * 28  # drawn four times as large, then reduced
    sheet = Image.new("L", (side, side))
    font = ImageFont.load_default(size=int(rng.integers(80, 105)))
    weight = int(rng.integers(0, 5))
    middle = tuple(side / 2 + rng.uniform(-6, 6, 2))
    ImageDraw.Draw(sheet).text(
        middle, str(digit), 255, font, anchor="mm", stroke_width=weight, stroke_fill=255
    )
    slant = rng.uniform(-0.3, 0.3)
    around = (1, slant, -slant * side / 2, 0, 1, 0)
    sheet = sheet.transform((side, side), Image.Transform.AFFINE, around, Image.Resampling.BILINEAR)
    sheet = sheet.rotate(rng.uniform(-12, 12), Image.Resampling.BILINEAR)
    return np.asarray(sheet.resize((28, 28), Image.Resampling.BOX))


def drawn_digits(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """uint8 `[count, 28, 28, 1]` and the digits that they show; the digits take turns."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 10
    return np.stack([drawn_digit(digit, rng) for digit in labels])[..., None], labels
