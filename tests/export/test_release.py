"""A net that is given away: all that is needed is in the folder, and nothing of the machine."""

import json

import numpy as np
import own_nets
import pytest
from tiny import data_for

import zoo
from zoo.errors import ZooError
from zoo.export.release import release
from zoo.storage import files, golden, weights
from zoo.tasks.functions import functions


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A short training on a folder of pictures."""
    folder = tmp_path_factory.mktemp("release")
    (folder / "secret photos").mkdir()
    own_nets.colour_photos(folder / "secret photos", 16, 9)
    data = f"folder:{folder / 'secret photos'}"
    return zoo.train(
        "efficientnet_tiny", folder / "mine", data=data, steps=3, holdout=3, classes="own"
    )


@pytest.mark.parametrize("pictures", [True, False])
def test_it_gives_the_same_answers_and_tells_no_paths(run, pictures, tmp_path, astronaut):
    digest = release(run, tmp_path / "away", pictures)
    made = zoo.load(tmp_path / "away")
    assert made.entry.name == "mine"
    assert made.spec.labels == tuple(sorted(own_nets.COLOURS))
    assert made(astronaut) == zoo.load(run)(astronaut)
    (function,) = functions(made)
    data = (tmp_path / "away" / weights.GOLDEN).read_bytes()
    values, expected = golden.read(data, function.name, function.names)
    np.testing.assert_allclose(function.infer(values), expected, atol=1e-6)
    record = tmp_path / "away" / weights.RUN
    assert files.sha256(record.read_bytes()) == digest
    kept = {path.name for path in record.parent.iterdir()} - {weights.RUN}
    assert json.loads(record.read_text())["sha256"].keys() == kept
    assert (weights.CALIBRATION in kept) == pictures
    for name in (weights.RUN, weights.CARD):
        text = (tmp_path / "away" / name).read_text(encoding="utf-8")
        assert str(run.parent) not in text
        assert "secret photos" in text


def test_what_it_went_on_from_is_told_but_for_the_machine(tmp_path):
    data = {
        "data": data_for(zoo.entry("mlp_gan_tiny"), tmp_path / "data"),
        "steps": 2,
        "holdout": 2,
    }
    zoo.train("mlp_gan_tiny", tmp_path / "first", **data)
    zoo.train("mlp_gan_tiny", tmp_path / "second", start=tmp_path / "first", **data)
    release(tmp_path / "second", tmp_path / "away")
    card = (tmp_path / "away" / weights.CARD).read_text(encoding="utf-8")
    assert "went on from `mlp_gan_tiny`, recipe: " in card
    assert "Linux" not in card and "machine" not in card


def test_a_net_of_ones_own_is_given_away_as_well(tmp_path, astronaut):
    net = own_nets.seeded(own_nets.plain)
    pipeline = zoo.wrap(net, labels=list("abcd"), name="plain", examples=[astronaut[:64, :64]] * 3)
    pipeline.save(tmp_path / "saved")
    release(tmp_path / "saved", tmp_path / "away")
    made = zoo.load(tmp_path / "away")
    assert made.entry.name == "plain"
    assert made(astronaut) == pipeline(astronaut)
    assert "# plain" in (tmp_path / "away" / weights.CARD).read_text(encoding="utf-8")


def test_what_is_not_finished_or_in_the_way_is_refused(run, tmp_path):
    (tmp_path / "half").mkdir()
    files.write_json(tmp_path / "half" / weights.RUN, {"name": "efficientnet_tiny.test"})
    with pytest.raises(ZooError, match="is not finished"):
        release(tmp_path / "half", tmp_path / "away")
    (tmp_path / "away").mkdir()
    (tmp_path / "away" / "thesis.txt").write_text("mine")
    with pytest.raises(ZooError, match="holds something else"):
        release(run, tmp_path / "away")
    assert (tmp_path / "away" / "thesis.txt").read_text() == "mine"
