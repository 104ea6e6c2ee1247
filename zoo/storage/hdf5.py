"""What is in an HDF5 file of weights, found at a cost that its size bounds."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path

from zoo.errors import ZooError

_MOST_DEPTH, _MOST_ITEMS = 16, 10_000
_WORTH = 4096  # bytes that are worth to be compressed
_LAYERS = "layers"
"""The group that holds the arrays of all layers; other groups are of optimizers and the like."""


def shapes(data: bytes) -> list[tuple[int, ...]]:
    """The shapes of all arrays of weights in a file, sorted; none is read yet.

    Raises:
        ZooError: it is no HDF5 file that can be read; it holds what weights are not: links, text,
            groups nested deeper than layers are. The message says what was expected.
    """
    return sorted(_each(data, _shape))


def refuse_not_finite(data: bytes) -> None:
    """Raises ZooError where a number in a file of weights is NaN or infinite."""
    _each(data, _check_finite)


def pack(path: Path, half: bool) -> None:
    """Compresses the arrays of a file of weights; those that float16 can hold go in that, if
    `half` is."""
    import h5py
    import numpy as np

    wide = path.rename(path.with_name("wide.h5"))
    path.write_bytes(bytes(wide.stat().st_size))  # a full disk shows here, and crashes nothing
    with h5py.File(wide, "r") as given, h5py.File(path, "w") as made:

        def copy(name: str, item) -> None:
            if isinstance(item, h5py.Group):
                made.create_group(name).attrs.update(item.attrs)
                return
            numbers = item[()]
            if half and numbers.ndim > 1 and (numbers.astype(np.float16) == numbers).all():
                numbers = numbers.astype(np.float16)
            small = {"compression": "gzip", "shuffle": True} if numbers.nbytes > _WORTH else {}
            made.create_dataset(name, data=numbers, **small)

        given.visititems(copy)


def _each(data: bytes, look: Callable) -> list:
    import h5py

    try:
        with h5py.File(io.BytesIO(data), "r") as file:
            return [look(array) for array in _arrays(file.get(_LAYERS, file))]
    except ZooError:
        raise
    except Exception as error:  # of HDF5, on damaged files: any kind
        raise ZooError(f"expected an HDF5 file, got {error}") from error


def _arrays(top) -> Iterator:
    """All data sets below a group, without following links, which may lead into other files."""
    import h5py

    waiting, count = [(top, 0)], 0
    while waiting:
        item, depth = waiting.pop()
        if isinstance(item, h5py.Dataset):
            yield item
            continue
        if depth > _MOST_DEPTH:
            raise ZooError(f"expected groups at most {_MOST_DEPTH} deep, got deeper ones")
        for name in item:
            count += 1
            if count > _MOST_ITEMS:
                raise ZooError(f"expected at most {_MOST_ITEMS} groups and arrays, got more")
            if not isinstance(item.get(name, getlink=True), h5py.HardLink):
                raise ZooError(f"expected arrays in the file itself, got a link at {name!r}")
            waiting.append((item[name], depth + 1))


def _shape(array) -> tuple[int, ...]:
    if array.shape is None or array.dtype.kind not in "fiu":
        raise ZooError(f"expected arrays of numbers, got {array.dtype} at {array.name}")
    if array.is_virtual or array.external:
        raise ZooError(f"expected arrays in the file itself, got one elsewhere at {array.name}")
    return array.shape


def _check_finite(array) -> None:
    import numpy as np

    if array.dtype.kind == "f" and not np.isfinite(array[()]).all():
        raise ZooError(
            f"expected finite numbers, got NaN or infinite ones at {array.name}; the training "
            "failed: train again, with a lower learning rate"
        )
