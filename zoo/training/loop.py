"""The loop. It knows no model: it asks for batches, takes steps, and reports now and then."""

import math
from collections.abc import Callable, Iterable

from tqdm import tqdm

from zoo.errors import ZooError


def loop(
    step: Callable,
    batches: Iterable,
    start: int,
    end: int,
    every: int,
    report: Callable[[int, float], None],
) -> None:
    """Takes the steps `start + 1` to `end`.

    Args:
        step: takes a batch and returns its loss as a scalar tensor.
        batches: the batches from `start` on; a batch is a tuple of the step's arguments.
        start: how many steps were taken before.
        end: how many there are in all.
        every: report after each step that this divides, and after the last.
        report: gets the step and the mean loss since the report before.

    Raises:
        ZooError: the loss is no longer finite; what was reported before is untouched.
    """
    total, count = 0.0, 0
    with tqdm(total=end, initial=start, unit="step", dynamic_ncols=True) as bar:
        for number, batch in enumerate(batches, start + 1):
            total, count = total + step(*batch), count + 1
            bar.update()
            if number % every == 0 or number == end:
                mean = float(total) / count
                if not math.isfinite(mean):
                    raise ZooError(
                        f"the loss became {mean} before step {number}: lower the learning rate; "
                        "the checkpoint before it is kept"
                    )
                bar.set_postfix(loss=f"{mean:.4g}")
                report(number, mean)
                total, count = 0.0, 0
