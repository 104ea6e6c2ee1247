"""From a name to a run directory: run.json, log.csv, checkpoints, weights.h5.

What cannot be trained is refused before TensorFlow is imported.
"""

import contextlib
import dataclasses
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from zoo import index
from zoo.data import calibration, sources
from zoo.data.sets import STAND_INS
from zoo.errors import ZooError, ZooWarning, need
from zoo.images.pixels import fit_channels, to_uint8
from zoo.recipe import KEPT_IN, OPTIMIZERS, PRECISIONS, Recipe, in_cycles
from zoo.schema import Entry
from zoo.storage import files, leftovers, run_json, weights
from zoo.tasks.functions import IMAGE, signatures
from zoo.training import pictures, record, workers

CYCLES, START = "cycles", "start"
"""Folders of a run directory: its earlier cycles, and what it starts from, where that is trained
first. Each holds run directories."""
Donor = tuple[str, Path]
"""The name and the file of weights to start from."""


def train(
    name: str,
    run: str | Path | None = None,
    start: str | Path | None = None,
    strategy: Any = None,
    **changes: Any,
) -> Path:
    """Trains a name by its recipe, or goes on with a training; see `zoo.train`."""
    entry = index.entry(name)
    if start is not None or changes:
        entry = _changed(entry, start, changes)
    if not entry.recipe.data:
        raise ZooError(
            f"{entry.name} is trained on pictures of one's own: name a folder with a folder a "
            "class, --data folder:PATH"
        )
    entry = index.task_of(entry).shaped(entry)
    run = Path(run or Path("runs") / entry.name)
    strategy = strategy or workers.from_environment()
    with workers.writing(run, strategy, f"{entry.full_name} by {entry.recipe}") as folder:
        _in_cycles(entry, folder, strategy)
    return run


def _in_cycles(entry: Entry, run: Path, strategy: Any) -> Path:
    """Each cycle in a run directory of its own, the last one in `run`."""
    *earlier, last = (dataclasses.replace(entry, recipe=r) for r in entry.recipe.chain())
    _refuse_other(run, last)
    donor = None
    for number, cycle in enumerate(earlier, 1):
        folder = _trained(cycle, run / CYCLES / str(number), donor, number, strategy)
        donor = entry.name, folder / weights.WEIGHTS
    return _trained(last, run, donor, len(earlier) + 1 if earlier else None, strategy)


def _trained(
    entry: Entry, run: Path, donor: Donor | None, cycle: int | None, strategy: Any
) -> Path:
    """One cycle; without a donor, from fresh weights."""
    known = _refuse_other(run, entry)
    if "sha256" in known:
        return run
    if entry.recipe.start is not None:
        donor = _start_of(entry, run, strategy)
    with leaving_nothing(run):
        return ended(entry, run, known or _begun(entry, run, donor, cycle), donor, strategy)


@contextlib.contextmanager
def leaving_nothing(run: Path) -> Iterator[None]:
    """A training that is refused before its first checkpoint does not block the next try. One that
    a full disk ended keeps what it has: with some space it goes on there."""
    existed = run.is_dir()
    before = set(os.listdir(run)) if existed else set()
    try:
        yield
    except (ZooError, ZooWarning) as error:  # the latter where it is to be strict
        full = isinstance(error.__cause__, OSError)
        if not full and not any((run / "checkpoints").glob("*")):
            for name in set(os.listdir(run)) - before if run.is_dir() else ():
                leftovers.remove(run / name)
            if not existed:
                leftovers.remove(run)
        raise


def ended(
    entry: Entry,
    run: Path,
    facts: dict[str, Any],
    donor: Donor | None,
    strategy: Any,
    elsewhere: dict[str, float] | None = None,
) -> Path:
    """Trains to the end, if that was not done `elsewhere`: see `zoo.training.session.trained`."""
    found, validation = pictures.load(entry)
    entry = _adapted(entry, found, run, facts)
    pictures.refuse_others(run, facts, found, validation)
    workers.agree(strategy, {"pictures": facts["pictures"]})
    found = found.of_size(entry.spec.shape[:2])
    from zoo.training.session import trained

    split = pictures.split(entry, found, validation)
    learnt = trained(entry, split, run, donor, strategy, elsewhere)
    if any(IMAGE in signature.names for signature in signatures(entry.spec)):
        handed_on = _to_hand_on(entry, found)
        kept = calibration.write(run / weights.CALIBRATION, handed_on, entry.spec)
        learnt["sha256"][weights.CALIBRATION] = kept
    files.write_json(run / weights.RUN, facts | {"ended": record.now()} | learnt)
    return run


def _to_hand_on(entry: Entry, found: sources.Pictures) -> sources.Pictures:
    """Those of which a sample may lie beside the weights."""
    names = [STAND_INS[part] for part in entry.recipe.data.split("+") if part in STAND_INS]
    if not names:
        return found
    from zoo import loading
    from zoo.tasks.generator import Generator

    generator = loading.load(names[0])
    assert isinstance(generator, Generator)
    made = generator.decode(generator.codes(calibration.COUNT, calibration.SEED))
    made = to_uint8(fit_channels(made, entry.spec.channels))
    return sources.Pictures(f"samples of {names[0]}", list(made))


