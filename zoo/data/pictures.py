"""A set of pictures, and its classes among those of a net."""

import dataclasses
import hashlib
import itertools
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zoo.data import store
from zoo.errors import ZooError
from zoo.images.pixels import to_uint8
from zoo.images.resize import to_size


@dataclass(frozen=True)
class Pictures:
    """A set.

    Attributes:
        name: as it was asked for.
        images: uint8 `[h, w, c]` each; sizes may differ. Those of a large set are read as they
            are asked for, see `zoo.data.store`.
        labels: int64 `[n]`, or None for a set without classes.
        classes: the labels' names.
        given: the same pictures as a camera took them, uint8 `[h, w, c]` each, of a set whose
            `images` are the clean ones; or None.
        paths: of their files, or none where they are of no files.
    """

    name: str
    images: Sequence[np.ndarray]
    labels: np.ndarray | None = None
    classes: tuple[str, ...] = ()
    given: Sequence[np.ndarray] | None = None
    paths: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.images)

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """Of each picture."""
        return store.shapes(self.images)

    def digest(self) -> str:
        """SHA-256 of all pictures in their order, with their sizes, labels and classes."""
        found = hashlib.sha256(repr((self.classes, len(self.images))).encode())
        for image in itertools.chain(self.images, () if self.given is None else self.given):
            found.update(repr(image.shape).encode())
            found.update(np.ascontiguousarray(image).data)
        if self.labels is not None:
            found.update(np.ascontiguousarray(self.labels, "<i8").data)
        return found.hexdigest()

    def subset(self, which: slice | np.ndarray) -> "Pictures":
        """Those that a slice, or an array of places, names."""
        places = np.arange(len(self))[which]
        labels = None if self.labels is None else self.labels[places]
        images = store.picked(self.images, places)
        given = None if self.given is None else store.picked(self.given, places)
        paths = tuple(self.paths[i] for i in places) if self.paths else ()
        return Pictures(self.name, images, labels, self.classes, given, paths)

    def values(self) -> np.ndarray:
        """Pixels in [0, 1], float32 `[n, h, w, c]`; all are of one size."""
        return np.stack(self.images).astype(np.float32) / 255

    def of_size(self, size: tuple[int | None, int | None]) -> "Pictures":
        """The set with pictures of that height and width (bilinear, antialiased)."""
        if size[0] is None or all(shape[:2] == size for shape in self.shapes):
            return self
        brought = store.collected(of_size(image, size) for image in self.images)
        return dataclasses.replace(self, images=brought)

    def labels_among(self, wanted: tuple[str, ...]) -> np.ndarray:
        """The labels as places in a net's own list of labels: int64 `[n]`.

        Classes are matched by name; failing that by their letters and digits alone, whatever the
        case; failing that, where all are called by numbers, these are the places themselves.

        Raises:
            ZooError: the set has no classes, or one that the net does not know, or two that are
                one to the net.
        """
        if self.labels is None:
            raise ZooError(f"{self.name} has no classes: expected one folder a class")
        places = self._places(wanted)
        if places is None:
            known = set(map(_letters, wanted))
            unknown = [name for name in self.classes if _letters(name) not in known]
            why = "that the net does not know" if unknown else "that are one to the net"
            raise ZooError(
                f"{self.name} has classes {why}: {', '.join(unknown or self.classes)}; expected "
                f"{', '.join(wanted)}, or their numbers from 0 on; to train the net for these "
                "classes in the place of its own, start from its weights (--from)"
            )
        return np.array(places)[self.labels]

    def known_among(self, wanted: tuple[str, ...]) -> bool:
        """Whether `labels_among` finds all classes."""
        return self._places(wanted) is not None

    def _places(self, wanted: tuple[str, ...]) -> list[int] | None:
        """Where each class stands, each at another place, or None."""
        numbers = tuple(map(str, range(len(wanted))))
        for same, labels in ((composed, wanted), (_letters, wanted), (composed, numbers)):
            known = {same(label): place for place, label in enumerate(labels)}
            found = {known.get(same(name)) for name in self.classes} - {None}
            if len(found) == len(self.classes):
                return [known[same(name)] for name in self.classes]
        return None


def of_size(image: np.ndarray, size: tuple[int | None, int | None]) -> np.ndarray:
    """uint8 `[h, w, c]` brought to a height and width, or left as it is where these are free."""
    height, width = size
    if height is None or width is None or image.shape[:2] == size:
        return image
    return to_uint8(to_size(image[None].astype(np.float32) / 255, height, width)[0])


def composed(name: str) -> str:
    """One spelling of what looks alike: macOS decomposes the letters of file names."""
    return unicodedata.normalize("NFC", name)


def _letters(name: str) -> str:
    """Letters with their marks, and digits, in lower case; the whole name if it has none."""
    name = composed(name).casefold()
    return "".join(c for c in name if unicodedata.category(c)[0] in "LMN") or name
