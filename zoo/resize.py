"""The zoo's one bicubic: MATLAB's `imresize` for whole factors, in operators built in everywhere.

Enlarging and reducing are convolutions with Keys' cubic (1981, a = -1/2); reducing widens it by
the factor, against aliasing; the picture goes on mirrored at its border. `tf.image.resize` has the
same kernel, but another border, and no built-in operator of TFLite.
"""

import numpy as np
import tensorflow as tf

from zoo.errors import ZooError


def enlarge(images, factor: int):
    """Bicubic enlargement: float `[b, h, w, c]` to `[b, h * factor, w * factor, c]`.

    Raises:
        ZooError: a side is a single pixel.
    """
    if factor == 1:
        return images
    kernels = np.stack([_cubic(_OFFSETS - shift) for shift in _centres(factor)], -1)
    square = np.einsum("yi,xj->yxij", kernels, kernels).reshape(5, 5, 1, factor**2)
    _refuse_smaller(images, 2)
    return _each_channel(
        lambda one: tf.nn.depth_to_space(_convolved(one, square, (2, 2)), factor), images
    )


def reduce(images, factor: int):
    """Bicubic reduction, antialiased: float `[b, h, w, c]` to `[b, h / factor, w / factor, c]`.

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


def mirrored(images, margin: int):
    """`[b, h, w, c]` to `[b, h + 2 * margin, w + 2 * margin, c]`, mirrored at the border.

    Raises:
        ZooError: a side is shorter than the margin.
    """
    if margin == 0:
        return images
    _refuse_smaller(images, margin)
    return tf.pad(images, [(0, 0), (margin, margin), (margin, margin), (0, 0)], "SYMMETRIC")


_OFFSETS = np.arange(-2, 3)


def _centres(factor: int) -> np.ndarray:
    """Where the new pixels lie that come from one old pixel, seen from its middle."""
    return (np.arange(factor) + 0.5) / factor - 0.5


def _cubic(x: np.ndarray) -> np.ndarray:
    """Keys 1981, equation 4 with a = -1/2."""
    x = np.abs(x)
    near = (1.5 * x - 2.5) * x**2 + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x <= 1, near, np.where(x <= 2, far, 0.0))


def _convolved(one, kernel: np.ndarray, pad: tuple[int, int], stride: int = 1):
    one = tf.pad(one, [(0, 0), pad, pad, (0, 0)], "SYMMETRIC")
    return tf.nn.conv2d(one, tf.constant(kernel, one.dtype), stride, "VALID")


def _each_channel(resize, images):
    if images.shape[-1] == 1:
        return resize(images)
    return tf.concat([resize(one) for one in tf.split(images, images.shape[-1], -1)], -1)


def _refuse_smaller(images, least: int) -> None:
    sides = [side for side in images.shape[1:3] if side is not None]
    if any(side < least for side in sides):
        raise ZooError(
            f"a picture of {sides[0]}x{sides[1]} came: bicubic resizing needs sides of at least "
            f"{least} pixels"
        )
