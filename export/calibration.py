"""What the ranges of an int8 file are measured on: a few inputs as the net meets them in use."""

import numpy as np

from zoo.data import sources
from zoo.errors import ZooError
from zoo.index import Spec
from zoo.parts import LATENT, Part

COUNT, SEED = 256, 0
"""Of whole pictures, or latents. With 32 the first vae_mnist_2d lost four times as much in int8."""
CROPS, SIDE = 32, 48
"""How many, and their side, where the net takes any size; every factor of enlarging divides it but
5 and 7."""


def inputs(pipeline, part: Part, data: str | None = None) -> np.ndarray:
    """Inputs of a part, always the same: from pictures that the net was trained on, or latents.

    Args:
        pipeline: from `zoo.load`.
        part: what takes them.
        data: a set, as `zoo.data.sources.load` reads it, in place of the recipe's.

    Returns:
        float32 `[COUNT, ...]` (fewer, where a net of fixed size finds fewer pictures) or
        `[CROPS, SIDE, SIDE, c]`: latents as `codes` draws them, or pixels near [0, 1], damaged as
        `spec.degrade` says.

    Raises:
        ZooError: the set is not there, is empty, or has only pictures smaller than a crop.
    """
    if part.input == LATENT:
        return pipeline.codes(COUNT, SEED)
    spec, rng = pipeline.spec, np.random.default_rng(SEED)
    pictures = _pictures(pipeline, data)
    pixels = _crops(pictures, rng) if spec.free_size else _whole(pictures, spec, rng)
    return _damaged(pixels.astype(np.float32) / 255, spec)


def source(pipeline) -> str:
    """What `inputs` are made of, unless another set is named."""
    return "latents" if pipeline.spec.task == "generate" else pipeline.entry.recipe.data


def _pictures(pipeline, data: str | None) -> sources.Pictures:
    name, spec = data or pipeline.entry.recipe.data, pipeline.spec
    missing = [part for part in name.split("+") if data is None and not _here(part)]
    if missing:
        raise ZooError(
            f"int8 files of {pipeline.entry.name} are calibrated on pictures that it was trained "
            f"on, and {missing[0]} is not in $ZOO_DATA: set ZOO_DATA to the folder that holds it, "
            "or name pictures of that kind as calibration, folder:PATH"
        )
    pictures = sources.load(name, spec.channels, "train")
    if not len(pictures):
        raise ZooError(f"{name} has no pictures to calibrate on: name a set that has some")
    return pictures


def _here(name: str) -> bool:
    return name.startswith("folder:") or sources.available(name)


def _whole(pictures: sources.Pictures, spec: Spec, rng: np.random.Generator) -> np.ndarray:
    some = rng.permutation(len(pictures))[:COUNT]
    chosen = sources.Pictures(pictures.name, [pictures.images[i] for i in some])
    return np.stack(chosen.of_size(spec.shape[:2]).images)


def _crops(pictures: sources.Pictures, rng: np.random.Generator) -> np.ndarray:
    """Each from another picture, as long as there are others."""
    large = [image for image in pictures.images if min(image.shape[:2]) >= SIDE]
    if not large:
        raise ZooError(
            f"{pictures.name} has no picture of {SIDE}x{SIDE} pixels or more to calibrate on"
        )
    order = np.resize(rng.permutation(len(large)), CROPS)
    return np.stack([_crop(large[i], rng) for i in order])


def _crop(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    top, left = (rng.integers(0, side - SIDE + 1) for side in image.shape[:2])
    return image[top : top + SIDE, left : left + SIDE]


def _damaged(pixels: np.ndarray, spec: Spec) -> np.ndarray:
    """As a user has the pictures: still small, where the exported file enlarges them."""
    from zoo.data.batches import binarised
    from zoo.data.degrade import any_of, degrade

    if spec.scales[0] != 1:
        return degrade(pixels, spec.degradations[0].middle, (SEED, 0)).numpy()
    if spec.restores:
        return any_of(pixels, spec.degradations, (SEED, 0)).numpy()
    return binarised(pixels, (SEED, 0)).numpy() if spec.binary else pixels
