"""ONNX files: converted from a SavedModel, run by ONNX Runtime."""

import contextlib
import importlib
import os
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from zoo.errors import EXTRAS, MissingExtra, ZooError
from zoo.export.signature import SERVE, Shape
from zoo.tasks.parts import Ends, Part

OPSET = 17  # of 2022: what runtimes of the last years all know


def convert(saved_model: Path, part: Part, shape: Shape) -> bytes:
    """Converts a SavedModel to an ONNX file in float32, with the same names and free sizes.

    Args:
        saved_model: with an endpoint `serve`.
        part: what was exported.
        shape: of the input, `None` where free.

    Raises:
        ZooError: the net needs operators that ONNX does not have.
        MissingExtra: tf2onnx is not installed.
    """
    tf2onnx = _package("tf2onnx", "an ONNX file")
    import tensorflow as tf

    loaded = tf.saved_model.load(str(saved_model))  # which holds the variables
    serve = loaded.signatures[SERVE]
    function = tf.function(lambda values: serve(**{part.input: values}))
    spec = tf.TensorSpec(shape, tf.float32, name=part.input)
    try:
        with warnings.catch_warnings(), _identities_kept():
            warnings.simplefilter("ignore")  # of the converter, about what it imports
            model, _ = tf2onnx.convert.from_function(function, [spec], opset=OPSET)
    except (KeyError, NotImplementedError, RuntimeError, ValueError) as error:
        raise ZooError(f"no ONNX file can be made: {error}; leave out onnx") from error
    custom = sorted({n.op_type for n in model.graph.node if n.domain not in ("", "ai.onnx")})
    if custom:
        raise ZooError(f"ONNX does not have {', '.join(custom)}: leave out onnx")
    return model.SerializeToString(deterministic=True)


@contextlib.contextmanager
def _identities_kept():
    """Without them tf2onnx 1.17 loses half of what it writes for a transposition at a graph's end,
    by chance: every fourth file of a DnCNN gave pictures `[1, b, h, w, c]`."""
    from tf2onnx import optimizer

    every = optimizer._optimizers
    optimizer._optimizers = {k: o for k, o in every.items() if k != "remove_identity"}
    try:
        yield
    finally:
        optimizer._optimizers = every


def runtime() -> str:
    """Its name and version."""
    from importlib.metadata import version

    return f"ONNX Runtime {version('onnxruntime')}"


def opened(
    path: Path, part: Ends, threads: int | None = None
) -> Callable[[np.ndarray], np.ndarray]:
    """An ONNX file in ONNX Runtime, to be called as what `zoo.export.tflite.opened` returns."""
    onnxruntime = package()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    providers = ["CPUExecutionProvider"]
    with _explained(path):
        session = onnxruntime.InferenceSession(str(path), options, providers=providers)

    def call(values: np.ndarray) -> np.ndarray:
        given = {part.input: values.astype(np.float32, copy=False)}
        with _explained(path):
            return np.concatenate(session.run(list(part.outputs), given), axis=-1)

    return call


def package():
    """What `opened` needs; raises MissingExtra."""
    return _package("onnxruntime", "running an ONNX file")


@contextlib.contextmanager
def _explained(path: Path):
    try:
        yield
    except Exception as error:  # its errors have no class of their own
        raise ZooError(f"{path} does not run in ONNX Runtime: {error}; export it again") from error


def _package(name: str, purpose: str):
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # ONNX Runtime reports by itself otherwise
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module(name)
    except ImportError:
        raise MissingExtra(*EXTRAS[name], purpose) from None
