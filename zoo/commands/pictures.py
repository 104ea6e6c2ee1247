"""What `zoo run` reads and where its results go; refused before TensorFlow is imported."""

import glob
import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from tqdm import tqdm

from zoo import index
from zoo.data.folders import pictures_in
from zoo.errors import ZooError
from zoo.images.pixels import refuse_unreadable
from zoo.images.saving import format_of, save
from zoo.schema import Entry
from zoo.storage import files
from zoo.tasks.functions import IMAGE, LATENT, signatures

if TYPE_CHECKING:
    from zoo.tasks.denoiser import Denoiser
    from zoo.tasks.generator import Generator
    from zoo.tasks.restorer import Restorer

Work = Callable[[Any], Iterator[dict[str, Any]]]
"""Of a pipeline, one answer a picture; `error` is in those that failed."""


def sheet(entry: Entry, out: str | None, overwrite: bool, **wanted) -> Work:
    """New pictures on one sheet.

    Raises:
        ZooError: the net makes none, or not of that label, count or seed; the file cannot be
            written or is there already.
    """
    from zoo.loading import pipeline

    if all(LATENT not in signature.names for signature in signatures(entry.spec)):
        raise ZooError(f"{entry.name} makes no new pictures: name one that does")
    cast("Generator", pipeline(entry, None)).codes(**wanted)
    target = Path(out or f"{entry.name}.png")
    refuse_targets([target], [], overwrite)

    def work(pipeline) -> Iterator[dict]:
        from zoo.images.sheet import grid

        save(grid(pipeline.sample(**wanted)), target)
        yield {"result": str(target)}

    return work


def answers(
    entry: Entry, arguments: Iterable[str], out: str | None, overwrite: bool, options: dict
) -> Work:
    """What a net says of each picture, or makes of it.

    Args:
        entry: of the net.
        arguments: files, folders, shell patterns.
        out: a file, or a folder, for the results; by default they go beside the pictures.
        overwrite: replace results of before.
        options: of the call; None is left out.

    Raises:
        ZooError: no such file, no picture in a folder; no such option; a result would replace
            something, or two would have one name.
    """
    task = index.task_of(entry)
    if all(IMAGE not in signature.names for signature in signatures(entry.spec)):
        raise ZooError(f"{entry.name}: nothing to do: expected --count COUNT")
    options = _known(entry, options)
    if out is not None and not task.gives_pictures:
        raise ZooError(f"{entry.name} prints its answers: expected no --out, got {out}")
    paths = [path for path in pictures(arguments) if not _is_result(path, entry.name)]
    if not paths:
        raise ZooError(f"{entry.name}: nothing to do: expected PICTURES, files or folders")
    results: list[Path] = named(paths, out, entry.name) if task.gives_pictures else []
    refuse_targets(results, paths, overwrite)
    targets: Sequence[Path | None] = results or [None] * len(paths)

    def work(pipeline) -> Iterator[dict]:
        pairs = list(zip(paths, targets, strict=True))
        for path, target in tqdm(pairs, "pictures", disable=None if len(pairs) > 1 else True):
            answer = _answer(task, pipeline, path, target, options, overwrite)
            yield {"picture": str(path)} | answer

    return work


def pictures(arguments: Iterable[str]) -> list[Path]:
    """Files, the pictures in folders (and in those inside), what shell patterns match; each once.

    Raises:
        ZooError: no such file; no picture in a folder; nothing matches.
    """
    found: list[Path] = []
    for argument in arguments:
        path = Path(argument)
        if path.is_dir():
            found += pictures_in(path)
        elif not path.exists() and glob.has_magic(argument):
            found += _matching(argument)
        else:
            refuse_unreadable(path)
            found.append(path)
    return list({path.resolve(): path for path in found}.values())


