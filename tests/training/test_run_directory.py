"""A run directory is of one training, of one set of pictures, and of one process at a time."""

import dataclasses

import numpy as np
import pytest
from conftest import in_second_process
from PIL import Image
from tiny import data_for, scene

import zoo
from zoo.data import calibration
from zoo.data.pictures import Pictures
from zoo.errors import ZooError
from zoo.storage import files, processes, weights
from zoo.training import run as training
from zoo.training.pictures import refuse_others


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """A run directory whose training was stopped, as far as it says, and its pictures."""
    folder = tmp_path_factory.mktemp("begun")
    data = data_for(zoo.entry("dncnn_tiny"), folder / "pictures")
    run = zoo.train("dncnn_tiny", folder / "run", data=data)
    facts = files.read_json(run / "run.json")
    assert facts["pictures"]["count"] == 12 and len(facts["pictures"]["sha256"]) == 64
    del facts["sha256"]
    files.write_json(run / "run.json", facts)
    return run, data, folder / "pictures"


def test_a_training_goes_on_with_the_pictures_that_it_began_with(begun):
    run, data, pictures = begun
    new = pictures / "added.png"
    Image.fromarray(scene(np.random.default_rng(5))).save(new)
    with pytest.raises(ZooError, match=r"begun with other pictures: expected 12 of .*, got 13"):
        zoo.train("dncnn_tiny", run, data=data)
    old = pictures / "000.png"
    kept = old.read_bytes()
    new.replace(old)  # as many, and one of them another
    with pytest.raises(ZooError, match=r"begun with other pictures: expected 12 of .*, got 12"):
        zoo.train("dncnn_tiny", run, data=data)
    old.write_bytes(kept)
    assert zoo.train("dncnn_tiny", run, data=data) == run
    assert "sha256" in files.read_json(run / "run.json")


def test_pictures_that_came_or_went_are_named_also_those_held_out(tmp_path):
    def some(*paths):
        return Pictures("p", [np.full((2, 2, 1), len(p), np.uint8) for p in paths], paths=paths)

    facts: dict = {}
    refuse_others(tmp_path, facts, some("train/a"), some("val/b", "val/cc"))
    refuse_others(tmp_path, facts, some("train/a"), some("val/b", "val/cc"))
    assert facts["pictures"]["count"] == 3
    with pytest.raises(ZooError, match=r"expected 3 of p .* got 3 \(added: val/d; gone: val/b\)"):
        refuse_others(tmp_path, facts, some("train/a"), some("val/cc", "val/d"))
    with pytest.raises(ZooError, match="some were changed"):
        refuse_others(tmp_path, facts, some("train/a"), some("val/cc", "val/b"))


def test_two_processes_do_not_train_into_one_folder(begun):
    run, data, _ = begun
    with processes.locked(run), pytest.raises(ZooError, match=r"run is in use: .* got process"):
        zoo.train("dncnn_tiny", run, data=data)
    assert not run.with_name("run.lock").exists()


@pytest.mark.parametrize("change", [{"recipe": None}, {"name": None}, {"recipe": {"steps": 3}}])
def test_a_record_without_what_it_is_of_is_refused(begun, tmp_path, change):
    run, data, _ = begun
    facts = files.read_json(run / "run.json") | change
    facts = {key: value for key, value in facts.items() if value is not None}
    files.write_json(tmp_path / "run" / "run.json", facts)
    with pytest.raises(ZooError, match="changed: expected"):
        zoo.train("dncnn_tiny", tmp_path / "run", data=data)


@pytest.mark.parametrize("wrong", [{"augment": ("nope",)}, {"batch": 10_000}])
def test_a_refused_training_does_not_block_the_next_try(wrong, tmp_path):
    data = data_for(zoo.entry("cnn_tiny"), tmp_path / "pictures")
    with pytest.raises(ZooError):
        zoo.train("cnn_tiny", tmp_path / "run", data=data, steps=2, **wrong)
    assert not (tmp_path / "run").exists()
    zoo.train("cnn_tiny", tmp_path / "run", data=data, steps=3, every=3)


def test_a_command_says_on_the_terminal_what_it_leaves_out(tmp_path):
    frames = [Image.new("L", (28, 28), level) for level in (0, 90)]
    frames[0].save(tmp_path / "a.tif", save_all=True, append_images=frames[1:])
    code = """
import subprocess, sys
command = [sys.executable, "-m", "zoo", "run", "cnn_fashion", sys.argv[1]]
print(subprocess.run(command, capture_output=True, text=True).stderr)
"""
    shown = in_second_process(code, tmp_path / "a.tif")
    (warning,) = (line for line in shown.splitlines() if line.startswith("Warning: "))
    assert "a.tif has 2 pages or frames, of which the first alone is read" in warning


def test_faces_are_not_handed_on_beside_weights():
    entry = zoo.entry("vae_celeba")
    kept = training._to_hand_on(entry, Pictures("celeba", [np.zeros((64, 64, 3), np.uint8)]))
    assert {image.shape for image in kept.images} == {(64, 64, 3)} and np.ptp(kept.images[0]) > 50
    grey = zoo.entry("dncnn_s25")
    both = dataclasses.replace(grey, recipe=dataclasses.replace(grey.recipe, data="celeba+T91"))
    in_grey = training._to_hand_on(both, Pictures("celeba+T91", []))
    assert {image.shape for image in in_grey.images} == {(64, 64, 1)}
    pixels, name = calibration.read(weights.path_of(entry, "pretrained"), entry.spec)
    assert name == kept.name == "samples of dcgan_celeba"
    # of the same latents, if of an earlier training: each is nearest to what is made of its own now
    then, now = (
        each.reshape(len(each), -1)
        for each in (pixels / 255, calibration.sample(kept, entry.spec) / 255)
    )
    squares = np.square(now).sum(1) - 2 * then @ now.T
    np.testing.assert_array_equal(squares.argmin(1), np.arange(len(then)))
