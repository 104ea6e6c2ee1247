"""Smaller TFLite files, made from a float32 one: weights in float16 or int8, or all in int8.

A form that a net does not allow is refused with the reason, not written as something else.
"""

import collections
import re
import warnings

import numpy as np

from zoo.errors import EXTRAS, MissingExtra, ZooError
from zoo.export import flat
from zoo.export.forms import FORMS
from zoo.export.separate import last_pieces
from zoo.export.signature import SERVE
from zoo.export.tflite import in_batches, litert
from zoo.index import OUTPUTS
from zoo.tasks.parts import ENCODER, IMAGE, Part

WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "FULLY_CONNECTED")
_SHARES = np.arange(1.0, 0.45, -0.05)
_STRIDE = 7  # of the values that a range is judged by; enough, and prime to all widths


def quantized(form: str, data: bytes, part: Part, name: str, values=None) -> bytes:
    """Makes a smaller file.

    Args:
        form: `float16` (weights); `dynamic_range` (int8 weights; layers sum integers, in ranges
            found while it runs, or, where a picture is restored and in transposed convolutions,
            float32); `int8` (integers inside, float32 ends); `uint8` (the same with pixels 0..255
            and probabilities in 256ths).
        data: the float32 TFLite file.
        part: what it was made from.
        name: of the net, for the messages.
        values: of calibrated forms, inputs `[b, ...]` to measure ranges on.

    Raises:
        ZooError: the net does not allow the form.
        MissingExtra: ai-edge-quantizer is not installed.
    """
    package = _quantizer(form)
    ranges = None
    if FORMS[form].calibrated:
        data = flat.starting_at(data, (1, *values.shape[1:]))
        ranges = _ranges(data, part, values)
    model = package.quantizer.Quantizer(data)
    _RECIPES[form](model, package.qtyping, data, part)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of its own debugging interpreter
            made = model.quantize(ranges, enable_progress_report=False).quantized_model
    except (KeyError, NotImplementedError, RuntimeError, ValueError) as error:
        raise ZooError(f"{name} has no {form} file: {error}; choose another form") from error
    made = flat.in_one_piece(bytes(made))
    _check(form, made, name, _kept_in_float(data, part))
    return flat.with_uint8_ends(made) if form == "uint8" else made


def _float16(model, kinds, data: bytes, part: Part) -> None:
    weights = kinds.TensorQuantizationConfig(num_bits=16, dtype=kinds.TensorDataType.FLOAT)
    config = kinds.OpQuantizationConfig(
        weight_tensor_config=weights,
        compute_precision=kinds.ComputePrecision.FLOAT,
        explicit_dequantize=True,
    )
    every = kinds.TFLOperationName.ALL_SUPPORTED
    model.update_quantization_recipe(".*", every, config, "float_casting")


def _dynamic_range(model, kinds, data: bytes, part: Part) -> None:
    """Of restored pictures only the weights: the largest of a picture's values would set the steps
    of all others. With integer sums dncnn_s25 loses 0.055 dB and srcnn_x2 0.016; so, 0.001 and
    0.008 (twenty pictures held out of the training set: `benchmarks/precisions.py`). Where speed
    counts there is int8."""
    names = kinds.TFLOperationName
    add = model.add_weight_only_config if _sums_in_float(part) else model.add_dynamic_config
    add(".*", names.ALL_SUPPORTED, num_bits=8)
    # LiteRT has no fast kernel that sums integers here: dcgan_fashion took 13 times float32's time
    model.add_weight_only_config(".*", names.CONV_2D_TRANSPOSE, num_bits=8)
    _keep(model, kinds, data, part)


def _int8(model, kinds, data: bytes, part: Part) -> None:
    names = kinds.TFLOperationName
    model.add_static_config(".*", names.ALL_SUPPORTED, 8, 8)
    for end in (names.INPUT, names.OUTPUT):
        model.update_quantization_recipe(".*", end, algorithm_key="no_quantize")
    _keep(model, kinds, data, part)


def _keep(model, kinds, data: bytes, part: Part) -> None:
    every = kinds.TFLOperationName.ALL_SUPPORTED
    for step in _kept_in_float(data, part):
        scope = f"^{re.escape(step.output)};$"
        model.update_quantization_recipe(scope, every, algorithm_key="no_quantize")


_RECIPES = {
    "float16": _float16,
    "dynamic_range": _dynamic_range,
    "int8": _int8,
    "uint8": _int8,
}


