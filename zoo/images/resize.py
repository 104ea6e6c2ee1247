"""The zoo's one bicubic: MATLAB's `imresize` for whole factors, in operators built in everywhere.

Enlarging and reducing are convolutions with Keys' cubic (1981, a = -1/2); reducing widens it by
the factor, against aliasing; the picture goes on mirrored at its border. `tf.image.resize` has the
same kernel, but another border, and no built-in operator of TFLite.

Arrays are enlarged by NumPy, which needs no TensorFlow; tensors, in a graph or not, by TensorFlow.
"""

import numpy as np
from PIL import Image

from zoo.errors import ZooError

CUBIC_REACH = 2
"""How many pixels away an old pixel can change a new one, where pictures are enlarged."""


def enlarge(images, factor: int):
    """Bicubic enlargement: float `[b, h, w, c]` to `[b, h * factor, w * factor, c]`.

    Args:
        images: an array or a tensor; the result is one, too.
        factor: 1 or more.

    Raises:
        ZooError: a side is a single pixel.
    """
    if factor == 1:
        return images
    _refuse_smaller(images, CUBIC_REACH)
    kernels = np.stack([_cubic(_OFFSETS - shift) for shift in _centres(factor)], -1)
    if isinstance(images, np.ndarray):
        return _enlarged_along(_enlarged_along(images, kernels, 1), kernels, 2)
    import tensorflow as tf

    square = np.einsum("yi,xj->yxij", kernels, kernels).reshape(5, 5, 1, factor**2)
    pad = (CUBIC_REACH, CUBIC_REACH)
    return _each_channel(
        lambda one: tf.nn.depth_to_space(_convolved(one, square, pad), factor), images
    )


def reduce(images, factor: int):
    """Bicubic reduction, antialiased: float `[b, h, w, c]` to `[b, h / factor, w / factor, c]`.

    Returns:
        A tensor, where the factor is not 1.

    Raises:
        ZooError: a side is no multiple of the factor, or shorter than the kernel's overhang.
    """
    if factor == 1:
        return images
    height, width = images.shape[1:3]
    if height % factor or width % factor:
        raise ZooError(f"pictures of {height}x{width} are not divisible by {factor}: crop them")
    centre = (factor - 1) / 2
    first, last = int(np.ceil(centre - 2 * factor)), int(np.floor(centre + 2 * factor))
    _refuse_smaller(images, -first)
    kernel = _cubic((np.arange(first, last + 1) - centre) / factor)
    kernel /= kernel.sum()
    square = np.outer(kernel, kernel)[:, :, None, None]
    pad = (-first, last + 1 - factor)
    return _each_channel(lambda one: _convolved(one, square, pad, stride=factor), images)


def to_size(values: np.ndarray, height: int, width: int) -> np.ndarray:
    """What classifiers see of any picture: bilinear, antialiased where it shrinks.

    Args:
        values: float32 `[b, h, w, c]`.
        height: of the result.
        width: likewise; the shape of the picture is not kept.

    Returns:
        float32 `[b, height, width, c]`.
    """
    if values.shape[1:3] == (height, width):
        return values
    planes = np.moveaxis(values.astype(np.float32), -1, 1).reshape(-1, *values.shape[1:3])
    size, triangle = (width, height), Image.Resampling.BILINEAR
    resized = [Image.fromarray(plane).resize(size, triangle) for plane in planes]
    made = np.stack([np.asarray(image) for image in resized])
    return np.moveaxis(made.reshape(len(values), -1, height, width), 1, -1)


def mirrored(images, border: int):
    """`[b, h, w, c]` to `[b, h + 2 * margin, w + 2 * margin, c]`, mirrored at the border.

    Returns:
        A tensor, where the margin is not 0.

    Raises:
        ZooError: a side is shorter than the margin.
    """
    if border == 0:
        return images
    import tensorflow as tf

    _refuse_smaller(images, border)
    return tf.pad(images, [(0, 0), (border, border), (border, border), (0, 0)], "SYMMETRIC")


def to_multiple(values: np.ndarray, multiple: int) -> np.ndarray:
    """`[b, h, w, c]` whose sides are the next multiples: mirrored at the lower and right end."""
    more = [-side % multiple for side in values.shape[1:3]]
    if not any(more):
        return values
    return np.pad(values, [(0, 0), (0, more[0]), (0, more[1]), (0, 0)], "symmetric")


_OFFSETS = np.arange(-CUBIC_REACH, CUBIC_REACH + 1)


def _centres(factor: int) -> np.ndarray:
    """Where the new pixels lie that come from one old pixel, seen from its middle."""
    return (np.arange(factor) + 0.5) / factor - 0.5


def _cubic(x: np.ndarray) -> np.ndarray:
    """Keys 1981, equation 4 with a = -1/2."""
    x = np.abs(x)
    near = (1.5 * x - 2.5) * x**2 + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x <= 1, near, np.where(x <= 2, far, 0.0))


def _enlarged_along(images: np.ndarray, kernels: np.ndarray, axis: int) -> np.ndarray:
    """One side made longer; each of the `kernels` `[5, factor]` gives every `factor`-th pixel."""
    lines = np.moveaxis(images, axis, 0)
    count, factor = len(lines), kernels.shape[1]
    around = np.pad(lines, [(CUBIC_REACH, CUBIC_REACH), *[(0, 0)] * 3], "symmetric")
    longer = np.empty((count * factor, *lines.shape[1:]), images.dtype)
    for place, kernel in enumerate(kernels.T.astype(images.dtype)):
        longer[place::factor] = sum(w * around[n : n + count] for n, w in enumerate(kernel) if w)
    return np.moveaxis(longer, 0, axis)


def _convolved(one, kernel: np.ndarray, pad: tuple[int, int], stride: int = 1):
    import tensorflow as tf

    one = tf.pad(one, [(0, 0), pad, pad, (0, 0)], "SYMMETRIC")
    return tf.nn.conv2d(one, tf.constant(kernel, one.dtype), stride, "VALID")


def _each_channel(resize, images):
    import tensorflow as tf

    if images.shape[-1] == 1:
        return resize(images)
    return tf.concat([resize(one) for one in tf.split(images, images.shape[-1], -1)], -1)


def _refuse_smaller(images, least: int) -> None:
    sides = [side for side in images.shape[1:3] if side is not None]
    if any(side < least for side in sides):
        raise ZooError(
            f"expected sides of at least {least} pixels for bicubic resizing, got a picture of "
            f"{sides[0]}x{sides[1]}"
        )
