"""What the ranges of an int8 file are measured on: a few inputs as the net meets them in use."""

import numpy as np

from zoo import weights
from zoo.data import calibration, sources
from zoo.data.calibration import COUNT, SEED
from zoo.errors import ZooError
from zoo.index import Spec
from zoo.tasks.parts import LATENT, Part


def inputs(pipeline, part: Part, data: str | None = None) -> np.ndarray:
    """Inputs of a part, always the same: from pictures that the net was trained on, or latents.

    Args:
        pipeline: from `zoo.load`.
        part: what takes them.
        data: a set, as `zoo.data.sources.load` reads it, in place of the sample that is kept beside
            the weights.

    Returns:
        float32 `[n, ...]`, see `zoo.data.calibration`: latents as `codes` draws them, or pixels
        near [0, 1], damaged as `spec.degrade` says.

    Raises:
        ZooError: there is no sample, and the set is not there or is empty.
    """
    if part.input == LATENT:
        return pipeline.codes(COUNT, SEED)
    pixels = _kept(pipeline) if data is None else _of_set(data, pipeline.spec)
    return _damaged(pixels.astype(np.float32) / 255, pipeline.spec)


def source(pipeline) -> str:
    """What `inputs` are made of, unless another set is named."""
    if pipeline.spec.task == "generate":
        return "latents"
    found = _sample(pipeline)
    return found[1] if found else pipeline.entry.recipe.data


def _sample(pipeline) -> tuple[np.ndarray, str] | None:
    """The sample that is kept beside the weights, and the name of its set."""
    if pipeline.source is None:
        return None
    return calibration.read(weights.path_of(pipeline.entry, pipeline.source), pipeline.spec)


def _kept(pipeline) -> np.ndarray:
    """The sample beside the weights; of weights without one, what the recipe was trained on."""
    if found := _sample(pipeline):
        return found[0]
    entry = pipeline.entry
    name = entry.recipe.data
    if missing := [part for part in name.split("+") if not sources.available(part)]:
        raise ZooError(
            f"int8 files of {entry.name} are calibrated on pictures that it was trained on; no "
            f"sample of them is kept beside these weights, and {missing[0]} is not here: name "
            "pictures of that kind as calibration, folder:PATH"
        )
    return _of_set(name, pipeline.spec)


def _of_set(name: str, spec: Spec) -> np.ndarray:
    return calibration.sample(sources.load(name, spec.channels, "train"), spec)


def _damaged(pixels: np.ndarray, spec: Spec) -> np.ndarray:
    """As a user has the pictures: still small, where the exported file enlarges them."""
    from zoo.data.batches import binarised
    from zoo.data.degrade import any_of, degrade

    if spec.scales[0] != 1:
        return degrade(pixels, spec.degradations[0].middle, (SEED, 0)).numpy()
    if spec.restores:
        return any_of(pixels, spec.degradations, (SEED, 0)).numpy()
    return binarised(pixels, (SEED, 0)).numpy() if spec.binary else pixels
