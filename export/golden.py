"""What an export keeps to be judged by where the net that it came from is no longer at hand."""

from pathlib import Path

import numpy as np

from zoo import golden, weights
from zoo.export.signature import static_shape
from zoo.images.pixels import to_uint8
from zoo.tasks.parts import IMAGE, Ends, ends

SEED, COUNT, SIDE = 0, 4, 64
_SIGMA, _GREY = 25.0, 128


def write(pipeline, path: Path, static_size: int) -> None:
    """Writes `golden.npz`: inputs that fit every artifact, and the net's results on them.

    The inputs are the published golden's, where the name has one, else random pictures. For a net
    of free size they are cut to 64x64 and set in grey, to the size of the static file.

    Raises:
        OSError: the file cannot be written.
    """
    kept = golden.made(pipeline, lambda: _pixels(pipeline, static_size))
    np.savez_compressed(path, **kept)


def pictures(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Smooth random fields of different brightness and contrast, with noise: `[b, h, w, c]`."""
    fields = np.stack([_field(rng, shape[1:]) for _ in range(shape[0])])
    noise = rng.normal(size=shape) * _SIGMA / 255
    return np.clip(fields + noise, 0, 1).astype(np.float32)


def _pixels(pipeline, static_size: int) -> np.ndarray:
    (taken,) = (end for end in ends(pipeline.spec) if end.input == IMAGE)
    _, *sides, channels = static_shape(taken, static_size)
    if not pipeline.spec.free_size:
        return _some(pipeline, taken, (COUNT, *sides, channels))
    height, width = (min(side, SIDE) for side in sides)
    some = _some(pipeline, taken, (COUNT, height, width, channels))[:, :height, :width]
    around = [(0, whole - part) for whole, part in zip(sides, some.shape[1:3], strict=True)]
    return np.pad(some, [(0, 0), *around, (0, 0)], constant_values=_GREY)


def _some(pipeline, taken: Ends, shape: tuple[int, ...]) -> np.ndarray:
    entry = pipeline.entry
    if (weights.pretrained_folder(entry) / weights.GOLDEN).is_file():
        return to_uint8(weights.golden(entry, taken.name, taken.input)[0])
    return to_uint8(pictures(np.random.default_rng(SEED), shape))


def _field(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """A sum of a few slow waves across `[h, w, c]`, between two random grey levels."""
    height, width, channels = shape
    y, x = np.mgrid[:height, :width, :1][:2]
    total = np.zeros(shape)
    for _ in range(4):
        down, across = rng.uniform(-3, 3, size=(2, channels)) * 2 * np.pi
        phase = rng.uniform(0, 2 * np.pi, size=channels)
        total += np.sin(down * y / height + across * x / width + phase)
    low, high = rng.uniform(0, 0.3), rng.uniform(0.7, 1)
    return low + (high - low) * (total + 4) / 8
