"""What runs exported files: a module a runtime, each an `Engine`, and one table of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from zoo.export.runtimes import litert, onnx, openvino, saved_model
from zoo.tasks.functions import Signature, Values


class Engine(Protocol):
    """What a module here has."""

    def open(
        self, path: Path, signature: Signature, threads: int | None = None
    ) -> Callable[[Values], np.ndarray]:
        """A function of what the signature takes, in float32, to the file's outputs, as
        `Function.infer` gives them."""

    def version(self) -> str:
        """The runtime's name and version."""

    def ends(self, path: Path) -> list[dict[str, list[int | None]]]:
        """Of a file's inputs and outputs the shapes by name, None where free."""

    def package(self) -> Any:
        """Imports what `open` needs, or raises MissingExtra."""


class Runtime(NamedTuple):
    """One runtime.

    Attributes:
        label: what it is called.
        package: as it is installed.
        module: as it is imported.
        form: of the files that it runs in the net's place (`zoo.export.serving`), or "".
        engine: its module here.
    """

    label: str
    package: str
    module: str
    form: str
    engine: Engine


RUNTIMES = {
    "litert": Runtime("LiteRT", "ai-edge-litert", "ai_edge_litert", "float32_free", litert),
    "onnx": Runtime("ONNX Runtime", "onnxruntime", "onnxruntime", "onnx", onnx),
    "openvino": Runtime("OpenVINO", "openvino", "openvino", "float32_free", openvino),
    "saved_model": Runtime("TensorFlow", "tensorflow", "tensorflow", "", saved_model),
}
SERVING = {key: runtime for key, runtime in RUNTIMES.items() if runtime.form}
"""Those that run without TensorFlow."""
