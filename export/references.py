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
        pixels: float32 `[b, h, w, c]` in [0, 1].
        expected: `[b, classes]` or `[b, h, w, c]`, as `pipeline.infer` gives.
        flaw: why this reference cannot judge, or "".
    """

    label: str
    pixels: np.ndarray
    expected: np.ndarray
    flaw: str = ""


def fresh(pipeline, shape: Shape, seed: int) -> list[Case]:
    """Random pictures that fit an artifact's input shape, other ones for each seed."""
    batch, height, width, channels = shape
    free = _FREE if height is None else ((1, height, width), (3, height, width))
    sizes = free if batch is None else ((3, height, width),)
    rng = np.random.default_rng(seed)
    return [_case("fresh", pipeline, pictures(rng, (*s, channels))) for s in sizes]


def golden(pipeline) -> list[Case]:
    """The published pictures and results, where the net has the published weights; else none."""
    path = weights.pretrained_folder(pipeline.entry) / weights.GOLDEN
    if not path.is_file():
        return []
    published = zoo.load(pipeline.entry.full_name)
    if weights_sha256(published.net) != weights_sha256(pipeline.net):
        return []
    with np.load(path) as arrays:
        pixels = arrays["pixels"].astype(np.float32) / 255
        return [_case("golden", pipeline, pixels, arrays["result"])]


def pictures(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Smooth random fields of different brightness and contrast, with noise: `[b, h, w, c]`."""
    fields = np.stack([_field(rng, shape[1:]) for _ in range(shape[0])])
    noise = rng.normal(size=shape) * _SIGMA / 255
    return np.clip(fields + noise, 0, 1).astype(np.float32)


def flaw(spec: Spec, pixels: np.ndarray, expected: np.ndarray) -> str:
    """Why a reference cannot judge, or ""."""
    if not np.isfinite(expected).all():
        return "the reference is not finite"
    if expected.reshape(len(expected), -1).std(axis=1).min() < LEAST_DIFFERENCE:
        return "the reference is constant"
    if spec.restores and _near(expected, _untouched(spec, pixels)):
        return "the reference equals the input: is the net trained?"
    if len(expected) > 1 and _near(expected[1:], expected[:1]):
        return "the reference is the same for different inputs"
    return ""


def _case(label: str, pipeline, pixels: np.ndarray, expected: np.ndarray | None = None) -> Case:
    expected = pipeline.infer(pixels) if expected is None else expected
    batch, height, width, _ = pixels.shape
    label = f"{label} {height}x{width} x{batch}"
    return Case(label, pixels, expected, flaw(pipeline.spec, pixels, expected))


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
