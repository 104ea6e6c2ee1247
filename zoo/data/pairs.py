"""Sets whose pictures come twice: as a camera took them, and clean."""

from collections.abc import Iterable
from pathlib import Path

from zoo.data import folders, store
from zoo.data.pictures import Pictures
from zoo.errors import ZooError


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
    taken, clean = (_by_name(paths, mark) for mark in marks)
    if alone := sorted(taken.keys() ^ clean.keys()):
        missing = marks[alone[0] in taken]
        raise ZooError(
            f"{folder}: expected each picture as *{marks[0]} and as *{marks[1]}, got no "
            f"{alone[0]}{missing}, and {len(alone) - 1} others are alone"
        )
    names = sorted(taken, key=lambda name: taken[name])  # in the order of the files
    given, images = (
        store.collected(folders.image(group[one], channels, background) for one in names)
        for group in (taken, clean)
    )
    _refuse_unlike(names, store.shapes(given), store.shapes(images))
    return Pictures(name, images, given=given)


def _by_name(paths: Iterable[Path], mark: str) -> dict[str, Path]:
    return {path.stem.removesuffix(mark): path for path in paths if path.stem.endswith(mark)}


def _refuse_unlike(names: list[str], given: list[store.Shape], clean: list[store.Shape]) -> None:
    for name, one, other in zip(names, given, clean, strict=True):
        if one != other:
            sizes = ["x".join(map(str, shape[:2])) for shape in (one, other)]
            raise ZooError(
                f"{name}: expected two pictures of one size, got {sizes[0]} and {sizes[1]}"
            )
