"""From a name to a run directory: run.json, log.csv, checkpoints, weights.h5.

What cannot be trained is refused before TensorFlow is imported.
"""

import dataclasses
import importlib.metadata
import os
import platform
import shlex
import sys
from datetime import datetime, timezone
from pathlib import Path

from zoo import files, index, weights
from zoo.data import calibration, sources
from zoo.errors import ZooError, need
from zoo.tasks import heads

PACKAGES = ("tensorflow", "keras", "numpy", "tensorflow-datasets", "pillow")


def train(name: str, run=None, start=None, strategy=None, **changes) -> Path:
    """Trains a name by its recipe, or goes on with a training that was stopped.

    The same call on the same machine ends with the same bytes, stopped in between or not.

    Args:
        name: from the index.
        run: the run directory; `runs/NAME` by default.
        start: weights to start from in place of the recipe's: a name, a run directory or a `.h5`
            file.
        strategy: a `tf.distribute.Strategy`; by default one device.
        **changes: fields of the recipe to replace, such as `steps=100` or `data="folder:DIR"`.

    Returns:
        The run directory.

    Raises:
        ZooError: unknown name or field; data that does not fit; a run directory of another
            recipe; a loss that is no longer finite; a disk that is full.
    """
    if start is not None:
        changes["start"] = str(start)
    entry = _changed(index.entry(name), changes)
    run = Path(run or Path("runs") / entry.name)
    facts = _claim(run, entry)
    if "sha256" in facts:
        return run
    pictures = sources.load(entry.recipe.data, entry.spec.channels, split="train")
    pictures = pictures.of_size(entry.spec.shape[:2])
    if labels := _other_classes(entry, pictures):
        if facts.setdefault("labels", labels) != labels:
            raise ZooError(
                f"{run} was begun with the classes {facts['labels']}, and {pictures.name} has "
                f"{labels} now: name the folders as before, or choose another folder with --run"
            )
        entry = heads.with_classes(entry, labels)
        files.write_json(run / weights.RUN, facts)
    from zoo.training.session import trained

    start = _start_of(entry) if entry.recipe.start is not None else None
    learnt = trained(entry, _split(entry, pictures), run, start, strategy)
    if entry.spec.task != "generate":
        kept = calibration.write(run / weights.CALIBRATION, pictures, entry.spec)
        learnt["sha256"][weights.CALIBRATION] = kept
    files.write_json(run / weights.RUN, facts | {"ended": _now()} | learnt)
    return run


def finished(run: Path) -> tuple[dict, index.Entry]:
    """What a run directory says of itself, and the entry that it was trained for.

    Raises:
        ZooError: it is none, is not finished, or was trained by another recipe than the index has.
    """
    path = run / weights.RUN
    facts = files.read_json(path) if path.is_file() else {}
    if not {"name", "recipe"} <= facts.keys():
        raise ZooError(
            f"{run} is no run directory: it holds no {weights.RUN} as `zoo train` writes it"
        )
    entry = index.entry(facts["name"])
    if weights.WEIGHTS not in facts.get("sha256", {}):
        raise ZooError(f"{run} is not finished: run its command again, {facts['command']!r}")
    if recorded_recipe(facts) != entry.recipe:
        raise ZooError(
            f"{run} was trained by another recipe than the index has for {entry.full_name}: "
            "train it again, or register what was changed under a tag of its own"
        )
    return facts, entry


def _changed(entry: index.Entry, changes: dict) -> index.Entry:
    known = {field.name for field in dataclasses.fields(index.Recipe)}
    if unknown := set(changes) - known:
        raise ZooError(f"a recipe has no {', '.join(sorted(unknown))}; it has {sorted(known)}")
    recipe = dataclasses.replace(entry.recipe, **changes)
    if recipe.fixed_norm and recipe.start is None:
        raise ZooError(
            "fixed_norm keeps the averages that batch normalisation starts with, and fresh weights "
            "have none: name weights to start from, as start='dncnn_blind'"
        )
    if recipe.rounded and not entry.spec.restores:
        raise ZooError(
            f"rounded is for nets that restore pictures, and {entry.name} is none: train it without"
        )
    return dataclasses.replace(entry, recipe=recipe)


