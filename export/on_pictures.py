"""What files give on real pictures beside the net: figures, errors, where they differ most."""

import dataclasses
import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from zoo.errors import ZooError

_WORST = 8


UsersMetric = Callable[[list[np.ndarray], Any], Any]
"""`(outputs, truth)` to a number, or one for each picture. `outputs` is what the function gives of
each picture, such as probabilities `[classes]`; `truth` the right classes `[n]`, or, of what
restores, the clean pictures, uint8 `[h, w, c]`."""


@dataclass(order=True)
class Seen:
    """A picture of which a file gives something else than the net.

    Attributes:
        error: root mean square of the difference.
        number: of the picture in its set.
        result: what the file gives.
        expected: what the net gives.
    """

    error: float
    number: int
    result: np.ndarray = field(compare=False)
    expected: np.ndarray = field(compare=False)


@dataclass
class Figures:
    """A file, or the net, on a set of pictures.

    Attributes:
        value: its figure; None where the task has none of such pictures.
        scores: the figure of each picture `[n]`, where it is their mean.
        max_error: the largest difference from the net.
        mean_error: the mean over the pictures of the root mean square difference.
        worst: the pictures with the largest, first the worst.
    """

    value: float | None = None
    scores: np.ndarray | None = None
    max_error: float = 0.0
    mean_error: float = 0.0
    worst: list[Seen] = field(default_factory=list)


def checked(metric: UsersMetric, outputs: list[np.ndarray], truth: Any) -> np.ndarray:
    """What a user's metric says. Raises ZooError where that is no figure."""
    try:
        found = metric(outputs, truth)
        numbers = np.asarray(found, np.float64)
    except (Exception, SystemExit) as error:  # of a user's function: any kind
        raise ZooError(f"the metric failed: {type(error).__name__}: {error}") from error
    if numbers.shape not in ((), (len(outputs),)) or not np.isfinite(numbers).all():
        raise ZooError(
            f"the metric: expected a finite number, or {len(outputs)} of them, got {found!r:.200}"
        )
    return numbers


class Comparison:
    """What a file gives, one picture after the other, beside what the net gave."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._largest = 0.0
        self._means: list[float] = []
        self._worst: list[Seen] = []

    def __call__(self, number: int, made: np.ndarray) -> None:
        expected = np.load(self._folder / f"{number}.npy")
        off = np.subtract(made, expected, dtype=np.float64)
        rms = float(np.square(off).mean() ** 0.5)
        self._largest = max(self._largest, float(np.abs(off).max()))
        self._means.append(rms)
        seen = Seen(rms, number, made, expected)
        push = heapq.heappush if len(self._worst) < _WORST else heapq.heappushpop
        push(self._worst, seen)

    def filled(self, figures: Figures) -> Figures:
        mean = float(np.mean(self._means)) if self._means else 0.0
        worst = sorted(self._worst, reverse=True)
        return dataclasses.replace(figures, max_error=self._largest, mean_error=mean, worst=worst)
