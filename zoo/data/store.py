"""Where the pictures of a set are: in memory while they take little, else in a temporary file.

A large set is decoded once, and read again picture by picture as it is asked for: memory stays
the same however large it is.
"""

import itertools
import os
import tempfile
from collections.abc import Iterable, Sequence
from typing import Any, overload

import numpy as np

from zoo.errors import ZooError

MOST = 2**26
"""Bytes of a set in memory; of a larger one all pictures are in a file."""
_ON_DISK = "/var/tmp"  # in many systems /tmp is memory
Shape = tuple[int, ...]


def collected(images: Iterable[np.ndarray]) -> Sequence[np.ndarray]:
    """All pictures, uint8 of any shapes, in their order: a list, or `Stored` if they are large.

    Raises:
        ZooError: they are large, and there is no room for a temporary file of them.
    """
    images, kept, held = iter(images), [], 0
    for image in images:
        kept.append(image)
        held += image.nbytes
        if held > MOST:
            return _stored(itertools.chain(kept, images))
    return kept


def picked(images: Sequence[np.ndarray], places: Iterable[int]) -> Sequence[np.ndarray]:
    """Those at some places; none is read."""
    if isinstance(images, Stored):
        return images.picked(places)
    return [images[i] for i in places]


def shapes(images: Sequence[np.ndarray]) -> list[Shape]:
    return images.shapes if isinstance(images, Stored) else [image.shape for image in images]


class Stored(Sequence[np.ndarray]):
    """Pictures in a file, each in memory only as long as somebody has it; not to be changed.

    Attributes:
        shapes: of each picture.
    """

    def __init__(self, file: Any, starts: list[int], shapes: list[Shape]):
        self.shapes, self._file, self._starts = shapes, file, starts

    def __len__(self) -> int:
        return len(self.shapes)

    @overload
    def __getitem__(self, which: int) -> np.ndarray: ...
    @overload
    def __getitem__(self, which: slice) -> "Stored": ...
    def __getitem__(self, which):
        if isinstance(which, slice):
            return self.picked(range(len(self))[which])
        shape, start = self.shapes[which], self._starts[which]
        # a copy: a map holds a file descriptor as long as somebody has it
        return np.array(np.memmap(self._file, np.uint8, "r", start, shape))

    def picked(self, places: Iterable[int]) -> "Stored":
        places = list(places)
        starts = [self._starts[i] for i in places]
        return Stored(self._file, starts, [self.shapes[i] for i in places])

    def __reduce__(self):
        return collected, ([image.copy() for image in self],)


def _stored(images: Iterable[np.ndarray]) -> Stored:
    where = None if os.environ.get("TMPDIR") or not os.path.isdir(_ON_DISK) else _ON_DISK
    starts, found, end = [], [], 0
    try:
        file = tempfile.TemporaryFile(dir=where)  # noqa: SIM115  (it lives as its pictures do)
        for image in images:
            file.write(np.ascontiguousarray(image).data)
            starts.append(end)
            found.append(image.shape)
            end += image.nbytes
        file.flush()
    except OSError as error:
        raise ZooError(
            "a large set is kept in a temporary file, which cannot be written after "
            f"{end / 2**20:,.0f} MB: {error.strerror or error}; free some space, or set TMPDIR to "
            "a folder on another disk"
        ) from error
    return Stored(file, starts, found)
