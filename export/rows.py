"""A file's result beside the net's: which error counts, how large it may be, and what is told."""

import dataclasses
from dataclasses import dataclass

import numpy as np

from zoo.export.references import Case

# Largest absolute error allowed, where white, certainty or the largest latent is 1. Runtimes sum
# in other orders: a DnCNN of 17 layers, trained for 2,500 steps, differs by up to 5e-7 in LiteRT
# and by nothing in TensorFlow. 1e-5 is twenty times that, and a 400th of a grey level; a wrong file
# misses by more.
BOUNDS = {"net": 1e-5, "saved_model": 1e-5, "float32_free": 1e-5, "float32_static": 1e-5}
BOUNDS |= {"mediapipe": 1e-5, "onnx": 1e-5}
# Of rounded numbers the root mean square error of the worst picture is bounded: it says that a file
# is this net's, not how good it is, which is measured on test sets. The largest error says little:
# where a GAN's int8 file draws an edge a pixel further, that pixel is 0.22 off, in a picture that
# is as good. Largest seen of the published names: float16 0.0003, dynamic range 0.013, int8 0.033,
# uint8 0.004. A denoiser for sigma 15 whose file does nothing is 0.059 off.
ROUNDED_BOUNDS = {"float16": 1e-3, "dynamic_range": 0.02, "int8": 0.04}
ROUNDED_BOUNDS |= {"uint8": 0.04, "mediapipe_uint8": 0.04}


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


def compared(key: str, runtime: str, form: str, cases: list[Case], results) -> list[Row]:
    """A row a case: a file's results beside the net's, within the bound of the file's form."""
    judged_by = "rms_error" if form in ROUNDED_BOUNDS else "max_error"
    bound = (BOUNDS | ROUNDED_BOUNDS)[form]
    blanks = [
        Row(key, runtime, case.label, judged_by=judged_by, bound=bound * case.unit)
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
