"""log.csv and TensorBoard of a run; both go on where a resumed training does."""

import csv
import io
import itertools
import os
from pathlib import Path

import numpy as np
import tensorflow as tf

from zoo.errors import ZooError, need
from zoo.storage import files


class Log:
    """One row a report. Rows after the step that a training resumes from are dropped."""

    def __init__(self, run: Path, resumed: int):
        self.path = run / "log.csv"
        self.rows = [row for row in read(self.path) if row["step"] <= resumed]
        need("tensorboard", "training")
        self._board = tf.summary.create_file_writer(str(run / "tensorboard"))

    def add(self, step: int, figures: dict[str, float]) -> None:
        """Writes a row. Raises ZooError where the rows before have other columns."""
        row = {"step": step, **figures}
        if self.rows and self.rows[0].keys() != row.keys():
            raise _odd(self.path, f"columns {', '.join(row)}", ", ".join(self.rows[0]))
        self.rows.append(row)
        with files.whole(self.path) as partial, partial.open("w", newline="") as file:
            writer = csv.DictWriter(file, row)
            writer.writeheader()
            writer.writerows(self.rows)
        with self._board.as_default(step):
            for name, value in figures.items():
                tf.summary.scalar(name, value)
        self._board.flush()

    def picture(self, step: int, name: str, pixels: np.ndarray) -> None:
        """Shows uint8 `[h, w, c]` in TensorBoard."""
        with self._board.as_default(step):
            tf.summary.image(name, pixels[None])
        self._board.flush()


def read(path: Path) -> list[dict[str, float]]:
    """The rows of a log.csv; none where there is no file.

    Raises:
        ZooError: it is not as `Log` writes it: a column `step` that rises, and numbers.
    """
    if not os.path.lexists(path):
        return []
    try:
        text = files.read_bytes(path).decode("utf-8")
        head, *lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    except (csv.Error, UnicodeError, ValueError) as error:
        if isinstance(error, ZooError):
            raise
        raise _odd(path, "comma-separated values", str(error)) from error
    if "step" not in head or len(set(head)) < len(head):
        raise _odd(path, "a column `step`, and each column once", ", ".join(head))
    rows = [_row(path, head, line) for line in lines]
    steps = [0, *(row["step"] for row in rows)]
    if any(one >= other for one, other in itertools.pairwise(steps)):
        raise _odd(path, "steps that rise from 1 on", ", ".join(map(str, steps[1:])))
    return rows


def _row(path: Path, head: list[str], line: list[str]) -> dict[str, float]:
    if len(line) != len(head):
        raise _odd(path, f"{len(head)} figures in a row", ",".join(line))
    try:
        return {key: _figure(key, value) for key, value in zip(head, line, strict=True)}
    except ValueError as error:
        raise _odd(path, "numbers", str(error)) from error


def _figure(key: str, value: str) -> float:
    if "_" in value or len(value) > 40:  # which Python reads as numbers, and we never write
        raise ValueError(f"{value[:40]!r}")
    return int(value) if key == "step" else float(value)


def _odd(path: Path, expected: str, got: str) -> ZooError:
    return ZooError(
        f"{path} was changed: expected {expected}, got {got[:200]}; remove it to go on without "
        "the figures so far"
    )
