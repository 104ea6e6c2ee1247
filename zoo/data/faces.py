"""Faces: of each aligned picture the square in its middle, reduced to 64x64, as is usual."""

from pathlib import Path

import numpy as np

from zoo.data import folders, store
from zoo.data.pictures import Pictures, of_size
from zoo.errors import ZooError

SIDE = 64
TEST = 1_000
"""The last so many pictures, sorted by name, are the test split."""
_SPLITS = {"train": slice(None, -TEST), "test": slice(-TEST, None), "all": slice(None)}


def load(name: str, folder: Path, channels: int | str, background: float, split: str) -> Pictures:
    """Reads a folder of aligned faces.

    Args:
        name: of the set.
        folder: with the pictures.
        channels: as `zoo.data.sources.load` takes it.
        background: likewise.
        split: "train", "test", which are the last `TEST` pictures, or "all".

    Raises:
        ZooError: it has no such split, or cannot be read.
    """
    if split not in _SPLITS:
        raise ZooError(f"{name}: expected a split {', '.join(_SPLITS)}, got {split!r}")
    folders.refuse_missing(folder)
    found = folders.pictures_in(folder)
    if len(found) <= TEST:
        raise ZooError(
            f"{folder}: expected more than {TEST:,} pictures, the last for tests, got {len(found)}"
        )
    paths = found[_SPLITS[split]]
    images = store.collected(face(folders.image(path, channels, background)) for path in paths)
    return Pictures(name, images, paths=tuple(map(str, paths)))


def face(image: np.ndarray) -> np.ndarray:
    """The square in the middle of a picture, uint8 `[h, w, c]`, as `[64, 64, c]`."""
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return of_size(image[top : top + side, left : left + side], (SIDE, SIDE))
