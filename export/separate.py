"""Layers that a runtime is slow at, each as two that give the same in a fraction of the time."""

import dataclasses

import numpy as np

from zoo.images import subpixel
from zoo.quantization import precision
from zoo.tasks.functions import Function


def separated(function: Function) -> Function:
    """The same part, equal up to float rounding, whose net has no large kernel of one channel and
    no transposed convolution that `zoo.images.subpixel` can replace.

    A CPU's kernels compute 8 to 32 channels at once, whether there are so many or one. So the
    pixels of a kernel's row become channels: of one that takes a single channel, a convolution
    that only lays them out comes first; of one that gives a single channel, the sum over them
    comes last. Of a transposed convolution LiteRT's fast kernel takes three times as long as a
    convolution and depth to space (sesr_x2). Pixels of one channel are repeated by depth to space,
    too, not by shapes that are written into the file, which the web page could not change.
    """
    import keras

    if not any(map(_worth_it, function.net.layers)):
        return function
    net = keras.models.clone_model(
        function.net, clone_function=lambda layer: layer, call_function=_call
    )
    return dataclasses.replace(function, net=net)


def last_pieces(net) -> int:
    """Of how many convolutions the last layer of a net consists."""
    *_, last = [layer for layer in net.layers if layer.weights]
    return 2 if last.name.endswith(_COLUMNS) else 1


_COLUMNS, _ROWS, _CHANNELS = "_columns", "_rows", "_channels"


def original_name(piece: str) -> str:
    """Of the layer that a piece is of; of a whole layer its own."""
    for suffix in (_COLUMNS, _ROWS, _CHANNELS):
        piece = piece.removesuffix(suffix)
    return piece


def _worth_it(layer) -> bool:
    import keras

    return (
        subpixel.fits(layer)
        or subpixel.repeats(layer)
        or (
            isinstance(layer, keras.layers.Conv2D)
            and min(layer.kernel_size) >= precision.LEAST_SIDE
            and layer.strides == (1, 1)
            and 1 in layer.kernel.shape[2:]
        )
    )


def _call(layer, values, **options):
    if subpixel.repeats(layer):
        return _repeated(layer)(values) if values.shape[-1] == 1 else layer(values)
    for step in _pair(layer) if _worth_it(layer) else (layer,):
        values = step(values, **options)
    return values


def _pair(layer):
    if subpixel.fits(layer):
        yield _convolution(layer, _CHANNELS, np.asarray(subpixel.kernel_of(layer)))
        yield _layout_of(layer)
        return
    kernel, *bias = layer.get_weights()  # [rows, columns, in, out]
    layout = np.eye(kernel.shape[1], dtype=np.float32)[None]
    if kernel.shape[2] == 1:
        yield _convolution(layer, _COLUMNS, layout[:, :, None])
        yield _convolution(layer, _ROWS, kernel.swapaxes(1, 2), bias, layer.activation)
    else:
        yield _convolution(layer, _ROWS, kernel.transpose(0, 3, 2, 1))
        yield _convolution(layer, _COLUMNS, layout[..., None], bias, layer.activation)


def _layout_of(layer):
    import keras

    class DepthToSpace(keras.layers.Layer):
        def call(self, values):
            return subpixel.laid_out(layer, values)

    return DepthToSpace(name=layer.name)


def _repeated(layer):
    import keras

    class Repeat(keras.layers.Layer):
        def call(self, values):
            return subpixel.repeated(values, layer.size[0])

    return Repeat(name=layer.name)


def _convolution(layer, kind: str, kernel, bias=(), activation=None):
    import keras

    *sides, _, filters = kernel.shape
    convolution = keras.layers.Conv2D(
        filters,
        sides,
        padding=layer.padding,
        activation=activation,
        use_bias=bool(bias),
        name=layer.name + kind,
    )
    convolution.build((None, None, None, kernel.shape[2]))
    convolution.set_weights([kernel, *bias])
    return convolution
