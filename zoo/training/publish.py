"""A finished run directory -> `zoo/pretrained/NAME/TAG/`: weights, golden, figures, card."""

import math
import shutil
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from zoo import card, evaluate, files, index, weights
from zoo.data import sources
from zoo.data.degrade import gaussian_noise
from zoo.errors import MissingExtra, ZooError
from zoo.pipeline import Pipeline, load
from zoo.pixels import fit_channels, to_uint8

MACS_SIZE = (256, 256)
"""At which size the multiply-accumulates of a net of free size are counted."""


def publish(run: Path, check_files: Callable[[Pipeline], list[dict]]) -> Path:
    """Measures a trained net on its benchmarks and puts it where `zoo.load` finds it.

    Args:
        run: a run directory that `zoo train` finished, with the recipe of the index.
        check_files: exports and checks a pipeline; its rows go into the card.

    Returns:
        The published folder; it appears whole or not at all.

    Raises:
        ZooError: the run is not finished, was trained by another recipe, or a set is missing.
    """
    facts = files.read_json(run / weights.RUN)
    entry = index.entry(facts["name"])
    _check_finished(run, facts, entry)
    pipeline = load(entry.full_name, run)
    rows = [evaluate.evaluate(pipeline, b.data, progress=True) for b in entry.benchmarks]
    facts |= {"macs": count_macs(pipeline), "figures": rows, "files": check_files(pipeline)}
    folder = weights.pretrained_folder(entry)
    with files.whole(folder) as partial:
        partial.mkdir()
        shutil.copy(run / weights.WEIGHTS, partial)
        np.savez_compressed(partial / weights.GOLDEN, **golden(pipeline))
        digest = files.sha256((partial / weights.GOLDEN).read_bytes())
        facts["sha256"] = facts["sha256"] | {weights.GOLDEN: digest}
        files.write_json(partial / weights.RUN, facts)
        (partial / weights.CARD).write_text(card.card(entry, facts), encoding="utf-8")
    return folder


def golden(pipeline: Pipeline) -> dict[str, np.ndarray]:
    """Pictures and what the pipeline makes of them, to be compared on any other machine.

    Returns:
        `pixels` uint8 `[b, h, w, c]` and `result` float32: probabilities `[b, classes]`, or
        pixels `[b, h, w, c]` in [0, 1].
    """
    spec = pipeline.spec
    if spec.restores:
        photograph = _photograph(spec.shape[-1])
        pixels = to_uint8(gaussian_noise(photograph, spec.sigma, seed=(0, 0)).numpy())
    else:
        pictures = sources.load(pipeline.entry.benchmarks[0].data, spec.shape[-1], split="test")
        pixels = np.stack(pictures.images[:16])
    result = pipeline.infer(pixels.astype(np.float32) / 255)
    return {"pixels": pixels, "result": result}


def count_macs(pipeline: Pipeline) -> dict:
    """Multiply-accumulates of convolutions and dense layers for one picture, and its size."""
    height, width, channels = pipeline.spec.shape
    size = MACS_SIZE if pipeline.spec.free_size else (height, width)
    sized = keras.models.clone_model(pipeline.net, keras.Input((*size, channels)))
    kernels = [layer for layer in sized.layers if hasattr(layer, "kernel")]
    count = sum(math.prod(k.kernel.shape) * math.prod(k.output.shape[1:-1]) for k in kernels)
    return {"size": list(size), "count": count}


def _check_finished(run: Path, facts: dict, entry: index.Entry) -> None:
    if weights.WEIGHTS not in facts.get("sha256", {}):
        raise ZooError(f"{run} is not finished: run its command again, {facts['command']!r}")
    if facts["recipe"] != entry.as_dict()["recipe"] | {"augment": list(entry.recipe.augment)}:
        raise ZooError(
            f"{run} was trained by another recipe than the index has for {entry.full_name}: "
            "train it again, or register what was changed under a tag of its own"
        )


def _photograph(channels: int) -> np.ndarray:
    """Part of a photograph in the public domain (NASA) that scikit-image ships."""
    try:
        from skimage import data
    except ImportError:
        raise MissingExtra("scikit-image", "demo", "the golden picture") from None
    part = data.astronaut()[40:136, 176:288]
    return fit_channels(part[None].astype(np.float32) / 255, channels)
