"""What a classifier takes each class for, in numbers and in pictures."""

from typing import Any

import numpy as np
from PIL import Image

from zoo.data.photographs import PHOTOGRAPHS, photograph
from zoo.data.pictures import Pictures
from zoo.images import sheet

SHEET = "mistakes.png"
"""In a run directory: the mistakes on the pictures that were held out."""
_MOST = 40
"""Classes that a table of all against all is shown of."""


def told(probs: np.ndarray, right: np.ndarray, labels: tuple[str, ...]) -> dict[str, Any]:
    """Of a run directory: `held_out`, the accuracy in percent, and of few classes the confusion."""
    said = probs.argmax(-1)
    found: dict[str, Any] = {"count": len(right)}
    found["accuracy"] = round(float(100 * (said == right).mean()), 2)
    if len(labels) <= _MOST:
        found["confusion"] = confusion(said, right, len(labels)).tolist()
    return {"held_out": found}


def confusion(said: np.ndarray, right: np.ndarray, classes: int) -> np.ndarray:
    """How many of each class (a row) were taken for which: int64 `[classes, classes]`."""
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (right, said), 1)
    return counts


def sheet_of(
    probs: np.ndarray, pictures: Pictures, labels: tuple[str, ...], most: int = 20
) -> Image.Image:
    """How it errs on a set.

    To the left, in percent of each class (a row), what it was taken for; to the right the pictures
    that it was most sure of and wrong.
    """
    said, right = probs.argmax(-1), pictures.labels_among(labels)
    wrong = np.flatnonzero(said != right)
    worst = wrong[np.argsort(-probs[wrong].max(-1))][:most]
    captions = [f"{labels[said[i]]}, not {labels[right[i]]}" for i in worst]
    shown = sheet.captioned([pictures.images[i] for i in worst], captions, nothing="no mistakes")
    if len(labels) > _MOST:
        return shown
    counts = confusion(said, right, len(labels))
    shares = 100 * counts / np.maximum(counts.sum(1, keepdims=True), 1)
    return sheet.beside(sheet.matrix(shares, labels), shown)


def answers(pipeline: Any) -> Image.Image:
    """What it says of photographs, where there is no set to measure it on."""
    pictures = [photograph(name) for name in PHOTOGRAPHS]
    said = [pipeline(pixels)[0] for pixels in pictures]
    captions = [f"{label}, {probability:.0%}" for label, probability in said]
    return sheet.captioned(pictures, captions)
