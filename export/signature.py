"""What an exported file takes and gives: named, in pixels, with the preprocessing inside."""

from zoo.errors import ZooError
from zoo.index import Spec

SERVE = "serve"
INPUT = "image"

Shape = tuple[int | None, ...]


def free_shape(spec: Spec) -> Shape:
    """`[b, h, w, c]` with everything `None` that the net leaves free."""
    return (None, *spec.shape)


def static_shape(spec: Spec, size: int) -> Shape:
    """`[1, h, w, c]`, all known: the spec's size, or `size` x `size` where that is free.

    Raises:
        ZooError: the size is no positive integer.
    """
    if not isinstance(size, int) or size < 1:
        raise ZooError(f"static size {size!r}: expected the side of a picture in pixels, as 256")
    height, width, channels = spec.shape
    return (1, height or size, width or size, channels)


def serving(net, spec: Spec):
    """Makes the function that is exported.

    Returns:
        A function of `image`, float32 `[b, h, w, c]` with pixels in [0, 1]. It gives
        `{"probs": [b, classes]}` (classify) or a picture in [0, 1]: `{"restored": [b, h, w, c]}`,
        `{"enlarged": [b, h * scale, w * scale, c]}` (upscale). Enlarging, by the spec's first
        scale, is inside.
    """
    import tensorflow as tf

    from zoo.resize import mirrored

    def serve(image):
        encoded = mirrored(spec.encode(image, spec.scales[0]), spec.margin)
        result = net(encoded, training=False)
        if spec.restores:
            result = tf.clip_by_value(spec.decode(result), 0.0, 1.0)
        return {spec.output: result}

    return serve


def describe(pipeline, shape: Shape) -> dict:
    """Input and output of the exported function for one input shape, as plain data."""
    spec, (batch, height, width, _) = pipeline.spec, shape
    result = pipeline.net.compute_output_shape(shape)
    if spec.restores:
        scale = spec.scales[0]
        result = (batch, height and height * scale, width and width * scale, result[-1])
    return {"input": _tensor(INPUT, shape), "output": _tensor(spec.output, result)}


def _tensor(name: str, shape: Shape) -> dict:
    return {"name": name, "shape": list(shape), "dtype": "float32", "range": [0.0, 1.0]}
