"""What the ranges of an int8 file are measured on: a few inputs as the net meets them in use."""

import numpy as np

from zoo.data import calibration as samples
from zoo.data import sources
from zoo.data.calibration import COUNT, SEED
from zoo.data.pictures import Pictures
from zoo.errors import ZooError
from zoo.index import Spec
from zoo.storage import weights
from zoo.tasks.functions import (
    IMAGE,
    LATENT,
    Signature,
    Values,
    drawn,
    signatures,
)


def inputs(pipeline, function: Signature, data: str | None = None) -> Values:
    """What a part takes, always the same: from pictures that the net was trained on, or latents.

    Args:
        pipeline: from `zoo.load`.
        function: what takes them.
        data: a set, as `zoo.data.sources.load` reads it, in place of the sample that is kept beside
            the weights.

    Returns:
        float32 `[n, ...]`, see `zoo.data.calibration`: latents as `codes` draws them, or pixels
        near [0, 1], damaged as `spec.degrade` says.

    Raises:
        ZooError: there is no sample, and the set is not there or is empty.
    """
    strange = set(function.names) - {IMAGE, LATENT}
    if pipeline.entry.own and strange and pipeline.examples is None:
        raise _no_examples(pipeline.entry.name)
    return drawn(pipeline, function, lambda: pictures(pipeline, data), COUNT, SEED)


def pictures(pipeline, data: str | None = None) -> np.ndarray:
    """The pictures among them, `[n, h, w, c]`."""
    pixels = _kept(pipeline) if data is None else _of_set(data, pipeline.spec)
    return _damaged(pixels.astype(np.float32) / 255, pipeline.spec)


def source(pipeline) -> str:
    """What `inputs` are made of, unless another set is named."""
    if LATENT in signatures(pipeline.spec)[0].names:
        return "latents"
    if isinstance(pipeline.examples, dict):
        return "examples"
    found = sample(pipeline)
    return found[1] if found else pipeline.entry.recipe.data


def sample(pipeline) -> tuple[np.ndarray, str] | None:
    """The sample that is kept beside the weights, and the name of its set."""
    if isinstance(pipeline.examples, Pictures):
        return samples.sample(pipeline.examples, pipeline.spec), pipeline.examples.name
    if pipeline.source is None:
        return None
    return samples.read(weights.path_of(pipeline.entry, pipeline.source), pipeline.spec)


def _no_examples(name: str) -> ZooError:
    return ZooError(
        f"int8 files of {name} are calibrated on what it will meet: expected some, got none; "
        "zoo.wrap(..., examples=...) takes them, or name pictures as calibration, folder:PATH"
    )


def _kept(pipeline) -> np.ndarray:
    """The sample beside the weights; of weights without one, what the recipe was trained on."""
    if found := sample(pipeline):
        return found[0]
    entry = pipeline.entry
    name = entry.recipe.data
    if entry.own:
        raise _no_examples(entry.name)
    if pipeline.source != "pretrained" and pipeline.source is not None:
        raise ZooError(
            f"{pipeline.source} keeps no pictures to calibrate int8 files on: name some of those "
            "that it was trained on as calibration, folder:PATH"
        )
    if missing := [part for part in name.split("+") if not sources.available(part)]:
        raise ZooError(
            f"int8 files of {entry.name} are calibrated on pictures that it was trained on; no "
            f"sample of them is kept beside these weights, and {missing[0]} is not here: name "
            "pictures of that kind as calibration, folder:PATH"
        )
    return _of_set(name, pipeline.spec)


def _of_set(name: str, spec: Spec) -> np.ndarray:
    return samples.sample(sources.load(name, spec.channels, "train"), spec)


def _damaged(pixels: np.ndarray, spec: Spec) -> np.ndarray:
    """As a user has the pictures: still small, where the exported file enlarges them."""
    from zoo.data.batches import binarised
    from zoo.data.degrade import any_of, degrade

    if spec.scales[0] != 1:
        return degrade(pixels, spec.degradations[0].middle, (SEED, 0)).numpy()
    if spec.restores:
        return any_of(pixels, spec.degradations, (SEED, 0)).numpy()
    return binarised(pixels, (SEED, 0)).numpy() if spec.binary else pixels
