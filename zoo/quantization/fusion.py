"""A net's graph as its file has it: which steps are computed as one, which at one scale."""

import itertools
from collections import defaultdict
from collections.abc import Callable

import keras

from zoo.errors import ZooError
from zoo.quantization.layers import KINDS

FUSED = {"linear", "relu", "relu6", "hard_sigmoid"}  # its shift goes into the bias
ARITHMETIC = {"Add", "Subtract", "Multiply"}


def activation_of(step) -> Callable | None:
    """The function of a layer that only applies one."""
    match step:
        case keras.layers.Activation():
            return step.activation
        case keras.layers.Softmax():
            return keras.activations.softmax
        case keras.layers.ReLU():
            return keras.activations.relu
    return None


def takes_in(reader, step) -> bool:
    """Whether files compute both in one step, or, of what is joined, in one scale."""
    if joins(reader):
        return True
    if type(step) in KINDS and folds(step, reader):
        return step.activation.__name__ == "linear"
    linear = type(step).__name__ in ARITHMETIC or type(step) is keras.layers.BatchNormalization
    linear = linear or (type(step) in KINDS and step.activation.__name__ == "linear")
    return linear and _is_fused(reader)


def joins(step) -> bool:
    """Whether a step gives what it takes, side by side."""
    return type(step).__name__ == "Concatenate"


def _is_fused(step) -> bool:
    if isinstance(step, keras.layers.ReLU):
        return step.max_value in (None, 6) and not step.negative_slope and not step.threshold
    return isinstance(step, keras.layers.Activation) and step.activation.__name__ in FUSED


def folds(layer, reader) -> bool:
    """Whether a step is batch normalisation that goes into the kernel before it."""
    if type(reader) is not keras.layers.BatchNormalization:
        return False
    return reader.axis in (-1, 1 if type(layer) is keras.layers.Dense else 3)


def nodes_of(net):
    """The nodes of a net's graph in their order, those of nets inside it among them."""
    nodes = defaultdict(list)
    for node in itertools.chain(*net._nodes_by_depth.values()):
        nodes[id(node.operation)].append(node)
    for step in net.operations:
        node, *others = nodes[id(step)]
        if others:
            raise ZooError(
                f"quantization-aware training does not know layers that are used twice: got "
                f"{step.name}; build the net with one layer for each use"
            )
        if isinstance(step, keras.Model):
            yield from nodes_of(functional(step))
        elif not node.is_input:
            yield node


def functional(model):
    """A Sequential net as the functional one that it is."""
    if isinstance(model, keras.Sequential):
        return keras.Model(model.inputs[0], model.outputs[0], name=model.name)
    return model
