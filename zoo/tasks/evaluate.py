"""Benchmark = a set of pictures + a protocol -> one row of the table."""

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from zoo.data import sources
from zoo.data.batches import binarised
from zoo.data.degradation import Degradation, each_alone
from zoo.data.degrade import degrade as degraded
from zoo.data.degrade import divisible
from zoo.errors import ZooError
from zoo.images.pixels import to_uint8
from zoo.metrics import judge, likelihood, quality
from zoo.tasks.pipeline import Pipeline

SEED = 0


@dataclass(frozen=True)
class Protocol:
    """How restored pictures are compared with the clean ones; as the papers do.

    The clean picture has 8 bits: grey, luma Y (BT.601, 16..235) or colour, as the net's spec says.
    It is cut to a multiple of the factor, where it is reduced.

    Attributes:
        input: what is done to it, in words.
        border: so many pixels are left out at each side, times the factor.
    """

    input: str
    border: int = 0

    def text(self, degradation: Degradation, channels: int | str) -> str:
        """One line for the card."""
        parts = [
            self.input.format(strength=f"{degradation.low:g}", seed=SEED),
            "result rounded to 8 bits",
            f"{self.border * degradation.scale} pixels of border cut" if self.border else "",
            {"Y": "on Y (BT.601)", 1: "on grey", 3: "over all three channels"}[channels],
            "mean over pictures",
        ]
        return "; ".join(filter(None, parts))


PROTOCOLS = {
    "noise": Protocol("Gaussian noise of sigma {strength} (0..255), not clipped, seed {seed}"),
    "bicubic": Protocol(
        "reduced {strength} times (bicubic, antialiased, as MATLAB's imresize), not rounded",
        border=1,
    ),
    "jpeg": Protocol("JPEG of quality {strength} (libjpeg)"),
}
RECOGNITION = "test split, top-1 in percent, one view"
DRAWS, FEWER_DRAWS = 5_000, 500
"""Importance samples a picture, for the record: where others published figures, and elsewhere."""


def evaluate(
    pipeline: Pipeline,
    data: str | None = None,
    degrade: str | None = None,
    infer: Callable | None = None,
    progress=False,
) -> dict:
    """Measures a pipeline by its task's protocol.

    Args:
        pipeline: from `zoo.load`.
        data: a set, or `folder:PATH`; by default the entry's first benchmark.
        degrade: what is done to the pictures, such as `noise:25`; by default what the entry's
            benchmark of that set says, or else what the net was made for, at half strength.
        infer: takes the place of `pipeline.infer` (of `decode`, for what makes pictures), such as
            an exported file or a classical method.
        progress: show a bar.

    Returns:
        `name`, `tag`, `data`, `degrade`, `count`, `protocol` and `metrics`: `psnr` in dB and
        `ssim`, or `accuracy` and `ece` in percent and `nll` in nats, or what `generation` says,
        and then also `floor`: the likeness of real pictures to other real ones.

    Raises:
        ZooError: the set is not there or does not fit the task; the net cannot undo that.
    """
    return Trial(pipeline, data, degrade).row(infer, progress)


class Trial:
    """A set of pictures and its task's protocol, for a net and all that can stand in its place.

    The set is read once, and looked at by the judge once.

    Attributes:
        pipeline: whose task and benchmarks are meant.
        pictures: the set.
        damage: what is done to it (restoration), or None.
    """

    def __init__(self, pipeline: Pipeline, data: str | None = None, degrade: str | None = None):
        """As `evaluate`."""
        entry, spec = pipeline.entry, pipeline.spec
        data, self.damage = entry.trial(data, degrade)
        self.pipeline = pipeline
        self.pictures = sources.load(data, spec.channels, split="test")

    def row(self, infer: Callable | None = None, progress=False) -> dict:
        """What `evaluate` returns."""
        pipeline, pictures, damage = self.pipeline, self.pictures, self.damage
        entry, spec = pipeline.entry, pipeline.spec
        row = {"name": entry.name, "tag": entry.tag, "data": pictures.name, "count": len(pictures)}
        if spec.kind == "recognition":
            figures = recognition(infer or pipeline.infer, pictures, spec.labels)
            return row | {"degrade": None, "protocol": RECOGNITION, "metrics": figures}
        if spec.kind == "generation":
            return row | {"degrade": None} | self._generation(infer, progress)
        infer = infer or functools.partial(pipeline.infer, scale=damage.scale)
        return row | {
            "degrade": str(damage),
            "protocol": PROTOCOLS[damage.kind].text(damage, spec.channels),
            "metrics": restoration(infer, pictures, damage, progress),
        }

    def reconstruction(self, infer: Callable | None = None) -> float:
        """Mean PSNR in dB of pictures made again by an autoencoder, or by what stands for it."""
        values = _values(self.pictures)
        if self.pipeline.spec.binary:
            values = binarised(values, (SEED, 0)).numpy()
        return reconstruction(infer or self.pipeline.infer, values)

    @functools.cached_property
    def _halves(self):
        if not self.pipeline.entry.judge:
            name = self.pipeline.entry.name
            raise ZooError(f"{name} has no judge: what it makes cannot be measured")
        return _halves(self.pipeline.entry.judge, self.pictures)

    def _generation(self, decode: Callable | None, progress) -> dict:
        """All figures; of an exported decoder, likeness alone."""
        pipeline, entry = self.pipeline, self.pipeline.entry
        real, other = self._halves
        made = _made(pipeline, decode or pipeline.decode, len(real.classes))
        figures = made.likeness(real)
        draws = DRAWS if any(b.published for b in entry.benchmarks) else FEWER_DRAWS
        row = {"protocol": _protocol(entry, len(real.classes), draws), "metrics": figures}
        if decode:
            return row
        training = sources.load(entry.recipe.data, pipeline.spec.channels, split="train")
        training = judge.Judged(entry.judge, _values(training))
        figures |= {"novelty": judge.novelty(made, other, training)}
        if pipeline.spec.task == "autoencode":
            figures |= autoencoding(pipeline, self.pictures, draws, progress)
        return row | {"floor": other.likeness(real)}


