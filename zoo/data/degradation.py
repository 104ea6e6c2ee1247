"""What a restorer undoes, as frozen data; `zoo.data.degrade` is what does it to pictures."""

from collections.abc import Iterable
from dataclasses import dataclass

from zoo.errors import ZooError

STRENGTHS = {"noise": (0, 255), "bicubic": (2, 8), "jpeg": (1, 100), "camera": (0, 255)}
"""Kind of degradation -> its least and greatest strength."""
SIGMAS = ("noise", "camera")
"""Those whose strength is a standard deviation."""
_PAIRED = "pairs"


@dataclass(frozen=True)
class Camera:
    """What a camera makes of light, each a range that a picture's own value is drawn from.

    Attributes:
        constant: share of the noise's variance, at middle grey, that no light is needed for (read
            noise); the rest grows with the light (shot noise).
        red: gain of that channel for white balance; green's is 1.
        blue: the same.
        sizes: by how much the sensor's picture is larger; it is reduced in the camera.
        quality: of its JPEG.
    """

    constant: tuple[float, float] = (0.05, 0.5)
    red: tuple[float, float] = (1.2, 2.4)
    blue: tuple[float, float] = (1.2, 2.4)
    sizes: tuple[int, ...] = (1, 2)
    quality: tuple[int, int] = (60, 98)


@dataclass(frozen=True)
class Degradation:
    """What is done to a clean picture, for a net to undo it; written `kind:low-high`.

    Attributes:
        kind: `noise` (white, Gaussian, not clipped; the strength is its standard deviation in
            grey levels of 0..255), `bicubic` (reduced by this whole factor), `jpeg`
            (compressed at this quality) or `camera` (the noise of a sensor, demosaiced, reduced
            and in a JPEG, see `Camera`; the strength is the sensor's at middle grey, in grey
            levels of 0..255); or `pairs`: whatever a set's pictures went through that come beside
            the clean ones, of no strength.
        low: the least strength.
        high: the greatest; equal to `low` where the strength is fixed.
    """

    kind: str
    low: float
    high: float

    def __str__(self) -> str:
        if self.kind == _PAIRED:
            return self.kind
        return f"{self.kind}:{self.low:g}" + (f"-{self.high:g}" if self.high > self.low else "")

    @property
    def scale(self) -> int:
        """By how much a net has to enlarge the picture to undo it."""
        return int(self.low) if self.kind == "bicubic" else 1

    @property
    def middle(self) -> "Degradation":
        """The same at the strength half-way."""
        half = (self.low + self.high) / 2
        half = half if self.kind in SIGMAS else int(half)
        return Degradation(self.kind, half, half)

    @classmethod
    def parse(cls, text: str) -> "Degradation":
        """Reads `noise:25`, `noise:0-55`, `bicubic:3`, `jpeg:5-99`, `camera:9`. Raises ZooError."""
        if text == _PAIRED:
            return PAIRED
        kind, _, strengths = str(text).partition(":")
        low, _, high = strengths.partition("-")
        try:
            least, greatest = STRENGTHS[kind]
            number: type[float] = float if kind in SIGMAS else int
            made = cls(kind, number(low), number(high or low))
        except (KeyError, ValueError):
            raise ZooError(
                f"degradation {text!r}: expected noise:SIGMA, bicubic:FACTOR, jpeg:QUALITY or "
                "camera:SIGMA, as noise:25, or a range, as noise:0-55"
            ) from None
        if not least <= made.low <= made.high <= greatest:
            raise ZooError(
                f"degradation {text!r}: {kind} goes from {least} to {greatest}, low before high"
            )
        return made


PAIRED = Degradation(_PAIRED, 0, 0)


def each_alone(degradations: Iterable[Degradation]) -> list[Degradation]:
    """With each factor of a reduction by itself: they are as different as kinds of damage are."""
    alone = []
    for one in degradations:
        factors = range(int(one.low), int(one.high) + 1) if one.kind == "bicubic" else ()
        alone += [Degradation(one.kind, f, f) for f in factors] or [one]
    return alone
