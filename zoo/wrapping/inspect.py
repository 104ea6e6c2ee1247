"""What a Keras net that nobody described can be asked: its ends, its head, its geometry."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from zoo.errors import ZooError
from zoo.spec import Input
from zoo.wrapping import supported

if TYPE_CHECKING:
    import keras

_LEAST = 64  # pixels, of the pictures that a net of free size is tried on
_MULTIPLES = (1, 2, 4, 8, 16, 32, 64, 3, 5, 6, 7, 12)


def shapes(tensors: Sequence[Any]) -> list[tuple[int | None, ...]]:
    return [tuple(tensor.shape) for tensor in tensors]


def inputs(net: "keras.Model") -> list[Input]:
    """What it takes, by its own names."""
    return [_end(net.input, n, tensor) for n, tensor in enumerate(net.inputs)]


def outputs(net: "keras.Model") -> list[Input]:
    """What it gives, by its own names."""
    return [_end(net.output, n, tensor) for n, tensor in enumerate(net.outputs)]


def picture(net: "keras.Model") -> tuple[int | None, int | None, int]:
    """The shape of the pictures that it takes. Raises ZooError where it takes others."""
    found = shapes(net.inputs)
    if len(found) != 1 or len(found[0]) != 4 or found[0][-1] is None:
        got = " and ".join(str(list(shape)) for shape in found)
        raise ZooError(
            f"expected a net of one input, pictures [b, h, w, c], got {got}; with task='predict' "
            "it takes tensors"
        )
    _, height, width, channels = found[0]
    if (height is None) != (width is None):
        raise ZooError(f"expected both sides of a picture free, or none, got {height}x{width}")
    assert channels is not None
    return height, width, channels


def head(net: "keras.Model") -> tuple[int, str]:
    """How many classes a net tells apart, and what its last layer gives, as `Spec.head`.

    Raises:
        ZooError: it gives no numbers of classes.
    """
    found = shapes(net.outputs)
    if len(found) != 1 or len(found[0]) != 2 or found[0][1] is None:
        got = " and ".join(str(list(shape)) for shape in found)
        raise ZooError(f"expected a classifier, which gives [b, classes], got {got}")
    count, last = found[0][1], activation(net)
    if count == 1:
        if last != "sigmoid":
            raise ZooError(f"expected one output in sigmoid, of the second class, got {last}")
        return 2, "sigmoid"
    if last == "softmax" or _gives_probabilities(net):
        return count, "softmax"
    if last != "linear":
        raise ZooError(
            f"expected outputs in softmax, or logits, got {last}: they are no probabilities of "
            "classes that exclude one another; with task='predict' they stay as they are"
        )
    return count, "logits"


def activation(net: "keras.Model") -> str:
    """The name of what a net's one output last went through; what only moves numbers is passed."""
    return _activation(net.outputs[0])


_MOVING = ("ActivityRegularization", "Cropping2D", "Dropout", "Flatten", "Identity", "Permute",
           "Reshape", "ZeroPadding2D")  # fmt: skip
_LINEAR = (
    "Add", "Average", "AveragePooling2D", "BatchNormalization", "Concatenate",
    "GlobalAveragePooling2D", "Multiply", "Normalization", "Rescaling", "Subtract",
)  # fmt: skip


def _activation(tensor: Any) -> str:
    import keras

    layer = tensor._keras_history.operation
    if isinstance(layer, keras.Model):
        return activation(layer)
    kind = type(layer).__name__
    name = getattr(getattr(layer, "activation", None), "__name__", None)
    if kind in _MOVING or (kind == "Activation" and name == "linear"):
        return _activation(layer.input)
    if kind in _LINEAR:
        return "linear"
    return name or kind.lower()


def _gives_probabilities(net: "keras.Model") -> bool:
    """Whether what it gives sums to one, whatever came: logits do not."""
    import numpy as np

    rng = np.random.default_rng(0)
    sides = [side or _LEAST for side in net.inputs[0].shape[1:]]
    given = rng.uniform(0, 255, (4, *sides)).astype(net.inputs[0].dtype)
    made = np.asarray(net(given, training=False), np.float64)
    return bool((made >= 0).all() and np.abs(made.sum(-1) - 1).max() < 1e-4)


