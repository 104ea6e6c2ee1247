"""TFLite files in LiteRT."""

import contextlib
import importlib.metadata
import os
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np

from zoo.errors import ZooError, import_extra
from zoo.export.signature import SERVE
from zoo.tasks.functions import Signature, Values, named, side_by_side


def version() -> str:
    """Its name and version."""
    return f"LiteRT {importlib.metadata.version('ai-edge-litert')}"


def open(
    path: Path, signature: Signature, threads: int | None = None
) -> Callable[[Values], np.ndarray]:
    """A TFLite file, to be called with one input after the other.

    It is planned anew only where the shape is another than in the call before. Several threads
    may call it; they wait for one another.

    Args:
        path: the file.
        signature: what was exported.
        threads: by default one for each processor.

    Returns:
        A function of what the signature takes, in float32, of shapes as far as the file's own is
        free, that gives what `Function.infer` gives. A file for a batch of one gets a batch's
        inputs one by one.

    Raises:
        ZooError: the file cannot be read; in a call, it cannot be run, or has other names or
            another size.
        MissingExtra: ai-edge-litert is not installed.
    """
    package()
    with _explained(path):
        runner = _runner(path, threads or os.cpu_count())
    lock = threading.Lock()

    def call(values: Values) -> np.ndarray:
        with _explained(path), lock:
            return _run(runner, values, signature)

    return call


def ends(path: Path) -> list[dict[str, list[int | None]]]:
    """Of its inputs and of its outputs, name -> shape."""
    package()
    with _explained(path):
        runner = _runner(path)
        sides = runner.get_input_details(), runner.get_output_details()
        return [{name: _shape(tensor) for name, tensor in side.items()} for side in sides]


def tensors(path: Path, signature: Signature) -> tuple[list[str], list[str]]:
    """The names that a TFLite file has inside for the inputs and outputs of its signature."""
    package()
    with _explained(path):
        runner = _runner(path)
        taken, given = runner.get_input_details(), runner.get_output_details()
        inputs = [taken[name]["name"] for name in signature.names]
        return inputs, [given[name]["name"] for name in signature.outputs]


def package():
    """What `open` needs; raises MissingExtra."""
    return import_extra("ai_edge_litert.interpreter", "running a TFLite file")


def in_batches(
    arrays: dict[str, np.ndarray], accepted: dict[str, list[int]]
) -> list[dict[str, np.ndarray]]:
    """Inputs as a file takes them: whole, or one by one where the file is for a batch of one.

    Args:
        arrays: by name, `[b, ...]`.
        accepted: the file's shapes, -1 where free.

    Raises:
        ZooError: the file is for another size.
    """
    for name, array in arrays.items():
        wanted = accepted[name]
        if any(a not in (-1, s) for a, s in zip(wanted[1:], array.shape[1:], strict=True)):
            raise ZooError(f"expected an input of shape {wanted}, got {list(array.shape)}")
    if all(shape[0] == -1 for shape in accepted.values()):
        return [arrays]
    return [
        dict(zip(arrays, [value[None] for value in one], strict=True))
        for one in zip(*arrays.values(), strict=True)
    ]


def _shape(tensor: dict) -> list[int | None]:
    return [None if side == -1 else side for side in tensor["shape_signature"].tolist()]


def _runner(path: Path, threads: int | None = None):
    return package().Interpreter(str(path), num_threads=threads).get_signature_runner(SERVE)


@contextlib.contextmanager
def _explained(path: Path):
    try:
        yield
    except ZooError:
        raise
    except (KeyError, OSError, RuntimeError, ValueError) as error:
        raise ZooError(f"{path} does not run in LiteRT: {error}; export it again") from error


def _run(runner, values: Values, signature: Signature) -> np.ndarray:
    taken, given = runner.get_input_details(), runner.get_output_details()
    # The runner would resize even a static input; what the signature says is what is checked.
    batches = in_batches(named(signature, values), accepted(runner, signature))
    results = [runner(**{n: _to_numbers(v, taken[n]) for n, v in b.items()}) for b in batches]
    outputs = [
        side_by_side([_to_values(r[n], given[n]) for n in signature.outputs]) for r in results
    ]
    return np.concatenate(outputs)


def accepted(runner, signature: Signature) -> dict[str, list[int]]:
    """The shapes of a file's inputs by name, -1 where free."""
    details = runner.get_input_details()
    return {name: details[name]["shape_signature"].tolist() for name in signature.names}


def _to_numbers(values: np.ndarray, tensor: dict) -> np.ndarray:
    """As a file's input wants them: `scale * (number - zero_point)` is the value."""
    if tensor["dtype"] == np.float32:
        return values.astype(np.float32, copy=False)
    (scale, zero), limits = tensor["quantization"], np.iinfo(tensor["dtype"])
    return np.clip(np.rint(values / scale) + zero, limits.min, limits.max).astype(tensor["dtype"])


def _to_values(numbers: np.ndarray, tensor: dict) -> np.ndarray:
    if tensor["dtype"] == np.float32:
        return numbers
    scale, zero = tensor["quantization"]
    return (np.float32(scale) * (numbers.astype(np.float32) - zero)).astype(np.float32)