def _claim(run: Path, entry: index.Entry) -> dict:
    """Makes the run directory, or checks that the one there is of the same training.

    Raises ZooError, before anything is written, where that training cannot begin.
    """
    path = run / weights.RUN
    if path.is_file():
        known = files.read_json(path)
        if difference := _difference(known, entry):
            raise ZooError(
                f"{run} holds another training ({difference}); choose another folder with --run, "
                "or remove this one"
            )
        return known
    if run.exists() and (not run.is_dir() or any(run.iterdir())):
        raise ZooError(f"{run} is not empty and no run directory of the zoo: choose another --run")
    facts = {"name": entry.full_name, "recipe": dataclasses.asdict(entry.recipe)}
    facts |= {
        "command": shlex.join([_program(), *sys.argv[1:]]),
        "versions": {"python": platform.python_version()} | _versions(),
        "host": f"{platform.system()} {platform.machine()}, {_processors()} processors",
        "started": _now(),
    } | _donor(entry)
    need("tensorboard", "training")
    sources.refuse_missing(entry.recipe.data)
    files.write_json(path, facts)
    return facts


def _program() -> str:
    name = Path(sys.argv[0]).name
    return "zoo" if name == "__main__.py" else name  # python -m zoo


def _donor(entry: index.Entry) -> dict:
    """How the weights that a training starts from were made: the chain can be repeated.

    Raises ZooError where they are not there, before anything is written.
    """
    if entry.recipe.start is None:
        return {}
    _, path = _start_of(entry)
    weights.read_checked(path)
    if not path.with_name(weights.RUN).is_file():
        return {}
    known = files.read_json(path.with_name(weights.RUN))
    kept = ("name", "recipe", "seconds", "sha256", "start")
    return {"start": {key: known[key] for key in kept if key in known}}


def _start_of(entry: index.Entry) -> tuple[str, Path]:
    """Whose weights a training starts from, and their file."""
    start = entry.recipe.start
    if not index.is_name(start):
        return entry.name, weights.weights_path(start)
    donor = index.entry(start)
    if not donor.pretrained and not weights.published(donor):
        run = f"runs/{donor.full_name}"
        raise ZooError(
            f"{entry.full_name} starts from {start}, whose weights are not in the package: run "
            f"`zoo train {start} --run {run}` first, then add `--from {run}`"
        )
    return start, weights.path_of(donor, "pretrained")


def recorded_recipe(facts: dict) -> index.Recipe:
    """The recipe in a `run.json`; fields that came later have their usual values."""
    known = {f.name for f in dataclasses.fields(index.Recipe)}
    fields = {key: value for key, value in facts["recipe"].items() if key in known}
    return index.Recipe(**{k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()})


def _difference(known: dict, entry: index.Entry) -> str:
    """The first thing in which a `run.json` is not of this training, or ""."""
    there = {"name": known["name"]} | dataclasses.asdict(recorded_recipe(known))
    asked = {"name": entry.full_name} | dataclasses.asdict(entry.recipe)
    found = [
        f"{k}: {there[k]!r} there, {asked[k]!r} asked for" for k in asked if there[k] != asked[k]
    ]
    return found[0] if found else ""


def _other_classes(entry: index.Entry, pictures: sources.Pictures) -> list[str]:
    """The classes of a folder that a net is fine-tuned for, if they are not its own."""
    fine_tuned = entry.recipe.start is not None and entry.spec.kind == "recognition"
    if not fine_tuned or not pictures.classes or pictures.known_among(entry.spec.labels):
        return []
    return list(pictures.classes)


def _split(entry: index.Entry, pictures) -> tuple[sources.Pictures, sources.Pictures]:
    """The training pictures, and the last ones of the set, held out for choices."""
    kept = len(pictures) - entry.recipe.holdout
    if kept < 1:
        raise ZooError(
            f"{pictures.name} has {len(pictures)} pictures and the recipe holds out "
            f"{entry.recipe.holdout}: add pictures or lower --holdout"
        )
    return pictures.part(slice(kept)), pictures.part(slice(kept, None))


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
