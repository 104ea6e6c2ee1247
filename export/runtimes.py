"""What runs exported files: one table."""

from types import ModuleType
from typing import NamedTuple

from zoo.export import onnx_file, openvino_file, saved_model, tflite


class Runtime(NamedTuple):
    """One runtime.

    Attributes:
        label: what it is called.
        package: as it is installed.
        module: as it is imported.
        form: of the files that it runs in the net's place (`zoo.export.serving`), or "".
        engine: has `opened(path, part)` and `runtime()`, its name and version; or, for what has
            to run in a process of its own, `run(path, part, inputs)`, which gives both.
    """

    label: str
    package: str
    module: str
    form: str
    engine: ModuleType


RUNTIMES = {
    "litert": Runtime("LiteRT", "ai-edge-litert", "ai_edge_litert", "float32_free", tflite),
    "onnx": Runtime("ONNX Runtime", "onnxruntime", "onnxruntime", "onnx", onnx_file),
    "openvino": Runtime("OpenVINO", "openvino", "openvino", "float32_free", openvino_file),
    "saved_model": Runtime("TensorFlow", "tensorflow", "tensorflow", "", saved_model),
}
SERVING = {key: one for key, one in RUNTIMES.items() if one.form}
"""Those that run without TensorFlow."""
