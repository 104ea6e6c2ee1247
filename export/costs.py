"""What a file costs, as a table for a terminal and a page; and the interval of a difference."""

import math
from dataclasses import dataclass

import numpy as np

from zoo.metrics.metric import Metric

_95 = 1.96
"""Half the width of a normal interval of 95 %, in standard deviations."""


@dataclass(frozen=True)
class Cost:
    """A file, or the files of a form where a net has several functions, beside the net.

    Attributes:
        form: of the file.
        runtime: that ran it, with its version.
        bytes: of the files.
        max_error: the largest difference from the net on the pictures; None where they do not fit
            what the file takes.
        mean_error: the mean over the pictures of the root mean square difference.
        figure: the task's, or the user's own.
        difference: of the figure, from the net's.
        low: the lower end of the difference's interval of 95 %, where pictures have figures each.
        high: its upper end.
        median_ms: of one input on one thread.
        in_float: what a file of rounded numbers left in float32, and why.
        passed: whether all checks held, and the figure is within what is allowed.
        reason: why not, or "".
    """

    form: str
    runtime: str
    bytes: int
    max_error: float | None = None
    mean_error: float | None = None
    figure: float | None = None
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    median_ms: float | None = None
    in_float: str = ""
    passed: bool = True
    reason: str = ""


def interval(net: np.ndarray, file: np.ndarray) -> tuple[float, float]:
    """Of 95 %, of the mean difference of paired scores `[n]`.

    Of scores that are right or wrong: Agresti and Min, Simple improved confidence intervals for
    comparing matched proportions, Statistics in Medicine 24, 2005 (half a picture more in each of
    the four cells); of others, normal.
    """
    off = np.asarray(file, np.float64) - net
    if set(np.unique([net, file])) <= {0.0, 100.0}:
        better, worse, count = (off > 0).sum() + 0.5, (off < 0).sum() + 0.5, len(off) + 2
        mean = (better - worse) / count
        spread = math.sqrt((better + worse) / count - mean**2) / math.sqrt(count)
        return 100 * (mean - _95 * spread), 100 * (mean + _95 * spread)
    half = _95 * off.std(ddof=1) / math.sqrt(len(off)) if len(off) > 1 else math.inf
    return float(off.mean() - half), float(off.mean() + half)


def _line(cost: Cost, metric: Metric | None) -> list[str]:
    errors = [_number(cost.max_error, ".1e"), _number(cost.mean_error, ".1e")]
    figure = [_number(cost.figure, metric.digits), _difference(cost, metric)] if metric else []
    size = f"{cost.bytes / 1000:,.0f}"
    rest = [_number(cost.median_ms, ".3g"), cost.in_float or "-", "yes" if cost.passed else "NO"]
    return [cost.form, cost.runtime, size, *errors, *figure, *rest]


def _number(value: float | None, digits: str) -> str:
    return "-" if value is None else f"{value:{digits}}"


def _difference(cost: Cost, metric: Metric) -> str:
    if cost.difference is None:
        return "-"
    signed = "+" + metric.digits
    if cost.low is None or cost.high is None:
        return f"{cost.difference:{signed}}"
    return f"{cost.difference:{signed}} ({cost.low:{signed}} to {cost.high:{signed}})"


def table(costs: list[Cost], metric: Metric | None) -> tuple[list[str], list[list[str]]]:
    """Heads and cells, a row a form of file."""
    heads = ["file", "runtime", "KB", "largest error", "mean error"]
    if metric:
        heads += [metric.title, "difference (95 %)"]
    heads += ["ms", "in float32", "passed"]
    return heads, [_line(cost, metric) for cost in costs]
