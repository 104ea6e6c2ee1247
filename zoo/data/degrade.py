"""What is done to a clean picture before a net has to restore it. Seeded and stateless."""

from collections.abc import Sequence

import tensorflow as tf

from zoo.data.camera import camera
from zoo.data.degradation import Degradation, each_alone
from zoo.data.jpeg import jpeg as jpeg
from zoo.images.resize import enlarge, reduce


def gaussian_noise(images, sigma, seed):
    """Adds white Gaussian noise and does not clip.

    Args:
        images: float `[b, h, w, c]`, pixels in [0, 1].
        sigma: standard deviation in grey levels of 0..255; a number, or `[b, 1, 1, 1]`.
        seed: two integers.
    """
    return images + tf.random.stateless_normal(tf.shape(images), seed) * (sigma / 255)


SIGMAS = {"noise": gaussian_noise, "camera": camera}
"""Kind -> a function of pictures, a standard deviation in grey levels, and a seed."""


def divisible(images, degradation: Degradation):
    """`[..., h, w, c]` cut, below and at the right, to sides that can be reduced by the factor."""
    height, width = images.shape[-3:-1]
    factor = degradation.scale
    return images[..., : height - height % factor, : width - width % factor, :]


def degrade(images, degradation: Degradation, seed):
    """One degradation of one strength, `low`: what a user would have in hand.

    Args:
        images: float `[b, h, w, c]`, pixels in [0, 1]; for `bicubic`, sides that it divides.
        degradation: only its `low` counts.
        seed: two integers, for the noise.

    Returns:
        The same shape, or for `bicubic` `[b, h / low, w / low, c]`.
    """
    if degradation.kind == "noise":
        return gaussian_noise(images, degradation.low, seed)
    if degradation.kind == "bicubic":
        return reduce(images, degradation.scale)
    if degradation.kind == "camera":
        return camera(images, degradation.low, seed)
    return jpeg(images, degradation.low)


def any_of(images, degradations: Sequence[Degradation], seed):
    """Each picture gets one of several degradations, at a strength in its range.

    All come equally often, each factor of a reduction as one of its own. What was reduced is
    enlarged again, so that the shape stays.

    Args:
        images: float `[b, h, w, c]`, pixels in [0, 1].
        degradations: at least one.
        seed: two integers.
    """
    several = each_alone(degradations)
    seeds = tf.random.split(seed, len(several) + 1)
    options = [_at_random(images, one, seeds[n]) for n, one in enumerate(several)]
    return _one_for_each(options, seeds[-1])


def _at_random(images, degradation: Degradation, seed):
    kind, low, high = degradation.kind, degradation.low, degradation.high
    count, seeds = tf.shape(images)[0], tf.random.split(seed, 2)
    if kind in SIGMAS:
        sigma = tf.random.stateless_uniform([count, 1, 1, 1], seeds[0], low, high)
        return SIGMAS[kind](images, sigma, seeds[1])
    if kind == "bicubic":
        return enlarge(reduce(images, degradation.scale), degradation.scale)
    quality = tf.random.stateless_uniform([count], seeds[0], low, high + 1, tf.int32)
    return jpeg(images, quality)


def _one_for_each(options: list, seed):
    """`[b, ...]` of several tensors `[b, ...]`: each row from one of them."""
    if len(options) == 1:
        return options[0]
    count = tf.shape(options[0])[0]
    which = tf.random.stateless_uniform([count], seed, 0, len(options), tf.int32)
    return tf.gather(tf.stack(options, 1), which, batch_dims=1)
