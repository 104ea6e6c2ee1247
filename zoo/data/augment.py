"""Pictures changed at random as they are trained on, each by a seed of its own."""

import math

import tensorflow as tf

from zoo.errors import ZooError
from zoo.index import Entry, Recipe


def check(entry: Entry) -> None:
    """Raises ZooError where the recipe names one that is none, or none of the task."""
    known = [*AUGMENTATIONS, *(MIXTURES if entry.spec.task == "classify" else ())]
    if unknown := set(entry.recipe.augment) - set(known):
        raise ZooError(
            f"{entry.name}: no augmentation {', '.join(sorted(unknown))} for {entry.spec.task}; "
            f"there are {', '.join(known)}"
        )


def augmented(pixels, recipe: Recipe, seed):
    """Pictures `[b, h, w, c]` in [0, 1], in the ways that the recipe names."""
    for number, name in enumerate(recipe.augment):
        if name in AUGMENTATIONS:
            pixels = AUGMENTATIONS[name](pixels, tf.random.fold_in(seed, number))
    return pixels


def mixed(pixels, targets, recipe: Recipe, seed):
    """A batch's pictures with one another, and their targets `[b, classes]` likewise."""
    for number, name in enumerate(recipe.augment):
        if name in MIXTURES:
            pixels, targets = MIXTURES[name](pixels, targets, tf.random.fold_in(seed, number))
    return pixels, targets


def _coin(pixels, seed):
    """bool `[b, 1, 1, 1]`."""
    return tf.random.stateless_uniform([tf.shape(pixels)[0], 1, 1, 1], seed) < 0.5


def mirror(pixels, seed):
    """Left and right change places in half of the pictures."""
    return tf.where(_coin(pixels, seed), pixels[:, :, ::-1], pixels)


def dihedral(pixels, seed):
    """Each square picture in one of its eight rotations and mirrorings."""
    seeds = tf.random.split(seed, 3)
    pixels = mirror(pixels, seeds[0])
    pixels = tf.where(_coin(pixels, seeds[1]), pixels[:, ::-1], pixels)
    return tf.where(_coin(pixels, seeds[2]), tf.transpose(pixels, [0, 2, 1, 3]), pixels)


def shift(pixels, seed, most: int = 2):
    """Each picture is moved by up to `most` pixels each way; black comes in."""
    batch, height, width, _ = pixels.shape
    padded = tf.pad(pixels, [[0, 0], [most, most], [most, most], [0, 0]])
    corner = tf.random.stateless_uniform([2, batch, 1], seed, 0, 2 * most + 1, tf.int32)
    rows, columns = corner[0] + tf.range(height), corner[1] + tf.range(width)
    moved = tf.gather(padded, rows, batch_dims=1)
    return tf.gather(moved, columns, axis=2, batch_dims=1)


def rotate(pixels, seed, most: float = 12.0):
    """Each picture is turned about its middle by up to `most` degrees; black comes in."""
    angle = tf.random.stateless_uniform(pixels.shape[:1], seed, -most, most) * math.pi / 180
    return _transformed(pixels, tf.cos(angle), tf.sin(angle))


def scale(pixels, seed, most: float = 0.1):
    """Each picture is enlarged or reduced about its middle by up to this share; black comes in."""
    size = 1 + tf.random.stateless_uniform(pixels.shape[:1], seed, -most, most)
    return _transformed(pixels, 1 / size, tf.zeros_like(size))


def crop(pixels, seed, least: float = 0.6):
    """A part of each picture, of this share of its height and width or more, enlarged to all."""
    height, width = pixels.shape[1:3]
    shares = tf.random.stateless_uniform([2, pixels.shape[0]], seed, least, 1.0)
    place = tf.random.stateless_uniform([2, pixels.shape[0]], seed + 1)
    top, left = (
        place[0] * (1 - shares[0]) * (height - 1),
        place[1] * (1 - shares[1]) * (width - 1),
    )
    zero = tf.zeros_like(top)
    return _projected(pixels, [shares[1], zero, left, zero, shares[0], top, zero, zero])


def colour(pixels, seed, most: float = 0.2):
    """Brightness, contrast and saturation are changed by up to this share each."""
    change = tf.random.stateless_uniform([3, pixels.shape[0], 1, 1, 1], seed, 1 - most, 1 + most)
    bright = pixels * change[0]
    grey = tf.reduce_mean(bright, [1, 2, 3], keepdims=True)
    contrast = grey + (bright - grey) * change[1]
    plain = tf.reduce_mean(contrast, -1, keepdims=True)
    return tf.clip_by_value(plain + (contrast - plain) * change[2], 0.0, 1.0)


def _transformed(pixels, along, across):
    """Bilinear: what lies at p from the middle comes from `[[along, -across], [across, along]] p`.

    Both are `[b]`.
    """
    height, width = pixels.shape[1:3]
    zero = tf.zeros_like(along)
    y, x = (height - 1) / 2, (width - 1) / 2
    rows = [along, -across, x - along * x + across * y]
    rows += [across, along, y - across * x - along * y, zero, zero]
    return _projected(pixels, rows)


def _projected(pixels, rows):
    """Bilinear; `rows` are the eight numbers of `ImageProjectiveTransformV3`, `[b]` each."""
    height, width = pixels.shape[1:3]
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=pixels,
        transforms=tf.stack(rows, axis=1),
        output_shape=[height, width],
        fill_value=0.0,
        interpolation="BILINEAR",
    )


def erase(pixels, seed, side: int = 8):
    """A black square at a random place, cut off at the border (Zhong et al. 2017)."""
    batch, height, width, _ = pixels.shape
    corner = tf.random.stateless_uniform(
        [2, batch, 1], seed, 1 - side, max(height, width), tf.int32
    )
    rows, columns = tf.range(height) - corner[0], tf.range(width) - corner[1]
    inside = ((rows >= 0) & (rows < side))[:, :, None] & ((columns >= 0) & (columns < side))[
        :, None
    ]
    return tf.where(inside[..., None], 0.0, pixels)


def mixup(pixels, targets, seed):
    """Each picture is mixed with the next of its batch, and its target likewise.

    Each has its own share, uniform in [0, 1] (Zhang et al. 2018, with alpha 1).

    Args:
        pixels: `[b, h, w, c]`.
        targets: probabilities `[b, classes]`.
        seed: two integers.
    """
    share = tf.random.stateless_uniform([pixels.shape[0], 1, 1, 1], seed)
    mixed = share * pixels + (1 - share) * tf.roll(pixels, 1, axis=0)
    share = share[:, :, 0, 0]
    return mixed, share * targets + (1 - share) * tf.roll(targets, 1, axis=0)


AUGMENTATIONS = {
    "mirror": mirror,
    "dihedral": dihedral,
    "shift": shift,
    "rotate": rotate,
    "scale": scale,
    "erase": erase,
    "crop": crop,
    "colour": colour,
}
"""Name -> a function of pictures `[b, h, w, c]` in [0, 1] and a seed.

They are TensorFlow's stateless operations, not Keras' layers of like names: these draw from a state
that they keep, and a training that goes on would not get the batches it would have had.
"""
MIXTURES = {"mixup": mixup}
"""Name -> a function of pictures, their targets and a seed, that changes both (classify)."""
