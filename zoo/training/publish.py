"""A finished run directory -> `zoo/pretrained/NAME/TAG/`: weights, golden, figures, card."""

import math
import shutil
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from zoo import files, index, weights
from zoo.data import sources
from zoo.data.degrade import degrade, divisible
from zoo.golden import made
from zoo.images.pixels import fit_channels, to_uint8
from zoo.loading import load
from zoo.report import card, results, strip
from zoo.tasks.pipeline import Pipeline
from zoo.training.run import finished

MACS_SIZE = (256, 256)
"""At which size the multiply-accumulates of a net of free size are counted."""


def publish(run: Path, measure: Callable[[Pipeline], object]) -> Path:
    """Measures a trained net on its benchmarks and puts it where `zoo.load` finds it.

    Of the trainings that its name went on from, weights and figures leave the package.

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
        np.savez_compressed(partial / weights.GOLDEN, **golden(pipeline))
        digest = files.sha256((partial / weights.GOLDEN).read_bytes())
        facts["sha256"] = facts["sha256"] | {weights.GOLDEN: digest}
        _tell(partial, pipeline, facts, measured)
    for name in index.names(f"{entry.name}.*", superseded=True):
        _withdraw(index.entry(name))
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
    entry = pipeline.entry
    facts = facts | {"files": measured.files}
    files.write_json(folder / weights.RUN, facts)
    picture = strip.STRIPS[entry.spec.kind](pipeline)
    picture.save(folder / weights.STRIP, format="PNG", optimize=True)
    results.record(entry, measured.figures, measured.numerics)
    files.write_text(folder / weights.CARD, card.card(entry, facts))


def _withdraw(entry: index.Entry) -> None:
    if entry.superseded:
        results.forget(entry)
        shutil.rmtree(weights.pretrained_folder(entry), ignore_errors=True)


def golden(pipeline: Pipeline) -> dict[str, np.ndarray]:
    """What `zoo.golden.made` makes of real pictures: of the benchmark, or a damaged photograph."""
    return made(pipeline, lambda: _golden_pixels(pipeline))


def _golden_pixels(pipeline: Pipeline) -> np.ndarray:
    spec = pipeline.spec
    if not spec.restores:
        pictures = sources.load(pipeline.entry.benchmarks[0].data, spec.channels, split="test")
        return np.stack(pictures.images[:16])
    damage = spec.degradations[0].middle
    part = strip.photograph("astronaut")[40:136, 80:192]
    clean = divisible(fit_channels(part[None].astype(np.float32) / 255, spec.channels), damage)
    return to_uint8(np.asarray(degrade(clean, damage, seed=(0, 0))))


def count_macs(pipeline: Pipeline) -> dict:
    """Multiply-accumulates of convolutions and dense layers for one picture, and its size."""
    height, width, channels = pipeline.spec.shape
    size = MACS_SIZE if pipeline.spec.free_size else (height, width)
    net = pipeline.net
    if pipeline.spec.free_size:
        around = 2 * pipeline.spec.margin
        net = keras.models.clone_model(net, keras.Input((*(s + around for s in size), channels)))
    return {"size": list(size), "count": sum(map(_macs, net._flatten_layers(include_self=False)))}


def _macs(layer) -> int:
    if isinstance(layer, keras.layers.LSTM):
        kernels = layer.cell.kernel, layer.cell.recurrent_kernel
        return layer.input.shape[1] * sum(math.prod(kernel.shape) for kernel in kernels)
    if isinstance(layer, keras.layers.Conv2DTranspose):  # spreads each input pixel out
        return math.prod(layer.kernel.shape) * math.prod(layer.input.shape[1:-1])
    if isinstance(layer, (keras.layers.Conv2D, keras.layers.Dense)):
        return math.prod(layer.kernel.shape) * math.prod(layer.output.shape[1:-1])
    return 0
