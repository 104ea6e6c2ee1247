"""ONNX files in ONNX Runtime."""

import contextlib
import importlib.metadata
import os
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from zoo.errors import ZooError, import_extra
from zoo.tasks.functions import Signature, Values, named, side_by_side


def version() -> str:
    """Its name and version."""
    return f"ONNX Runtime {importlib.metadata.version('onnxruntime')}"


def open(
    path: Path, signature: Signature, threads: int | None = None
) -> Callable[[Values], np.ndarray]:
    """An ONNX file, to be called as what `zoo.export.runtimes.litert.open` returns."""
    session = _session(path, threads)

    def call(values: Values) -> np.ndarray:
        given = named(signature, values)
        inputs = {name: array.astype(np.float32, copy=False) for name, array in given.items()}
        with _explained(path):
            return side_by_side(session.run(list(signature.outputs), inputs))

    return call


def ends(path: Path) -> list[dict[str, list[int | None]]]:
    """Of its inputs and of its outputs, name -> shape."""
    session = _session(path)
    return [
        {t.name: [s if isinstance(s, int) else None for s in t.shape] for t in tensors}
        for tensors in (session.get_inputs(), session.get_outputs())
    ]


def package():
    """What `open` needs; raises MissingExtra."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # it reports by itself otherwise
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return import_extra("onnxruntime", "running an ONNX file")


def _session(path: Path, threads: int | None = None):
    onnxruntime = package()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    providers = ["CPUExecutionProvider"]
    with _explained(path):
        return onnxruntime.InferenceSession(str(path), options, providers=providers)


@contextlib.contextmanager
def _explained(path: Path):
    try:
        yield
    except Exception as error:  # its errors have no class of their own
        raise ZooError(f"{path} does not run in ONNX Runtime: {error}; export it again") from error
