"""A finished run directory -> `zoo/pretrained/NAME/TAG/`: weights, golden, figures, card."""

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from zoo import card, files, index, results, strip, weights
from zoo.data import sources
from zoo.data.degrade import degrade, divisible
from zoo.errors import ZooError
from zoo.pipeline import Pipeline, load
from zoo.pixels import fit_channels, to_uint8

MACS_SIZE = (256, 256)
"""At which size the multiply-accumulates of a net of free size are counted."""


def publish(run: Path, measure: Callable[[Pipeline], object]) -> Path:
    """Measures a trained net on its benchmarks and puts it where `zoo.load` finds it.

    Args:
        run: a run directory that `zoo train` finished, with the recipe of the index.
        measure: `export.measure.measure`.

    Returns:
        The published folder; it appears whole or not at all.

    Raises:
        ZooError: the run is not finished, was trained by another recipe, or a set is missing.
    """
    facts = files.read_json(run / weights.RUN)
    entry = index.entry(facts["name"])
    _check_finished(run, facts, entry)
    pipeline = load(entry.full_name, run)
    measured = measure(pipeline)
    facts |= {"macs": count_macs(pipeline)}
    folder = weights.pretrained_folder(entry)
    with files.whole(folder) as partial:
        partial.mkdir()
        shutil.copy(run / weights.WEIGHTS, partial)
        np.savez_compressed(partial / weights.GOLDEN, **golden(pipeline))
        digest = files.sha256((partial / weights.GOLDEN).read_bytes())
        facts["sha256"] = facts["sha256"] | {weights.GOLDEN: digest}
        files.write_json(partial / weights.RUN, facts)
    record(pipeline, measured)
    return folder


def record(pipeline: Pipeline, measured) -> Path:
    """Keeps what `export.measure.measure` found of a published net, and prints its card anew.

    Returns:
        The card.
    """
    entry = pipeline.entry
    folder = weights.pretrained_folder(entry)
    results.record(entry, measured.figures)
    facts = files.read_json(folder / weights.RUN) | {"files": measured.files}
    files.write_json(folder / weights.RUN, facts)
    if pipeline.spec.restores:
        with files.whole(folder / weights.STRIP) as partial:
            strip.strip(pipeline).save(partial, format="PNG", optimize=True)
    files.write_text(folder / weights.CARD, card.card(entry, facts, results.rows(entry)))
    return folder / weights.CARD


def golden(pipeline: Pipeline) -> dict[str, np.ndarray]:
    """Pictures and what the pipeline makes of them, to be compared on any other machine.

    Returns:
        `pixels` uint8 `[b, h, w, c]` and `result` float32: probabilities `[b, classes]`, or
        pixels `[b, h, w, c]` in [0, 1].
    """
    spec = pipeline.spec
    if spec.restores:
        damage = spec.degradations[0].middle
        part = strip.photograph("astronaut")[40:136, 80:192]
        clean = divisible(fit_channels(part[None].astype(np.float32) / 255, spec.channels), damage)
        pixels = to_uint8(np.asarray(degrade(clean, damage, seed=(0, 0))))
    else:
        pictures = sources.load(pipeline.entry.benchmarks[0].data, spec.channels, split="test")
        pixels = np.stack(pictures.images[:16])
    result = pipeline.infer(pixels.astype(np.float32) / 255)
    return {"pixels": pixels, "result": result}


def count_macs(pipeline: Pipeline) -> dict:
    """Multiply-accumulates of convolutions and dense layers for one picture, and its size."""
    height, width, channels = pipeline.spec.shape
    size = MACS_SIZE if pipeline.spec.free_size else (height, width)
    around = 2 * pipeline.spec.margin
    seen = (size[0] + around, size[1] + around, channels)
    sized = keras.models.clone_model(pipeline.net, keras.Input(seen))
    kernels = [layer for layer in sized.layers if hasattr(layer, "kernel")]
    count = sum(math.prod(k.kernel.shape) * math.prod(k.output.shape[1:-1]) for k in kernels)
    return {"size": list(size), "count": count}


def _check_finished(run: Path, facts: dict, entry: index.Entry) -> None:
    if weights.WEIGHTS not in facts.get("sha256", {}):
        raise ZooError(f"{run} is not finished: run its command again, {facts['command']!r}")
    if facts["recipe"] != json.loads(json.dumps(entry.as_dict()["recipe"])):
        raise ZooError(
            f"{run} was trained by another recipe than the index has for {entry.full_name}: "
            "train it again, or register what was changed under a tag of its own"
        )
