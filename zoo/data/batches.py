"""Batches as pure functions of (seed, step): a training resumes by asking for the next step."""

import tensorflow as tf

from zoo.data import augment
from zoo.data.degrade import any_of
from zoo.data.sources import Pictures
from zoo.errors import ZooError
from zoo.images.pixels import to_uint8
from zoo.index import Entry, Recipe

MARGIN = 12
"""So far around a patch it is reduced and enlarged with it, then cut off: no border shows."""


class Bank:
    """Pictures of any sizes in one flat tensor, so that crops of a batch are one gather."""

    def __init__(self, pictures: Pictures):
        sizes = [image.shape[:2] for image in pictures.images]
        counts = [h * w for h, w in sizes]
        self.count = len(sizes)
        self.smallest = min(min(size) for size in sizes)
        with tf.device("CPU"):
            self.pixels = tf.concat(
                [tf.reshape(i, [-1, i.shape[-1]]) for i in pictures.images], axis=0
            )
            self.sizes = tf.constant(sizes, tf.int64)
            self.starts = tf.cumsum(tf.constant(counts, tf.int64), exclusive=True)

    def crops(self, index, corner, height: int, width: int):
        """uint8 `[b, height, width, c]` from the pictures `index` at `corner` `[b, 2]` (y, x)."""
        rows = corner[:, 0, None] + tf.range(height, dtype=tf.int64)
        columns = corner[:, 1, None] + tf.range(width, dtype=tf.int64)
        stride = tf.gather(self.sizes[:, 1], index)[:, None, None]
        start = tf.gather(self.starts, index)[:, None, None]
        where = start + rows[:, :, None] * stride + columns[:, None, :]
        return tf.gather(self.pixels, where)


def dataset(entry: Entry, pictures: Pictures, start: int, end: int) -> tf.data.Dataset:
    """Batches `start` to `end - 1` of the entry's recipe, as tuples.

    They are what the steps of `zoo.training.steps` take, all float32. First come pictures
    `[b, h, w, c]` in the spec's value range; then the clean picture likewise (restoration), or
    probabilities `[b, classes]` (classify), or classes as one-hot `[b, classes]` and normal noise
    `[b, n]` (generate), or normal noise `[b, draws, n]` and beta `[b]` (autoencode).

    Raises:
        ZooError: pictures smaller than the patch, of another size than the net's, without
            classes, of one class or of other classes; fewer pictures than a batch; an
            augmentation that is none, or none of the task.
    """
    augment.check(entry)
    make = _MAKERS[entry.spec.task](entry, pictures)
    steps = tf.data.Dataset.range(start, end)
    return steps.map(make, num_parallel_calls=1, deterministic=True).prefetch(4)


def _degraded(entry: Entry, pictures: Pictures):
    spec, recipe = entry.spec, entry.recipe
    reduced = any(d.kind == "bicubic" for d in spec.degradations)
    around = max(spec.margin, MARGIN if reduced else 0)
    side = recipe.patch + 2 * around
    bank = Bank(_rescaled(pictures, recipe.rescale, side))
    if side > bank.smallest:
        raise ZooError(
            f"{pictures.name} has a picture with a side of {bank.smallest} pixels: the recipe's "
            f"patches take {side}; leave such pictures out or train on smaller patches"
        )

    def make(step):
        seeds = _seeds(recipe, step)
        index = tf.random.stateless_uniform([recipe.batch], seeds[0], 0, bank.count, tf.int64)
        room = tf.gather(bank.sizes, index) - side + 1
        corner = tf.random.stateless_uniform([recipe.batch, 2], seeds[1])
        corner = tf.cast(corner * tf.cast(room, tf.float32), tf.int64)
        corner = tf.minimum(corner, room - 1)
        pixels = bank.crops(index, corner, side, side)
        clean = augment.augmented(_to_float(pixels), recipe, seeds[2])
        damaged = any_of(clean, spec.degradations, seeds[3])
        return (
            spec.encode(_middle(damaged, recipe.patch + 2 * spec.margin)),
            spec.encode(_middle(clean, recipe.patch)),
        )

    return make


def _middle(images, side: int):
    first = (images.shape[1] - side) // 2
    return images[:, first : first + side, first : first + side]


def _rescaled(pictures: Pictures, factors: tuple[float, ...], least: int) -> Pictures:
    """With smaller copies, by these factors, as long as these have sides of at least `least`."""
    smaller = [_smaller(image, f) for f in factors if f != 1 for image in pictures.images]
    kept = [image for image in smaller if min(image.shape[:2]) >= least]
    return Pictures(pictures.name, [*pictures.images, *kept])


