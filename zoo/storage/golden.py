"""Goldens: inputs of a net's functions and their results, to be compared elsewhere."""

from collections.abc import Callable, Sequence

import numpy as np

from zoo.errors import ZooError
from zoo.images.pixels import to_uint8
from zoo.storage import files
from zoo.tasks.functions import IMAGE, LATENT, Values, drawn, functions, named, unnamed

PIXELS = "pixels"
_LATENTS = 16


def compute(pipeline, pixels: Callable[[], np.ndarray]) -> dict[str, np.ndarray]:
    """The golden of a pipeline.

    Args:
        pipeline: from `zoo.load`.
        pixels: gives the pictures, uint8 `[b, h, w, c]`; called where a function takes some.

    Returns:
        `pixels` uint8 `[b, h, w, c]` and float32 `latent` `[b, n]`, as far as there are functions
        that take them, other inputs by their names in float32; and each one's `result`, or
        `encoder_result` and `decoder_result`.
    """
    given: dict[str, np.ndarray] = {}
    results = {}
    for function in functions(pipeline):
        values = drawn(pipeline, function, lambda: pixels().astype(np.float32) / 255, _LATENTS)
        for name, array in named(function, values).items():
            given |= {PIXELS: to_uint8(array)} if name == IMAGE else {name: array}
        results[_result(function.name)] = function.infer(values)
    return given | results


def read(
    data: bytes, function: str = "", given: Sequence[str] = (IMAGE,)
) -> tuple[Values, np.ndarray]:
    """The inputs of a function, and its results.

    Args:
        data: an `.npz` file of what `compute` returned.
        function: "", or "encoder" or "decoder".
        given: the names of what the function takes, such as `image` or `latent`.

    Returns:
        float32 pixels `[b, h, w, c]` in [0, 1], latents `[b, n]`, or several inputs by their names;
        and the result.

    Raises:
        ZooError: the data hold no golden of such a function.
    """
    arrays = files.read_npz(data, "golden.npz")
    result, found = _result(function), {}
    _refuse_other(arrays, result, np.float32)
    for name in given:
        kind = PIXELS if name == IMAGE else name
        _refuse_other(arrays, kind, *_EXPECTED.get(kind, (np.float32,)))
        found[name] = arrays[kind].astype(np.float32) / 255 if name == IMAGE else arrays[kind]
        if len(arrays[kind]) != len(arrays[result]):
            raise ZooError(
                f"golden.npz: expected as many results as inputs, got {len(arrays[result])} of "
                f"{result} and {len(arrays[kind])} of {kind}"
            )
    return unnamed(found), arrays[result]


_EXPECTED = {PIXELS: (np.uint8, 4), LATENT: (np.float32, 2)}
"""Of an input: its type, and how many dimensions it has."""


def _refuse_other(
    arrays: dict[str, np.ndarray], name: str, dtype, dimensions: int | None = None
) -> None:
    if name not in arrays:
        raise ZooError(f"golden.npz: expected an array {name}, got {', '.join(arrays) or 'none'}")
    array = arrays[name]
    fits = array.ndim == dimensions if dimensions else array.ndim >= 2
    if array.dtype != dtype or not fits or not array.size:
        sizes = dimensions or "2 or more"
        raise ZooError(
            f"golden.npz: expected {name} as {np.dtype(dtype)} of {sizes} dimensions, got "
            f"{array.dtype} {array.shape}"
        )
    if not np.isfinite(array).all():
        raise ZooError(f"golden.npz: expected finite numbers in {name}, got NaN or infinite ones")


def _result(function: str) -> str:
    return "_".join(filter(None, (function, "result")))
