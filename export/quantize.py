"""Smaller TFLite files, made from a float32 one: weights in float16 or int8, or all in int8.

A form that a net does not allow is refused with the reason, not written as something else.
"""

import re
import warnings
from collections.abc import Sequence

import numpy as np

from zoo.errors import NoSuchForm, import_extra
from zoo.export import tflite_editor, tflite_reader
from zoo.export.activations import activations
from zoo.export.forms import FORMS
from zoo.export.separate import last_pieces
from zoo.quantization import precision
from zoo.tasks.functions import ENCODER, IMAGE, Function, Values, named

Steps = Sequence[tflite_reader.Operation]
WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "FULLY_CONNECTED")


def quantized(
    form: str,
    data: bytes,
    function: Function,
    name: str,
    values: Values | None = None,
    kept: Steps = (),
) -> bytes:
    """Makes a smaller file.

    Args:
        form: `float16` (weights); `dynamic_range` (int8 weights; layers sum integers, in ranges
            found while it runs, or, where a picture is restored and in transposed convolutions,
            float32); `int8` (integers inside, float32 ends); `uint8` (the same with pixels 0..255
            and probabilities in 256ths).
        data: the float32 TFLite file.
        function: what it was made from.
        name: of the net, for the messages.
        values: of calibrated forms, what the function takes, to measure ranges on.
        kept: steps that stay in float32, beside those that do so anyway.

    Raises:
        ZooError: the net does not allow the form.
        MissingExtra: ai-edge-quantizer is not installed.
    """
    return Quantization(form, data, function, name, values).file(kept)


class Quantization:
    """Files of one form that differ in what stays in float32; ranges are measured once."""

    def __init__(
        self,
        form: str,
        data: bytes,
        function: Function,
        name: str,
        values: Values | None = None,
    ):
        """As `quantized` takes them."""
        self.form, self.data, self.function, self.name = form, data, function, name
        import_extra("ai_edge_quantizer.quantizer", f"a {form} file")
        self.ranges = None
        if values is not None:
            given = named(function, values)
            shapes = {n: (1, *array.shape[1:]) for n, array in given.items()}
            self.data = tflite_editor.starting_at(data, shapes)
            self.ranges = _ranges(self.data, function, given)

    def file(self, kept: Steps = (), needed: bool = True) -> bytes:
        """As `quantized` makes it; where it is not needed, it may be that nothing is smaller."""
        quantizer = import_extra("ai_edge_quantizer.quantizer", f"a {self.form} file")
        kinds = import_extra("ai_edge_quantizer.qtyping", f"a {self.form} file")
        model = quantizer.Quantizer(self.data)
        kept = list(dict.fromkeys([*_kept_in_float(self.data, self.function), *kept]))
        _RECIPES[self.form](model, kinds, self.function, kept)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # of its own debugging interpreter
                made = model.quantize(self.ranges, enable_progress_report=False)
        except (KeyError, NotImplementedError, RuntimeError, ValueError) as error:
            raise NoSuchForm(
                f"{self.name} has no {self.form} file: {error}; choose another form"
            ) from error
        smaller = tflite_editor.in_one_piece(bytes(made.quantized_model))
        if needed:
            _check(self.form, smaller, self.name, kept)
        return tflite_editor.with_uint8_ends(smaller) if self.form == "uint8" else smaller


def _float16(model, kinds, function: Function, kept: Steps) -> None:
    weights = kinds.TensorQuantizationConfig(num_bits=16, dtype=kinds.TensorDataType.FLOAT)
    config = kinds.OpQuantizationConfig(
        weight_tensor_config=weights,
        compute_precision=kinds.ComputePrecision.FLOAT,
        explicit_dequantize=True,
    )
    every = kinds.TFLOperationName.ALL_SUPPORTED
    model.update_quantization_recipe(".*", every, config, "float_casting")


def _dynamic_range(model, kinds, function: Function, kept: Steps) -> None:
    """Of restored pictures only the weights: the largest of a picture's values would set the steps
    of all others. With integer sums dncnn_s25 loses 0.055 dB and srcnn_x2 0.016; so, 0.001 and
    0.008 (twenty pictures held out of the training set: `benchmarks/precisions.py`). Where speed
    counts there is int8."""
    names = kinds.TFLOperationName
    add = model.add_weight_only_config if _sums_in_float(function) else model.add_dynamic_config
    add(".*", names.ALL_SUPPORTED, num_bits=8)
    # LiteRT has no fast kernel that sums integers here: dcgan_fashion took 13 times float32's time
    model.add_weight_only_config(".*", names.CONV_2D_TRANSPOSE, num_bits=8)
    _keep(model, kinds, kept)


