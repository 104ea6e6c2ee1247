"""Every metric, a record each: what it is called, its unit and digits, which way is better."""

from collections.abc import Mapping
from dataclasses import dataclass, field

HIGHER, LOWER = "higher", "lower"
_ARROWS = {HIGHER: " ↑", LOWER: " ↓", "": ""}


@dataclass(frozen=True)
class Metric:
    """One figure of merit.

    Attributes:
        name: its key in what `zoo.tasks.evaluate.evaluate` returns, in figures of record and logs.
        label: what people read.
        unit: "" where it has none.
        digits: how many it is worth, as a format.
        better: `HIGHER`, `LOWER`, or "" where neither is.
        bounds: precision of an exported file -> by how much its figure may differ from the net's,
            in the metric's unit; empty where files are not judged by it.
        grows: of a net's figure above 1 the bounds are that many times as large: it has no scale of
            its own, as a distance of features has none.
    """

    name: str
    label: str
    unit: str = ""
    digits: str = ".3f"
    better: str = HIGHER
    bounds: Mapping[str, float] = field(default_factory=dict)
    grows: bool = False

    def bound(self, precision: str, net: float) -> float:
        """By how much a file's figure may differ from that of its net."""
        return self.bounds[precision] * (max(1.0, net) if self.grows else 1.0)

    @property
    def title(self) -> str:
        """Such as `PSNR, dB`."""
        return ", ".join(filter(None, (self.label, self.unit)))

    @property
    def heading(self) -> str:
        """Such as `PSNR, dB ↑`: higher is better."""
        return self.title + _ARROWS[self.better]

    def number(self, value: float) -> str:
        """Such as `28.98`."""
        return f"{value:{self.digits}}"

    def phrase(self, value: float) -> str:
        """Such as `28.98 dB`; of what has no unit, with its label."""
        return f"{self.number(value)} {self.unit or self.label}"

    def named(self, value: float) -> str:
        """Such as `PSNR 28.98 dB`."""
        return " ".join(filter(None, (self.label, self.number(value), self.unit)))


def _bounds(float32: float, float16: float, dynamic_range: float, int8: float) -> dict[str, float]:
    return {"float32": float32, "float16": float16, "dynamic_range": dynamic_range, "int8": int8}


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("psnr", "PSNR", "dB", ".2f", bounds=_bounds(0.001, 0.01, 0.05, 0.15)),
        Metric("ssim", "SSIM", digits=".4f"),
        Metric("accuracy", "accuracy", "%", ".2f", bounds=_bounds(0.01, 0.05, 0.2, 0.5)),
        Metric("nll", "NLL", "nats", ".4g", LOWER),
        Metric("bits_per_dim", "bits/dim", "bits", ".3f", LOWER),
        Metric("ece", "ECE", "%", ".2f", LOWER),
        # 0.02 is about what one half of a test set of 28x28 pictures has to the other
        Metric(
            "frechet",
            "Frechet distance",
            better=LOWER,
            bounds=_bounds(0.001, 0.005, 0.02, 0.05),
            grows=True,
        ),
        Metric("coverage", "coverage"),
        Metric("kernel", "kernel distance", digits=".2g", better=LOWER),
        Metric("precision", "precision"),
        Metric("recall", "recall"),
        Metric("density", "density"),
        Metric("least_class", "rarest class"),
        Metric("novelty", "novelty", better=""),
        Metric("copies", "near copies", better=LOWER),
        Metric("elbo", "ELBO", "nats"),
        Metric("snr", "SNR", "dB", ".1f"),
        Metric("active_units", "active units", digits=".0f", better=""),
    )
}
"""Name -> metric, the most telling first: the order in which they are printed. A task of one's own
adds its metrics here."""


def metric_of(name: str) -> Metric:
    """The record of a metric; of one that has none, its bare name."""
    return METRICS.get(name) or Metric(name, name, digits=".4g", better="")


def bounds(precision: str) -> dict[str, float]:
    """Metric -> by how much the figure of a file of this precision may differ from the net's."""
    found = {m.name: m.bounds.get(precision) for m in METRICS.values()}
    return {name: bound for name, bound in found.items() if bound is not None}
