"""Layers with a kernel, and batch normalisation, as int8 files compute them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from zoo.quantization.grids import Grid, Mode, in_256_steps
from zoo.training.fused import in_steps


class Weighted(keras.layers.Layer):
    """A layer with its kernel rounded, the normalisation after it folded in."""

    def __init__(self, mode: Mode, layer, norm, activation: Callable, **options):
        super().__init__(**options)
        self.mode, self.layer, self.norm, self.activation = mode, layer, norm, activation
        self.between = Grid(mode) if type(layer) is keras.layers.SeparableConv2D else None

    def call(self, inputs, training=None):
        layer = self.layer
        if self.between is not None:
            inputs = _depthwise(layer, inputs, self._rounded(layer.depthwise_kernel, (0, 1)))
            inputs = self.between(inputs, training=training)
        kind = KINDS[type(layer)]
        kernel, offset = getattr(layer, kind.kernel), 0.0
        if self.norm is not None:
            scale, offset = _scale_and_offset(self.norm)
            kernel = kernel * kind.as_kernel(scale, kernel)
        if layer.use_bias:
            offset += layer.bias * (1.0 if self.norm is None else scale)
        results = kind.run(layer, inputs, self._rounded(kernel, kind.axes))
        return self.activation(results + offset)

    def compute_output_spec(self, inputs, **options):
        return self.layer.compute_output_spec(inputs)

    def _rounded(self, kernel, axes: tuple[int, ...]):
        kernel = tf.convert_to_tensor(kernel)
        if self.mode.seen is not None:
            return kernel
        return in_steps(kernel, tf.reduce_max(tf.abs(kernel), axes, keepdims=True) / 127)


class Norm(keras.layers.Layer):
    """Batch normalisation that is part of no layer before it: a product and a sum, each rounded,
    by constants that are rounded, too."""

    def __init__(self, mode: Mode, norm, **options):
        super().__init__(**options)
        self.mode, self.norm, self.between = mode, norm, Grid(mode)

    def call(self, inputs, training=None):
        scale, offset = map(self._constant, _scale_and_offset(self.norm))
        return self.between(inputs * scale, training=training) + offset

    def compute_output_spec(self, inputs, **options):
        return keras.KerasTensor(inputs.shape, inputs.dtype)

    def _constant(self, values):
        if self.mode.seen is not None:
            return values
        ends = tf.minimum(tf.reduce_min(values), 0), tf.maximum(tf.reduce_max(values), 1e-9)
        return in_256_steps(values, *ends)


def _scale_and_offset(norm):
    """What batch normalisation by its averages does to a channel, `[c]` each."""
    scale = tf.math.rsqrt(norm.moving_variance.value + norm.epsilon)
    scale = scale * norm.gamma.value if norm.scale else scale
    offset = -norm.moving_mean.value * scale
    return scale, offset + norm.beta.value if norm.center else offset


def _convolution(layer, inputs, kernel):
    return keras.ops.conv(inputs, kernel, **_ways(layer))


def _depthwise(layer, inputs, kernel):
    return keras.ops.depthwise_conv(inputs, kernel, **_ways(layer))


def _transposed(layer, inputs, kernel):
    ways = _ways(layer) | {"output_padding": layer.output_padding}
    return keras.ops.conv_transpose(inputs, kernel, **ways)


def _pointwise(layer, inputs, kernel):
    return keras.ops.conv(inputs, kernel, data_format=layer.data_format)


def _dense(layer, inputs, kernel):
    return keras.ops.matmul(inputs, kernel)


def _ways(layer) -> dict[str, Any]:
    return {
        "strides": layer.strides,
        "padding": layer.padding,
        "dilation_rate": layer.dilation_rate,
        "data_format": layer.data_format,
    }


@dataclass(frozen=True)
class _Kind:
    """A layer with a kernel.

    Attributes:
        run: `(layer, inputs, kernel)` to the results.
        axes: of the kernel, all but those of its outputs.
        as_kernel: a number an output `[c]`, and the kernel, to a factor of the kernel.
        kernel: what the layer calls it.
    """

    run: Callable
    axes: tuple[int, ...] = (0, 1, 2)
    as_kernel: Callable = lambda scale, kernel: scale
    kernel: str = "kernel"


KINDS = {
    keras.layers.Conv2D: _Kind(_convolution),
    keras.layers.DepthwiseConv2D: _Kind(
        _depthwise, (0, 1), lambda scale, kernel: tf.reshape(scale, kernel.shape[2:])
    ),
    keras.layers.SeparableConv2D: _Kind(_pointwise, kernel="pointwise_kernel"),
    keras.layers.Conv2DTranspose: _Kind(
        _transposed, (0, 1, 3), lambda scale, kernel: scale[:, None]
    ),
    keras.layers.Dense: _Kind(_dense, (0,)),
}
