"""The loop. It knows no model: it asks for batches, takes steps, and reports now and then."""

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from tqdm import tqdm

from zoo.errors import ZooError

_BAR: dict[str, Any] = {
    "desc": "training", "unit": "step", "dynamic_ncols": True, "mininterval": 1
}  # fmt: skip


def loop(
    step: Callable,
    batches: Iterable,
    start: int,
    end: int,
    every: int,
    report: Callable[[int, dict[str, float]], object],
) -> None:
    """Takes the steps `start + 1` to `end`.

    Args:
        step: takes a batch and returns its figures, scalar tensors by name, `loss` among them.
        batches: the batches from `start` on; a batch is a tuple of the step's arguments.
        start: how many steps were taken before.
        end: how many there are in all.
        every: report after each step that this divides, and after the last.
        report: gets the step and the means of the figures since the report before; ends it by
            returning something true.

    Raises:
        ZooError: a figure is no longer finite; what was reported before is untouched.
    """
    taken = []
    with tqdm(total=end, initial=start, **_BAR) as bar:
        for number, batch in enumerate(batches, start + 1):
            taken.append(step(*batch))
            bar.update()
            if number % every == 0 or number == end:
                means = {key: float(np.mean([t[key] for t in taken])) for key in taken[0]}
                _check(means, number)
                bar.set_postfix(loss=f"{means['loss']:.4g}")
                if report(number, means):
                    return
                taken = []


def _check(means: dict[str, float], number: int) -> None:
    for key, mean in means.items():
        if not math.isfinite(mean):
            raise ZooError(
                f"the {key} became {mean} before step {number}: lower the learning rate; "
                "the checkpoint before it is kept"
            )
