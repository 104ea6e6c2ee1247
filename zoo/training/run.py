"""From a name to a run directory: run.json, log.csv, checkpoints, weights.h5."""

import dataclasses
import importlib.metadata
import os
import platform
import shlex
import sys
import time
from datetime import datetime, timezone
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from zoo import evaluate, files, heads, index, loading, weights
from zoo.data import batches, calibration, sources
from zoo.errors import ZooError
from zoo.training import steps, watch
from zoo.training.calibrate import calibrate
from zoo.training.checkpoints import Checkpoints
from zoo.training.log import Log
from zoo.training.loop import loop
from zoo.training.methods import method

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
    strategy = strategy or tf.distribute.get_strategy()
    with strategy.scope():
        training = _Training(entry, pictures, run, strategy)
    training.run_to_the_end()
    net = training.deliver()
    if entry.spec.kind == "recognition" and training.held_out:
        facts["calibration"] = calibrate(training.pipeline, training.held_out)
    digests = {weights.WEIGHTS: weights.save(net, run / weights.WEIGHTS)}
    if entry.spec.task != "generate":
        digests[weights.CALIBRATION] = calibration.write(
            run / weights.CALIBRATION, pictures, entry.spec
        )
    _finish(run, facts, training.log.rows, digests)
    return run


class _Training:
    """The parts of one training: net, method, data, checkpoints, log."""

    def __init__(self, entry: index.Entry, pictures: sources.Pictures, run: Path, strategy):
        keras.utils.set_random_seed(entry.recipe.seed)
        self.entry, self.recipe, self.run, self.strategy = entry, entry.recipe, run, strategy
        self.pipeline = loading.pipeline(entry, entry.build())
        if self.recipe.start is not None:
            _load_start(self.pipeline.net, entry)
        self.method = method(entry, self.pipeline.net, strategy)
        self.train_set, self.held_out = _split(entry, pictures)
        self.checkpoints = Checkpoints(run / "checkpoints", self.method.variables)
        self.done = self.checkpoints.restore()
        self.log = Log(run, self.done)

    def run_to_the_end(self) -> None:
        if self.done == self.recipe.steps:
            return
        data = batches.dataset(self.entry, self.train_set, self.done, self.recipe.steps)
        data = self.strategy.experimental_distribute_dataset(data)
        step = steps.compiled(self.method.step, data.element_spec)
        self._since = time.monotonic()
        loop(step, data, self.done, self.recipe.steps, self.recipe.every, self._report)

    def deliver(self):
        """The plain net with what was learnt: the averaged weights where the recipe has them."""
        self.method.deliver()
        return self.pipeline.net

    def _report(self, step: int, figures: dict[str, float]) -> None:
        before = self.log.rows[-1]["seconds"] if self.log.rows else 0.0
        now = time.monotonic()
        seconds, self._since = before + now - self._since, now
        self.deliver()
        self.log.add(step, figures | self._held_out_figures() | {"seconds": seconds})
        if self.entry.spec.kind == "generation":
            watch.look(self.pipeline, self.run, self.log, step / self.recipe.steps)
        self.checkpoints.save(step)

    def _held_out_figures(self) -> dict[str, float]:
        if not self.held_out:
            return {}
        figures = evaluate.held_out(self.pipeline, self.held_out)
        return {f"held_out_{key}": value for key, value in figures.items()}


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
    """Makes the run directory, or checks that the one there is of the same training."""
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


def _finish(run: Path, facts: dict, curve: list[dict], digests: dict[str, str]) -> None:
    facts |= {
        "ended": _now(),
        "seconds": round(curve[-1]["seconds"]),
        "curve": curve,
        "sha256": digests,
    }
    files.write_json(run / weights.RUN, facts)


def _load_start(net, entry: index.Entry) -> None:
    """Weights of the same net: of a name, a run directory or a file."""
    given = loading.load(*_start_of(entry)).net
    if entry.spec.kind == "recognition":
        given = heads.with_head(given, len(entry.spec.labels)) if _other_head(given, net) else given
    try:
        pairs = zip(given.get_weights(), net.get_weights(), strict=True)
        net.set_weights([_in_channels(*pair) for pair in pairs])
    except ValueError:
        raise ZooError(
            f"{entry.recipe.start} is another net than {entry.name}: name one of the same family"
        ) from None


def _other_head(given, net) -> bool:
    return given.output_shape != net.output_shape


def _in_channels(given: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """A grey net's weight for a colour net, which then does to the mean what that did to grey."""
    if given.shape == wanted.shape:
        return given
    share = 1 / 3 if given.ndim == 4 and given.shape[2] == 1 else 1
    return share * np.broadcast_to(given, wanted.shape)


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
