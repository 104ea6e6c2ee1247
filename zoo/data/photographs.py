"""Photographs that scikit-image ships: for previews, demonstrations and goldens."""

import numpy as np

from zoo.data.pictures import Pictures
from zoo.errors import import_extra

PHOTOGRAPHS = {  # name -> rows and columns of the part that is shown
    "astronaut": (slice(0, 264), slice(96, 360)),
    "camera": (slice(60, 324), slice(120, 384)),
    "chelsea": (slice(20, 284), slice(100, 364)),
    "coffee": (slice(90, 354), slice(150, 414)),
}


_COLOURED = ("astronaut", "chelsea", "coffee", "rocket", "hubble_deep_field",
             "immunohistochemistry", "retina")  # fmt: skip
_PARTS = (1.0, 0.8, 0.65, 0.5, 0.4)
"""Of the height and width, of the parts that are seen."""


def views(size: tuple[int, int]) -> Pictures:
    """Parts of the colour photographs that scikit-image ships, near and far: thirty-five.

    Args:
        size: height and width that they are brought to.

    Raises:
        MissingExtra: scikit-image is not installed.
    """
    rng, found = np.random.default_rng(0), []
    for name in _COLOURED:
        pixels = np.asarray(getattr(_module(), name)())
        for share in _PARTS:
            height, width = (round(share * side) for side in pixels.shape[:2])
            top, left = rng.integers(0, (pixels.shape[0] - height + 1, pixels.shape[1] - width + 1))
            found.append(pixels[top : top + height, left : left + width])
    return Pictures("scikit-image's photographs", found).of_size(size)


def photograph(name: str) -> np.ndarray:
    """Part of a photograph that scikit-image ships: uint8 `[264, 264, c]`.

    Raises:
        MissingExtra: scikit-image is not installed.
    """
    return np.atleast_3d(getattr(_module(), name)())[PHOTOGRAPHS[name]]


def _module():
    return import_extra("skimage.data", "photographs")
