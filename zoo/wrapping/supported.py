"""Which Keras nets are taken: functional, float32, channels last; others become so or fail."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.errors import ZooError, warn

if TYPE_CHECKING:
    import keras


def is_net(model: Any) -> bool:
    """Whether something is a Keras model."""
    import keras

    return isinstance(model, keras.Model)


def ready(net: "keras.Model") -> "keras.Model":
    """A functional net of float32, channels last: the same, or its twin.

    Raises:
        ZooError: it is neither functional nor sequential, or cannot become such a one; a weight
            is NaN or infinite.
    """
    import keras

    if not isinstance(net, (keras.Sequential, keras.src.models.functional.Functional)):
        raise ZooError(
            f"expected a functional or Sequential Keras model, got a {type(net).__name__}, whose "
            "graph Keras does not know: build it as keras.Model(inputs, outputs)"
        )
    if not net.built or not net.inputs:
        raise ZooError("the model has no input yet: begin it with keras.Input, or call it once")
    _refuse_channels_first(net)
    _refuse_not_finite(net)
    if isinstance(net, keras.Sequential):
        net = keras.Model(net.inputs[0], net.outputs[0], name=net.name)
    return _in_float32(net)


def layers(net: "keras.Model") -> "Iterator[keras.Layer]":
    """All layers, also those of nets within."""
    return iter(net._flatten_layers(include_self=False))


def refuse_without_rescaling(net: "keras.Model") -> None:
    """Raises ZooError where `inside` is said of a net that brings no range about itself."""
    if not _rescaling(net):
        raise ZooError(
            "pixels='inside' came: expected a net with a Rescaling or Normalization layer of its "
            "own, which takes 0..255, got none; say '0..255' if it takes these as they are"
        )


def warn_of_rescaling(net: "keras.Model", pixels: Any) -> None:
    """Warns where a range is said of a net that has a layer for it."""
    if found := _rescaling(net):
        warn(
            f"pixels={pixels!r} came, and the net begins with {found[0]}: pixels go through both; "
            "say 'inside' if that takes 0..255"
        )


def _rescaling(net: "keras.Model") -> list[str]:
    import keras

    kinds = keras.layers.Rescaling, keras.layers.Normalization
    return [layer.name for layer in layers(net) if isinstance(layer, kinds)]


def _refuse_channels_first(net: "keras.Model") -> None:
    found = [x.name for x in layers(net) if getattr(x, "data_format", "") == "channels_first"]
    if found:
        more = f" and {len(found) - 3} more" * (len(found) > 3)
        raise ZooError(
            f"{', '.join(found[:3])}{more}: expected data_format channels_last, got "
            "channels_first, which phones' runtimes do not have: build the net with "
            "channels_last and set its weights"
        )


def _refuse_not_finite(net: "keras.Model") -> None:
    for weight in net.weights:
        if weight.dtype.startswith(("float", "bfloat")) and not np.isfinite(weight.numpy()).all():
            raise ZooError(
                f"{weight.path}: expected finite weights, got NaN or infinite ones; the training "
                "failed: train again, with a lower learning rate"
            )


def _in_float32(net: "keras.Model") -> "keras.Model":
    """The same net, or, of one that computes in less, its twin in float32."""
    policies = {x.dtype_policy.name for x in layers(net)} - {"float32", "int32", "string"}
    others = sorted(name for name in policies if not name.startswith("float32"))
    if not others:
        return net
    wrong = [name for name in others if not re.fullmatch(r"(mixed_)?b?float(16|64)", name)]
    if wrong:
        raise ZooError(f"the net has layers of the dtype policy {wrong[0]}: expected float32")
    warn(f"the net computes in {', '.join(others)}: taken is its twin in float32, same weights")
    return _twin(net)


def _twin(net: "keras.Model") -> "keras.Model":
    import keras

    def clone(layer: Any) -> Any:
        if isinstance(layer, keras.Model):
            return keras.models.clone_model(layer, clone_function=clone)
        config = layer.get_config() | {"dtype": "float32"}
        return type(layer).from_config(config)

    try:
        twin = keras.models.clone_model(net, clone_function=clone)
        twin.set_weights(net.get_weights())
    except Exception as error:  # of a layer that takes no dtype: any kind
        raise ZooError(f"the net has no twin in float32: {error}; build it in float32") from error
    return twin
