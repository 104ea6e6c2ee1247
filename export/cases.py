"""What files are compared on: inputs, and the net's own results where these can judge.

A reference that a broken file could also give proves nothing: zeros agree with zeros.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from zoo import loading
from zoo.errors import OtherNet
from zoo.export import probes, rounding
from zoo.export.describe import weights_sha256
from zoo.export.forms import Form
from zoo.export.signature import Inputs
from zoo.index import Spec
from zoo.storage import golden as goldens
from zoo.storage import weights
from zoo.tasks.functions import (
    IMAGE,
    Function,
    Signature,
    Values,
    coloured,
    drawn,
    named,
)

# A file that gives the degenerate result must miss its bound by far; so far must a
# reference be from such a result. Ten times the bound of float32.
LEAST_DIFFERENCE = 1e-4
_LEAST_SPREAD = 3e-6  # ten times that is what runtimes differ by, of nets that say little
_SLACK = 4.0  # times what rounding the weights alone does: runtimes round all between them, too
_FREE = ((1, 37, 52), (3, 37, 52), (3, 64, 41))  # odd, not square, one and several


@dataclass(frozen=True)
class Case:
    """Pictures and what the net makes of them.

    Attributes:
        label: such as `fresh 37x52 x3`.
        values: what the function takes, in float32: pixels in [0, 1], latents.
        expected: what the function's `infer` makes of them.
        flaw: why this reference cannot judge, or "".
        spread: by how much it differs between inputs, where that is less than `LEAST_DIFFERENCE`;
            bounds are as much tighter.
        rounding: precision -> what rounding the weights so makes of the net's own result, as the
            error that its forms are bounded by; a right file may be as far off, but by no more
            than half of what inputs differ by.
        fragile: precisions whose rounding of the weights alone moves the net's result farther than
            that: nothing can tell a right file of theirs from a wrong one.
    """

    label: str
    values: Values
    expected: np.ndarray
    flaw: str = ""
    spread: float = LEAST_DIFFERENCE
    rounding: Mapping[str, float] = field(default_factory=dict)
    fragile: frozenset[str] = frozenset()

    @property
    def unit(self) -> float:
        """What an error is measured in: white and certainty are 1, a latent may be more."""
        largest = max(1.0, float(np.abs(self.expected).max()))
        return largest * self.spread / LEAST_DIFFERENCE

    def bound(self, form: Form) -> float:
        """On the error of a file of a form."""
        bound = form.bound * self.unit
        rounded = self.rounding.get(form.precision)
        return bound if rounded is None else max(bound, _SLACK * rounded)


def fresh(pipeline, function: Function, inputs: Inputs, seed: int) -> list[Case]:
    """Random inputs that an artifact takes, other ones for each seed."""
    rng, cases = np.random.default_rng(seed), []
    signature = Signature(function.name, inputs, function.outputs)
    for n, (count, *sides) in enumerate(_sizes(inputs, pipeline.spec.multiple)):
        size = (count, *sides)
        tried = []
        for pixels in probes.candidates(pipeline, function, rng, size):
            values = drawn(pipeline, signature, pixels, count, seed + n)
            tried.append(_case("fresh", pipeline.spec, function, values, function.infer(values)))
            if not tried[-1].flaw:
                break
        none_tells = tried[-1].flaw and not pipeline.entry.own
        cases.append(tried[0] if none_tells else tried[-1])
    return [weighed(case, function) for case in cases] if pipeline.entry.own else cases


def weighed(case: Case, function: Function) -> Case:
    """A case of a user's own net, of which nobody knows how it takes rounding, or how much it says:
    both are measured."""
    flat = case.expected.reshape(len(case.expected), -1)
    apart = float(np.abs(flat[1:] - flat[:1]).max()) if len(flat) > 1 else LEAST_DIFFERENCE
    spread = min(apart, LEAST_DIFFERENCE)
    same = case.flaw in (_SAME, _CONSTANT) and spread >= _LEAST_SPREAD and flat.std() > 0
    most = float((flat - flat.mean(axis=0)).std() or flat.std()) / 2 / _SLACK
    moved = rounding.errors(function, case.values, case.expected)
    return dataclasses.replace(
        case, flaw="" if same else case.flaw, spread=spread if same else LEAST_DIFFERENCE,
        rounding={name: min(error, most) for name, error in moved.items()},
        fragile=frozenset(name for name, error in moved.items() if error > most),
    )  # fmt: skip


def golden(pipeline, function: Function) -> list[Case]:
    """The published inputs and results, where the net has the published weights; else none."""
    path = weights.pretrained_folder(pipeline.entry) / weights.GOLDEN
    if not path.is_file() or not _is_published(pipeline):
        return []
    values, result = weights.golden(pipeline.entry, function.name, function.names)
    return [_case("golden", pipeline.spec, function, values, result)]


def kept(spec: Spec, function: Signature, data: bytes) -> Case:
    """What a function was given when it was exported and what the net made of it then.

    Args:
        spec: of the net.
        function: what was exported.
        data: of the export's `golden.npz`, see `write_golden`.

    Raises:
        ZooError: the data hold no golden of this function.
    """
    values, result = goldens.read(data, function.name, function.names)
    return _case("kept", spec, function, values, result)


def write_golden(pipeline, path: Path, static_size: int, data: str | None = None) -> None:
    """Writes what an export is judged by where its net is no longer at hand, `golden.npz`: inputs
    that fit every artifact, and the net's results on them.

    The inputs are pictures of the kind that the net is for, for on others quantized numbers say
    little: of the calibration set, if one is named; the published golden's, of published weights;
    of the sample beside the weights; else random ones. For a net of free size they are cut to 64x64
    and set in grey, to the size of the static file.

    Args:
        pipeline: from `zoo.load`.
        path: the file.
        static_size: side of the static file's pictures.
        data: a set, as `zoo.export.calibration.inputs` takes it.

    Raises:
        OSError: the file cannot be written.
    """
    arrays = goldens.compute(pipeline, lambda: probes.kept_pixels(pipeline, static_size, data))
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]


def fitting(cases: list[Case], signature: Signature, inputs: Inputs) -> list[Case]:
    """Those that fit what an artifact takes; one for RGB gets grey pictures as colour."""
    cases = [dataclasses.replace(c, values=coloured(c.values, signature)) for c in cases]
    return [case for case in cases if _fits(named(signature, case.values), inputs)]


_SAME = "the reference is the same for different inputs"
_CONSTANT = "the reference is constant"


def flaw(spec: Spec, values: Values, expected: np.ndarray) -> str:
    """Why a reference cannot judge, or ""."""
    if not np.isfinite(expected).all():
        return "the reference is not finite"
    each = expected.reshape(len(expected), -1)
    if each.shape[1] > 1 and each.std(axis=1).min() < LEAST_DIFFERENCE:
        return _CONSTANT
    if spec.restores and _near(expected, _untouched(spec, probes.image_of(values))):
        return "the reference equals the input: is the net trained?"
    if len(expected) > 1 and _near(expected[1:], expected[:1]):
        return _SAME
    return ""


def _case(
    label: str, spec: Spec, function: Signature, values: Values, expected: np.ndarray
) -> Case:
    first, *_ = named(function, values).values()
    size = "x".join(map(str, first.shape[1:3]))
    return Case(f"{label} {size} x{len(first)}", values, expected, flaw(spec, values, expected))


def _is_published(pipeline) -> bool:
    try:
        published = loading.load(pipeline.entry.full_name)
    except OtherNet:  # the net was changed and trained anew, and is about to be published
        return False
    return weights_sha256(published.net) == weights_sha256(pipeline.net)


def _sizes(inputs: Inputs, multiple: int) -> list[tuple[int, ...]]:
    """Batches of pictures, or of the first input where there are none."""
    shape = next((one.shape for one in inputs if one.name == IMAGE), inputs[0].shape)
    fixed = [side for side in shape[1:] if side is not None]
    if len(fixed) < len(shape[1:]):
        up = [(count, *(-(-s // multiple) * multiple for s in size)) for count, *size in _FREE]
        return [(*size, fixed[-1]) for size in up]
    return [(count, *fixed) for count in ((1, 3) if shape[0] is None else (3,))]


def _fits(given: Mapping[str, np.ndarray], inputs: Inputs) -> bool:
    pairs = [
        pair
        for one in inputs
        for pair in zip(one.shape[1:], given[one.name].shape[1:], strict=True)
    ]
    return all(wanted in (None, side) for wanted, side in pairs)


def _untouched(spec: Spec, pixels: np.ndarray) -> np.ndarray:
    """What a net gives that does nothing; one that enlarges itself repeats pixels."""
    repeated = pixels.repeat(spec.enlarged_by_net, 1).repeat(spec.enlarged_by_net, 2)
    return np.clip(spec.denormalize(spec.normalize(repeated, spec.enlarged_before)), 0, 1)


def _near(values: np.ndarray, others: np.ndarray) -> bool:
    return bool(np.abs(values - others).max() < LEAST_DIFFERENCE)