def _smaller(image, factor: float):
    size = [round(side * factor) for side in image.shape[:2]]
    resized = tf.image.resize(image, size, "bicubic", antialias=True)
    return to_uint8(resized.numpy() / 255)


def _labelled(entry: Entry, pictures: Pictures):
    classes, smoothing = len(entry.spec.labels), entry.recipe.label_smoothing
    labels = tf.constant(pictures.labels_among(entry.spec.labels), tf.int64)
    if len(pictures.classes) < 2:
        raise ZooError(
            f"{pictures.name} has one class, {pictures.classes[0]}: expected two or more"
        )
    take = _epochs(entry, pictures)

    def make(step):
        pixels, index = take(step)
        target = tf.one_hot(tf.gather(labels, index), classes)
        target = target * (1 - smoothing) + smoothing / classes
        return augment.mixed(pixels, target, entry.recipe, _seeds(entry.recipe, step)[1])

    return make


def _for_generator(entry: Entry, pictures: Pictures):
    spec, recipe = entry.spec, entry.recipe
    labels = tf.constant(pictures.labels_among(spec.labels) if spec.labels else [0], tf.int64)
    take = _epochs(entry, pictures)

    def make(step):
        pixels, index = take(step)
        known = tf.one_hot(tf.gather(labels, index if spec.labels else 0 * index), len(spec.labels))
        noise = tf.random.stateless_normal([recipe.batch, spec.latent], _seeds(recipe, step)[3])
        return pixels, known, noise

    return make


def _for_autoencoder(entry: Entry, pictures: Pictures):
    spec, recipe = entry.spec, entry.recipe
    take = _epochs(entry, pictures)

    def make(step):
        pixels, _ = take(step)
        seeds = _seeds(recipe, step)
        pixels = binarised(pixels, seeds[1]) if spec.binary else pixels
        noise = tf.random.stateless_normal([recipe.batch, recipe.draws, spec.latent], seeds[3])
        risen = tf.minimum(1.0, tf.cast(step + 1, tf.float32) / max(recipe.beta_steps, 1))
        return pixels, noise, tf.fill([recipe.batch], recipe.beta * risen)

    return make


_MAKERS = {
    "classify": _labelled,
    "denoise": _degraded,
    "restore": _degraded,
    "upscale": _degraded,
    "generate": _for_generator,
    "autoencode": _for_autoencoder,
}


def _epochs(entry: Entry, pictures: Pictures):
    """A function of the step: augmented pictures in the net's range, and which these are.

    Each epoch has its own order; what does not fill a batch at its end is left out.
    """
    spec, recipe = entry.spec, entry.recipe
    other = {image.shape for image in pictures.images} - {spec.shape}
    if other:
        raise ZooError(
            f"{pictures.name}: pictures of {sorted(other)[0]} came: {entry.name} is trained on "
            f"{spec.shape}; resize them first"
        )
    if len(pictures) < recipe.batch:
        raise ZooError(
            f"{pictures.name}: {len(pictures)} pictures, a batch has {recipe.batch}: add pictures "
            "or lower --batch"
        )
    bank = Bank(pictures)
    whole_batches = bank.count // recipe.batch

    def take(step):
        epoch_seed = tf.stack([tf.constant(recipe.seed, tf.int64), step // whole_batches])
        order = tf.random.experimental.stateless_shuffle(tf.range(bank.count), epoch_seed)
        first = step % whole_batches * recipe.batch
        index = tf.cast(order[first : first + recipe.batch], tf.int64)
        index = tf.ensure_shape(index, [recipe.batch])
        corner = tf.zeros([recipe.batch, 2], tf.int64)
        pixels = _to_float(bank.crops(index, corner, *spec.shape[:2]))
        return spec.encode(augment.augmented(pixels, recipe, _seeds(recipe, step)[2])), index

    return take


def binarised(pixels, seed):
    """Black and white pixels, white as often as the grey of `pixels` in [0, 1] says."""
    drawn = tf.random.stateless_uniform(tf.shape(pixels), seed)
    return tf.cast(drawn < pixels, tf.float32)


def _seeds(recipe: Recipe, step):
    """Four independent seeds of one step."""
    pair = tf.stack([tf.constant(recipe.seed, tf.int64), step])
    return tf.random.split(pair, 4)


def _to_float(pixels):
    return tf.cast(pixels, tf.float32) / 255