def _changed(entry: Entry, start: str | Path | None, changes: dict[str, Any]) -> Entry:
    known = {field.name for field in dataclasses.fields(entry.recipe)} - {"cycles"}
    if unknown := set(changes) - known:
        raise ZooError(
            f"a recipe to {entry.spec.task} has no {', '.join(sorted(unknown))}; it has "
            f"{', '.join(sorted(known))}"
        )
    if isinstance(said := changes.get("degrade"), str):
        changes = changes | {"degrade": tuple(said.split(","))}
    if "steps" in changes and "epochs" in known:
        changes = {"epochs": 0} | changes
    cycles = entry.recipe.chain()
    base = cycles[0] if start is None else dataclasses.replace(cycles[-1], start=str(start))
    recipe = dataclasses.replace(base, **changes)
    task = index.task_of(entry)
    _refuse_odd(recipe, task.losses)
    if recipe.patience and task.held_out_loss is None:
        raise ZooError(
            f"patience: expected 0, got {recipe.patience}: of a net to {task.name} no held-out "
            "loss is watched"
        )
    if recipe.frozen_batch_norm and recipe.start is None:
        raise ZooError(
            "frozen_batch_norm keeps the averages that batch normalisation starts with, and fresh "
            "weights have none: name weights to start from, as start='dncnn_blind'"
        )
    changed = dataclasses.replace(entry, recipe=recipe)
    task.refuse(changed)
    return changed


def _refuse_odd(recipe: Recipe, losses: tuple[str, ...]) -> None:
    """Raises ZooError on a value that no training can have, before anything is written."""
    fitted = getattr(recipe, "fit_head", False)  # which may be all
    least = {"steps": 0 if fitted else 1, "batch": 1, "every": 1, "warmup": 0, "seed": 0}
    least |= {"patience": 0} | ({} if 0 < recipe.holdout < 1 else {"holdout": 0})
    least |= {"epochs": 0} if hasattr(recipe, "epochs") else {}
    for name, value in {key: getattr(recipe, key) for key in least}.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < least[name]:
            raise ZooError(f"{name}: expected a whole number from {least[name]} on, got {value!r}")
    choices = {"optimizer": OPTIMIZERS, "precision": PRECISIONS, "loss": losses, "kept_in": KEPT_IN}
    for name, known in choices.items():
        if (value := getattr(recipe, name)) not in known:
            raise ZooError(f"{name}: expected {', '.join(known)}, got {value!r}")
    _refuse_outside("learning_rate", recipe.learning_rate, math.inf)
    if recipe.ema is not None:
        _refuse_outside("ema", recipe.ema, 1)


def _refuse_outside(name: str, value: object, most: float) -> None:
    if not isinstance(value, (int, float)) or not 0 < value < most:
        raise ZooError(f"{name}: expected a number between 0 and {most}, got {value!r}")


def _refuse_other(run: Path, entry: Entry) -> dict[str, Any]:
    """What a run directory says of itself, if there is one. Raises ZooError if it is another."""
    path = run / weights.RUN
    if (known := run_json.beside(path)) is not None:
        if not {"name", "recipe"} <= known.keys():
            raise ZooError(f"{path} was changed: expected a name and a recipe; remove {run}")
        if difference := record.difference(known, entry):
            raise ZooError(
                f"{run} holds another training ({difference}); choose another folder with --run, "
                "or remove this one"
            )
        return known
    if run.exists() and (not run.is_dir() or _foreign(run)):
        raise ZooError(f"{run} is not empty and no run directory of the zoo: choose another --run")
    return {}


def _foreign(run: Path) -> bool:
    return any(path.name not in (CYCLES, START) for path in run.iterdir())


def _begun(entry: Entry, run: Path, donor: Donor | None, cycle: int | None) -> dict[str, Any]:
    """Makes the run directory; nothing is written where that training cannot begin."""
    facts = record.of(entry, cycle) | (record.of_donor(donor[1]) if donor else {})
    need("tensorboard", "training")
    sources.refuse_missing(entry.recipe.data)
    files.write_json(run / weights.RUN, facts)
    return facts


def _start_of(entry: Entry, run: Path, strategy: Any) -> Donor:
    """Whose weights a training starts from, and their file.

    `NAME@K` is trained first, unless K cycles are all that the published weights had.
    """
    start = entry.recipe.start
    name, _, cycles = start.partition("@")
    if not index.is_name(name):
        return entry.name, weights.weights_path(start)
    donor = index.entry(name)
    chain = donor.recipe.chain()
    if cycles and int(cycles) < len(chain):
        donor = dataclasses.replace(donor, recipe=in_cycles(*chain[: int(cycles)]))
        return name, _in_cycles(donor, run / START, strategy) / weights.WEIGHTS
    if not donor.pretrained and not weights.published(donor):
        raise ZooError(
            f"{entry.full_name} starts from {start}, whose weights are not in the package: run "
            f"`zoo train {start} --run runs/{start}` first, then add `--from runs/{start}`"
        )
    return name, weights.path_of(donor, "pretrained")


def _adapted(entry: Entry, found: sources.Pictures, run: Path, facts: dict[str, Any]) -> Entry:
    """The entry as its task trains it on these pictures: perhaps for other classes."""
    adapted = index.task_of(entry).adapted(entry, found)
    if adapted is entry:
        return entry
    labels = list(adapted.spec.labels)
    if facts.setdefault("labels", labels) != labels:
        raise ZooError(
            f"{run} was begun with the classes {facts['labels']}, and {found.name} has "
            f"{labels} now: name the folders as before, or choose another folder with --run"
        )
    facts.update(run_json.of_labels(labels))
    files.write_json(run / weights.RUN, facts)
    return adapted
