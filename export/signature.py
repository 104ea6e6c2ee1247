"""What an exported file takes and gives."""

from zoo.errors import ZooError
from zoo.index import Spec
from zoo.tasks.parts import LATENT, Part

SERVE = "serve"

Shape = tuple[int | None, ...]


STATIC = 256
"""Side of what a static file makes, at most, unless another is asked for. Memory grows with it:
LiteRT keeps a pointer for each weight of a kernel at each pixel that the kernel makes."""


def static_side(spec: Spec) -> int:
    """Side of the pictures that a static file takes, unless another is asked for."""
    return STATIC // spec.scales[0]


def static_shape(part: Part, size: int) -> Shape:
    """A part's input shape for a batch of one, `size` x `size` where the size is free.

    Raises:
        ZooError: the size is no positive integer.
    """
    if not isinstance(size, int) or size < 1:
        raise ZooError(f"static size {size!r}: expected the side of a picture in pixels, as 256")
    return (1, *(side or size for side in part.shape[1:]))


def describe(part: Part, shape: Shape) -> dict:
    """Input and outputs of an exported function for one input shape, as plain data."""
    import tensorflow as tf

    function = tf.function(part.serve, input_signature=[tf.TensorSpec(shape)])
    made = function.get_concrete_function().structured_outputs
    return {
        "input": _tensor(part.input, shape),
        "outputs": [_tensor(name, made[name].shape.as_list()) for name in part.outputs],
    }


def _tensor(name: str, shape) -> dict:
    about = {"name": name, "shape": list(shape), "dtype": "float32"}
    bounded = name not in (LATENT, "mean", "logvar")
    return about | ({"range": [0.0, 1.0]} if bounded else {})
