"""Models of one's own on the command line: `.keras` files, and folders of `Pipeline.save`."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo.errors import ZooError
from zoo.storage import files, keras_files

if TYPE_CHECKING:
    from zoo.tasks.pipeline import Pipeline

_OPTIONS = (
    click.option("--task", help="Of a .keras file, as zoo.wrap takes it [default: classify]."),
    click.option(
        "--labels",
        type=click.Path(path_type=Path),
        help="Of a .keras file: its classes, a line each [default: their numbers].",
    ),
    click.option(
        "--pixels",
        help="Of a .keras file, what it takes: 0..1, 0..255, -1..1, inside, MEAN/STD "
        "(0.485,0.456,0.406/0.229,0.224,0.225), or a family of keras.applications [default: 0..1].",
    ),
    click.option(
        "--degrade",
        help="Of a .keras file that restores, or of NAME to train: what it undoes, as noise:25.",
    ),
    click.option(
        "--scale", type=click.IntRange(2), help="Of a .keras file: by how much it enlarges."
    ),
    click.option(
        "--licence", help="Of a .keras file: of its training data [default: of your data]."
    ),
)
NAMES = ("task", "labels", "pixels", "degrade", "scale", "licence")


def options(command: Callable) -> Callable:
    """Gives a command what only a model of one's own has to be asked; a name says it itself."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def refuse_said(name: str, said: dict[str, Any]) -> None:
    """Raises ZooError where a name of the zoo is described, which says it itself."""
    if known := [key for key in NAMES if said.get(key) is not None]:
        raise ZooError(
            f"--{known[0]} describes a .keras file of your own: expected one, got {name}, which "
            "says it itself"
        )


def saved(name: str, weights: Any = "pretrained") -> "Pipeline | None":
    """The pipeline of a folder that `Pipeline.save` wrote of a user's own net, or None."""
    from zoo.wrapping.entry import is_saved

    if weights != "pretrained" or not is_saved(name):
        return None
    from zoo.loading import load_own

    return load_own(name)


def wrapped(path: str, said: dict[str, Any], **more: Any) -> "Pipeline":
    """The pipeline of a `.keras` file, as it is described on the command line."""
    keras_files.refuse(Path(path))
    given = {key: said[key] for key in NAMES if said.get(key) is not None}
    if "labels" in given:
        given["labels"] = _lines(given["labels"])
    if "pixels" in given:
        given["pixels"] = _pixels(given["pixels"])
    from zoo.wrapping.wrap import wrap

    return wrap(path, **given, **{k: value for k, value in more.items() if value is not None})


def _lines(path: Path) -> list[str]:
    try:
        text = files.read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ZooError(f"{path}: expected text in UTF-8, a class a line") from None
    return [line.strip() for line in text.splitlines() if line.strip()]


def _pixels(text: str) -> Any:
    """`MEAN/STD` as numbers; anything else as it is."""
    mean, slash, std = text.partition("/")
    if not slash:
        return text
    try:
        return tuple(_numbers(part) for part in (mean, std))
    except ValueError:
        raise ZooError(
            f"--pixels {text}: expected MEAN/STD, numbers or one a channel, as 0.5/0.25"
        ) from None


def _numbers(text: str) -> float | tuple[float, ...]:
    found = tuple(map(float, text.split(",")))
    return found[0] if len(found) == 1 else found
