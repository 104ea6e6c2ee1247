"""A finished run directory -> `zoo/pretrained/NAME/TAG/`: weights, golden, figures, card."""

import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo import index
from zoo.data import sources
from zoo.data.degrade import degrade, divisible
from zoo.data.photographs import PHOTOGRAPHS, photograph
from zoo.data.pictures import Pictures
from zoo.images.pixels import fit_channels, to_uint8
from zoo.loading import load
from zoo.report import card, results
from zoo.storage import files, sheets, weights
from zoo.storage.golden import compute
from zoo.tasks.pipeline import Pipeline
from zoo.training.record import finished

MACS_SIZE = (256, 256)
"""At which size of the result, at most, multiply-accumulates are counted where size is free."""


def publish(run: Path, measure: Callable[[Pipeline], object]) -> Path:
    """Measures a trained net on its benchmarks and puts it where `zoo.load` finds it.

    Args:
        run: a run directory that `zoo train` finished, with the recipe of the index.
        measure: `zoo.export.measure.measure`.

    Returns:
        The published folder; it appears whole or not at all.

    Raises:
        ZooError: the run is not finished, was trained by another recipe, or a set is missing.
    """
    facts, entry = finished(run)
    pipeline = load(entry.full_name, run)
    measured = measure(pipeline)
    facts |= {"macs": count_macs(pipeline)}
    folder = weights.pretrained_folder(entry)
    with files.whole(folder) as partial:
        partial.mkdir()
        for name in facts["sha256"]:
            shutil.copy(run / name, partial)
        sheets.save(partial / weights.GOLDEN, **golden(pipeline))
        digest = files.sha256((partial / weights.GOLDEN).read_bytes())
        facts["sha256"] = facts["sha256"] | {weights.GOLDEN: digest}
        _tell(partial, pipeline, facts, measured)
    return folder


def record(pipeline: Pipeline, measured) -> Path:
    """Keeps what `zoo.export.measure.measure` found of a published net, and makes its card anew.

    Returns:
        The card.
    """
    folder = weights.pretrained_folder(pipeline.entry)
    facts = files.read_json(folder / weights.RUN)
    with files.whole(folder) as partial:
        shutil.copytree(folder, partial)
        _tell(partial, pipeline, facts, measured)
    return folder / weights.CARD


def _tell(folder: Path, pipeline: Pipeline, facts: dict, measured) -> None:
    """What is told of a net in its folder; last the tables of all names, for these are not in it,
    and the card, which is printed from them."""
    entry = index.entry(pipeline.entry.full_name)  # whatever folder a run's pictures came from
    facts = facts | {"files": measured.files}
    files.write_json(folder / weights.RUN, facts)
    task = index.task_of(entry)
    picture = task.preview(pipeline, task.beside(entry))
    picture.convert("RGB").save(folder / weights.PREVIEW, quality=90, method=6)
    results.record(entry, measured.figures)
    files.write_text(folder / weights.CARD, card.card(entry, facts))


def golden(pipeline: Pipeline) -> dict[str, np.ndarray]:
    """`zoo.storage.golden.compute` on real pictures: of the benchmark, or a damaged photograph."""
    return compute(pipeline, lambda: _golden_pixels(pipeline))


def _golden_pixels(pipeline: Pipeline) -> np.ndarray:
    spec = pipeline.spec
    if not spec.restores and (spec.channels == 3 or not pipeline.entry.benchmarks):
        shown = [Pictures("", [photograph(name)]).of_size(spec.size) for name in PHOTOGRAPHS]
        colour = [fit_channels(one.values(), spec.channels) for one in shown]
        return to_uint8(np.concatenate(colour))
    if not spec.restores:
        pictures = sources.load(pipeline.entry.benchmarks[0].data, spec.channels, "test")
        return np.stack(pictures.subset(slice(16)).of_size(spec.shape[:2]).images)
    damage = spec.degradations[0].middle
    part = photograph("astronaut")[40:136, 80:192]
    clean = divisible(fit_channels(part[None].astype(np.float32) / 255, spec.channels), damage)
    return to_uint8(np.asarray(degrade(clean, damage, seed=(0, 0))))


def count_macs(pipeline: Pipeline) -> dict[str, Any]:
    """Multiply-accumulates of convolutions and dense layers for one picture that comes out, and its
    size."""
    net, spec = pipeline.net, pipeline.spec
    size = MACS_SIZE if spec.free_size else spec.size
    if spec.free_size:
        given = [side // spec.enlarged_by_net for side in MACS_SIZE]
        size = (given[0] * spec.enlarged_by_net, given[1] * spec.enlarged_by_net)
        sides = [side + 2 * spec.border for side in given]
        taken = [keras.Input((*sides, tensor.shape[-1])) for tensor in net.inputs]
        net = keras.models.clone_model(net, taken if len(taken) > 1 else taken[0])
    return {"size": list(size), "count": sum(map(_macs, net._flatten_layers(include_self=False)))}


def _macs(layer) -> int:
    if isinstance(layer, keras.layers.LSTM):
        kernels = layer.cell.kernel, layer.cell.recurrent_kernel
        return layer.input.shape[1] * sum(math.prod(kernel.shape) for kernel in kernels)
    if isinstance(layer, keras.layers.Conv2DTranspose):  # spreads each input pixel out
        return math.prod(layer.kernel.shape) * math.prod(layer.input.shape[1:-1])
    known = keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.Dense
    if isinstance(layer, known):
        return math.prod(layer.kernel.shape) * math.prod(layer.output.shape[1:-1])
    return 0
