"""The ranges that nets take pixels in, by name: what stands in them for black and for white."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from zoo.errors import ZooError


class Range(NamedTuple):
    """As `zoo.schema.Spec` has it.

    Attributes:
        value_range: what black and white are in the net; numbers, or tuples of one a channel.
        bgr: whether the net takes blue first.
    """

    value_range: tuple[Any, Any]
    bgr: bool = False


_UNIT, _BYTES, _SIGNED = Range((0.0, 1.0)), Range((0.0, 255.0)), Range((-1.0, 1.0))
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's, as PyTorch has them
_BLUE_FIRST = (103.939, 116.779, 123.68)  # ImageNet's means in 0..255, as Caffe had them


def _standardized(mean: Sequence[float], std: Sequence[float]) -> Range:
    black = tuple(-m / s for m, s in zip(mean, std, strict=True))
    return Range((black, tuple((1 - m) / s for m, s in zip(mean, std, strict=True))))


_TORCH = _standardized(_MEAN, _STD)
_CAFFE = Range((tuple(-m for m in _BLUE_FIRST), tuple(255 - m for m in _BLUE_FIRST)), bgr=True)
INSIDE = "inside"
FAMILIES = {
    "convnext": INSIDE, "densenet": "torch", "efficientnet": INSIDE, "efficientnet_v2": INSIDE,
    "inception_resnet_v2": "tf", "inception_v3": "tf", "mobilenet": "tf", "mobilenet_v2": "tf",
    "mobilenet_v3": INSIDE, "nasnet": "tf", "resnet": "caffe", "resnet50": "caffe",
    "resnet_v2": "tf", "vgg16": "caffe", "vgg19": "caffe", "xception": "tf",
}  # fmt: skip
"""Modules of `keras.applications` -> the mode of their `preprocess_input`."""
RANGES = {
    "0..1": _UNIT, "0..255": _BYTES, "-1..1": _SIGNED, INSIDE: _BYTES,
    "tf": _SIGNED, "torch": _TORCH, "caffe": _CAFFE,
}  # fmt: skip


def named(pixels: str | Sequence[Any], channels: int) -> Range:
    """The range that a user means.

    Args:
        pixels: a key of `RANGES` or `FAMILIES`; or mean and standard deviation, numbers or one a
            channel, of pixels in [0, 1].
        channels: of the pictures.

    Raises:
        ZooError: no such range, or one for other channels.
    """
    if isinstance(pixels, str):
        found = RANGES.get(FAMILIES.get(pixels, pixels))
        if found is None:
            raise ZooError(f"pixels {pixels!r}: {_EXPECTED}")
    else:
        found = _of_statistics(pixels, channels)
    sides = {len(end) for end in found.value_range if isinstance(end, tuple)}
    if sides - {channels}:
        raise ZooError(
            f"pixels {pixels!r}: expected a range for {channels} channels, got one for "
            f"{max(sides)}; name one number for all"
        )
    return found


def _of_statistics(pixels: Sequence[Any], channels: int) -> Range:
    try:
        mean, std = (_numbers(one, channels) for one in pixels)
    except (TypeError, ValueError):
        raise ZooError(f"pixels {pixels!r}: {_EXPECTED}") from None
    if min(std) <= 0 or len(mean) != len(std):
        raise ZooError(f"pixels {pixels!r}: expected a positive deviation for each channel's mean")
    return _standardized(mean, std)


def _numbers(given: Any, channels: int) -> tuple[float, ...]:
    one = isinstance(given, (int, float))
    return (float(given),) * channels if one else tuple(map(float, given))


_EXPECTED = (
    f"expected {', '.join(RANGES)}; (mean, std) of pixels in [0, 1], such as ({_MEAN}, {_STD}); or "
    f"a family of keras.applications, {', '.join(FAMILIES)}"
)
