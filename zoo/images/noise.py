"""How strong a picture's noise is: what somebody says of it as a map, or an estimate."""

import numbers
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from zoo.errors import ZooError, warn

AUTO = "auto"
LEAST = 20
"""Side of the smallest picture that noise is estimated from."""
_DETAIL = (-0.12940952255092145, -0.22414386804185735, 0.836516303737469, -0.48296291314469025)
"""Of Daubechies' wavelet with two vanishing moments."""
_BLOCK, _FLATTEST, _SPREAD, _BIAS = 8, (0.1, 0.25), 1.2, 0.9
"""Blocks of so many detail coefficients a side are compared: that which a tenth of them is flatter
than counts, of a reduced copy if that of a quarter is hardly less flat; of noise of one strength it
is too low by that factor. Of 100 clean photographs of BSD400 so three are taken for more than sigma
2.5 by their reduced copies; of as many with a camera's noise of 10 two thirds are found."""
_EVEN, _TEXTURE, _STRONG, HARDLY = 1.09, 2.0, 15.0, 2.0
"""White noise alone makes the less flat blocks so many times as strong as the flattest; what is
more is texture, and so many times that is taken off: of strong noise none, for there black and
white cut noise off. So little noise is taken for none. Of 50 clean photographs of BSD400, and of
flowers_train (160 pixels), 94 and 76 % are then told as clean; 74 and 54 % had less than that
before. The mean error of a sigma of 5 falls from 1.06 to .92 (1.39 to 1.15), that of 15 is 1.35 for
1.34 (1.67 for 1.57), and that of 25 and more the same."""

_RETURNS, _UNEVEN = 1.25, 2.0
"""A picture was smoothed if its reduced copy, no less even than that, shows so many times as much.
Of 33 pictures with a camera's noise of 3 to 20 then 2 are told as clean, not 12, which had lost 1
to 3 dB; but so 30 of 100 clean photographs of BSD400 more are told `CAMERA`."""
CAMERA, SMOOTHED = 3.0, 1.0
"""On held-out pictures of BSD400 with a camera's noise of 1 to 15 as good as no such bound (.08 dB
less at 2, .08 more at 6); of nine pairs of PolyU that were looked at, whose noise is of 3.3 to 5.4,
five are estimated below 1."""


class Seen(NamedTuple):
    """What a picture shows of its noise.

    Attributes:
        full: the sigma of white noise that would look so, in grey levels of 0..255.
        spread: how much more the less flat parts have.
        half: as `full`, of the white noise that would look as a copy of half the size does; 0 where
            texture may be what is seen there, or the copy is too small to tell (of pictures of less
            than about 300 pixels a side).
        returns: whether the copy shows more than the picture: what was smoothed does so.
    """

    full: float
    spread: float
    half: float
    returns: bool

    @property
    def most(self) -> float:
        """The sigma of white noise that would show as much in either size."""
        return max(self.full, self.half)


def estimated(values: np.ndarray) -> np.ndarray:
    """Standard deviations of the noise of pictures `[b, h, w, c]` in [0, 1], `[b]` in grey levels.

    What is left of the flattest parts of a picture in the finest diagonal details of its wavelets
    (Donoho, Johnstone: Ideal spatial adaptation by wavelet shrinkage, Biometrika 1994, section
    4.2, has the median of all). Correlated noise, as a camera's, has little there: a copy of half
    the size is looked at, too, and if more noise is seen there, that counts.

    Raises:
        ZooError: a side is so short that there is nothing to estimate from.
    """
    _refuse_tiny(values)
    return np.array([by_size(picture).most for picture in values], np.float32)


def of_white(values: np.ndarray) -> np.ndarray:
    """As `estimated`, for nets that take white noise away, and from a clean picture its texture:
    that is not taken for noise, and hardly any noise (`HARDLY`) for none.

    Raises:
        ZooError: as `estimated`.
    """
    return np.array([sigma for _, sigma in _told_of_texture(values)], np.float32)


def of_camera(values: np.ndarray) -> np.ndarray:
    """As `of_white`, for nets that take a camera's noise away: what it has smoothed hardly shows in
    a flat part, so that a picture with less than `SMOOTHED` there has at least `CAMERA`; so has one
    whose reduced copy shows more than it does itself, as noise that was smoothed and that differs
    from dark to bright.

    Raises:
        ZooError: as `estimated`.
    """
    each = _told_of_texture(values)
    return np.array([max(s, CAMERA) if smooth else s for smooth, s in each], np.float32)


def _told_of_texture(values: np.ndarray) -> Iterator[tuple[bool, float]]:
    """Whether each picture was smoothed, and what in its flattest parts, or in those of a reduced
    copy, is noise."""
    _refuse_tiny(values)
    for picture in values:
        seen = by_size(picture)
        sigma = max(_without_texture(seen.full, seen.spread), seen.half)
        yield seen.full < SMOOTHED or seen.returns, sigma if sigma >= HARDLY else 0.0


def _refuse_tiny(values: np.ndarray) -> None:
    if min(values.shape[1:3]) < LEAST:
        raise ZooError(
            f"expected sides of at least {LEAST} pixels to estimate the noise from, got a picture "
            f"of {values.shape[1]}x{values.shape[2]}; say how strong it is, as sigma=15"
        )


def by_size(picture: np.ndarray) -> Seen:
    """What noise of a picture `[h, w, c]` in [0, 1] shows, as it is and in half its size."""
    full, spread = _flattest(picture)
    half, uneven = 0.0, np.inf
    if min(picture.shape[:2]) >= 2 * LEAST:
        half, uneven = _flattest(_halved(picture))
    returns = half > _RETURNS * full and uneven < _UNEVEN
    return Seen(full, spread, 2 * half if uneven < _SPREAD else 0.0, returns)


