"""Tensors in 256 steps, as int8 files have them; gradients pass as if nothing were rounded."""

import functools

import keras
import numpy as np
import tensorflow as tf

_RATE = 0.05  # of a batch's least and greatest value in the ranges that follow them


_FINE = 256  # parts of a step: a mean of two neighbours is a tie, whatever float32 makes of it


SIGMOID_RANGE, TANH_RANGE = (0.0, 255 / 256), (-1.0, 127 / 128)


class Mode:
    """Whether a twin is calibrated just now: then nothing is rounded, and values are collected."""

    seen: "dict[int, list[np.ndarray]] | None" = None


class Grid(keras.layers.Layer):
    """Values in 256 steps from the least to the greatest, and as they come before any were seen."""

    def __init__(self, mode: Mode, **options):
        super().__init__(**options)
        self.mode = mode

    def build(self, input_shape):
        add = functools.partial(
            self.add_weight, shape=(), initializer="zeros", trainable=False, aggregation="mean"
        )
        self.least, self.most, self.started = (add(name=n) for n in ("least", "most", "started"))

    def call(self, values, training=None, ties=""):
        """Ties are those of means of what is rounded already: files go "up", or, where they sum
        integers, "away" from the integer zero."""
        if self.mode.seen is not None:
            if not ties:
                self.mode.seen[id(self)].append(values.numpy())
            return values
        if training and not ties:
            self._follow(values)
        ends = self.least.value, tf.maximum(self.most.value, self.least.value + 1e-9)
        rounded = _with_ties(values, *ends, ties) if ties else in_256_steps(values, *ends)
        return tf.where(self.started.value > 0, rounded, values)

    def compute_output_spec(self, values, **options):
        return keras.KerasTensor(values.shape, values.dtype)

    def set(self, least, most) -> None:
        self.least.assign(least)
        self.most.assign(most)
        self.started.assign(1.0)

    def _follow(self, values) -> None:
        rate = tf.where(self.started.value > 0, _RATE, 1.0)
        least, most = tf.minimum(tf.reduce_min(values), 0), tf.maximum(tf.reduce_max(values), 0)
        self.set(
            self.least.value + rate * (least - self.least.value),
            self.most.value + rate * (most - self.most.value),
        )


class FixedGrid(keras.layers.Layer):
    """Values in 256 steps that are the same in all files."""

    def __init__(self, mode: Mode, ends: tuple[float, float], at_end: bool, **options):
        """At the end of a net rounding waits until training is over: a probability of 0 has no
        logarithm."""
        super().__init__(**options)
        self.mode, self.ends, self.at_end = mode, ends, at_end

    def call(self, values, training=None, ties=""):
        if self.mode.seen is not None or (training and self.at_end):
            return values
        return in_fixed_steps(values, self.ends)

    def compute_output_spec(self, values, **options):
        return keras.KerasTensor(values.shape, values.dtype)


def in_256_steps(values, least, most):
    ends = tf.stop_gradient(least), tf.stop_gradient(most)
    return tf.quantization.fake_quant_with_min_max_vars(values, *ends)


def _with_ties(values, least, most, ties: str):
    step = (most - least) / 255
    zero = tf.round(-least / step) - 128
    counts = tf.round((values / step + zero) * _FINE) / _FINE
    down = ties == "away" and counts < 0
    counts = tf.where(down, tf.math.ceil(counts - 0.5), tf.floor(counts + 0.5))
    return values + tf.stop_gradient((counts - zero) * step - values)


def in_fixed_steps(values, ends):
    return tf.quantization.fake_quant_with_min_max_args(values, *ends)


class Swish(keras.layers.Layer):
    """`x * sigmoid(x)`, in files two steps."""

    def __init__(self, mode: Mode, **options):
        super().__init__(**options)
        self.mode = mode

    def call(self, values):
        gate = tf.sigmoid(values)
        return values * (
            gate if self.mode.seen is not None else in_fixed_steps(gate, SIGMOID_RANGE)
        )
