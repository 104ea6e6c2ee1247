"""A file's results beside the net's: one row a check."""

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.export.cases import Case
from zoo.export.forms import Form


@dataclass(frozen=True)
class Row:
    """One check.

    Attributes:
        artifact: `net`, or the key of an `zoo.export.artifacts.Artifact`.
        runtime: with its version; "" for a look at the files.
        input: such as `golden 28x28 x8`, `fresh 37x52 x3` or `files`.
        max_error: largest absolute difference from the reference, None where there is no result.
        rms_error: root of the mean square of the differences, of the worst picture, likewise.
        snr_db: of the result, None also where it equals the reference bit by bit.
        loss: by how much the task's figure on real pictures differs from the net's.
        error_metric: `max_error`; `rms_error` for files of quantized numbers; or `loss`.
        bound: on that error.
        passed: whether the check held.
        reason: why not, or "".
    """

    artifact: str
    runtime: str
    input: str
    max_error: float | None = None
    rms_error: float | None = None
    snr_db: float | None = None
    loss: float | None = None
    error_metric: str = "max_error"
    bound: float | None = None
    passed: bool = False
    reason: str = ""


def compared(
    key: str, runtime: str, form: Form, cases: list[Case], results, bounded: bool = True
) -> list[Row]:
    """A row a case: a file's results beside the net's, within the bound of the file's form."""
    blanks = [Row(key, runtime, case.label, error_metric=form.error_metric) for case in cases]
    if bounded:
        pairs = zip(blanks, cases, strict=True)
        blanks = [dataclasses.replace(row, bound=case.bound(form)) for row, case in pairs]
    return [
        _explained(row, case, form)
        for row, case in zip(map(compare, blanks, cases, results), cases, strict=True)
    ]


def _explained(row: Row, case: Case, form: Form) -> Row:
    if row.passed or form.precision not in case.fragile or row.max_error is None:
        return row
    why = (
        f"{row.reason}; rounding the weights to {form.precision or 'float32'} moves the result of "
        "the net itself as far as inputs differ, so no file of them can be told from a wrong one: "
        "choose another form"
    )
    return dataclasses.replace(row, reason=why)


def compare(row: Row, case: Case, result: np.ndarray) -> Row:
    """Fills in a row: is a result near enough to a reference that can judge?"""
    if result.shape != case.expected.shape:
        expected = list(case.expected.shape)
        return dataclasses.replace(row, reason=f"shape {list(result.shape)}, expected {expected}")
    if not np.isfinite(result).all():
        return dataclasses.replace(row, reason="the result is not finite")
    off = np.subtract(result, case.expected, dtype=np.float64)
    rms = np.square(off).reshape(len(off), -1).mean(axis=1) ** 0.5
    errors = {"max_error": float(np.abs(off).max()), "rms_error": float(rms.max())}
    error = errors[row.error_metric]
    bound = math.inf if row.bound is None else row.bound
    factor = error / bound if bound > 0 else math.inf
    missed = "" if error <= bound else f"misses its bound by a factor {factor:.3g}"
    reason = case.flaw or missed
    found: dict[str, Any] = errors | {"snr_db": _snr(case.expected, off)}
    return dataclasses.replace(row, **found, passed=not reason, reason=reason)


def beyond(row: dict) -> bool:
    """Whether a check ran, and its result was farther from the net's than its bound."""
    error, bound = row[row["error_metric"]], row["bound"]
    return error is not None and bound is not None and error > bound


def _snr(expected: np.ndarray, off: np.ndarray) -> float | None:
    noise, signal = np.square(off).sum(), np.square(expected, dtype=np.float64).sum()
    return float(10 * np.log10(signal / noise)) if noise and signal else None
