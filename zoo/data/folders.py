"""Sets that are folders of picture files: all in one, or one folder a class."""

import csv
import io
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from zoo.data import store
from zoo.data.pictures import Pictures, composed, of_size
from zoo.errors import ZooError, warn
from zoo.images.opening import BESIDE, ENDINGS, is_picture
from zoo.images.pixels import fit_channels, read, to_uint8
from zoo.storage.files import read_bytes

_NAMED = 5


Size = tuple[int | None, int | None]
SPLITS = {"train": ("train", "training"), "validation": ("val", "valid", "validation"),
          "test": ("test", "testing")}  # fmt: skip
"""Part of a set -> what folders for it are called."""


def load(
    name: str,
    folder: Path,
    channels: int | str,
    background: float,
    split: str = "train",
    size: Size = (None, None),
) -> Pictures:
    """Reads a folder of pictures, or of one folder a class, or a list of paths and classes.

    A class has all pictures in its folder, and in folders below. What is a picture is told by its
    name, or else by its first bytes.

    Args:
        name: of the set.
        folder: with pictures, with folders of pictures, or with a folder of these for each of
            `SPLITS`; or a `.csv` file whose lines are a path, relative to the file, and a class.
        channels: as `zoo.data.sources.load` takes it.
        background: grey in [0, 1] that shows through where a picture is transparent.
        split: which of `SPLITS`, where it has such folders.
        size: height and width that each picture is brought to as it is read.

    Raises:
        ZooError: it cannot be read, has no pictures, or has some beside folders.

    Warns:
        ZooWarning: files in it are no pictures that can be read; they are counted and left out.
    """
    if folder.suffix.lower() == ".csv":
        return _labelled(name, *_listed(folder), channels, background, size)
    refuse_missing(folder)
    folder = part(folder, split) or part(folder, "validation") or folder
    classes = sorted(filter(os.path.isdir, _shown(folder)), key=lambda p: composed(p.name))
    if not classes:
        images, paths = _images(pictures_in(folder), channels, background, size)
        return Pictures(name, images, paths=tuple(map(str, paths)))
    _refuse_beside(folder)
    names = tuple(composed(c.name) for c in classes)
    if twice := [n for n in dict.fromkeys(names) if names.count(n) > 1]:
        raise ZooError(
            f"{folder}: expected each class once, got two folders called {', '.join(twice)}, in "
            "different bytes of Unicode (composed and decomposed): make them one folder"
        )
    groups = [pictures_in(one) for one in classes]
    paths = [path for group in groups for path in group]
    named = [label for label, group in zip(names, groups, strict=True) for _ in group]
    return _labelled(name, paths, named, channels, background, size)


def part(folder: Path, split: str) -> Path | None:
    """The folder for one of `SPLITS` in a folder, where that has such ones, one for training among
    them, and no others."""
    known = {name: part for part, names in SPLITS.items() for name in names}
    found = {known.get(p.name.lower()): p for p in _shown(folder) if p.is_dir()}
    return found.get(split) if "train" in found and None not in found else None


def _labelled(
    name: str, paths: list[Path], named: list[str], channels, background: float, size: Size
) -> Pictures:
    """Pictures with the classes of that name, well mixed: so that any part has all classes."""
    images, kept = _images(paths, channels, background, size)
    label_of = dict(zip(paths, named, strict=True))
    classes = tuple(dict.fromkeys(sorted(named)))
    if empty := set(classes) - {label_of[path] for path in kept}:
        raise ZooError(
            f"{name}: no picture that can be read in {', '.join(sorted(empty))}; add some, or "
            "remove the class"
        )
    labels = np.array([classes.index(label_of[path]) for path in kept], np.int64)
    mixed = np.random.default_rng(0).permutation(len(labels))
    told = tuple(map(str, kept))
    return Pictures(name, images, labels, classes, paths=told).subset(mixed)


