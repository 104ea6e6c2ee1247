"""The one kind of error that the zoo raises for what a user can mend."""

import importlib.util
from collections.abc import Callable

EXTRAS = {
    "ai_edge_litert": ("ai-edge-litert", "export"),
    "ai_edge_quantizer": ("ai-edge-quantizer", "quantize"),
    "jinja2": ("jinja2", "demo"),
    "onnxruntime": ("onnxruntime", "onnx"),
    "openvino": ("openvino", "openvino"),
    "skimage": ("scikit-image", "demo"),
    "tensorboard": ("tensorboard", "train"),
    "tensorflow_datasets": ("tensorflow-datasets", "train"),
    "tf2onnx": ("tf2onnx", "onnx"),
}
"""What may be missing: as it is imported -> its package, and the extra that installs it."""


class ZooError(ValueError):
    """Says what came, what was expected, and what to do."""


class OtherNet(ZooError):
    """Weights are of another net than that they are loaded into."""


class MissingExtra(ZooError):
    """An optional dependency is not installed."""

    def __init__(self, package: str, extra: str, purpose: str):
        super().__init__(
            f"{purpose} needs {package}, which is not installed: "
            f"pip install 'keras-image-zoo[{extra}]'"
        )


def installed(module: str) -> bool:
    """Whether a module of `EXTRAS` is there; it is not imported."""
    return importlib.util.find_spec(module) is not None


def need(module: str, purpose: str) -> None:
    """Raises MissingExtra, in no time, where a module of `EXTRAS` is not installed."""
    if not installed(module):
        raise MissingExtra(*EXTRAS[module], purpose)


def left_out(needed: Callable) -> str:
    """Why something optional cannot be had, or "": what a call that needs it says is missing."""
    try:
        needed()
    except MissingExtra as missing:
        return str(missing)
    return ""