def _without_texture(sigma: float, spread: float) -> float:
    if not np.isfinite(spread):  # too few blocks to tell
        return sigma
    share = _TEXTURE * max(1 - sigma / _STRONG, 0)
    return sigma * max(1 - share * max(spread / _EVEN - 1, 0), 0)


def _flattest(picture: np.ndarray) -> tuple[float, float]:
    """The noise of the flattest blocks, and how much more the less flat ones have."""
    details = _details(_details(picture).swapaxes(0, 1))
    shown = picture[1 : 2 * details.shape[1] : 2, 1 : 2 * details.shape[0] : 2].swapaxes(0, 1)
    energy, brightness = _blocks(details**2) ** 0.5, _blocks(shown)
    seen = (brightness > _CLIPPED) & (brightness < 1 - _CLIPPED)
    found = [
        np.quantile(e[s] if s.any() else e, _FLATTEST) for e, s in zip(energy, seen, strict=True)
    ]
    least, more = np.mean(found, axis=0)
    told = least > 0 and energy.shape[1] >= _ENOUGH
    return float(255 * least / _BIAS), float(more / least) if told else np.inf


_ENOUGH = 64
"""Blocks: of fewer the flattest tell nothing of the others."""
_CLIPPED = 0.02
"""So near to black and white noise is cut off."""


def _details(values: np.ndarray) -> np.ndarray:
    """`[n, m, c]` to `[(n - 2) / 2, m, c]`."""
    end = len(values) - len(_DETAIL) + 1
    found = np.zeros_like(values[0:end:2])
    for start, weight in enumerate(_DETAIL):
        found += weight * values[start : start + end : 2]
    return found


def _blocks(values: np.ndarray) -> np.ndarray:
    """The means of blocks, `[c, n]`."""
    rows, columns = (side // _BLOCK for side in values.shape[:2])
    whole = values[: rows * _BLOCK, : columns * _BLOCK]
    means = whole.reshape(rows, _BLOCK, columns, _BLOCK, -1).mean((1, 3))
    return means.reshape(rows * columns, -1).T


def _halved(picture: np.ndarray) -> np.ndarray:
    """The means of squares of two by two pixels."""
    height, width = (side // 2 * 2 for side in picture.shape[:2])
    whole = picture[:height, :width]
    return whole.reshape(height // 2, 2, width // 2, 2, -1).mean((1, 3))


def level(
    values: np.ndarray,
    sigma: Any,
    strength: float,
    low: float,
    high: float,
    estimate: Callable[[np.ndarray], np.ndarray] = estimated,
) -> np.ndarray:
    """The noise level of each pixel, float32 `[b, h, w, 1]` or `[b, 1, 1, 1]` in grey levels.

    Args:
        values: pictures `[b, h, w, c]` in [0, 1].
        sigma: a number; one a picture, `[b]` or `[b, 1, 1, 1]`; a map `[h, w]`, `[b, h, w]` or
            `[b, h, w, 1]`; or "auto" (or None): the estimate, as far as the net goes.
        strength: times that.
        low: the least that the net was made for.
        high: the most.
        estimate: `estimated`, `of_white` or `of_camera`.

    Raises:
        ZooError: the level is none, or of another size than the pictures, or outside of the range.

    Warns:
        ZooWarning: more noise is estimated than the net was made for.
    """
    _refuse_strength(strength)
    if sigma is None or (isinstance(sigma, str) and sigma == AUTO):
        wanted = strength * estimate(values)[:, None, None, None]
        if wanted.max() > high:
            warn(
                f"the noise is estimated at sigma {wanted.max():.1f}, beyond the {high:g} that the "
                f"net was made for: it is told {high:g}, and some noise stays"
            )
        return np.clip(wanted, low, high)
    wanted = strength * _laid_out(_numbers(sigma), values.shape)
    if wanted.min() < low or wanted.max() > high:
        times = f" (strength {strength:g} times that)" if strength != 1 else ""
        raise ZooError(
            f"expected sigma from {low:g} to {high:g} in grey levels of 0..255, got "
            f"{_span(wanted)}{times}"
        )
    return wanted


_MOST = float(np.finfo(np.float32).max)


def _refuse_strength(strength: Any) -> None:
    fits = isinstance(strength, numbers.Real) and not isinstance(strength, bool)
    if not fits or not 0 < strength <= _MOST:
        raise ZooError(f"strength: expected a number above 0, such as 1.5, got {strength!r}")


def _numbers(sigma: Any) -> np.ndarray:
    try:
        array = np.asarray(sigma)
        if array.dtype.kind not in "iuf":
            raise TypeError
    except (TypeError, ValueError):
        raise ZooError(
            f'sigma: expected a number, a map of numbers or "auto", got {sigma!r}'
        ) from None
    if not array.size or not np.isfinite(array).all():
        raise ZooError("sigma: expected finite numbers, got NaN, infinite ones or none at all")
    return array.astype(np.float32)


def _laid_out(array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """`[b, h, w, 1]`, or `[b, 1, 1, 1]` of numbers."""
    batch, height, width, _ = shape
    if array.shape in ((), (batch,), (batch, 1, 1, 1)):
        return np.broadcast_to(array.reshape(-1, 1, 1, 1), (batch, 1, 1, 1))
    whole = (batch, height, width, 1)
    if array.shape in (whole[1:3], whole[1:], whole[:3], whole):
        return np.broadcast_to(array.reshape(-1, height, width, 1), whole)
    raise ZooError(
        f"sigma: expected a number or a map of the picture's {height}x{width}, got an array of "
        f"shape {list(array.shape)}"
    )


def _span(values: np.ndarray) -> str:
    least, most = values.min(), values.max()
    return f"{least:g}" if least == most else f"{least:g} to {most:g}"
