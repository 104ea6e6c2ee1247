"""The pictures of a training: to learn from and held out, and whether they are those it began with.

Others would be held out in silence: what was learnt from before could then be measured on.
"""

import os
from pathlib import Path
from typing import Any

from zoo.data import sources, splits
from zoo.data.pictures import Pictures
from zoo.errors import ZooError
from zoo.schema import Entry
from zoo.storage import files, run_json

LIST = "pictures.txt"
"""In a run directory: the files, a line each."""
_NAMED = 3


def load(entry: Entry) -> tuple[Pictures, Pictures | None]:
    """Those of an entry's recipe, and those of the folder's part for validation, if it has one."""
    data, spec = entry.recipe.data, entry.spec
    parts = ["train", *(["validation"] if sources.has_part(data, "validation") else [])]
    size = spec.shape[:2]
    found = [sources.load(data, spec.channels, part, spec.background, size) for part in parts]
    return found[0], found[1] if len(found) > 1 else None


def split(
    entry: Entry, pictures: Pictures, validation: Pictures | None
) -> tuple[Pictures, Pictures]:
    """The training pictures, and those held out for choices, in the net's size."""
    size = entry.spec.shape[:2]
    if validation is not None:
        return pictures.of_size(size), validation.of_size(size)
    return splits.split(pictures.of_size(size), entry.recipe.holdout)


def refuse_others(
    run: Path, facts: dict[str, Any], pictures: Pictures, validation: Pictures | None
) -> None:
    """Records which pictures a training is of.

    Raises:
        ZooError: it was begun with others: some were added, are gone or were changed.
    """
    parts = [pictures, *([validation] if validation is not None else [])]
    paths = sorted(_printable(path) for part in parts for path in part.paths)
    digests = [part.digest() for part in parts]
    found = {
        "count": sum(map(len, parts)),
        "sha256": digests[0] if len(parts) == 1 else files.sha256("".join(digests).encode()),
    }
    if facts.setdefault("pictures", found) != found:
        raise ZooError(
            f"{run} was begun with other pictures: expected {facts['pictures'].get('count')} of "
            f"{pictures.name} as they were then, got {found['count']}{_difference(run, paths)}; "
            "other ones would be held out now: put them back, or choose another folder with --run"
        )
    files.write_json(run / run_json.RUN, facts)
    files.write_text(run / LIST, "".join(f"{path}\n" for path in paths))


def listed(run: Path) -> list[str]:
    """The files that a training is of; nothing where they are not known."""
    known = run / LIST
    if not known.is_file():
        return []
    return [line for line in files.read_bytes(known).decode("utf-8", "replace").split("\n") if line]


def seen(run: Path, pictures: Pictures) -> int:
    """How many of some pictures a training is of, by their paths."""
    known = {os.path.abspath(path) for path in listed(run)}
    return sum(os.path.abspath(_printable(path)) in known for path in pictures.paths)


def _difference(run: Path, paths: list[str]) -> str:
    """Which were added and which are gone, as far as that is known."""
    then = set(listed(run))
    if not paths or not then:
        return ""
    told = {"added": sorted(set(paths) - then), "gone": sorted(then - set(paths))}
    said = [f"{what}: {_some(which)}" for what, which in told.items() if which]
    return f" ({'; '.join(said) or 'with the same names: some were changed'})"


def _printable(path: str) -> str:
    """A path may have bytes that are no text."""
    return path.encode("utf-8", "backslashreplace").decode().replace("\n", " ")


def _some(paths: list[str]) -> str:
    return ", ".join(paths[:_NAMED]) + f" and {len(paths) - _NAMED} more" * (len(paths) > _NAMED)
