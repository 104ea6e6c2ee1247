"""The one kind of error that the zoo raises for what a user can mend."""

import importlib
import importlib.util
import sys
import warnings
from collections.abc import Callable
from types import ModuleType

EXTRAS = {
    "ai_edge_litert": ("ai-edge-litert", "export"),
    "ai_edge_quantizer": ("ai-edge-quantizer", "quantize"),
    "jinja2": ("jinja2", "demo"),
    "onnxruntime": ("onnxruntime", "onnx"),
    "openvino": ("openvino", "openvino"),
    "skimage": ("scikit-image", "demo"),
    "tensorboard": ("tensorboard", "train"),
    "tensorflow_datasets": ("tensorflow-datasets", "train"),
    "tifffile": ("scikit-image", "demo"),
    "tf2onnx": ("tf2onnx", "onnx"),
}
"""What may be missing: as it is imported -> its package, and the extra that installs it."""


class ZooError(ValueError):
    """Says what was expected, what was found in its place, and what to do."""


class ZooWarning(UserWarning):
    """Says what an answer leaves out: pages, profiles, depth. Made an error by a filter of it."""


def warn(message: str) -> None:
    """Issues a ZooWarning, as of the line that called the zoo."""
    frame, level = sys._getframe(1), 2
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] in _OURS:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, ZooWarning, stacklevel=level)


_OURS = ("zoo", "contextlib")


class OtherNet(ZooError):
    """Weights are of another net than that they are loaded into."""


class NoSuchForm(ZooError):
    """A net cannot be written as files of a form."""


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


def import_extra(module: str, purpose: str) -> ModuleType:
    """Imports a module of a package of `EXTRAS`.

    Args:
        module: such as `openvino` or `skimage.data`.
        purpose: what needs it, for the message.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError:
        raise MissingExtra(*EXTRAS[module.partition(".")[0]], purpose) from None


def left_out(needed: Callable) -> str:
    """Why something optional cannot be had, or "": what a call that needs it says is missing."""
    try:
        needed()
    except MissingExtra as missing:
        return str(missing)
    return ""
