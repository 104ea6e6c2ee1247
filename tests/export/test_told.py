"""Files of a net that is told the noise level: a second input."""

import json

import numpy as np
import pytest
from tiny import with_random_weights

import zoo
from zoo.images import noise
from zoo.metrics.baselines import baseline
from zoo.tasks.evaluate import Evaluation
from zoo.tasks.functions import functions


@pytest.fixture(scope="module")
def told():
    return with_random_weights("ffdnet_tiny")


@pytest.fixture(scope="module")
def files(told, tmp_path_factory):
    folder = tmp_path_factory.mktemp("told") / "export"
    return zoo.export(told, folder, static_size=32, formats=("float32_free", "float32_static"))


def test_they_are_verified(told, files):
    report = zoo.verify(files, told)
    assert report["passed"], [row for row in report["rows"] if not row["passed"]]


def test_they_say_what_the_noise_level_is(files):
    facts = json.loads((files / "export.json").read_text())
    for file in facts["artifacts"].values():
        image, sigma = file["inputs"]
        assert image["range"] == [0, 1] and "unit" not in image
        assert sigma["name"] == "sigma" and sigma["unit"] == "grey levels of 0..255"
    assert facts["degrade"] == ["noise:0-75"]


def test_a_wrong_noise_level_would_show(told):
    """What files are compared on differs by it."""
    (function,) = functions(told)
    image = np.random.default_rng(0).random((1, 32, 32, 1), np.float32)
    (one, other) = (
        function.infer({"image": image, "sigma": np.full((1, 32, 32, 1), s, np.float32)})
        for s in (20, 30)
    )
    assert np.abs(one - other).max() > 1e-3


def test_in_the_nets_place_they_take_all_that_it_does(told, files, camera):
    lite = zoo.load("ffdnet_tiny", files, runtime="litert")
    odd = camera[100:161, 100:177]
    level = np.linspace(5, 60, odd.size).reshape(odd.shape)
    for sigma in (25, level, "auto"):
        expected = told(odd, sigma=sigma).astype(int)
        assert np.abs(lite(odd, sigma=sigma) - expected).max() <= 1
    colour = np.stack([odd] * 3, -1)
    assert np.abs(lite(colour, sigma=9) - told(colour, sigma=9).astype(int)).max() <= 1


def test_an_odd_static_size_is_refused(told, tmp_path):
    with pytest.raises(zoo.ZooError, match="multiples of 2"):
        zoo.export(told, tmp_path / "export", static_size=33)


def test_they_are_measured_as_the_net_is(told, files, folder):
    """On pictures of odd sides, told what noise was added."""
    lite = zoo.load("ffdnet_tiny", files, runtime="litert")
    evaluation = Evaluation(told, f"folder:{folder}", "noise:30")
    call = zoo.index.task_of(told.entry).in_place(evaluation, lambda v: lite.compute("", v))
    net, file = (evaluation.row(infer)["metrics"]["psnr"] for infer in (None, call))
    assert file == pytest.approx(net, abs=1e-3)
    auto = evaluation.row(lambda v: told.infer(v, sigma=noise.AUTO))["metrics"]["psnr"]
    assert auto != pytest.approx(net, abs=1e-3)
    assert evaluation.row(lambda v: baseline(v, evaluation.known_damage))["metrics"]["psnr"] > 20