def _kept_in_float(data: bytes, part: Part) -> list[flat.Operation]:
    """Where a picture is made, the last layer, unless it is a dense one, and what follows it; of
    nets that restore, also the first convolution and what comes before it; of encoders the last
    layer of each output.

    At the end the noise is taken from the input, or logits become grey: in 256 steps that would
    cost more than all layers before. With the last layer of the first dcgan_fashion rounded its
    Frechet distance rose by 0.064, else it fell by 0.006; with that of srcnn_x2, it loses 1 dB.
    Enlarging passes the picture itself on; with the first layer of dncnn_color rounded, it loses
    0.085 dB. A separated first layer takes as long in float32 as all the rest, so it is rounded,
    for 0.05 dB, but for its first convolution, which only lays out pixels. (Held-out pictures, as
    above, without `Recipe.rounded`.) Latents of rare pictures lie beyond the ranges of those that
    were measured, and would be cut off. All have few weights; a last dense layer would have most.
    """
    steps = flat.operations(data)
    layers = [n for n, step in enumerate(steps) if step.kind in WEIGHTED]
    if part.name == ENCODER:
        return steps[layers[-len(part.outputs)] :]
    if not layers or part.outputs[0] not in (IMAGE, *OUTPUTS.values()):
        return []
    if not _restores(part):
        dense = steps[layers[-1]].kind == "FULLY_CONNECTED"
        return steps[layers[-1] + dense :]
    kernels = sum(weight.name == "kernel" for weight in part.net.weights)
    layers = layers[-kernels:]  # enlarging is a convolution, too, but none of these
    return steps[: layers[0] + 1] + steps[layers[-last_pieces(part.net)] :]


def _sums_in_float(part: Part) -> bool:
    """The decision of `_dynamic_range`, which `benchmarks/precisions.py` takes otherwise."""
    return _restores(part)


def _cuts_outliers(part: Part) -> bool:
    """Likewise. A restored picture's PSNR is a mean over all pixels. Of latents and of what is made
    of them the rare one counts, and outliers are what makes it: of 1,000 digits of mlp_gan_mnist
    the worst is 0.080 off with ranges cut, 0.033 with whole ones (root mean square)."""
    return _restores(part)


def _restores(part: Part) -> bool:
    return part.outputs[0] in OUTPUTS.values()


def _ranges(data: bytes, part: Part, values: np.ndarray) -> dict:
    """The least and greatest value of each tensor that is computed, some with outliers cut off.

    A few values far out would leave few steps to all others: of ranges from whole to half, that
    with the least squared error is taken. The input is not cut.
    """
    shares = _SHARES if _cuts_outliers(part) else _SHARES[:1]
    found = {name: _best(seen, shares) for name, seen in _activations(data, part, values).items()}
    low, high = (0.0, 1.0) if part.input == IMAGE else (0.0, 0.0)
    ends = min(low, values.min()), max(high, values.max())
    found[flat.input_name(data)] = _limits(*ends, values.ndim)
    return found


def _best(seen: np.ndarray, shares: np.ndarray) -> dict:
    some = seen.ravel()[::_STRIDE] if seen.size > 1000 * _STRIDE else seen.ravel()
    low, high = min(0.0, seen.min()), max(0.0, seen.max())
    share = min(shares, key=lambda s: _squared_error(some, low * s, high * s))
    return _limits(low * share, high * share, seen.ndim)


def _squared_error(values: np.ndarray, low: float, high: float) -> float:
    step = (high - low) / 255 or 1.0
    rounded = np.rint(np.clip(values, low, high) / step) * step
    return float(np.square(values - rounded).mean())


def _limits(low: float, high: float, rank: int) -> dict:
    shape = (1,) * rank
    return {"min": np.full(shape, low, np.float32), "max": np.full(shape, high, np.float32)}


def _activations(data: bytes, part: Part, values: np.ndarray) -> dict[str, np.ndarray]:
    """All that a file computes of an input, by the names of its tensors."""
    runtime = litert("calibrating").interpreter
    plain = runtime.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = runtime.Interpreter(
        model_content=data,
        experimental_preserve_all_tensors=True,
        experimental_op_resolver_type=plain,
        num_threads=2,
    )
    runner = interpreter.get_signature_runner(SERVE)
    accepted = runner.get_input_details()[part.input]["shape_signature"].tolist()
    computed = {step.output for step in flat.operations(data)}
    numbers = [d for d in interpreter.get_tensor_details() if d["dtype"] == np.float32]
    wanted = {d["name"]: d["index"] for d in numbers if d["name"] in computed}
    found = collections.defaultdict(list)
    for batch in in_batches(values, accepted):
        runner(**{part.input: batch})
        for name, index in wanted.items():
            found[name].append(interpreter.get_tensor(index))
    return {name: np.concatenate(seen) for name, seen in found.items()}


def _check(form: str, data: bytes, name: str, kept: list[flat.Operation]) -> None:
    """That the file is what its name says."""
    wanted = "float16" if form == "float16" else "int8"
    if wanted not in flat.census(data):
        raise ZooError(f"{name} has no {form} file: it has no weights that {form} makes smaller")
    if not FORMS[form].calibrated:
        return
    left = flat.in_float(data, (*WEIGHTED, "WHILE"))
    if len(left) > sum(step.kind in WEIGHTED for step in kept):
        raise ZooError(
            f"{name} has no {form} file: {', '.join(sorted(set(left)))} would stay in float32; "
            "take dynamic_range or float16"
        )


def _quantizer(form: str):
    try:
        import ai_edge_quantizer.qtyping
        import ai_edge_quantizer.quantizer
    except ImportError:
        raise MissingExtra(*EXTRAS["ai_edge_quantizer"], f"a {form} file") from None
    return ai_edge_quantizer
