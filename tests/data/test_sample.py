"""The pictures that ship with the package: there, small, and taken by what they are for."""

import numpy as np
import pytest
from conftest import needs_package
from PIL import Image

import zoo
from zoo.data import sample, sources


def test_all_are_there_and_weigh_less_than_300_kilobytes():
    for name in sample.SAMPLES:
        assert zoo.sample(name).exists()
    files = [path for path in sample.FOLDER.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 300_000


def test_each_file_is_named_in_the_licences_or_lies_in_a_folder_that_is():
    told = (sample.FOLDER / "LICENCES.txt").read_text(encoding="utf-8")
    for path in sample.FOLDER.rglob("*.*g"):
        where = path.relative_to(sample.FOLDER)
        assert (where.name if where.parent.name == "" else f"photos/*/{where.parent.name}") in told


@needs_package("skimage")
def test_the_noise_is_of_the_sigma_that_is_said():
    from skimage import data

    difference = np.asarray(Image.open(zoo.sample("noisy"))) - data.chelsea()[40:200, 110:270] * 1.0
    assert difference.std() == pytest.approx(25, abs=1)


@pytest.mark.parametrize(
    ("name", "size"), [("noisy", (160, 160)), ("small", (96, 96)), ("photo", (288, 192))]
)
def test_pictures_are_as_large_as_is_said(name, size):
    with Image.open(zoo.sample(name)) as picture:
        assert (picture.size, picture.mode) == (size, "RGB")


@pytest.mark.parametrize(
    ("net", "name", "label"),
    [("cnn_mnist", "digit", "7"), ("cnn_fashion", "garment", "ankle boot")],
)
def test_a_classifier_knows_its_sample(net, name, label):
    assert zoo.load(net)(zoo.sample(name))[0][0].lower() == label


def test_photos_are_a_set_with_a_folder_a_class():
    data = f"folder:{zoo.sample('photos')}"
    for split, count in (("train", 18), ("test", 6)):
        found = sources.load(data, 3, split)
        assert found.classes == ("cat", "coffee", "rocket")
        assert len(found) == count


def test_an_unknown_one_says_what_there_is():
    with pytest.raises(zoo.ZooError, match="'nosy': expected one of noisy, small"):
        zoo.sample("nosy")
