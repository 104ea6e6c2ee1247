"""Which layers of an int8 file lose most, and the fewest that have to stay in float32."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.errors import ZooError
from zoo.export import tflite_reader
from zoo.export.cases import Case
from zoo.export.forms import FORMS
from zoo.export.quantize import WEIGHTED, Quantization, Steps
from zoo.export.runtimes import litert
from zoo.export.separate import original_name
from zoo.tasks.functions import Function, Values, named, unnamed

_MEASURED = 32  # inputs: enough to see what a layer loses
_ALIKE = 0.99  # cosine of a file's kernel and its layer's, which normalisation scales


@dataclass(frozen=True)
class Loss:
    """What a file loses by one layer.

    Attributes:
        layer: its name in Keras.
        error: of the file in which it alone is rounded, beside the one in float32: the root mean
            square over the outputs of the worst input.
    """

    layer: str
    error: float


def losses(
    data: bytes, function: Function, name: str, values: Values, form: str = "int8"
) -> list[Loss]:
    """The layers that a form of file rounds, those that lose most first.

    Args:
        data: the float32 TFLite file.
        function: what it was made from.
        name: of the net, for the messages.
        values: what the function takes, such as real pictures, to measure ranges and losses on.
        form: a calibrated one with float32 ends.

    Raises:
        ZooError: the net does not allow the form.
        MissingExtra: ai-edge-quantizer is not installed.
    """
    return _losses(Quantization(form, data, function, name, values), _some(function, values))


def steps_of(
    data: bytes, function: Function, names: Sequence[str]
) -> list[tflite_reader.Operation]:
    """The steps of a file that layers became.

    Raises:
        ZooError: the net has no layer with a kernel of that name.
    """
    known = _layers(data, function)
    if unknown := [name for name in names if name not in known]:
        raise ZooError(
            f"keep_float: expected layers of {', '.join(known)}, got {unknown[0]}: only what has "
            "a kernel can be kept in float32"
        )
    return [step for name in names for step in known[name]]


def layer_names(function: Function) -> list[str]:
    """The layers with a kernel, in their order."""
    return list(dict.fromkeys(original_name(name) for name, _ in _kernels(function.net)))


def fewest(quantization: Quantization, values: Values, kept: Sequence[str] = ()) -> list[str]:
    """The layers that have to stay in float32 for a file to keep the bound of its form.

    Those that lose most are taken first, until the error of the worst input, the root mean square
    over its outputs, is within the bound.

    Args:
        quantization: of a calibrated form.
        values: what the function takes.
        kept: layers that stay in float32 anyway.

    Raises:
        ZooError: the bound is missed with all of them.
    """
    values, chosen = _some(quantization.function, values), list(kept)
    bound, expected = FORMS[quantization.form].bound, _run(quantization, quantization.data, values)
    bound *= Case("", unnamed(named(quantization.function, values)), expected).unit
    error = _error(quantization, chosen, values, expected)
    lossy = [loss.layer for loss in _losses(quantization, values)] if error > bound else []
    for layer in [layer for layer in lossy if layer not in chosen][:-1]:  # one is to be rounded
        chosen.append(layer)
        error = _error(quantization, chosen, values, expected)
        if error <= bound:
            break
    if error > bound:
        raise ZooError(
            f"{quantization.name}: no choice of layers in float32 keeps an {quantization.form} "
            f"file within {bound:.3g} of the net, got {error:.3g}; take dynamic_range or float16"
        )
    return chosen


def _some(function: Function, values: Values) -> Values:
    return unnamed({name: a[:_MEASURED] for name, a in named(function, values).items()})


def _losses(quantization: Quantization, values: Values) -> list[Loss]:
    data = quantization.data
    expected, every = _run(quantization, data, values), tflite_reader.operations(data)
    found = []
    for layer, steps in _layers(data, quantization.function).items():
        made = quantization.file([step for step in every if step not in steps], needed=False)
        if error := _rms(_run(quantization, made, values) - expected):  # else it is in float32
            found.append(Loss(layer, error))
    return sorted(found, key=lambda loss: -loss.error)


def _error(quantization, names: Sequence[str], values: Values, expected: np.ndarray) -> float:
    steps: Steps = steps_of(quantization.data, quantization.function, names)
    return _rms(_run(quantization, quantization.file(steps), values) - expected)


def _run(quantization: Quantization, data: bytes, values: Values) -> np.ndarray:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file.tflite"
        path.write_bytes(data)
        return litert.open(path, quantization.function)(values)


def _rms(off: np.ndarray) -> float:
    return float(np.square(off).reshape(len(off), -1).mean(axis=1).max() ** 0.5)


def _layers(data: bytes, function: Function) -> dict[str, list[tflite_reader.Operation]]:
    """The layers with a kernel, by name, and the steps that compute them: a file's own names are
    ambiguous, so kernels are compared."""
    ours = _kernels(function.net)
    found: dict[str, list[tflite_reader.Operation]] = {original_name(name): [] for name, _ in ours}
    for step, kernel in tflite_reader.kernels(data, WEIGHTED).items():
        alike = [_alike(kernel, other) for _, other in ours]
        best = int(np.argmax(alike))
        if alike[best] > _ALIKE:
            found[original_name(ours[best][0])].append(step)
            ours.pop(best)
        if not ours:
            break
    return {name: steps for name, steps in found.items() if steps}


def _alike(kernel: np.ndarray, other: np.ndarray) -> float:
    """The cosine of two kernels, its mean over the outputs; 0 where their shapes differ."""
    if kernel.size != other.size or len(kernel) != len(other):
        return 0.0
    one, two = (
        k / (np.linalg.norm(k, axis=1, keepdims=True) + 1e-12)
        for k in (kernel.reshape(len(kernel), -1), other.reshape(len(other), -1))
    )
    return float(np.abs((one * two).sum(axis=1)).mean())


def _kernels(net) -> list[tuple[str, np.ndarray]]:
    """Of each layer its name and a kernel as files have them, `[outputs, ...]`; two of some."""
    found = []
    for layer in net._flatten_layers(include_self=False):
        for weight in layer.weights if not getattr(layer, "layers", None) else []:
            if weight.name in _AS_FILES:
                found.append((layer.name, _AS_FILES[weight.name](layer, weight.numpy())))
    return found


def _kernel(layer, kernel: np.ndarray) -> np.ndarray:
    import keras

    transposed = isinstance(layer, keras.layers.Conv2DTranspose)
    if isinstance(layer, keras.layers.DepthwiseConv2D):
        return _depthwise(layer, kernel)
    return np.moveaxis(kernel, 2 if transposed else -1, 0)


def _depthwise(layer, kernel: np.ndarray) -> np.ndarray:
    return kernel.reshape(*kernel.shape[:2], -1).transpose(2, 0, 1)


_AS_FILES = {
    "kernel": _kernel,
    "depthwise_kernel": _depthwise,
    "pointwise_kernel": lambda layer, kernel: np.moveaxis(kernel, -1, 0),
}
