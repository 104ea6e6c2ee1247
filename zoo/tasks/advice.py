"""Which net a noisy picture is for, and why."""

import os
from typing import Any

import numpy as np

from zoo import index
from zoo.errors import ZooError
from zoo.images import noise
from zoo.images.opening import opened
from zoo.images.pixels import read
from zoo.schema import Entry

_HARDLY = 1.0
_JPEG = ("JPEG", "MPO")
_CORRELATED = 1.5
"""Noise that looks so many times as strong in a reduced copy is not white."""


def choice(picture: Any, task: str) -> tuple[str, str]:
    """The name that a picture is for, and why that one.

    Args:
        picture: as `zoo.images.pixels.read` takes it.
        task: whose names are meant.

    Raises:
        ZooError: nobody knows which of the task's names is for which picture; no net of it has
            weights; the input is no picture, or too small to tell.
    """
    refuse(task)
    values = read(picture).values[0]
    if min(values.shape[:2]) < noise.LEAST:
        raise ZooError(
            f"expected sides of at least {noise.LEAST} pixels to choose a net by, got a picture of "
            f"{values.shape[0]}x{values.shape[1]}; name one"
        )
    grey = values.shape[-1] == 1 or bool(np.ptp(values, axis=-1).max() == 0)
    seen = noise.by_size(values)
    white, most = seen.full, seen.most
    smoothed = (most < _HARDLY or seen.returns) and _is_jpeg(picture)
    kind = "camera" if smoothed or _is_correlated(white, most) else "noise"
    words = _words(seen) + ", in a JPEG: a camera smooths its own" * smoothed
    return _fitting(grey, most, kind), f"a {'grey' if grey else 'colour'} picture, {words}"


def refuse(task: str) -> None:
    """Raises ZooError where nobody knows which of the task's names is for which picture."""
    if task != "denoise":
        raise ZooError(
            f"--task {task}: expected denoise, whose nets are told apart by a picture's noise; "
            f"name one: {', '.join(index.names(task=task))}"
        )


def _is_jpeg(picture: Any) -> bool:
    """As cameras write it; of what has no file nobody knows."""
    if isinstance(picture, (str, os.PathLike, bytes)):
        with opened(picture) as image:
            return image.format in _JPEG
    return getattr(picture, "format", None) in _JPEG


def _words(seen: noise.Seen) -> str:
    white, most = seen.full, seen.most
    if most < _HARDLY:
        return f"hardly any noise (sigma {most:.1f} of 255)"
    if _is_correlated(white, most):
        return (
            f"noise that is correlated as a camera's is (of white noise of sigma {most:.1f} of 255 "
            f"as much would be left in a reduced copy, {white:.1f} as it is)"
        )
    if seen.returns:
        return f"noise, or texture, that a reduced copy shows more of than it (sigma {most:.1f})"
    return f"white noise of sigma {most:.1f} of 255"


def _is_correlated(white: float, most: float) -> bool:
    return most > max(_CORRELATED * white, _HARDLY)


def _fitting(grey: bool, sigma: float, kind: str) -> str:
    """Of the nets with weights that take such a picture, one that is told the noise before one that
    is not; of those one for noise of this kind, then the nearest to its strength, and of equals the
    one of the widest range."""
    entries = [index.entry(name) for name in index.names(task="denoise")]
    found = [e for e in entries if e.pretrained and (e.spec.shape[-1] == 1) is grey]
    if not found:
        raise ZooError("no net to denoise has weights here: train one, as `zoo train ffdnet_color`")
    return index.short_name(max(found, key=lambda entry: _merit(entry, sigma, kind)))


def _merit(entry: Entry, sigma: float, kind: str) -> tuple[bool, bool, float, float]:
    (noisy, *_) = entry.spec.degradations
    beyond = max(noisy.low - sigma, sigma - noisy.high, 0.0)
    return entry.spec.noise_level, noisy.kind == kind, -beyond, noisy.high - noisy.low
