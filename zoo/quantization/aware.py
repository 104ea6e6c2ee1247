"""Quantization-aware training of Keras nets of stock layers: a twin that rounds as its int8 file.

The twin shares its weights with a copy of the net. Kernels are rounded as files have them: with the
batch normalisation after them folded in, in 255 steps about zero for each output. Tensors are
rounded where the file has one, in 256 steps of ranges that follow the values; batch normalisation
keeps its averages. Gradients pass rounding as if it were not there (Jacob et al.: Quantization and
Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference, CVPR 2018,
https://arxiv.org/abs/1712.05877, section 3).
"""

from collections import defaultdict
from collections.abc import Sequence

import keras
import numpy as np

from zoo.errors import ZooError
from zoo.quantization import precision
from zoo.quantization.fusion import functional
from zoo.quantization.plan import Plan

_AT_ONCE = 32  # pictures that ranges are measured on: memory stays bounded


def quantize_aware(model: keras.Model, keep_float: Sequence[str] = ()) -> keras.Model:
    """As `zoo.quantize_aware`."""
    if not isinstance(model, (keras.Sequential, keras.Model)) or not _is_graph(model):
        raise ZooError(
            f"expected a functional or Sequential net that is built, got {type(model).__name__}; "
            "make it one with keras.Model(inputs, outputs)"
        )
    plain = keras.models.clone_model(functional(model))
    plain.set_weights(model.get_weights())
    plan = Plan(plain, keep_float)
    twin = keras.Model(plain.input, plan.outputs(), name=model.name)
    twin.quantization = plan
    return twin


def calibrate(twin: keras.Model, values: np.ndarray) -> None:
    """Sets the ranges of a twin to those that an int8 file calibrated on the same inputs has.

    Args:
        twin: from `quantize_aware`.
        values: inputs `[n, ...]`, as the net takes them.
    """
    plan: Plan = twin.quantization
    seen: dict[int, list[np.ndarray]] = defaultdict(list)
    plan.mode.seen = seen
    try:
        for start in range(0, len(values), _AT_ONCE):
            twin(values[start : start + _AT_ONCE], training=False)
    finally:
        plan.mode.seen = None
    for grid in plan.grids:
        grid.set(*precision.range_of(np.concatenate(seen[id(grid)]), plan.cuts_outliers))


def deliver(twin: keras.Model, values: np.ndarray | None = None) -> keras.Model:
    """The plain float32 net with what a twin learnt, to be exported as any other.

    Args:
        twin: from `quantize_aware`, trained.
        values: inputs to `calibrate` the twin on, so that it computes what the int8 file does whose
            ranges are measured on the same.
    """
    if values is not None:
        calibrate(twin, values)
    learnt = twin.quantization.net
    plain = keras.models.clone_model(learnt)
    plain.set_weights(learnt.get_weights())
    return plain


def _is_graph(model) -> bool:
    return model.built and hasattr(functional(model), "_run_through_graph")
