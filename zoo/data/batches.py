"""Batches as pure functions of (seed, step): a training resumes by asking for the next step."""

import itertools
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from zoo import index
from zoo.data import augment, store
from zoo.data.sources import Pictures
from zoo.errors import ZooError
from zoo.images.pixels import to_uint8
from zoo.index import Entry, Recipe


class Bank:
    """Pictures of any sizes, which a batch of crops is cut out of as it is made."""

    def __init__(self, pictures: Pictures):
        sizes = [shape[:2] for shape in pictures.shapes]
        self.count = len(sizes)
        self.smallest = min(min(size) for size in sizes)
        self._images, self._channels = pictures.images, pictures.shapes[0][-1]
        with tf.device("CPU"):
            self.sizes = tf.constant(sizes, tf.int64)

    def crops(self, index, corner, height: int, width: int):
        """uint8 `[b, height, width, c]` from the pictures `index` at `corner` `[b, 2]` (y, x)."""

        def cut(index, corner):
            wholes = zip((self._images[i] for i in index), corner, strict=True)
            return np.stack([whole[y : y + height, x : x + width] for whole, (y, x) in wholes])

        crops = tf.numpy_function(cut, [index, corner], tf.uint8, stateful=False)
        return tf.ensure_shape(crops, [*index.shape, height, width, self._channels])


def dataset(entry: Entry, pictures: Pictures, start: int, end: int) -> tf.data.Dataset:
    """Batches `start` to `end - 1` of the entry's recipe, as tuples.

    They are what the task's step takes, all float32; first come pictures `[b, h, w, c]` in the
    spec's value range.

    Raises:
        ZooError: pictures smaller than the patch, of another size than the net's, without
            classes, of one class or of other classes; fewer pictures than a batch; an
            augmentation that is none, or none of the task.
    """
    augment.check(entry)
    make = index.task_of(entry).batches(entry, pictures)
    steps = tf.data.Dataset.range(start, end)
    return steps.map(make, num_parallel_calls=1, deterministic=True).prefetch(4)


def patches(pictures: Pictures, recipe: Recipe, side: int):
    """A function of four seeds: square crops of random pictures, float32 in [0, 1].

    Raises:
        ZooError: a picture is smaller than the crops.
    """
    bank = Bank(pictures)
    if side > bank.smallest:
        raise ZooError(
            f"{pictures.name} has a picture with a side of {bank.smallest} pixels: the recipe's "
            f"patches take {side}; leave such pictures out or train on smaller patches"
        )

    def take(seeds):
        index = tf.random.stateless_uniform([recipe.batch], seeds[0], 0, bank.count, tf.int64)
        room = tf.gather(bank.sizes, index) - side + 1
        corner = tf.random.stateless_uniform([recipe.batch, 2], seeds[1])
        corner = tf.cast(corner * tf.cast(room, tf.float32), tf.int64)
        corner = tf.minimum(corner, room - 1)
        return _to_float(bank.crops(index, corner, side, side))

    return take


def side_by_side(pictures: Pictures) -> Pictures:
    """What was taken and what is clean as one picture `[h, w, 2c]`: both are cut alike."""
    given = [] if pictures.given is None else pictures.given
    both = zip(given, pictures.images, strict=True)
    return Pictures(pictures.name, store.collected(np.concatenate(pair, -1) for pair in both))


def middle(images, side: int):
    """The square of that side in the middle of each picture `[b, h, w, c]`."""
    first = (images.shape[1] - side) // 2
    return images[:, first : first + side, first : first + side]


def rescaled(pictures: Pictures, factors: tuple[float, ...], least: int) -> Pictures:
    """With smaller copies, by these factors, as long as these have sides of at least `least`."""

    def smaller() -> Iterator[np.ndarray]:
        for factor in factors:
            for image in pictures.images if factor != 1 else ():
                if min(_smaller_sides(image, factor)) >= least:
                    yield _smaller(image, factor)

    if set(factors) <= {1}:
        return pictures
    images = store.collected(itertools.chain(pictures.images, smaller()))
    return Pictures(pictures.name, images)


def _smaller_sides(image, factor: float) -> list[int]:
    return [round(side * factor) for side in image.shape[:2]]


def _smaller(image, factor: float):
    resized = tf.image.resize(image, _smaller_sides(image, factor), "bicubic", antialias=True)
    return to_uint8(resized.numpy() / 255)


def epochs(entry: Entry, pictures: Pictures):
    """A function of the step: augmented pictures in the net's range, and which these are.

    Each epoch has its own order; what does not fill a batch at its end is left out.
    """
    spec, recipe = entry.spec, entry.recipe
    other = set(pictures.shapes) - {spec.shape}
    if other:
        raise ZooError(
            f"{pictures.name}: expected pictures of {spec.shape}, as {entry.name} is trained on, "
            f"got {sorted(other)[0]}; resize them first"
        )
    if len(pictures) < recipe.batch:
        raise ZooError(
            f"{pictures.name}: expected at least a batch of {recipe.batch} pictures, got "
            f"{len(pictures)}; add pictures or lower --batch"
        )
    bank = Bank(pictures)
    whole_batches = bank.count // recipe.batch
    height, width = spec.size

    def take(step):
        epoch_seed = tf.stack([tf.constant(recipe.seed, tf.int64), step // whole_batches])
        order = tf.random.experimental.stateless_shuffle(tf.range(bank.count), epoch_seed)
        first = step % whole_batches * recipe.batch
        index = tf.cast(order[first : first + recipe.batch], tf.int64)
        index = tf.ensure_shape(index, [recipe.batch])
        corner = tf.zeros([recipe.batch, 2], tf.int64)
        pixels = _to_float(bank.crops(index, corner, height, width))
        return spec.normalize(augment.augmented(pixels, recipe, seeds_of(recipe, step)[2])), index

    return take


def binarised(pixels, seed):
    """Black and white pixels, Bernoulli-sampled by the intensity of `pixels` in [0, 1]."""
    drawn = tf.random.stateless_uniform(tf.shape(pixels), seed)
    return tf.cast(drawn < pixels, tf.float32)


def seeds_of(recipe: Recipe, step):
    """Four independent seeds of one step."""
    pair = tf.stack([tf.constant(recipe.seed, tf.int64), step])
    return tf.random.split(pair, 4)


def _to_float(pixels):
    return tf.cast(pixels, tf.float32) / 255
