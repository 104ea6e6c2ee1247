"""TFLite files in OpenVINO, which shares no code with LiteRT: a second opinion on a conversion."""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from zoo.errors import EXTRAS, MissingExtra, ZooError, left_out
from zoo.export import flat, tflite
from zoo.tasks.parts import Ends


def runtime() -> str:
    """Its name and version."""
    from importlib.metadata import version

    return f"OpenVINO {version('openvino')}"


def opened(
    path: Path, part: Ends, threads: int | None = None
) -> Callable[[np.ndarray], np.ndarray]:
    """A float32 TFLite file in OpenVINO, called as what `zoo.export.tflite.opened` returns."""
    package()
    names = tflite.tensors(path, part)
    settings = {"INFERENCE_PRECISION_HINT": "f32"}  # also where the processor has bfloat16
    settings |= {"INFERENCE_NUM_THREADS": threads} if threads else {}
    try:
        model = _compiled(path, settings)
    except (OSError, RuntimeError) as error:
        raise _wrong(path, error) from error
    accepted = [
        -1 if side.is_dynamic else side.get_length() for side in model.input().partial_shape
    ]

    def call(values: np.ndarray) -> np.ndarray:
        batches = tflite.in_batches(values.astype(np.float32, copy=False), accepted)
        try:
            made = [model.infer_new_request({0: batch}) for batch in batches]
        except RuntimeError as error:
            raise _wrong(path, error) from error
        return np.concatenate([np.concatenate([m[n] for n in names], axis=-1) for m in made])

    return call


def package():
    """What `opened` needs; raises MissingExtra."""
    # else it writes an identity into the home folder and reports its use over the network
    sys.modules.setdefault("openvino_telemetry", None)
    try:
        import openvino
    except ImportError:
        raise MissingExtra(*EXTRAS["openvino"], "running a file in OpenVINO") from None
    return openvino


def installed() -> bool:
    return not left_out(package)


def _compiled(path: Path, settings: dict):
    """OpenVINO 2026.4 forgets what is fused into a transposed convolution: it gets that apart."""
    data = path.read_bytes()
    readable = flat.with_activations_apart(data, "TRANSPOSE_CONV")
    if readable is data:
        return package().Core().compile_model(str(path), "CPU", settings)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        copy = Path(scratch) / path.name
        copy.write_bytes(readable)
        return package().Core().compile_model(str(copy), "CPU", settings)


def _wrong(path: Path, error: Exception) -> ZooError:
    return ZooError(f"{path} does not run in OpenVINO: {error}; export it again")
