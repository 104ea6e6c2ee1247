"""Checkpoints that appear whole or not at all: one folder each, of which the newest is kept."""

import errno
import re
from pathlib import Path

import tensorflow as tf

from zoo.errors import ZooError
from zoo.storage import files, leftovers

_NAME = "step-"


class Checkpoints:
    """Saves and restores variables.

    Args:
        folder: where the checkpoints lie, `step-N` each.
        variables: Keras variables, in a fixed order.
    """

    def __init__(self, folder: Path, variables):
        self.folder = folder
        self._state = tf.train.Checkpoint(variables=[v.value for v in variables])

    def newest(self) -> int:
        """The step of the newest checkpoint; 0 where there is none."""
        return max(self._steps(), default=0)

    def restore(self) -> int:
        """Restores the newest checkpoint, if any, and returns its step.

        Raises:
            ZooError: it does not fit the variables or cannot be read.
        """
        step = self.newest()
        if step:
            path = self._path(step)
            try:
                self._state.read(str(path / "state")).assert_consumed()
            except Exception as error:  # of TensorFlow, on damaged files: any kind
                raise ZooError(
                    f"{path} cannot be restored: {error}\nRemove this folder to go on from an "
                    "earlier checkpoint or from the start"
                ) from error
        return step

    def save(self, step: int) -> None:
        """Writes a checkpoint, then removes older ones.

        Raises:
            ZooError: it cannot be written; the one before is still there.
        """
        with files.whole(self._path(step)) as partial:
            try:
                self._state.write(str(partial / "state"))
            except tf.errors.OpError as error:
                full = isinstance(error, tf.errors.ResourceExhaustedError)
                raise OSError(errno.ENOSPC if full else None, error.message) from error
        for old in self._steps():
            if old != step:
                leftovers.remove(self._path(old))

    def _path(self, step: int) -> Path:
        return self.folder / f"{_NAME}{step:08}"

    def _steps(self) -> list[int]:
        found = [re.fullmatch(_NAME + r"([0-9]{8,15})", p.name) for p in self.folder.glob("*")]
        return [int(match[1]) for match in found if match]
