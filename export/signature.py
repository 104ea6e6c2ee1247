"""What an exported file takes and gives."""

from zoo.errors import ZooError
from zoo.index import Spec
from zoo.storage.terminal import printable
from zoo.tasks.functions import BOUNDED, UNITS, Function, Input, Signature

SERVE = "serve"

Shape = tuple[int | None, ...]
Inputs = tuple[Input, ...]


STATIC = 256
"""Side of what a static file makes, at most, unless another is asked for. Memory grows with it:
LiteRT keeps a pointer for each weight of a kernel at each pixel that the kernel makes."""


def static_side(spec: Spec) -> int:
    """Side of the pictures that a static file takes, unless another is asked for."""
    return STATIC // spec.scales[0]


def static_inputs(function: Signature, size: int) -> Inputs:
    """What a part takes in a batch of one, `size` x `size` where the size is free.

    Raises:
        ZooError: the size is no positive integer.
    """
    return tuple(Input(name, static_shape(function, name, size)) for name in function.names)


def static_shape(function: Signature, name: str, size: int) -> tuple[int, ...]:
    """The same of one input. Raises as `static_inputs`."""
    if not isinstance(size, int) or size < 1:
        raise ZooError(f"static size {size!r}: expected the side of a picture in pixels, as 256")
    return (1, *(side or size for side in function.shape(name)[1:]))


def specs(inputs: Inputs) -> list:
    """What a traced function takes, a `tf.TensorSpec` each."""
    import tensorflow as tf

    return [tf.TensorSpec(one.shape, tf.float32, name=one.name) for one in inputs]


def describe(function: Function, inputs: Inputs) -> dict:
    """Inputs and outputs of an exported function for these shapes, as plain data."""
    import tensorflow as tf

    serve = tf.function(function.serve, input_signature=specs(inputs), autograph=False)
    outputs = serve.get_concrete_function().structured_outputs
    return {
        "inputs": [tensor(one.name, one.shape) for one in inputs],
        "outputs": [tensor(name, outputs[name].shape.as_list()) for name in function.outputs],
    }


def tensor(name: str, shape) -> dict:
    """What is said of an input or output of a name."""
    about = {"name": name, "shape": list(shape), "dtype": "float32"}
    if name in UNITS:
        return about | {"unit": UNITS[name]}
    return about | ({"range": [0.0, 1.0]} if name in BOUNDED else {})


def takes(signature: Signature, inputs: Inputs) -> bool:
    """Whether these, None where a side is free, can be the inputs of a file of a signature."""
    shapes = {one.name: one.shape for one in inputs}
    if shapes.keys() != set(signature.names):
        return False
    return all(_fits(one.shape, shapes[one.name]) for one in signature.inputs)


def _fits(wanted: Shape, shape: Shape) -> bool:
    if len(shape) != len(wanted) or shape[0] not in (None, 1):
        return False
    pairs = zip(wanted[1:], shape[1:], strict=True)
    return all(side in (None, actual) for side, actual in pairs)


def misfit(signature: Signature, labels: tuple[str, ...], ends: list[dict]) -> str:
    """Why a file is not of a signature, or "".

    Args:
        signature: what was exported.
        labels: the classes, where there are any.
        ends: of the file's inputs and outputs, name -> shape, as the file itself has them.
    """
    inputs, outputs = ends
    named = sorted(signature.names), sorted(signature.outputs)
    if (sorted(inputs), sorted(outputs)) != named:
        expected = f"{', '.join(signature.names)} -> {', '.join(signature.outputs)}"
        return printable(f"expected {expected}, got {', '.join(inputs)} -> {', '.join(outputs)}")
    for one in signature.inputs:
        if not _fits(one.shape, tuple(inputs[one.name])):
            expected = f"expected an input of shape {list(one.shape)}"
            return f"{expected}, got {inputs[one.name]}"
    if "probs" in outputs and outputs["probs"][-1] != len(labels):
        return f"expected {len(labels)} classes, got {outputs['probs'][-1]}"
    return ""
