"""Convolutions that take or give one channel, each as two that run in a fraction of the time."""

import dataclasses

import numpy as np

from zoo.tasks.parts import Part

LEAST_SIDE = 5
"""Of a kernel that is worth it; a 3x3 one of DnCNN is one of seventeen layers."""


def separated(part: Part) -> Part:
    """The same part, equal up to float rounding, whose net has no large kernel of one channel.

    A CPU's kernels compute 8 to 32 channels at once, whether there are so many or one. So the
    pixels of a kernel's row become channels: of one that takes a single channel, a convolution
    that only lays them out comes first; of one that gives a single channel, the sum over them
    comes last.
    """
    import keras

    if not any(map(_worth_it, part.net.layers)):
        return part
    net = keras.models.clone_model(
        part.net, clone_function=lambda layer: layer, call_function=_call
    )
    return dataclasses.replace(part, net=net)


def last_pieces(net) -> int:
    """Of how many convolutions the last layer of a net consists."""
    *_, last = [layer for layer in net.layers if layer.weights]
    return 2 if last.name.endswith(_COLUMNS) else 1


_COLUMNS, _ROWS = "_columns", "_rows"


def _worth_it(layer) -> bool:
    import keras

    return (
        isinstance(layer, keras.layers.Conv2D)
        and min(layer.kernel_size) >= LEAST_SIDE
        and layer.strides == (1, 1)
        and 1 in layer.kernel.shape[2:]
    )


def _call(layer, values, **options):
    for step in _pair(layer) if _worth_it(layer) else (layer,):
        values = step(values, **options)
    return values


def _pair(layer):
    kernel, *bias = layer.get_weights()  # [rows, columns, in, out]
    layout = np.eye(kernel.shape[1], dtype=np.float32)[None]
    if kernel.shape[2] == 1:
        yield _convolution(layer, _COLUMNS, layout[:, :, None])
        yield _convolution(layer, _ROWS, kernel.swapaxes(1, 2), bias, layer.activation)
    else:
        yield _convolution(layer, _ROWS, kernel.transpose(0, 3, 2, 1))
        yield _convolution(layer, _COLUMNS, layout[..., None], bias, layer.activation)


def _convolution(layer, kind: str, kernel, bias=(), activation=None):
    import keras

    *sides, _, filters = kernel.shape
    made = keras.layers.Conv2D(
        filters,
        sides,
        padding=layer.padding,
        activation=activation,
        use_bias=bool(bias),
        name=layer.name + kind,
    )
    made.build((None, None, None, kernel.shape[2]))
    made.set_weights([kernel, *bias])
    return made