def _listed(file: Path) -> tuple[list[Path], list[str]]:
    """The paths of a `.csv` file and their classes."""
    text = read_bytes(file).decode("utf-8-sig", "replace")
    lines = [line for line in csv.reader(io.StringIO(text, newline="")) if line]
    if lines and not (file.parent / lines[0][0]).is_file():  # a head
        lines = lines[1:]
    if not lines or any(len(line) != 2 for line in lines):
        raise ZooError(f"{file}: expected lines of a path and a class, such as cats/1.jpg,cat")
    paths = [file.parent / line[0] for line in lines]
    if missing := [str(path) for path in paths if not path.is_file()]:
        raise ZooError(f"{file}: {len(missing)} files are not there, such as {missing[0]}")
    return paths, [composed(line[1].strip()) for line in lines]


def refuse_missing(folder: Path) -> None:
    """Raises ZooError where a folder, or a list, is none."""
    if not folder.is_dir() and not (folder.suffix.lower() == ".csv" and folder.is_file()):
        raise ZooError(f"{folder}: no such folder")


def pictures_in(folder: Path) -> list[Path]:
    """The picture files in a folder and below, sorted; raises and warns as `load`.

    Hidden files are left out: macOS puts a `._photo.jpg`, no picture, beside each `photo.jpg`.
    """
    files = sorted(_below(Path(folder)))
    found = {path: is_picture(path) for path in files}
    pictures = [path for path, is_one in found.items() if is_one]
    others = [path for path in files if not found[path] and path.suffix.lower() not in BESIDE]
    if not pictures:
        raise ZooError(
            f"{folder}: no pictures in it; expected files in {' '.join(ENDINGS)}, got "
            f"{len(files) or 'no'} others"
        )
    if others:
        warn(
            f"{folder}: {len(others)} of {len(files)} files are no pictures that can be read, and "
            f"are left out: {_first(others)}{_todo(others)}"
        )
    return pictures


def _todo(paths: list[Path]) -> str:
    heic = any(path.suffix.lower() in (".heic", ".heif") for path in paths)
    return "; those of an iPhone (HEIC) have to be saved as JPEG" * heic


def _first(paths: list[Path]) -> str:
    return ", ".join(path.name for path in paths[:_NAMED]) + ", ..." * (len(paths) > _NAMED)


def _below(folder: Path, above: tuple[str, ...] = ()) -> Iterator[Path]:
    """All files in a folder and below; through links, too, but in no circle."""
    place = os.path.realpath(folder)
    for path in _shown(folder) if place not in above else ():
        if path.is_dir():
            yield from _below(path, (*above, place))
        else:
            yield path


def _shown(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise ZooError(f"{folder}: the folder cannot be read: {error.strerror}") from error


def _refuse_beside(folder: Path) -> None:
    """A class may also be a file by mistake, such as an archive."""
    others = [path for path in _shown(folder) if not path.is_dir()]
    beside = [path for path in others if is_picture(path)]
    if beside:
        raise ZooError(
            f"{folder}: expected pictures or folders of them, got folders and {len(beside)} "
            f"pictures beside them, such as {beside[0].name}"
        )
    if odd := [path for path in others if path.suffix.lower() not in BESIDE]:
        warn(
            f"{folder}: expected a folder for each class, and {len(odd)} files beside these are "
            f"left out: {_first(odd)}"
        )


def _images(
    paths: list[Path], channels: int | str, background: float, size: Size
) -> tuple[Sequence[np.ndarray], list[Path]]:
    """Those that can be read, and their paths; the others are counted and named."""
    kept, damaged = [], []

    def readable() -> Iterator[np.ndarray]:
        for path in paths:
            try:
                made = of_size(image(path, channels, background), size)
            except ZooError as error:
                damaged.append(error)
            else:
                kept.append(path)
                yield made

    images = store.collected(readable())
    if damaged and not kept:
        raise damaged[0]
    if damaged:
        warn(
            f"{len(damaged)} of {len(paths)} pictures cannot be read and are left out: "
            + "; ".join(map(str, damaged[:_NAMED]))
            + "; ..." * (len(damaged) > _NAMED)
        )
    return images, kept


def image(path: Path, channels: int | str, background: float) -> np.ndarray:
    """A picture file as a set has it, uint8 `[h, w, c]`; raises and warns as `load`."""
    return to_uint8(fit_channels(read(path).over(background)[0], channels))
