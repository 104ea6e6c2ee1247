"""What a restorer undoes, as frozen data; `zoo.data.degrade` is what does it to pictures."""

from collections.abc import Iterable
from dataclasses import dataclass

from zoo.errors import ZooError

STRENGTHS = {"noise": (0, 255), "bicubic": (2, 8), "jpeg": (1, 100)}
"""Kind of degradation -> its least and greatest strength."""


@dataclass(frozen=True)
class Degradation:
    """What is done to a clean picture, for a net to undo it; written `kind:low-high`.

    Attributes:
        kind: `noise` (white, Gaussian, not clipped; the strength is its standard deviation in
            grey levels of 0..255), `bicubic` (reduced by this whole factor) or `jpeg`
            (compressed at this quality).
        low: the least strength.
        high: the greatest; equal to `low` where the strength is fixed.
    """

    kind: str
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.kind}:{self.low:g}" + (f"-{self.high:g}" if self.high > self.low else "")

    @property
    def scale(self) -> int:
        """By how much a net has to enlarge the picture to undo it."""
        return int(self.low) if self.kind == "bicubic" else 1

    @property
    def middle(self) -> "Degradation":
        """The same at the strength half-way."""
        half = (self.low + self.high) / 2
        half = half if self.kind == "noise" else int(half)
        return Degradation(self.kind, half, half)

    @classmethod
    def parse(cls, text: str) -> "Degradation":
        """Reads `noise:25`, `noise:0-55`, `bicubic:3`, `jpeg:5-99`. Raises ZooError."""
        kind, _, strengths = str(text).partition(":")
        low, _, high = strengths.partition("-")
        try:
            least, greatest = STRENGTHS[kind]
            number = float if kind == "noise" else int
            made = cls(kind, number(low), number(high or low))
        except (KeyError, ValueError):
            raise ZooError(
                f"degradation {text!r}: expected noise:SIGMA, bicubic:FACTOR or jpeg:QUALITY, "
                "as noise:25, or a range, as noise:0-55"
            ) from None
        if not least <= made.low <= made.high <= greatest:
            raise ZooError(
                f"degradation {text!r}: {kind} goes from {least} to {greatest}, low before high"
            )
        return made


def each_alone(degradations: Iterable[Degradation]) -> list[Degradation]:
    """With each factor of a reduction by itself: they are as different as kinds of damage are."""
    alone = []
    for one in degradations:
        factors = range(one.low, one.high + 1) if one.kind == "bicubic" else ()
        alone += [Degradation(one.kind, f, f) for f in factors] or [one]
    return alone
