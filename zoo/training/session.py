"""One training: the net, its method, its data, its checkpoints and its log."""

import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from zoo import index, loading, weights
from zoo.data import batches
from zoo.data.sources import Pictures
from zoo.errors import ZooError
from zoo.tasks import evaluate, heads
from zoo.training import steps, watch
from zoo.training.calibrate import calibrate
from zoo.training.checkpoints import Checkpoints
from zoo.training.log import Log
from zoo.training.loop import loop
from zoo.training.methods import method


def trained(
    entry: index.Entry,
    pictures: tuple[Pictures, Pictures],
    run: Path,
    start: tuple[str, Path] | None,
    strategy=None,
) -> dict:
    """Trains to the end, or goes on from the last checkpoint, and writes `weights.h5`.

    Args:
        entry: with the recipe.
        pictures: those to train on, and those held out.
        run: the run directory.
        start: the name and the file of the weights to start from, or None.
        strategy: a `tf.distribute.Strategy`; by default one device.

    Returns:
        What the run directory is to say of it: `calibration` (of some classifiers), `seconds`,
        `curve` and `sha256`.
    """
    strategy = strategy or tf.distribute.get_strategy()
    with strategy.scope():
        training = _Training(entry, pictures, run, start, strategy)
    training.run_to_the_end()
    net = training.deliver()
    learnt = {}
    if entry.spec.kind == "recognition" and training.held_out:
        learnt["calibration"] = calibrate(training.pipeline, training.held_out)
    digest = weights.save(net, run / weights.WEIGHTS)
    curve = training.log.rows
    learnt |= {"seconds": round(curve[-1]["seconds"]), "curve": curve}
    return learnt | {"sha256": {weights.WEIGHTS: digest}}


class _Training:
    def __init__(self, entry: index.Entry, pictures, run: Path, start, strategy):
        keras.utils.set_random_seed(entry.recipe.seed)
        self.entry, self.recipe, self.run, self.strategy = entry, entry.recipe, run, strategy
        self.train_set, self.held_out = pictures
        self.pipeline = loading.pipeline(entry, entry.build())
        if start is not None:
            _load_start(self.pipeline.net, entry, start)
        self.method = method(entry, self.pipeline.net, strategy)
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


def _load_start(net, entry: index.Entry, start: tuple[str, Path]) -> None:
    """Weights of the same net: of a name, a run directory or a file."""
    given = loading.load(*start).net
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
