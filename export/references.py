"""What artifacts are judged by: pictures, and the net's own results where these can judge.

A reference that a broken file could also give proves nothing: zeros agree with zeros.
"""

import dataclasses
from dataclasses import dataclass

import numpy as np

from zoo import loading, weights
from zoo.errors import OtherNet
from zoo.export.artifacts import weights_sha256
from zoo.export.golden import pictures
from zoo.export.signature import Shape
from zoo.golden import read
from zoo.images.pixels import fit_channels
from zoo.index import Spec
from zoo.tasks.parts import LATENT, Ends, Part

# A file that gives the degenerate result must miss its bound by far; so far must a
# reference be from such a result. Ten times the bound of float32.
LEAST_DIFFERENCE = 1e-4
_FREE = ((1, 37, 52), (3, 37, 52), (3, 64, 41))  # odd, not square, one and several


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

    @property
    def unit(self) -> float:
        """What an error is measured in: white and certainty are 1, a latent may be more."""
        return max(1.0, float(np.abs(self.expected).max()))


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
    if not path.is_file() or not _is_published(pipeline):
        return []
    values, result = weights.golden(pipeline.entry, part.name, part.input)
    return [_case("golden", pipeline.spec, part, values, result)]


def _is_published(pipeline) -> bool:
    try:
        published = loading.load(pipeline.entry.full_name)
    except OtherNet:  # the net was changed and trained anew, and is about to be published
        return False
    return weights_sha256(published.net) == weights_sha256(pipeline.net)


def kept(spec: Spec, part: Ends, data: bytes) -> Case:
    """What a part was given when it was exported and what the net made of it then.

    Args:
        spec: of the net.
        part: what was exported.
        data: of the export's `golden.npz`.

    Raises:
        ZooError: the data hold no golden of this part.
    """
    values, result = read(data, part.name, part.input)
    return _case("kept", spec, part, values, result)


def fitting(cases: list[Case], shape: Shape) -> list[Case]:
    """Those that fit an artifact's input shape; one for RGB gets grey pictures as colour."""
    given = [_in_channels(case, shape) for case in cases]
    return [case for case in given if _fits(case, shape)]


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


def _in_channels(case: Case, shape: Shape) -> Case:
    if shape[-1] != 3 or case.values.shape[-1] != 1:
        return case
    return dataclasses.replace(case, values=fit_channels(case.values, 3))


def _fits(case: Case, shape: Shape) -> bool:
    pairs = zip(shape[1:], case.values.shape[1:], strict=True)
    return all(wanted in (None, side) for wanted, side in pairs)


def _case(label: str, spec: Spec, part: Ends, values: np.ndarray, expected=None) -> Case:
    expected = part.infer(values) if expected is None else expected
    size = "x".join(map(str, values.shape[1:3]))
    return Case(f"{label} {size} x{len(values)}", values, expected, flaw(spec, values, expected))


def _untouched(spec: Spec, pixels: np.ndarray) -> np.ndarray:
    """What a net gives that does nothing."""
    return np.clip(spec.decode(spec.encode(pixels, spec.scales[0])), 0, 1)


def _near(one: np.ndarray, other: np.ndarray) -> bool:
    return bool(np.abs(one - other).max() < LEAST_DIFFERENCE)
