"""Transposed convolutions as convolutions of the small picture (Shi et al. 2016, ESPCN).

A convolution's channels, laid out as the pixels of a larger picture (depth to space), are what a
transposed convolution with a kernel of a multiple of its stride gives. Keras has had no layer for
the former; runtimes have a fast kernel for it alone.
"""

from typing import Any


def fits(layer: Any) -> bool:
    """Whether a Keras layer is a transposed convolution that `kernel_of` and `laid_out` replace."""
    import keras

    if type(layer) is not keras.layers.Conv2DTranspose or layer.padding != "same":
        return False
    shapes = zip(layer.kernel_size, layer.strides, strict=True)
    odd = all(side % stride == 0 and side // stride % 2 for side, stride in shapes)
    return odd and len({*layer.strides}) == 1 and layer.activation is keras.activations.linear


def kernel_of(layer: Any) -> Any:
    """Its kernel `[k * s, k * s, out, in]` as the convolution's, `[k, k, in, s * s * out]`."""
    import tensorflow as tf

    kernel, stride = tf.convert_to_tensor(layer.kernel), layer.strides[0]
    rows, columns, outputs, inputs = kernel.shape
    small = rows // stride, columns // stride
    kernel = tf.reshape(kernel, [small[0], stride, small[1], stride, outputs, inputs])
    kernel = tf.transpose(kernel[::-1, :, ::-1], [0, 2, 5, 1, 3, 4])
    return tf.reshape(kernel, [*small, inputs, stride * stride * outputs])


def laid_out(layer: Any, values: Any) -> Any:
    """What the convolution gives, `[b, h, w, s * s * out]`, as the layer's output."""
    import tensorflow as tf

    values = tf.nn.depth_to_space(values, layer.strides[0])
    return tf.nn.bias_add(values, tf.cast(layer.bias, values.dtype)) if layer.use_bias else values


def repeats(layer: Any) -> bool:
    """Whether a Keras layer repeats pixels, in both directions as often: `repeated` replaces it."""
    import keras

    if type(layer) is not keras.layers.UpSampling2D or layer.interpolation != "nearest":
        return False
    return len({*layer.size}) == 1


def repeated(values: Any, factor: int) -> Any:
    """`[b, h, w, c]` with each pixel `factor` times in both directions."""
    import tensorflow as tf

    return tf.nn.depth_to_space(tf.concat([values] * factor**2, -1), factor)
