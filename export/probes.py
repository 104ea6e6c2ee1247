"""The inputs that files are compared on: those that the net is for, and tells apart."""

import functools
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from zoo.export import calibration
from zoo.export.signature import static_shape
from zoo.images.pixels import fit_channels, to_uint8
from zoo.images.probes import patterns, pictures
from zoo.storage import weights
from zoo.tasks.functions import (
    IMAGE,
    Function,
    Signature,
    Values,
    functions,
    signatures,
)

_CANDIDATES = 32  # that telling ones are chosen of


_SEED, _COUNT, _SIDE, _GREY = 0, 4, 64, 128  # of what an export keeps


def candidates(
    pipeline, function: Function, rng: np.random.Generator, size: tuple[int, ...]
) -> Iterator[Callable[[], np.ndarray]]:
    """What gives pictures to compare on, until some tell a right file from a wrong one: those that
    the net is for, if it came with examples; made-up ones. Of published weights only these: what
    they are judged on is fixed."""
    made_up = functools.partial(pictures, rng, size)
    if pipeline.source == "pretrained" or function.names != (IMAGE,):
        yield made_up
        return
    real = functools.partial(_real, pipeline, function, rng, size)
    if calibration.sample(pipeline):
        yield real
    yield made_up
    yield lambda: _most_apart(function, patterns(rng, (_CANDIDATES, *size[1:])), size[0])


def _real(
    pipeline, function: Function, rng: np.random.Generator, size: tuple[int, ...]
) -> np.ndarray:
    """Those of the calibration sample that the net tells apart; free sizes by mirrored repeats."""
    found = calibration.pictures(pipeline)
    some = found[rng.permutation(len(found))[:_CANDIDATES]]
    more = [max(0, s - t) for s, t in zip(size[1:3], some.shape[1:3], strict=True)]
    some = np.pad(some, [(0, 0), (0, more[0]), (0, more[1]), (0, 0)], "symmetric")
    fitting = np.clip(some[:, : size[1], : size[2]], 0, 1)
    return _most_apart(function, fit_channels(fitting, size[-1]), size[0])


def _most_apart(function: Function, candidates: np.ndarray, count: int) -> np.ndarray:
    """As many, each as far as can be, in what the function makes of it, from those before."""
    made = function.infer(candidates).reshape(len(candidates), -1)
    chosen, distance = [0], np.full(len(candidates), np.inf)
    while len(chosen) < count:
        distance = np.minimum(distance, np.abs(made - made[chosen[-1]]).max(axis=1))
        chosen.append(int(distance.argmax()))
    return candidates[chosen]


def kept_pixels(pipeline, static_size: int, data: str | None) -> np.ndarray:
    """uint8 `[b, h, w, c]` that every artifact of a pipeline takes."""
    (signature,) = (s for s in signatures(pipeline.spec) if IMAGE in s.names)
    _, *sides, channels = static_shape(signature, IMAGE, static_size)
    if not pipeline.spec.free_size:
        return _of_its_kind(pipeline, signature, (_COUNT, *sides, channels), data)
    height, width = (min(side, _SIDE) for side in sides)
    pixels = _of_its_kind(pipeline, signature, (_COUNT, height, width, channels), data)
    pixels = pixels[:, :height, :width]
    around = [(0, whole - inner) for whole, inner in zip(sides, pixels.shape[1:3], strict=True)]
    return np.pad(pixels, [(0, 0), *around, (0, 0)], constant_values=_GREY)


def image_of(values: Values) -> np.ndarray:
    """Of what a function is given, the picture."""
    return values[IMAGE] if isinstance(values, Mapping) else values


def _of_its_kind(
    pipeline, signature: Signature, shape: tuple[int, ...], data: str | None
) -> np.ndarray:
    entry, own = pipeline.entry, pipeline.source != "pretrained"
    if data or (own and calibration.sample(pipeline)):
        found = np.clip(calibration.pictures(pipeline, data), 0, 1)
        (function,) = (f for f in functions(pipeline) if f.name == signature.name)
        if function.names == (IMAGE,):
            found = _most_apart(function, found[:_CANDIDATES], min(_COUNT, len(found)))
        return to_uint8(found[:_COUNT])
    if (weights.pretrained_folder(entry) / weights.GOLDEN).is_file():
        return to_uint8(image_of(weights.golden(entry, signature.name, signature.names)[0]))
    rng = np.random.default_rng(_SEED)
    if entry.own and signature.names == (IMAGE,):
        (function,) = (f for f in functions(pipeline) if f.name == signature.name)
        few = [pictures(rng, (_COUNT, *shape[1:])), patterns(rng, (_CANDIDATES, *shape[1:]))]
        return to_uint8(_most_apart(function, np.concatenate(few), shape[0]))
    return to_uint8(pictures(rng, shape))
