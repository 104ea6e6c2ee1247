"""Sets whose pictures come twice: as a camera took them, and clean."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from zoo.data import folders, store
from zoo.data.pictures import Pictures
from zoo.errors import ZooError

FOLDERS = ("noisy", "clean")
"""What the folders of a folder of pairs are called."""


def place(folder: Path, split: str = "train") -> Path | None:
    """Where pairs lie in a folder, or in its part of a name; None where it has no such ones."""
    if not folder.is_dir():
        return None
    within = folders.part(folder, split) or folder
    found = {path.name.lower() for path in within.iterdir() if path.is_dir()}
    return within if found == set(FOLDERS) else None


def of_folders(name: str, folder: Path, channels: int | str, background: float) -> Pictures:
    """Reads what lies in two `FOLDERS` of a folder; pictures of one name are a pair.

    Args and errors are those of `load`.
    """
    by_name = {path.name.lower(): path for path in folder.iterdir() if path.is_dir()}
    taken, clean = (_each(folders.pictures_in(by_name[one]), "") for one in FOLDERS)
    return _paired(
        name, folder, taken, clean, [f"{one}/*" for one in FOLDERS], channels, background
    )


def load(
    name: str, folder: Path, marks: tuple[str, str], channels: int | str, background: float
) -> Pictures:
    """Reads a folder of pairs.

    Args:
        name: of the set.
        folder: with the pictures.
        marks: what the files' names end in, before the suffix: of a picture as it was taken, and
            of the clean one.
        channels: as `zoo.data.sources.load` takes it.
        background: grey in [0, 1] that shows through where a picture is transparent.

    Raises:
        ZooError: it cannot be read, or has no pictures; one of a pair is missing, or of another
            size.
    """
    folders.refuse_missing(folder)
    paths = folders.pictures_in(folder)
    taken, clean = (_each(paths, mark) for mark in marks)
    return _paired(name, folder, taken, clean, [f"*{mark}" for mark in marks], channels, background)


def _paired(
    name: str,
    folder: Path,
    taken: dict[str, Path],
    clean: dict[str, Path],
    called: Sequence[str],
    channels: int | str,
    background: float,
) -> Pictures:
    if alone := sorted(taken.keys() ^ clean.keys()):
        missing = called[alone[0] in taken].replace("*", alone[0])
        raise ZooError(
            f"{folder}: expected each picture as {called[0]} and as {called[1]}, got no "
            f"{missing}, and {len(alone) - 1} others are alone"
        )
    names = sorted(taken, key=lambda name: taken[name])  # in the order of the files
    given, images = (
        store.collected(folders.image(group[one], channels, background) for one in names)
        for group in (taken, clean)
    )
    _refuse_unlike(names, store.shapes(given), store.shapes(images))
    paths = tuple(str(clean[one]) for one in names)
    return Pictures(name, images, given=given, paths=paths)


def _each(paths: Iterable[Path], mark: str) -> dict[str, Path]:
    """Those whose names end in a mark, by what is before it."""
    found: dict[str, Path] = {}
    for path in paths:
        if not path.stem.endswith(mark):
            continue
        other = found.setdefault(path.stem.removesuffix(mark), path)
        if other != path:
            raise ZooError(f"expected one picture of a name, got {other} and {path}")
    return found


def _refuse_unlike(names: list[str], given: list[store.Shape], clean: list[store.Shape]) -> None:
    for name, one, other in zip(names, given, clean, strict=True):
        if one != other:
            sizes = ["x".join(map(str, shape[:2])) for shape in (one, other)]
            raise ZooError(
                f"{name}: expected two pictures of one size, got {sizes[0]} and {sizes[1]}"
            )
