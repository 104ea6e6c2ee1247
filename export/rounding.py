"""What rounding the weights alone does to a net's results: its files may be as far off."""

from collections.abc import Callable

import numpy as np

from zoo.tasks.functions import Function, Values


def errors(function: Function, values: Values, expected: np.ndarray) -> dict[str, float]:
    """By precision, how far rounding the weights alone moves a net's own results, as the forms of
    the precision are bounded."""
    once = {way: name for name, way in _ROUNDED.items()}
    found = {way: _error(function, values, expected, name) for way, name in once.items()}
    return {name: found[way] for name, way in _ROUNDED.items()}


def _error(function: Function, values: Values, expected: np.ndarray, precision: str) -> float:
    before = function.net.get_weights()
    rng = np.random.default_rng(0)
    try:
        function.net.set_weights([_ROUNDED[precision](w, rng) for w in before])
        off = function.infer(values).astype(np.float64) - expected
    finally:
        function.net.set_weights(before)
    if precision in ("", "float32"):
        return float(np.abs(off).max())
    return float((np.square(off).reshape(len(off), -1).mean(axis=1) ** 0.5).max())


def _jittered(array: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """As if each number had been rounded to float32 in another order."""
    return (array * (1 + rng.uniform(-1, 1, array.shape) * 2.0**-22)).astype(array.dtype)


def _in_256_steps(array: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Kernels, each output channel by itself."""
    if array.ndim < 2:
        return array
    step = np.abs(array).max(axis=tuple(range(array.ndim - 1)), keepdims=True) / 127
    return np.where(step > 0, np.rint(array / np.where(step > 0, step, 1)) * step, array)


_ROUNDED: dict[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]] = {
    "": _jittered,
    "float32": _jittered,
    "float16": lambda array, rng: array.astype(np.float16).astype(array.dtype),
    "dynamic_range": _in_256_steps,
    "int8": _in_256_steps,
}
