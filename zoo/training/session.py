"""One training: the net, its method, its data, its checkpoints and its log."""

import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from zoo import index, loading
from zoo.data import batches
from zoo.data.sources import Pictures
from zoo.errors import ZooError
from zoo.storage import weights
from zoo.training import steps
from zoo.training.checkpoints import Checkpoints
from zoo.training.log import Log
from zoo.training.loop import loop

BEST = "best.weights.h5"
"""In a run directory: the weights of the lowest held-out loss so far, where one is watched."""


def trained(
    entry: index.Entry,
    pictures: tuple[Pictures, Pictures],
    run: Path,
    start: tuple[str, Path] | None,
    strategy=None,
    elsewhere: dict[str, float] | None = None,
) -> dict:
    """Trains to the end, or goes on from the last checkpoint, and writes `weights.h5`.

    Args:
        entry: with the recipe.
        pictures: those to train on, and those held out.
        run: the run directory.
        start: the name and the file of the weights to start from, or None.
        strategy: a `tf.distribute.Strategy`; by default one device.
        elsewhere: figures of the last step, where the weights to start from are those of it.

    Returns:
        What the run directory is to say of it: `head`, `calibration` and `held_out` (of some
        classifiers), `seconds`, `curve`, `steps` (that it was to take) and `sha256`.
    """
    loading.refuse_other_backends()
    strategy = strategy or tf.distribute.get_strategy()
    with strategy.scope():
        training = _Training(entry, pictures, run, start, strategy)
    if elsewhere is None:
        training.run_to_the_end()
    else:
        training.end(elsewhere)
    net = training.best()
    learnt = training.begun | training.task.finish(training.pipeline, training.held_out, run)
    if entry.recipe.kept_in == "float16":
        weights.round_to_half(net)
    digest = weights.save(net, run / weights.WEIGHTS)
    curve = training.log.rows
    seconds = curve[-1]["seconds"] if curve else 0.0
    learnt |= {"seconds": round(training.before + seconds), "curve": curve}
    learnt["steps"] = entry.recipe.steps
    if (replicas := strategy.num_replicas_in_sync) > 1:
        learnt["replicas"] = replicas
    return learnt | {"sha256": {weights.WEIGHTS: digest}}


class _Training:
    def __init__(self, entry: index.Entry, pictures, run: Path, start, strategy):
        keras.utils.set_random_seed(entry.recipe.seed)
        self.entry, self.recipe, self.run, self.strategy = entry, entry.recipe, run, strategy
        self.task = index.task_of(entry)
        self.train_set, self.held_out = pictures
        self.pipeline = loading.pipeline(entry, entry.build())
        if start is not None:
            self._start_from(start)
        since = time.monotonic()
        self.begun = self.task.begin(self.pipeline, *pictures, run)
        self.before = time.monotonic() - since
        self.method = self.task.method(entry, self.pipeline.net, strategy)
        self._level = steps.level(self.method.kept, strategy)
        self.checkpoints = Checkpoints(run / "checkpoints", self.method.variables)
        self.done = self.checkpoints.restore()
        self.log = Log(run, self.done)
        if self.recipe.patience and not self.done:
            weights.save(self.pipeline.net, run / BEST)

    def run_to_the_end(self) -> None:
        if self.done == self.recipe.steps or self._stale:
            return
        data = batches.dataset(self.entry, self.train_set, self.done, self.recipe.steps)
        data = self.strategy.experimental_distribute_dataset(data)
        step = steps.compiled(self.method.step, data.element_spec)
        self._since = time.monotonic()
        loop(step, data, self.done, self.recipe.steps, self.recipe.every, self._report)

    def end(self, figures: dict[str, float]) -> None:
        """Takes the weights that it starts from for those of its last step, with these figures."""
        self.method.settle()
        seconds = figures.get("seconds", 0.0)
        row = figures | self._held_out_figures() | {"seconds": seconds}
        self.log.add(self.recipe.steps, row)

    def deliver(self):
        """The plain net with what was learnt: the averaged weights where the recipe has them."""
        self.method.deliver()
        return self.pipeline.net

    def best(self):
        """The plain net as it is delivered: that of the lowest held-out loss where the recipe has
        patience."""
        net = self.deliver()
        if self.recipe.patience and self._losses:
            net.load_weights(self.run / BEST)
        return net

    @property
    def _losses(self) -> list[float]:
        """On the held-out pictures: before the first step, where that is known, and at each
        report."""
        key = f"held_out_{self.task.held_out_loss}"
        first = self.begun.get("head", {})
        return [row[key] for row in (first, *self.log.rows) if key in row]

    @property
    def _stale(self) -> bool:
        """Whether it has not become better for as many reports as the recipe has patience."""
        losses, patience = self._losses, self.recipe.patience
        return 0 < patience <= len(losses) - 1 - losses.index(min(losses)) if losses else False

    def _report(self, step: int, figures: dict[str, float]) -> bool:
        before = self.log.rows[-1]["seconds"] if self.log.rows else 0.0
        now = time.monotonic()
        seconds, self._since = before + now - self._since, now
        self._level()  # what is saved is the state of all replicas
        self.deliver()
        self.log.add(step, figures | self._held_out_figures() | {"seconds": seconds})
        self.task.watch(self.pipeline, self.run, self.log, step / self.recipe.steps)
        losses = self._losses
        if self.recipe.patience and losses and losses[-1] == min(losses):
            weights.save(self.pipeline.net, self.run / BEST)
        self.checkpoints.save(step)
        return self._stale

    def _held_out_figures(self) -> dict[str, float]:
        if not self.held_out:
            return {}
        figures = self.task.held_out(self.pipeline, self.held_out)
        return {f"held_out_{key}": value for key, value in figures.items()}

    def _start_from(self, start: tuple[str, Path]) -> None:
        """Takes over weights of the same net: of a name, a run directory or a file."""
        net = self.pipeline.net
        given = self.task.start_from(loading.load(*start).net, net)
        try:
            pairs = zip(given.get_weights(), net.get_weights(), strict=True)
            net.set_weights([_in_channels(*pair) for pair in pairs])
        except ValueError:
            raise ZooError(
                f"{start[1]} is of another net than {self.entry.name}: name one of the same family"
            ) from None


def _in_channels(given: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """A grey net's weight for a colour net, which then does to the mean what that did to grey."""
    if given.shape == wanted.shape:
        return given
    share = 1 / 3 if given.ndim == 4 and given.shape[2] == 1 else 1
    return share * np.broadcast_to(given, wanted.shape)
