"""TFLite files in OpenVINO, which shares no code with LiteRT: a second opinion on a conversion."""

import importlib.metadata
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from zoo.errors import ZooError, import_extra
from zoo.export import tflite_editor
from zoo.export.runtimes import litert
from zoo.storage import files
from zoo.tasks.functions import Signature, Values, named, side_by_side


def version() -> str:
    """Its name and version."""
    return f"OpenVINO {importlib.metadata.version('openvino')}"


def open(
    path: Path, signature: Signature, threads: int | None = None
) -> Callable[[Values], np.ndarray]:
    """A float32 TFLite file, called as what `zoo.export.runtimes.litert.open` returns."""
    package()
    taken, names = litert.tensors(path, signature)
    tensors = dict(zip(signature.names, taken, strict=True))
    settings: dict[str, str | int] = {}
    settings["INFERENCE_PRECISION_HINT"] = "f32"  # also where the processor has bfloat16
    settings |= {"INFERENCE_NUM_THREADS": threads} if threads else {}
    try:
        model = _compiled(path, settings)
    except (OSError, RuntimeError) as error:
        raise _wrong(path, error) from error
    accepted = {name: _sides(model.input(tensor)) for name, tensor in tensors.items()}

    def call(values: Values) -> np.ndarray:
        given = named(signature, values)
        arrays = {name: array.astype(np.float32, copy=False) for name, array in given.items()}
        batches = litert.in_batches(arrays, accepted)
        try:
            results = [
                model.infer_new_request({tensors[n]: v for n, v in b.items()}) for b in batches
            ]
        except RuntimeError as error:
            raise _wrong(path, error) from error
        return np.concatenate([side_by_side([r[n] for n in names]) for r in results])

    return call


def ends(path: Path) -> list[dict[str, list[int | None]]]:
    """Of its inputs and of its outputs, name -> shape: as LiteRT has them."""
    return litert.ends(path)


def package():
    """What `open` needs; raises MissingExtra."""
    # else it writes an identity into the home folder and reports its use over the network
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    return import_extra("openvino", "running a file in OpenVINO")


def _sides(port) -> list[int]:
    return [-1 if side.is_dynamic else side.get_length() for side in port.partial_shape]


def _compiled(path: Path, settings: dict):
    """OpenVINO 2026.4 forgets what is fused into a transposed convolution: it gets that apart."""
    data = path.read_bytes()
    readable = tflite_editor.with_activations_apart(data, "TRANSPOSE_CONV")
    if readable is data:
        return package().Core().compile_model(str(path), "CPU", settings)
    with files.scratch() as scratch:
        copy = scratch / path.name
        copy.write_bytes(readable)
        return package().Core().compile_model(str(copy), "CPU", settings)


def _wrong(path: Path, error: Exception) -> ZooError:
    return ZooError(f"{path} does not run in OpenVINO: {error}; export it again")
