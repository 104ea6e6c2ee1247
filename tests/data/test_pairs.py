"""Pictures as they were taken, beside clean ones of the same."""

import dataclasses

import numpy as np
import pytest
from conftest import needs
from PIL import Image
from tiny import scene, with_random_weights

import zoo
from zoo import index
from zoo.data import pairs, sources
from zoo.metrics import quality
from zoo.metrics.baselines import baseline
from zoo.tasks.evaluate import Evaluation


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where the set lies that is called PolyU."""
    place = tmp_path / "restoration" / "PolyU"
    place.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number in range(3):
        clean = scene(rng)
        noisy = clean + rng.normal(0, 5, clean.shape)
        Image.fromarray(clean).save(place / f"{number}_mean.png")
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(place / f"{number}_real.png")
    monkeypatch.setenv("ZOO_DATA", str(tmp_path))
    return place


def test_each_picture_stands_beside_its_own(folder):
    found = sources.load("PolyU", 1)
    assert len(found) == len(found.given) == 3
    for number, (given, clean) in enumerate(zip(found.given, found.images, strict=True)):
        np.testing.assert_array_equal(
            clean[..., 0], np.asarray(Image.open(folder / f"{number}_mean.png"))
        )
        assert 3 < np.std(given.astype(float) - clean) < 7
    assert len(found.subset(slice(1, 3)).given) == 2


def test_nets_files_and_classical_methods_are_given_what_was_taken(folder):
    told = with_random_weights("ffdnet_tiny")
    evaluation = Evaluation(told, "PolyU")
    assert str(evaluation.damage) == "pairs"
    untouched = evaluation.row(lambda values: values)
    found = sources.load("PolyU", 1)
    expected = [quality.psnr(*pair) for pair in zip(found.given, found.images, strict=True)]
    assert untouched["metrics"]["psnr"] == pytest.approx(np.mean(expected))
    assert "as they were taken" in untouched["protocol"] and untouched["degrade"] == "pairs"
    call = zoo.index.task_of(told.entry).in_place(evaluation, lambda v: told.compute("", v))
    one, other = (evaluation.row(infer)["metrics"]["psnr"] for infer in (None, call))
    assert one == pytest.approx(other, abs=1e-4)
    classical = evaluation.row(lambda values: baseline(values, evaluation.known_damage))
    assert classical["metrics"]["psnr"] > untouched["metrics"]["psnr"]


def test_they_are_not_damaged_once_more(folder, denoiser):
    with pytest.raises(zoo.ZooError, match=r"expected no degradation, got noise:25"):
        Evaluation(denoiser, "PolyU", "noise:25")
    assert str(Evaluation(denoiser, "PolyU", "pairs").damage) == "pairs"


def test_one_that_is_alone_or_of_another_size_is_refused(folder):
    Image.fromarray(np.zeros((5, 6), np.uint8)).save(folder / "1_real.png")
    with pytest.raises(
        zoo.ZooError, match="1: expected two pictures of one size, got 5x6 and 40x48"
    ):
        sources.load("PolyU", 1)
    (folder / "1_real.png").unlink()
    with pytest.raises(zoo.ZooError, match=r"got no 1_real, and 0 others"):
        sources.load("PolyU", 1)
    (folder / "2_mean.png").unlink()
    with pytest.raises(zoo.ZooError, match=r"and 1 others"):
        pairs.load("x", folder, ("_real", "_mean"), 1, 1.0)


@needs("PolyU")
def test_polyu_is_read():
    found = sources.load("PolyU", 3)
    assert len(found) == 100 and {image.shape for image in found.images} == {(512, 512, 3)}
    tenth = zip(found.given[::10], found.images[::10], strict=True)
    assert np.mean([quality.psnr(*pair) for pair in tenth]) == pytest.approx(37.13, abs=0.02)


@pytest.fixture
def own(tmp_path):
    """Pairs of one's own, in two folders."""
    rng = np.random.default_rng(0)
    for number in range(4):
        clean = scene(rng)
        noisy = clean + rng.normal(0, 5, clean.shape)
        for name, picture in (("noisy", noisy.clip(0, 255).astype(np.uint8)), ("clean", clean)):
            (tmp_path / "own" / name).mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture).save(tmp_path / "own" / name / f"{number}.png")
    return tmp_path / "own"


def test_two_folders_are_pairs(own):
    found = sources.load(f"folder:{own}", 1)
    assert len(found) == len(found.given) == 4 and found.classes == ()
    for given, clean in zip(found.given, found.images, strict=True):
        assert 3 < np.std(given.astype(float) - clean) < 7
    told = with_random_weights("ffdnet_tiny")
    assert zoo.evaluate(told, f"folder:{own}")["degrade"] == "pairs"
    before = found.digest()
    Image.fromarray(found.images[0][..., 0]).save(own / "noisy" / "0.png")
    assert sources.load(f"folder:{own}", 1).digest() != before


@pytest.mark.parametrize("name", ["ffdnet_tiny", "dncnn_tiny"])
def test_nets_learn_from_pairs_as_they_are(own, name):
    """A patch is cut from both at one place, and damaged no more."""
    entry = index.entry(name)
    recipe = dataclasses.replace(entry.recipe, batch=8, patch=16, augment=("dihedral",))
    entry = dataclasses.replace(entry, recipe=recipe)
    batch = index.task_of(entry).batches(entry, sources.load(f"folder:{own}", 1))(3)
    given, clean = np.asarray(batch[0]), np.asarray(batch[-1])
    seen = 255 * np.std(given - clean, axis=(1, 2, 3))
    assert np.all((seen > 3) & (seen < 7))
    if len(batch) == 3:
        np.testing.assert_allclose(255 * np.asarray(batch[1])[:, 0, 0, 0], seen, rtol=0.05)


def test_a_net_is_trained_on_pairs(own, tmp_path):
    run = zoo.train("ffdnet_tiny", tmp_path / "run", data=f"folder:{own}", patch=16, holdout=1)
    (row, *_) = (run / "log.csv").read_text().splitlines()[1:]
    assert "held_out_psnr" in (run / "log.csv").read_text() and row
    with pytest.raises(zoo.ZooError, match=r"expected a net that keeps it, got sesr_\w+"):
        zoo.train("sesr_tiny", tmp_path / "other", data=f"folder:{own}", patch=16, holdout=1)


def test_pairs_of_ones_own_that_are_none_are_refused(own):
    (own / "clean" / "0.png").rename(own / "clean" / "A.png")
    with pytest.raises(zoo.ZooError, match="got no clean/0, and 1 others are alone"):
        sources.load(f"folder:{own}", 1)
    (own / "clean" / "A.png").rename(own / "clean" / "0.png")
    Image.open(own / "noisy" / "1.png").save(own / "noisy" / "1.bmp")
    with pytest.raises(zoo.ZooError, match=r"one picture of a name, got .*1\.bmp and .*1\.png"):
        sources.load(f"folder:{own}", 1)
    (own / "noisy" / "1.bmp").unlink()
    Image.open(own / "noisy" / "1.png").crop((0, 0, 30, 30)).save(own / "noisy" / "1.png")
    with pytest.raises(zoo.ZooError, match="two pictures of one size, got 30x30"):
        sources.load(f"folder:{own}", 1)