def _int8(model, kinds, function: Function, kept: Steps) -> None:
    names = kinds.TFLOperationName
    model.add_static_config(".*", names.ALL_SUPPORTED, 8, 8)
    for end in (names.INPUT, names.OUTPUT):
        model.update_quantization_recipe(".*", end, algorithm_key="no_quantize")
    _keep(model, kinds, kept)


def _keep(model, kinds, kept: Steps) -> None:
    every = kinds.TFLOperationName.ALL_SUPPORTED
    for step in kept:
        scope = f"^{re.escape(step.output)};$"
        model.update_quantization_recipe(scope, every, algorithm_key="no_quantize")


_RECIPES = {
    "float16": _float16,
    "dynamic_range": _dynamic_range,
    "int8": _int8,
    "uint8": _int8,
}


def _kept_in_float(data: bytes, function: Function) -> list[tflite_reader.Operation]:
    """What `zoo.quantization.precision.float_ends` says of the net; of encoders the last layer of
    each output.

    A separated first layer takes as long in float32 as all the rest, so it is rounded, for 0.05 dB,
    but for its first convolution, which only lays out pixels. Latents of rare pictures lie beyond
    the ranges of those that were measured, and would be cut off.
    """
    steps = tflite_reader.operations(data)
    layers = [n for n, step in enumerate(steps) if step.kind in WEIGHTED]
    if function.name == ENCODER:
        return steps[layers[-len(function.outputs)] :]
    if not layers:
        return []
    dense = steps[layers[-1]].kind == "FULLY_CONNECTED"
    first, last = precision.float_ends(*_pictures(function), dense, len(function.names))
    kernels = sum(weight.name == "kernel" for weight in function.net.weights)
    layers = layers[-kernels:]  # enlarging is a convolution, too, but none of these
    begin = steps[: precision.first_rounded(layers, first)]
    return begin + (steps[layers[-last_pieces(function.net)] :] if last else [])


def _sums_in_float(function: Function) -> bool:
    """The decision of `_dynamic_range`, which `benchmarks/precisions.py` takes otherwise."""
    return _restores(function)


def _cuts_outliers(function: Function) -> bool:
    """Likewise."""
    return precision.cuts_outliers(*_pictures(function))


def _restores(function: Function) -> bool:
    return all(_pictures(function))


def _pictures(function: Function) -> tuple[bool, bool]:
    """Whether it takes pictures, and whether it gives some."""
    shape = function.net.output_shape  # of several outputs a list of shapes
    gives = not isinstance(shape, (dict, list)) and len(shape) == 4
    return IMAGE in function.names, gives


def _ranges(data: bytes, function: Function, given: dict[str, np.ndarray]) -> dict:
    """The least and greatest value of each tensor that is computed, some with outliers cut off.

    The input is not cut.
    """
    cut = _cuts_outliers(function)
    found = {
        name: _limits(*seen.range(cut), rank)
        for name, (seen, rank) in activations(data, function, given).items()
    }
    for name, tensor in tflite_reader.inputs(data).items():
        low, high = (0.0, 1.0) if name == IMAGE else (0.0, 0.0)
        ends = min(low, given[name].min()), max(high, given[name].max())
        found[tensor] = _limits(*ends, given[name].ndim)
    return found


def _limits(low: float, high: float, rank: int) -> dict:
    shape = (1,) * rank
    return {"min": np.full(shape, low, np.float32), "max": np.full(shape, high, np.float32)}


def _check(form: str, data: bytes, name: str, kept: Steps) -> None:
    """That the file is what its name says."""
    wanted = "float16" if form == "float16" else "int8"
    if wanted not in tflite_reader.census(data):
        why = f"it has no weights that {form} makes smaller"
        if kept:
            why = f"its layers with weights, {len(kept)}, are at the ends and stay in float32"
        raise NoSuchForm(f"{name} has no {form} file: {why}")
    if not FORMS[form].calibrated:
        return
    left = tflite_reader.in_float(data, (*WEIGHTED, "WHILE"))
    if len(left) > sum(step.kind in WEIGHTED for step in kept):
        raise NoSuchForm(
            f"{name} has no {form} file: {', '.join(sorted(set(left)))} would stay in float32; "
            "take dynamic_range or float16"
        )