def named(paths: list[Path], out: str | None, name: str) -> list[Path]:
    """Where each result goes: no two to one place."""
    if out is not None and not _is_folder(out):
        if len(paths) == 1:
            return [Path(out)]
        if Path(out).suffix or Path(out).is_file():
            raise ZooError(
                f"--out {out}: expected a folder for {len(paths)} pictures, got a file; name one "
                "as DIR/"
            )
    targets: dict[Path, None] = {}
    for path in paths:
        place = path.parent if out is None else Path(out)
        ways = itertools.chain([path.stem, path.name.replace(".", "_")], _numbered(path.stem))
        targets[next(t for way in ways if (t := place / f"{way}_{name}.png") not in targets)] = None
    return list(targets)


def refuse_targets(targets: list[Path], inputs: list[Path], overwrite: bool) -> None:
    """Raises ZooError where a result cannot be written, is there already, or is an input."""
    given = {path.resolve() for path in inputs}
    for target in targets:
        format_of(target)
        if target.resolve() in given:
            raise ZooError(f"{target} is one of the pictures: name another place with --out")
        if target.exists() and not overwrite:
            raise ZooError(f"{target} is there already: expected a new name, or --overwrite")
        files.refuse_unwritable(target)


def line(answer: dict) -> str:
    """An answer on one line of the terminal."""
    if "sigma" in answer:
        return f"{answer['result']} ({_of_noise(answer['sigma'])})"
    if "result" in answer:
        return answer["result"]
    if "labels" not in answer:
        return f"{answer['picture']}: {answer['answer']}"
    best = [f"{row['label']} {row['probability']:.1%}" for row in answer["labels"][:3]]
    return f"{answer['picture']}: {', '.join(best)}"


def _of_noise(sigma: float) -> str:
    if sigma:
        return f"noise of sigma {sigma:.1f}"
    return "told of no noise, it changed nothing: where you see some, say --sigma 5, or more"


def _answer(
    task, pipeline, path: Path, target: Path | None, options: dict, overwrite: bool
) -> dict:
    """A picture that cannot be read, or not be written, does not keep the others from it."""
    try:
        if target is None:
            return task.answer(pipeline(path, **options))
        made, said = task.picture_of(pipeline, path, **options)
        refuse_targets([target], [], overwrite)  # another process may have written it meanwhile
        save(made, target)
        return {"result": str(target)} | said
    except ZooError as error:
        return failure(path, error)


def failure(path: str | Path, error: ZooError) -> dict:
    """What is said of a picture that nothing was made of, and of which one."""
    said = str(error)
    return {"picture": str(path), "error": said if str(path) in said else f"{path}: {said}"}


def _is_result(path: Path, name: str) -> bool:
    """Whether a picture in a folder is what this net once made of another there."""
    stem, _, own = path.stem.rpartition(f"_{name}")
    return bool(stem) and not own and any(path.parent.glob(f"{glob.escape(stem)}.*"))


def _known(entry: Entry, options: dict) -> dict:
    """The options that were given. Raises ZooError on one that the task has not."""
    from zoo.loading import pipeline

    task, options = index.task_of(entry), {k: v for k, v in options.items() if v is not None}
    if wrong := sorted(options.keys() - set(task.options)):
        raise ZooError(f"{entry.name} is for {task.name}: it takes no {', '.join(wrong)}")
    if "scale" in options:
        cast("Restorer", pipeline(entry, None)).known(options["scale"])
    if told := {key: options[key] for key in ("sigma", "strength") if key in options}:
        cast("Denoiser", pipeline(entry, None)).refuse_level(**told)
    return options


def _matching(pattern: str) -> list[Path]:
    found = sorted(path for path in map(Path, glob.glob(pattern, recursive=True)) if path.is_file())
    if not found:
        raise ZooError(f"{pattern}: no file matches")
    return found


def _is_folder(out: str) -> bool:
    return out.endswith(("/", os.sep)) or Path(out).is_dir()


def _numbered(stem: str) -> Iterator[str]:
    return (f"{stem}_{number}" for number in itertools.count(2))
