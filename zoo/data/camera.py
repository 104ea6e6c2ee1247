"""Noise as a camera makes it: on linear light, correlated by what the camera does afterwards."""

import numpy as np
import tensorflow as tf

from zoo.data.degradation import Camera
from zoo.data.jpeg import jpeg
from zoo.images.pixels import LUMA
from zoo.images.resize import enlarge, reduce

CAMERA = Camera()
_GREY = 0.2140  # light of middle grey, sRGB 0.5
_SLOPE = 0.9266  # of light over sRGB there
_GREEN = np.array([[0, 1, 0], [1, 4, 1], [0, 1, 0]]) / 4
_OTHERS = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]]) / 4
_KERNELS = np.stack([_OTHERS, _GREEN, _OTHERS], -1)[..., None].astype(np.float32)


def camera(images, sigma, seed, about: Camera = CAMERA):
    """Pictures as a camera would have taken them: sensor noise, and JPEG.

    Poisson-Gaussian noise, by its normal approximation (Foi et al. 2008), is added to the light
    that falls on a sensor with Bayer's pattern; it goes through bilinear demosaicing, white
    balance, sRGB, a reduction, and JPEG. What is seen stays as it is: only the noise is demosaiced
    and reduced.

    Args:
        images: float `[b, h, w, c]`, pixels in [0, 1], c is 1 or 3.
        sigma: of the sensor at middle grey, in grey levels of 0..255; a number, or `[b, 1, 1, 1]`.
        seed: two integers.
        about: the camera.
    """
    seeds = tf.random.split(seed, 3)
    colour = images if images.shape[-1] == 3 else tf.repeat(images, 3, -1)
    which = tf.random.stateless_uniform([], seeds[0], 0, len(about.sizes), tf.int32)
    noise = tf.switch_case(
        which, [lambda s=size: _reduced(colour, sigma, seeds[1], about, s) for size in about.sizes]
    )
    low, high = about.quality
    quality = tf.random.stateless_uniform(tf.shape(images)[:1], seeds[2], low, high + 1, tf.int32)
    taken = jpeg(tf.clip_by_value(colour + noise, 0, 1), quality)
    return taken if images.shape[-1] == 3 else tf.tensordot(taken, LUMA[:, None], 1)


def _reduced(colour, sigma, seed, about: Camera, size: int):
    """The noise in sRGB of a sensor so many times as large."""
    if size == 1:
        return _noise(colour, sigma, seed, about)
    return reduce(_noise(tf.clip_by_value(enlarge(colour, size), 0, 1), sigma, seed, about), size)


def _noise(colour, sigma, seed, about: Camera):
    """What is added to sRGB pictures `[b, h, w, 3]`, as large as they are."""
    seeds = tf.random.split(seed, 4)
    one = [tf.shape(colour)[0], 1, 1, 1]
    constant = tf.random.stateless_uniform(one, seeds[0], *about.constant)
    red = tf.random.stateless_uniform(one, seeds[1], *about.red)
    blue = tf.random.stateless_uniform(one, seeds[2], *about.blue)
    gains = tf.concat([red, tf.ones_like(red), blue], -1)
    light = _linear(colour)
    variance = constant + (1 - constant) * light / gains / _GREY
    spread = tf.cast(sigma, tf.float32) / 255 * _SLOPE * tf.sqrt(variance)
    grains = tf.random.stateless_normal(tf.shape(colour), seeds[3]) * spread
    return _srgb(light + _demosaiced(grains) * gains) - colour


def _demosaiced(values):
    """Of each channel the pixels that Bayer's pattern has, and between them their means."""
    y, x = (tf.range(side) % 2 for side in tf.unstack(tf.shape(values)[1:3]))
    even, odd = (y == 0)[:, None] & (x == 0), (y == 1)[:, None] & (x == 1)
    pattern = tf.stack([even, ~even & ~odd, odd], -1)
    seen = tf.where(pattern, values, 0.0)
    around = tf.pad(seen, [(0, 0), (1, 1), (1, 1), (0, 0)], "REFLECT")  # which keeps the pattern
    return tf.nn.depthwise_conv2d(around, _KERNELS, [1, 1, 1, 1], "VALID")


def _linear(colour):
    """sRGB in [0, 1] -> light (IEC 61966-2-1)."""
    return tf.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)


def _srgb(light):
    """The inverse of `_linear`, clipped to [0, 1]."""
    light = tf.clip_by_value(light, 0.0, 1.0)
    curved = 1.055 * tf.maximum(light, 0.0031308) ** (1 / 2.4) - 0.055
    return tf.where(light <= 0.0031308, light * 12.92, curved)