def multiple(net: "keras.Model") -> int:
    """Of which number the sides of a picture have to be multiples.

    Raises:
        ZooError: of none that was tried.
    """
    for number in _MULTIPLES:
        if _fits(net, number):
            return number
    raise ZooError(f"the net takes no pictures whose sides are multiples of {_MULTIPLES}")


def geometry(net: "keras.Model", number: int) -> tuple[int, int, int]:
    """By how much a net of pictures enlarges, how many pixels it lacks at each side, its channels.

    Raises:
        ZooError: it gives no pictures, or of another form.
    """
    if len(net.outputs) != 1 or len(net.outputs[0].shape) != 4:
        raise ZooError(f"expected a net that gives pictures, got {shapes(net.outputs)}")
    height, width, _ = picture(net)
    taken = (height, width) if height and width else _sides(number)
    _, tall, wide, channels = _made(net, *taken)
    larger = max(1, round(tall / taken[0]))
    lacks = [larger * t - m for t, m in zip(taken, (tall, wide), strict=True)]
    if lacks[0] != lacks[1] or lacks[0] % 2 or lacks[0] < 0 or (lacks[0] and larger > 1):
        raise ZooError(
            f"a picture of {taken[0]}x{taken[1]} becomes {tall}x{wide}: expected as large, a "
            "multiple of it, or less by the same at all sides"
        )
    return larger, lacks[0] // 2, channels


def part(net: "keras.Model", name: str) -> "keras.Model":
    """A net within. Raises ZooError where it has none of that name."""
    found = [layer for layer in net.layers if layer.name == name]
    if not found or not supported.is_net(found[0]):
        raise ZooError(
            f"expected an autoencoder of two nets, called encoder and decoder, got no {name}; wrap "
            "it whole with task='restore' or 'predict', or each net by itself"
        )
    return found[0]


def latent(encoder: "keras.Model", decoder: "keras.Model") -> int:
    """Of how many numbers a decoder makes pictures. Raises ZooError where they do not fit."""
    given, taken = shapes(encoder.outputs), shapes(decoder.inputs)
    fits = len(taken) == 1 and len(taken[0]) == 2 and len(given) in (1, 2)
    if not fits or set(given) != set(taken) or len(decoder.outputs) != 1:
        raise ZooError(
            f"expected an encoder to [b, n], or to mean and log variance, and a decoder of "
            f"[b, n], got {given} and {taken}"
        )
    assert taken[0][1] is not None
    return taken[0][1]


def _end(struct: Any, number: int, tensor: Any) -> Input:
    name = tensor._keras_history.operation.name
    if isinstance(struct, dict) and all(not isinstance(v, (dict, list)) for v in struct.values()):
        name = sorted(struct)[number]
    return Input(re.sub(r"^input_layer(_\d+)?$", "input", name), tuple(tensor.shape))


def _sides(number: int) -> tuple[int, int]:
    """Odd multiples, not square."""
    count = -(-_LEAST // number) | 1
    return count * number, (count + 2) * number


def _fits(net: "keras.Model", number: int) -> bool:
    try:
        if len(net.outputs) == 1 and len(net.outputs[0].shape) == 4:
            geometry(net, number)
        else:
            _made(net, *_sides(number))
    except Exception:  # of shapes that do not fit: any kind
        return False
    return True


def _made(net: "keras.Model", height: int, width: int) -> tuple[int, ...]:
    """The shape of what a net makes of one picture (of others, zeros); computed, for shapes
    that are inferred need not be what layers do."""
    import keras
    import numpy as np

    def filled(tensor: Any) -> Any:
        free = iter((height, width))
        sides = [side or next(free, 1) for side in tensor.shape[1:]]
        return np.zeros((1, *sides), tensor.dtype)

    given = keras.tree.map_structure(filled, net.input)
    made = keras.tree.flatten(net(given, training=False))
    return tuple(made[0].shape)
