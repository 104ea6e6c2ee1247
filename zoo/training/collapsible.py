"""Convolutions that are trained wide and delivered narrow.

Each is trained as the sum of the delivered net's kernel and of a wide convolution followed by one
of 1x1, without activation between: a linear map, and so one narrow kernel. What the step computes
is that kernel (Bhardwaj et al.: Collapsible Linear Blocks for Super-Efficient Super Resolution,
MLSys 2022, sections 3.1 and 3.3, https://arxiv.org/abs/2103.09404). The wide part starts at zero,
so that weights to start from are those of any net.
"""

import functools

import keras
import tensorflow as tf


@functools.cache
def collapsible(kind: type, channels: int) -> type:
    """A kind of `keras.layers.Conv2D` with a wide part of so many channels."""
    return type(f"Collapsible{kind.__name__}", (Collapsible, kind), {"channels": channels})


class Collapsible(keras.layers.Conv2D):
    """Of `channels` between the wide convolution and the one of 1x1; `collapsible` makes others."""

    channels = 64

    def build(self, input_shape):
        super().build(input_shape)
        *sides, inputs, outputs = self.kernel.shape
        wide = (*sides, inputs, self.channels)
        self.expansion = self.add_weight(shape=wide, initializer="he_normal", name="expansion")
        narrow = (self.channels, outputs)
        self.projection = self.add_weight(shape=narrow, initializer="zeros", name="projection")

    def collapsed(self):
        """The one kernel, float32."""
        wide = tf.tensordot(self.expansion.value, self.projection.value, 1)
        return self.kernel.value + wide

    def convolution_op(self, inputs, kernel):
        return super().convolution_op(inputs, tf.cast(self.collapsed(), inputs.dtype))
