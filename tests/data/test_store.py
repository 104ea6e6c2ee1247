"""Sets too large for memory: the same pictures, the same training, and few of them held at once."""

import dataclasses
import errno
import os
import pickle
import tempfile
import tracemalloc

import numpy as np
import pytest
from PIL import Image
from tiny import data_for

import zoo
from zoo.data import batches, calibration, sources, splits, store
from zoo.data.pictures import Pictures

SIDE = 200


@pytest.fixture
def in_a_file(monkeypatch):
    monkeypatch.setattr(store, "MOST", 0)


def images(count: int = 5) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (3 + i, 4, 1), np.uint8) for i in range(count)]


def same(found, expected) -> bool:
    pairs = zip(found, expected, strict=True)
    return all(one.dtype == np.uint8 and np.array_equal(one, other) for one, other in pairs)


def test_pictures_of_a_small_set_stay_in_memory():
    assert isinstance(store.collected(images()), list)


def test_pictures_come_out_of_the_file_as_they_went_in(in_a_file):
    found = store.collected(iter(images()))
    assert isinstance(found, store.Stored) and same(found, images())
    assert store.shapes(found) == store.shapes(images())
    assert same(found[1:4], images()[1:4]) and np.array_equal(found[-1], images()[-1])
    assert same(store.picked(found, [4, 0, 4]), [images()[i] for i in (4, 0, 4)])
    assert same(pickle.loads(pickle.dumps(found)), images())


def test_more_pictures_are_held_than_files_may_be_open(in_a_file):
    resource = pytest.importorskip("resource")  # not on Windows
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = len(os.listdir("/dev/fd")) + 20
    found = store.collected(images(100))
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (taken, limits[1]))
        held = list(found)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert same(held, images(100))


def test_those_in_memory_go_into_the_file_when_there_are_more(monkeypatch):
    monkeypatch.setattr(store, "MOST", 30)
    assert isinstance(store.collected(images(2)), list)  # 28 bytes
    found = store.collected(images(3))
    assert isinstance(found, store.Stored) and same(found, images(3))


def test_a_set_is_the_same_from_a_file(in_a_file):
    large = Pictures("set", store.collected(images()), np.arange(5) % 2, ("a", "b"))
    small = Pictures("set", images(), np.arange(5) % 2, ("a", "b"))
    for change in (lambda p: p, lambda p: p.subset(slice(1, 4)), lambda p: p.of_size((8, 9))):
        assert change(large).digest() == change(small).digest()
    assert isinstance(large.subset(slice(2)).of_size((8, 9)).images, store.Stored)


def test_no_room_for_the_file_is_told(in_a_file, monkeypatch):
    def full(dir):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    with pytest.raises(zoo.ZooError, match=r"after 0 MB: No space left on device.*TMPDIR"):
        store.collected(images())


@pytest.mark.parametrize("name", ["cnn_tiny", "dncnn_tiny", "sesr_tiny"])
def test_a_training_on_a_large_set_ends_with_the_same_bytes(name, tmp_path, monkeypatch):
    data, runs = data_for(zoo.entry(name), tmp_path / "data"), []
    for most in (store.MOST, 0):
        monkeypatch.setattr(store, "MOST", most)
        runs.append(zoo.train(name, tmp_path / str(most), data=data))
    for file in ("weights.h5", "calibration.npz"):
        one, other = ((run / file).read_bytes() for run in runs)
        assert one == other


def test_memory_stays_as_a_folder_grows_tenfold(tmp_path, monkeypatch):
    """By what Python allocates, arrays among it; what is mapped from the file is not."""
    monkeypatch.setattr(store, "MOST", 10 * SIDE * SIDE)
    peak(tmp_path / "first", 20)  # which imports what is imported when it is needed
    few, many = (peak(tmp_path / str(count), count) for count in (20, 200))
    assert many - few < 30 * SIDE * SIDE, "180 more pictures take the bytes of 30"


def peak(folder, count: int) -> int:
    """Bytes held at most as a set is read, split, digested, trained on and measured."""
    rng = np.random.default_rng(0)
    for number in range(count):
        below = folder / str(number % 2)
        below.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 256, (SIDE, SIDE), np.uint8)
        Image.fromarray(pixels).save(below / f"{number:03}.bmp")
    entry = zoo.entry("cnn_tiny")
    spec = dataclasses.replace(entry.spec, shape=(SIDE, SIDE, 1), labels=("0", "1"))
    entry = dataclasses.replace(entry, spec=spec)
    tracemalloc.start()
    try:
        pictures = sources.load(f"folder:{folder}", 1).of_size((SIDE, SIDE))
        training, held_out = splits.split(pictures, 0.1)
        splits.warn_of_likes(training, held_out)
        pictures.digest()
        for _ in batches.dataset(entry, training, 0, 3):
            pass
        calibration.sample(pictures, spec)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
