"""log.csv and TensorBoard of a run; both go on where a resumed training does."""

import csv
from pathlib import Path

import numpy as np
import tensorflow as tf

from zoo import files
from zoo.errors import need


class Log:
    """One row a report. Rows after the step that a training resumes from are dropped."""

    def __init__(self, run: Path, resumed: int):
        self.path = run / "log.csv"
        self.rows = [row for row in read(self.path) if row["step"] <= resumed]
        need("tensorboard", "training")
        self._board = tf.summary.create_file_writer(str(run / "tensorboard"))

    def add(self, step: int, figures: dict[str, float]) -> None:
        self.rows.append({"step": step, **figures})
        with files.whole(self.path) as partial, partial.open("w", newline="") as file:
            writer = csv.DictWriter(file, self.rows[-1])
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
    """The rows of a log.csv; none where there is no file."""
    if not path.is_file():
        return []
    with path.open(newline="") as file:
        return [
            {key: int(value) if key == "step" else float(value) for key, value in row.items()}
            for row in csv.DictReader(file)
        ]
