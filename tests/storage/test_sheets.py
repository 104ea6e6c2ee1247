"""Colour pictures in `.npz` files, as one lossless WebP."""

import io

import numpy as np
import pytest
from skimage import data

import zoo
from zoo.storage import files, sheets


@pytest.fixture(scope="module")
def pictures():
    photograph = data.astronaut()
    return np.stack([photograph[:192, :256], photograph[100:292, 50:306]])


def packed(**arrays):
    target = io.BytesIO()
    sheets.save(target, **arrays)
    return target.getvalue()


def test_pictures_come_back_as_they_were_in_fewer_bytes(pictures):
    made = packed(pixels=pictures, set="two")
    back = files.read_npz(made, "it")
    np.testing.assert_array_equal(back["pixels"], pictures)
    assert set(back) == {"pixels", "set"} and str(back["set"]) == "two"
    plain = io.BytesIO()
    np.savez_compressed(plain, pixels=pictures, set="two")
    assert len(made) < 0.75 * len(plain.getvalue())


@pytest.mark.parametrize("shape", [(2, 9, 9, 3), (400, 100, 100, 3), (4, 300, 300, 1)])
def test_what_the_format_does_not_take_stays_an_array(shape):
    pixels = np.full(shape, 7, np.uint8)
    back = files.read_npz(packed(pixels=pixels), "it")
    np.testing.assert_array_equal(back["pixels"], pixels)


@pytest.mark.parametrize(
    "change",
    [
        lambda a: a.pop("pixels.count"),
        lambda a: a.update({"pixels.count": np.array(0)}),
        lambda a: a.update({"pixels.count": np.array(7)}),
        lambda a: a.update({"pixels.webp": a["pixels.webp"][:1000]}),
        lambda a: a.update({"pixels.webp": np.zeros(9, np.uint8)}),
    ],
)
def test_damaged_pictures_are_refused(pictures, change):
    arrays = dict(np.load(io.BytesIO(packed(pixels=pictures))))
    change(arrays)
    damaged = io.BytesIO()
    np.savez(damaged, **arrays)
    with pytest.raises(zoo.ZooError, match=r"it is damaged, or no \.npz file"):
        files.read_npz(damaged.getvalue(), "it")


def test_pictures_that_unpack_without_end_are_refused(pictures, monkeypatch):
    data = packed(pixels=pictures)
    monkeypatch.setattr(files, "_MOST_UNPACKED", len(data) + 10_000)
    with pytest.raises(zoo.ZooError, match="a picture of 256x384, more than"):
        files.read_npz(data, "it")
