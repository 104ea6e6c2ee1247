"""TFLite files of builtin operators only, converted from a SavedModel and run by LiteRT."""

import contextlib
import importlib
import os
import re
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np

from zoo.errors import EXTRAS, MissingExtra, ZooError
from zoo.export.signature import SERVE
from zoo.tasks.parts import Ends

_MODULES = ("interpreter", "schema_py_generated")


def convert(saved_model: Path, name: str) -> bytes:
    """Converts a SavedModel to a float32 TFLite file.

    Args:
        saved_model: with an endpoint `serve`.
        name: of the net, for the messages.

    Raises:
        ZooError: the net needs operators that LiteRT does not have built in.
    """
    import tensorflow as tf
    from tensorflow.lite.python.convert_phase import ConverterError

    converter = tf.lite.TFLiteConverter.from_saved_model(str(saved_model), signature_keys=[SERVE])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    try:
        data = converter.convert()
    except ConverterError as error:
        raise _not_builtin(name, _missing_operators(str(error))) from error
    custom = [op for op in operators(data) if op.startswith("CUSTOM")]
    if custom:
        raise _not_builtin(name, ", ".join(custom))
    return data


def operators(data: bytes) -> list[str]:
    """The operators of a TFLite file, sorted: `CONV_2D`; one that is not builtin, `CUSTOM FlexErf`.

    Raises:
        MissingExtra: ai-edge-litert is not installed.
    """
    schema = litert("looking into a TFLite file").schema_py_generated
    builtin = {code: name for name, code in vars(schema.BuiltinOperator).items()}
    model = schema.Model.GetRootAs(data)
    codes = [model.OperatorCodes(i) for i in range(model.OperatorCodesLength())]
    names = [
        f"CUSTOM {c.CustomCode().decode()}" if c.CustomCode() else builtin[_code(c)] for c in codes
    ]
    return sorted(set(names))


def runtime() -> str:
    """Its name and version."""
    from importlib.metadata import version

    return f"LiteRT {version('ai-edge-litert')}"


def opened(
    path: Path, part: Ends, threads: int | None = None
) -> Callable[[np.ndarray], np.ndarray]:
    """A TFLite file in LiteRT, to be called with one input after the other.

    It is planned anew only where the shape is another than in the call before. Several threads
    may call it; they wait for one another.

    Args:
        path: the file.
        part: what was exported.
        threads: by default one for each processor.

    Returns:
        A function of float32 `[b, ...]`, of shapes as far as the file's signature is free, that
        gives what `part.infer` gives. A file for a batch of one gets a batch's inputs one by one.

    Raises:
        ZooError: the file cannot be read; in a call, it cannot be run, or has other names or
            another size.
        MissingExtra: ai-edge-litert is not installed.
    """
    interpreter = package().interpreter
    with _explained(path):
        running = interpreter.Interpreter(str(path), num_threads=threads or os.cpu_count())
        runner = running.get_signature_runner(SERVE)
    lock = threading.Lock()

    def call(values: np.ndarray) -> np.ndarray:
        with _explained(path), lock:
            return _run_batch(runner, values, part)

    return call


def tensors(path: Path, part: Ends) -> list[str]:
    """The names that a TFLite file has inside for the outputs of its signature."""
    interpreter = package().interpreter
    with _explained(path):
        details = (
            interpreter.Interpreter(str(path)).get_signature_runner(SERVE).get_output_details()
        )
        return [details[name]["name"] for name in part.outputs]


def package():
    """What `opened` needs; raises MissingExtra."""
    return litert("running a TFLite file", _MODULES[:1])


def litert(purpose: str, modules: tuple[str, ...] = _MODULES):
    """The package `ai_edge_litert`; raises MissingExtra, which says what needs it."""
    try:
        for module in modules:
            importlib.import_module(f"ai_edge_litert.{module}")
    except ImportError:
        raise MissingExtra(*EXTRAS["ai_edge_litert"], purpose) from None
    return importlib.import_module("ai_edge_litert")


def in_batches(values: np.ndarray, accepted: list[int]) -> list[np.ndarray]:
    """An input as a file takes it: whole, or one by one where the file is for a batch of one.

    Args:
        values: `[b, ...]`.
        accepted: the file's shape, -1 where free.

    Raises:
        ZooError: the file is for another size.
    """
    if any(a not in (-1, s) for a, s in zip(accepted[1:], values.shape[1:], strict=True)):
        raise ZooError(f"an input of shape {list(values.shape)} came; the file takes {accepted}")
    return [values] if accepted[0] == -1 else [one[None] for one in values]


@contextlib.contextmanager
def _explained(path: Path):
    try:
        yield
    except ZooError:
        raise
    except (KeyError, OSError, RuntimeError, ValueError) as error:
        raise ZooError(f"{path} does not run in LiteRT: {error}; export it again") from error


def _run_batch(runner, values: np.ndarray, part: Ends) -> np.ndarray:
    end, ends = runner.get_input_details()[part.input], runner.get_output_details()
    # The runner would resize even a static input; what the signature says is what is checked.
    batches = in_batches(values, end["shape_signature"].tolist())
    results = [runner(**{part.input: _to_numbers(batch, end)}) for batch in batches]
    sides = [
        np.concatenate([_to_values(r[n], ends[n]) for n in part.outputs], axis=-1) for r in results
    ]
    return np.concatenate(sides)


def _to_numbers(values: np.ndarray, end: dict) -> np.ndarray:
    """As a file's input wants them: `scale * (number - zero_point)` is the value."""
    if end["dtype"] == np.float32:
        return values.astype(np.float32, copy=False)
    (scale, zero), limits = end["quantization"], np.iinfo(end["dtype"])
    return np.clip(np.rint(values / scale) + zero, limits.min, limits.max).astype(end["dtype"])


def _to_values(numbers: np.ndarray, end: dict) -> np.ndarray:
    if end["dtype"] == np.float32:
        return numbers
    scale, zero = end["quantization"]
    return (np.float32(scale) * (numbers.astype(np.float32) - zero)).astype(np.float32)


def _code(operator) -> int:
    # Files older than 2020 have a one-byte code, which says 127 where it does not suffice.
    return max(operator.BuiltinCode(), operator.DeprecatedBuiltinCode())


def _missing_operators(message: str) -> str:
    found = re.search(r"(?:TF Select|Custom) ops: (.*)", message)
    return found[1] if found else message.splitlines()[0]


def _not_builtin(name: str, which: str) -> ZooError:
    return ZooError(
        f"{name} cannot become a TFLite file of builtin operators only: {which}. Build the net "
        "without them, or keep that step outside of it; files with Flex operators fail on phones"
    )