def restoration(
    infer: Callable, pictures: sources.Pictures, damage: Degradation, progress=False
) -> dict:
    """PSNR in dB and SSIM of restored pictures against the clean ones, averaged.

    Args:
        infer: damaged float32 `[1, h, w, c]` to `[1, h * scale, w * scale, c]` in [0, 1].
        pictures: clean.
        damage: of fixed strength.
        progress: show a bar.
    """
    border = PROTOCOLS[damage.kind].border * damage.scale
    rows = []
    for number, image in enumerate(tqdm(pictures.images, "pictures", disable=not progress)):
        clean = divisible(image, damage)
        values = clean[None].astype(np.float32) / 255
        result = to_uint8(infer(degraded(values, damage, seed=(SEED, number)).numpy())[0])
        pair = _without_border(result, border), _without_border(clean, border)
        rows.append((quality.psnr(*pair), quality.ssim(*pair)))
    psnr, ssim = np.mean(rows, axis=0)
    return {"psnr": float(psnr), "ssim": float(ssim)}


def recognition(
    infer: Callable, pictures: sources.Pictures, labels: tuple[str, ...], batch: int = 500
) -> dict:
    """Accuracy and calibration error in percent and negative log-likelihood in nats of a set."""
    right = pictures.labels_among(labels)
    found = probabilities(infer, pictures, batch)
    return {
        "accuracy": quality.accuracy(found, right),
        "nll": quality.cross_entropy(found, right),
        "ece": quality.calibration_error(found, right),
    }


def probabilities(infer: Callable, pictures: sources.Pictures, batch: int = 500) -> np.ndarray:
    """What a classifier says of each picture of a set, `[n, classes]`."""
    if len({image.shape for image in pictures.images}) > 1:
        batch = 1
    batches = (pictures.images[i : i + batch] for i in range(0, len(pictures), batch))
    return np.concatenate([infer(np.stack(b).astype(np.float32) / 255) for b in batches])


def generation(pipeline: Pipeline, pictures: sources.Pictures, draws: int) -> dict:
    """How well pictures are made: likeness to real ones, and likelihood where that is known.

    Args:
        pipeline: without a judge in its entry there is no likeness.
        pictures: real ones. As many are made as half of these.
        draws: importance samples a picture, where pictures are binary.

    Returns:
        What `zoo.metrics.judge` and `zoo.metrics.likelihood` measure, and `psnr` of pictures made
        again, in dB.
    """
    figures = autoencoding(pipeline, pictures, draws) if pipeline.spec.task == "autoencode" else {}
    if pipeline.entry.judge:
        real, _ = _halves(pipeline.entry.judge, pictures)
        figures |= _made(pipeline, pipeline.decode, len(real.classes)).likeness(real)
    return figures


def autoencoding(
    pipeline: Pipeline, pictures: sources.Pictures, draws: int, progress=False
) -> dict:
    """`nll`, `elbo` and `active_units` of binary pictures; `psnr` and `active_units` of others."""
    values = _values(pictures)
    if pipeline.spec.binary:
        values = binarised(values, (SEED, 0)).numpy()
        loss = pipeline.entry.recipe.loss
        return likelihood.measured(pipeline.net, values, loss, draws, SEED, progress)
    psnr = reconstruction(pipeline.infer, values)
    return {"psnr": psnr, "active_units": likelihood.active_units(pipeline.net, values)}


def reconstruction(infer: Callable, values: np.ndarray) -> float:
    """Mean PSNR in dB of pictures `[n, h, w, c]` in [0, 1] that are made again."""
    pairs = zip(to_uint8(infer(values)), to_uint8(values), strict=True)
    return float(np.mean([quality.psnr(*pair) for pair in pairs]))


def _protocol(entry, count: int, draws: int) -> str:
    drawn = f"pixels drawn from their grey, seed {SEED}; {draws:,} importance samples; "
    return drawn * entry.spec.binary + (
        f"{count:,} made, seed {SEED}, beside half of the test split, in features of "
        f"{entry.judge.name}; floor: the other half"
    )


def _halves(by, pictures: sources.Pictures) -> tuple[judge.Judged, judge.Judged]:
    """What a judge sees in half of the real pictures, and in the others."""
    seen = judge.Judged(by, _values(pictures))
    return seen.part(slice(0, None, 2)), seen.part(slice(1, None, 2))


def _made(pipeline: Pipeline, decode: Callable, count: int) -> judge.Judged:
    """What the judge sees in pictures that are made."""
    return judge.Judged(pipeline.entry.judge, decode(pipeline.codes(count, SEED)))


def _values(pictures: sources.Pictures) -> np.ndarray:
    return np.stack(pictures.images).astype(np.float32) / 255


def held_out(pipeline: Pipeline, pictures: sources.Pictures) -> dict:
    """The task's figures; of what undoes several damages, their mean: of each at its middle."""
    spec = pipeline.spec
    if spec.kind == "recognition":
        return recognition(pipeline.infer, pictures, spec.labels)
    if spec.kind == "generation":
        return generation(pipeline, pictures, draws=50)
    rows = []
    for damage in (one.middle for one in each_alone(spec.degradations)):
        infer = functools.partial(pipeline.infer, scale=damage.scale)
        rows.append(restoration(infer, pictures, damage))
    return {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}


def _without_border(image: np.ndarray, border: int) -> np.ndarray:
    return image[border : image.shape[0] - border, border : image.shape[1] - border]
