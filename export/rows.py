"""A file's result beside the net's: which error counts, how large it may be, and what is told."""

import dataclasses
from dataclasses import dataclass

import numpy as np

from zoo.export.forms import Form
from zoo.export.references import Case


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
        judged_by: `max_error`, or `rms_error` for files of rounded numbers.
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
    judged_by: str = "max_error"
    bound: float | None = None
    passed: bool = False
    reason: str = ""


def compared(key: str, runtime: str, form: Form, cases: list[Case], results) -> list[Row]:
    """A row a case: a file's results beside the net's, within the bound of the file's form."""
    blanks = [
        Row(key, runtime, case.label, judged_by=form.judged_by, bound=form.bound * case.unit)
        for case in cases
    ]
    return list(map(compare, blanks, cases, results))


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
    error = errors[row.judged_by]
    missed = "" if error <= row.bound else f"misses its bound by a factor {error / row.bound:.3g}"
    reason = case.flaw or missed
    snr = _snr(case.expected, off)
    return dataclasses.replace(row, **errors, snr_db=snr, passed=not reason, reason=reason)


def _snr(expected: np.ndarray, off: np.ndarray) -> float | None:
    noise, signal = np.square(off).sum(), np.square(expected, dtype=np.float64).sum()
    return float(10 * np.log10(signal / noise)) if noise and signal else None
