"""Tensors in a file that PyTorch saved, read without it; nothing in the file is run.

Such a file is a pickle, which could call anything: here it gets an `OrderedDict`, tensors of plain
numbers and nothing else.
"""

import collections
import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from zoo.errors import ZooError
from zoo.storage import files

_KINDS = {"FloatStorage": "<f4", "LongStorage": "<i8", "HalfStorage": "<f2", "DoubleStorage": "<f8",
          "IntStorage": "<i4"}  # fmt: skip
_HEAD = 3  # pickles before the tensors' own, of a file that is no archive
_DATA = "/data.pkl"


def read(path: Path) -> dict[str, np.ndarray]:
    """Reads a state dictionary.

    Args:
        path: of a file as `torch.save` writes it, an archive or, as before 1.6, pickles in a row.

    Returns:
        Arrays by the names of the weights, in the file's order.

    Raises:
        ZooError: it is no such file, or holds anything but tensors by their names.
    """
    data = files.read_bytes(path)
    try:
        found = _of_archive(data) if zipfile.is_zipfile(io.BytesIO(data)) else _of_pickles(data)
        return {str(name): tensor.array() for name, tensor in found.items()}
    except ZooError:
        raise
    except Exception as error:  # of pickle, on damaged files: any kind
        raise ZooError(f"{path}: expected tensors as PyTorch saves them, got {error!r}") from error


class _Storage:
    """Numbers in a row, known by their kind and filled later."""

    def __init__(self, kind: str):
        self.kind, self.numbers = kind, np.zeros(0, kind)


class _Tensor:
    """A view into a storage."""

    def __init__(self, storage: _Storage, offset: int, shape: tuple, strides: tuple, *_: Any):
        self.storage, self.offset, self.shape, self.strides = storage, offset, shape, strides

    def array(self) -> np.ndarray:
        numbers = self.storage.numbers[self.offset :]
        last = sum((n - 1) * step for n, step in zip(self.shape, self.strides, strict=True))
        if 0 in self.shape or last >= len(numbers) or min((0, *self.strides)) < 0:
            raise ZooError(f"expected a tensor of {self.shape}, got {len(numbers)} numbers for it")
        steps = [step * numbers.itemsize for step in self.strides]
        return np.lib.stride_tricks.as_strided(numbers, self.shape, steps).copy()


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO):
        super().__init__(file, encoding="utf-8")
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        known = {
            ("collections", "OrderedDict"): collections.OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): _Tensor,
        }
        if module == "torch" and name in _KINDS:
            return _KINDS[name]
        if (module, name) not in known:
            raise ZooError(f"expected tensors alone, got {module}.{name}, which is not run")
        return known[module, name]

    def persistent_load(self, pid: Any) -> _Storage:
        _, kind, key, *_ = pid
        if kind not in _KINDS.values():
            raise ZooError(f"expected a storage of numbers, got {kind!r}")
        return self.storages.setdefault(str(key), _Storage(kind))


def _of_archive(data: bytes) -> dict[str, _Tensor]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        (index,) = [name for name in archive.namelist() if name.endswith(_DATA)]
        unpickler = _Unpickler(io.BytesIO(archive.read(index)))
        found = unpickler.load()
        for key, storage in unpickler.storages.items():
            raw = archive.read(f"{index.removesuffix(_DATA)}/data/{key}")
            storage.numbers = np.frombuffer(raw, storage.kind)
    return found


def _of_pickles(data: bytes) -> dict[str, _Tensor]:
    """A head, the tensors, the keys of their storages, and the numbers, each after their count."""
    file = io.BytesIO(data)
    for _ in range(_HEAD):
        _Unpickler(file).load()
    unpickler = _Unpickler(file)
    found, keys = unpickler.load(), _Unpickler(file).load()
    for key in keys:
        storage = unpickler.storages[key]
        count = int.from_bytes(file.read(8), "little")
        raw = file.read(count * np.dtype(storage.kind).itemsize)
        storage.numbers = np.frombuffer(raw, storage.kind)
    return found
