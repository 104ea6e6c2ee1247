"""Files as PyTorch saves them, made here without it: read whole, and nothing in them is run."""

import collections
import io
import os
import pickle
import sys
import types
import zipfile

import numpy as np
import pytest

import zoo
from zoo.storage import torch_files

ARRAYS = {
    "_conv.weight": np.arange(24, dtype=np.float32).reshape(2, 3, 2, 2),
    "_bn.num_batches_tracked": np.array([7], np.int64),
}


class _Storage:
    def __init__(self, kind, key, count):
        self.pid = ("storage", kind, key, "cpu", count)


class _Tensor:
    """Pickled as a tensor is."""

    def __init__(self, rebuild, *arguments):
        self.rebuild, self.arguments = rebuild, arguments

    def __reduce__(self):
        return self.rebuild, self.arguments


class _Pickler(pickle.Pickler):
    def persistent_id(self, thing):
        return thing.pid if isinstance(thing, _Storage) else None


@pytest.fixture
def saved(monkeypatch):
    """The pickle of a state dictionary of `ARRAYS`."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")

    def _rebuild_tensor_v2(*_):
        raise AssertionError("this is PyTorch's own")

    _rebuild_tensor_v2.__module__ = "torch._utils"
    _rebuild_tensor_v2.__qualname__ = "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2
    for kind in ("FloatStorage", "LongStorage"):
        setattr(torch, kind, type(kind, (), {"__module__": "torch", "__qualname__": kind}))
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)
    found = collections.OrderedDict()
    for key, (name, array) in enumerate(ARRAYS.items()):
        kind = torch.FloatStorage if array.dtype == np.float32 else torch.LongStorage
        storage = _Storage(kind, str(key), array.size)
        strides = tuple(step // array.itemsize for step in array.strides)
        found[name] = _Tensor(_rebuild_tensor_v2, storage, 0, array.shape, strides, False, None)
    return _pickled(found)


def _pickled(thing) -> bytes:
    file = io.BytesIO()
    _Pickler(file, 2).dump(thing)
    return file.getvalue()


def archive(index: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr("net/data.pkl", index)
        for key, array in enumerate(ARRAYS.values()):
            packed.writestr(f"net/data/{key}", array.tobytes())
    return file.getvalue()


def in_a_row(index: bytes) -> bytes:
    head = b"".join(_pickled(thing) for thing in (0x1950A86A20F9469CFC6C, 1001, {}))
    numbers = (array.size.to_bytes(8, "little") + array.tobytes() for array in ARRAYS.values())
    return head + index + _pickled(list("01")) + b"".join(numbers)


@pytest.mark.parametrize("form", [archive, in_a_row])
def test_tensors_are_read_by_their_names(saved, tmp_path, form):
    (tmp_path / "net.pth").write_bytes(form(saved))
    found = torch_files.read(tmp_path / "net.pth")
    assert list(found) == list(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype


@pytest.mark.parametrize("form", [archive, in_a_row])
def test_nothing_in_a_file_is_run(tmp_path, form):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "made"),)

    (tmp_path / "net.pth").write_bytes(form(_pickled({"weight": Evil()})))
    with pytest.raises(zoo.ZooError, match=r"expected tensors alone, got \w+\.mkdir"):
        torch_files.read(tmp_path / "net.pth")
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("form", [archive, in_a_row])
def test_a_cut_file_is_refused(saved, tmp_path, form):
    data = form(saved)
    for end in (0, len(data) // 2, len(data) - 40):
        (tmp_path / "net.pth").write_bytes(data[:end])
        with pytest.raises(zoo.ZooError):
            torch_files.read(tmp_path / "net.pth")
