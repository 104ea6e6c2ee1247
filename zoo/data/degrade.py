"""What is done to a clean picture before a net has to restore it. Seeded and stateless."""

import tensorflow as tf


def gaussian_noise(images, sigma: float, seed):
    """Adds white Gaussian noise and does not clip.

    Args:
        images: float `[b, h, w, c]`, pixels in [0, 1].
        sigma: standard deviation in grey levels of 0..255.
        seed: two integers.
    """
    return images + tf.random.stateless_normal(tf.shape(images), seed, stddev=sigma / 255)
