"""What artifacts are judged by: pictures, and the net's own results where these can judge.

A reference that a broken file could also give proves nothing: zeros agree with zeros.
"""

from dataclasses import dataclass

import numpy as np

import zoo
from export.artifacts import weights_sha256
from export.signature import Shape
from zoo import weights
from zoo.index import Spec
from zoo.parts import LATENT, Part

# A file that gives the degenerate result must miss its bound by far; so far must a
# reference be from such a result. Ten times the bound of float32.
LEAST_DIFFERENCE = 1e-4
_FREE = ((1, 37, 52), (3, 37, 52), (3, 64, 41))  # odd, not square, one and several
_SIGMA = 25.0


@dataclass(frozen=True)
class Case:
    """Pictures and what the net makes of them.

    Attributes:
        label: such as `fresh 37x52 x3`.
        values: float32 pixels `[b, h, w, c]` in [0, 1], or latents `[b, n]`.
        expected: what the part's `infer` makes of them.
        flaw: why this reference cannot judge, or "".
    """

    label: str
    values: np.ndarray
    expected: np.ndarray
    flaw: str = ""


def fresh(pipeline, part: Part, shape: Shape, seed: int) -> list[Case]:
    """Random inputs that fit an artifact's input shape, other ones for each seed."""
    if part.input == LATENT:
        counts = (1, 3) if shape[0] is None else (3,)
        given = [pipeline.codes(count, seed + n) for n, count in enumerate(counts)]
    else:
        rng = np.random.default_rng(seed)
        given = [pictures(rng, size) for size in _sizes(shape)]
    return [_case("fresh", pipeline.spec, part, values) for values in given]


def golden(pipeline, part: Part) -> list[Case]:
    """The published inputs and results, where the net has the published weights; else none."""
    path = weights.pretrained_folder(pipeline.entry) / weights.GOLDEN
    if not path.is_file():
        return []
    published = zoo.load(pipeline.entry.full_name)
    if weights_sha256(published.net) != weights_sha256(pipeline.net):
        return []
    values, result = weights.golden(pipeline.entry, part.name, part.input)
    return [_case("golden", pipeline.spec, part, values, result)]


def pictures(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Smooth random fields of different brightness and contrast, with noise: `[b, h, w, c]`."""
    fields = np.stack([_field(rng, shape[1:]) for _ in range(shape[0])])
    noise = rng.normal(size=shape) * _SIGMA / 255
    return np.clip(fields + noise, 0, 1).astype(np.float32)


def flaw(spec: Spec, values: np.ndarray, expected: np.ndarray) -> str:
    """Why a reference cannot judge, or ""."""
    if not np.isfinite(expected).all():
        return "the reference is not finite"
    if expected.reshape(len(expected), -1).std(axis=1).min() < LEAST_DIFFERENCE:
        return "the reference is constant"
    if spec.restores and _near(expected, _untouched(spec, values)):
        return "the reference equals the input: is the net trained?"
    if len(expected) > 1 and _near(expected[1:], expected[:1]):
        return "the reference is the same for different inputs"
    return ""


def _sizes(shape: Shape) -> list[tuple[int, ...]]:
    batch, height, width, channels = shape
    free = _FREE if height is None else ((1, height, width), (3, height, width))
    sizes = free if batch is None else ((3, height, width),)
    return [(*size, channels) for size in sizes]


def _case(label: str, spec: Spec, part: Part, values: np.ndarray, expected=None) -> Case:
    expected = part.infer(values) if expected is None else expected
    size = "x".join(map(str, values.shape[1:3]))
    return Case(f"{label} {size} x{len(values)}", values, expected, flaw(spec, values, expected))


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


def _untouched(spec: Spec, pixels: np.ndarray) -> np.ndarray:
    """What a net gives that does nothing."""
    return np.clip(spec.decode(spec.encode(pixels, spec.scales[0])), 0, 1)


def _near(one: np.ndarray, other: np.ndarray) -> bool:
    return bool(np.abs(one - other).max() < LEAST_DIFFERENCE)
