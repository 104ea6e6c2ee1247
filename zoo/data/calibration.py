"""The calibration sample: the few training pictures that int8 ranges are measured on.

It is taken when a net is trained and stays beside its weights, so that int8 files can be made
without the training set.
"""

from pathlib import Path

import numpy as np

from zoo.data.sources import Pictures
from zoo.errors import ZooError
from zoo.index import Spec
from zoo.storage import files, sheets, weights

COUNT, SEED = 256, 0
"""Of whole pictures, or latents. With 32 the first vae_mnist_2d lost four times as much in int8."""
_LEAST, _MOST_PIXELS = 16, 300_000
"""Of large pictures so many at least, and as many as have so many pixels: they are in packages."""
CROPS, SIDE, _STEP = 32, 48, 12
"""How many, and their side, where the net takes any size; of smaller pictures a side that all
factors of enlarging up to 4 divide, too."""


def sample(pictures: Pictures, spec: Spec) -> np.ndarray:
    """Some pictures of a set, always the same: undamaged, uint8 `[n, h, w, c]`.

    Returns:
        `COUNT` pictures (fewer of large ones; all, where there are fewer), or `CROPS` crops where
        the size is free.

    Raises:
        ZooError: the set is empty.
    """
    if not len(pictures):
        raise ZooError(f"{pictures.name} has no pictures to calibrate on: name a set that has some")
    rng = np.random.default_rng(SEED)
    if spec.free_size:
        return _crops(pictures, rng, spec.multiple)
    return _whole(pictures, spec, rng)


def write(path: Path, pictures: Pictures, spec: Spec) -> str:
    """Writes the sample of a set and returns the file's SHA-256. Raises as `sample`."""
    with files.whole(path) as partial, partial.open("wb") as file:
        sheets.save(file, pixels=sample(pictures, spec), set=pictures.name)
    return files.sha256(path.read_bytes())


def read(beside: Path, spec: Spec) -> tuple[np.ndarray, str] | None:
    """The sample beside a file of weights and the name of its set, or None where there is none.

    Raises:
        ZooError: its SHA-256 is not the recorded one, or it has no pictures that fit a net.
    """
    path = beside.with_name(weights.CALIBRATION)
    if not path.is_file():
        return None
    arrays = files.read_npz(weights.read_checked(path), path)
    pixels = arrays.get("pixels")
    if "set" not in arrays or pixels is None or not _fits(pixels, spec):
        raise ZooError(
            f"{path} holds no pictures of {spec.shape} as uint8 to calibrate on: train again, or "
            "name a set as calibration"
        )
    return pixels, str(arrays["set"])


def _fits(pixels: np.ndarray, spec: Spec) -> bool:
    if pixels.dtype != np.uint8 or pixels.ndim != 4 or not len(pixels):
        return False
    pairs = zip(spec.shape, pixels.shape[1:], strict=True)
    return all(wanted in (None, side) for wanted, side in pairs)


def _whole(pictures: Pictures, spec: Spec, rng: np.random.Generator) -> np.ndarray:
    height, width = spec.size
    most = min(COUNT, max(_LEAST, _MOST_PIXELS // (height * width)))
    some = rng.permutation(len(pictures))[:most]
    return np.stack(pictures.subset(some).of_size(spec.shape[:2]).images)


def _crops(pictures: Pictures, rng: np.random.Generator, multiple: int) -> np.ndarray:
    """Each from another picture, as long as there are others."""
    least = max(min(shape[:2]) for shape in pictures.shapes)
    most, step = min(max(SIDE, multiple), least), multiple if multiple > 1 else _STEP
    side = most // step * step or most
    if side % multiple:
        raise ZooError(f"{pictures.name}: expected pictures of {multiple} pixels or more")
    large = [i for i, shape in enumerate(pictures.shapes) if min(shape[:2]) >= side]
    order = np.resize(rng.permutation(len(large)), CROPS)
    return np.stack([_crop(pictures.images[large[i]], side, rng) for i in order])


def _crop(image: np.ndarray, side: int, rng: np.random.Generator) -> np.ndarray:
    top, left = (rng.integers(0, whole - side + 1) for whole in image.shape[:2])
    return image[top : top + side, left : left + side]
