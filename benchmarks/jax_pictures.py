"""Pictures and their damage on an accelerator that has JAX; see `on_jax.py`."""

import functools
import math

import jax
import numpy as np
from jax import numpy as jnp
from PIL import Image

from zoo.data import sources, splits
from zoo.data.degradation import each_alone
from zoo.tasks.restore import around


def side_of(entry) -> int:
    """Of the crops that a restorer's patches come from."""
    return entry.recipe.patch + 2 * around(entry.spec)


def pictures_of(entry) -> list:
    """Those that the recipe trains on: without the held-out ones, and with smaller copies, as long
    as these are not below the crops."""
    recipe, spec = entry.recipe, entry.spec
    found, _ = splits.split(sources.load(recipe.data, spec.channels), recipe.holdout)
    images, factors = list(found.images), getattr(recipe, "rescale", ())
    copies = (smaller(image, factor) for factor in factors for image in images)
    return images + [copy for copy in copies if min(copy.shape[:2]) >= side_of(entry)]


def smaller(image, factor: float):
    """uint8 `[h, w, c]`, bicubic and antialiased."""
    sides = [round(side * factor) for side in image.shape[1::-1]]
    planes = (Image.fromarray(plane) for plane in image.transpose(2, 0, 1))
    return np.stack([np.asarray(p.resize(sides, Image.Resampling.BICUBIC)) for p in planes], -1)


class Bank:
    """Pictures of any sizes on the accelerator."""

    def __init__(self, images):
        sizes = np.array([image.shape[:2] for image in images])
        high, wide = sizes.max(0)
        room = np.zeros((len(sizes), high, wide, images[0].shape[-1]), np.uint8)
        for place, image in zip(room, images, strict=True):
            place[: image.shape[0], : image.shape[1]] = image
        self.arrays = jax.device_put((room, sizes))

    @staticmethod
    def crops(arrays, key, count: int, side: tuple[int, int]):
        """`[count, *side, c]` in [0, 1], at random places."""
        room, sizes = arrays
        keys = jax.random.split(key)
        which = jax.random.randint(keys[0], (count,), 0, len(room))
        free = sizes[which] - jnp.array(side) + 1
        corner = (jax.random.uniform(keys[1], (count, 2)) * free).astype(int)

        def cut(number, place):
            start, shape = (number, *place, 0), (1, *side, room.shape[-1])
            return jax.lax.dynamic_slice(room, start, shape)[0]

        return jax.vmap(cut)(which, corner).astype("float32") / 255


def mirror(pixels, key):
    return jnp.where(_coin(pixels, key), pixels[:, :, ::-1], pixels)


def dihedral(pixels, key):
    keys = jax.random.split(key, 3)
    pixels = mirror(pixels, keys[0])
    pixels = jnp.where(_coin(pixels, keys[1]), pixels[:, ::-1], pixels)
    return jnp.where(_coin(pixels, keys[2]), pixels.transpose(0, 2, 1, 3), pixels)


def _coin(pixels, key):
    return jax.random.bernoulli(key, shape=(len(pixels), 1, 1, 1))


AUGMENTATIONS = {"mirror": mirror, "dihedral": dihedral}
"""As `zoo.data.augment` has them."""


def augmented(pixels, recipe, key):
    for number, name in enumerate(recipe.augment):
        pixels = AUGMENTATIONS[name](pixels, jax.random.fold_in(key, number))
    return pixels


def any_of(images, degradations, key):
    """As in `zoo.data.degrade`: each picture gets one of several, at a strength in its range."""
    several = each_alone(degradations)
    keys = jax.random.split(key, len(several) + 1)
    options = [DAMAGES[one.kind](images, one, k) for one, k in zip(several, keys[1:], strict=True)]
    which = jax.random.randint(keys[0], (len(images), 1, 1, 1), 0, len(several))
    return sum(jnp.where(which == n, option, 0.0) for n, option in enumerate(options))


def _noise(images, one, key):
    keys = jax.random.split(key)
    sigma = jax.random.uniform(keys[0], (len(images), 1, 1, 1), minval=one.low, maxval=one.high)
    return images + jax.random.normal(keys[1], images.shape) * sigma / 255


def _bicubic(images, one, key):
    count, high, wide, channels = images.shape
    small = (count, high // one.scale, wide // one.scale, channels)
    return jax.image.resize(jax.image.resize(images, small, "cubic"), images.shape, "cubic")


def _jpeg(images, one, key):
    quality = jax.random.randint(key, (len(images),), one.low, one.high + 1)
    return jpeg(images, quality)


DAMAGES = {"noise": _noise, "bicubic": _bicubic, "jpeg": _jpeg}
_LUMINANCE = """16 11 10 16 24 40 51 61 12 12 14 19 26 58 60 55 14 13 16 24 40 57 69 56
14 17 22 29 51 87 80 62 18 22 37 56 68 109 103 77 24 35 55 64 81 104 113 92
49 64 78 87 103 121 120 101 72 92 95 98 112 100 103 99"""  # JPEG standard (ITU T.81), table K.1


def jpeg(images, quality):
    """Grey pictures `[b, h, w, 1]` in [0, 1] as libjpeg leaves them, to a grey level or so.

    Args:
        images: sides are multiples of 8.
        quality: int `[b]`, 1 to 100.
    """
    count, high, wide, _ = images.shape
    share = jnp.where(quality < 50, 5000 // quality, 200 - 2 * quality)
    table = np.array(_LUMINANCE.split(), int).reshape(8, 8)
    steps = jnp.clip((table * share[:, None, None] + 50) // 100, 1, 255)[:, None, None]
    waves = np.cos(np.pi / 8 * np.outer(np.arange(8), np.arange(8) + 0.5)) / 2
    waves[0] /= math.sqrt(2)
    levels = jnp.round(jnp.clip(images, 0, 1) * 255) - 128
    blocks = levels.reshape(count, high // 8, 8, wide // 8, 8).transpose(0, 1, 3, 2, 4)
    exact = functools.partial(jnp.einsum, precision="highest")
    counts = jnp.round(exact("ky,bijyx,lx->bijkl", waves, blocks, waves) / steps)
    blocks = exact("ky,bijkl,lx->bijyx", waves, counts * steps, waves)
    levels = blocks.transpose(0, 1, 3, 2, 4).reshape(images.shape) + 128
    return jnp.clip(jnp.round(levels), 0, 255) / 255
