"""The net that a noisy picture is for."""

import dataclasses
import json

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from tiny import smoothed

import zoo
from zoo import index
from zoo.cli import main
from zoo.tasks import advice


@pytest.fixture
def published(monkeypatch):
    """Makes only some names have weights."""

    def only(*names: str) -> None:
        found = {
            full: dataclasses.replace(entry, pretrained=entry.name in names)
            for full, entry in index._registered().items()
        }
        monkeypatch.setattr(index, "_entries", found)

    return only


def noisy(picture, sigma):
    values = picture[:160, :160] + np.random.default_rng(0).normal(0, sigma, (160, 160, 3))
    return np.rint(values.clip(0, 255)).astype(np.uint8)


OF_OLD = ("dncnn_s15", "dncnn_s25", "dncnn_s50", "dncnn_blind", "dncnn_color")
NEW = (*OF_OLD, "ffdnet_grey", "ffdnet_color")


def test_one_that_is_told_the_noise_comes_first(astronaut, published):
    published(*NEW)
    name, why = advice.choice(noisy(astronaut, 25), "denoise")
    assert name == "ffdnet_color" and why.startswith("a colour picture, white noise of sigma 2")
    grey = noisy(astronaut, 25)[..., :1].repeat(3, -1)
    assert advice.choice(grey, "denoise")[0] == "ffdnet_grey"
    assert advice.choice(grey[..., 0], "denoise")[0] == "ffdnet_grey"


def test_of_the_others_one_of_a_range_that_the_noise_lies_in(astronaut, published):
    published(*OF_OLD)
    assert advice.choice(noisy(astronaut, 25), "denoise")[0] == "dncnn_color"
    assert advice.choice(noisy(astronaut, 25)[..., 0], "denoise")[0] == "dncnn_blind"
    published("dncnn_s15", "dncnn_s25", "dncnn_s50")
    for sigma, name in ((12, "dncnn_s15"), (26, "dncnn_s25"), (60, "dncnn_s50")):
        assert advice.choice(noisy(astronaut, sigma)[..., 0], "denoise")[0] == name


def test_correlated_noise_is_said_to_be_so(published):
    published(*NEW)
    white = np.random.default_rng(0).normal(0, 12, (320, 320, 3))
    smooth = sum(np.roll(white, (y, x), (0, 1)) for y in range(3) for x in range(3)) / 3
    picture = (128 + smooth).clip(0, 255).astype(np.uint8)
    name, why = advice.choice(picture, "denoise")
    assert name == "ffdnet_color" and "correlated as a camera's" in why
    published(*NEW, "ffdnet_photo")
    assert advice.choice(picture, "denoise")[0] == "ffdnet_photo"
    assert advice.choice(picture[..., 0], "denoise")[0] == "ffdnet_grey"
    assert advice.choice((128 + white).clip(0, 255).astype(np.uint8), "denoise")[0] == NEW[-1]


def test_a_clean_picture_is_said_to_be_so(published):
    published(*NEW)
    y, x = np.mgrid[:160, :160]
    picture = np.stack([x, y, x // 2 + y // 2], -1).astype(np.uint8)
    assert "hardly any noise" in advice.choice(picture, "denoise")[1]


def test_of_a_photograph_that_shows_no_noise_the_camera_is_thought_to_have_smoothed_it(
    tmp_path, published
):
    published(*NEW, "ffdnet_photo")
    picture = Image.fromarray(np.full((160, 160, 3), (90, 120, 150), np.uint8))
    for ending, name in (("jpg", "ffdnet_photo"), ("png", "ffdnet_color")):
        picture.save(tmp_path / f"mine.{ending}")
        chosen, why = advice.choice(tmp_path / f"mine.{ending}", "denoise")
        assert chosen == name and ("in a JPEG" in why) == (ending == "jpg")
        with Image.open(tmp_path / f"mine.{ending}") as opened:
            assert advice.choice(opened, "denoise")[0] == name
    assert advice.choice(np.asarray(picture), "denoise")[0] == "ffdnet_color"


def test_noise_beside_texture_in_a_jpeg_is_a_cameras(tmp_path, astronaut, published):
    published(*NEW, "ffdnet_photo")
    white = np.random.default_rng(0).normal(0, 8, astronaut.shape) * (0.5 + astronaut / 255)
    picture = Image.fromarray(np.rint((astronaut + smoothed(white)).clip(0, 255)).astype(np.uint8))
    picture.save(tmp_path / "mine.jpg", quality=90)
    assert advice.choice(tmp_path / "mine.jpg", "denoise")[0] == "ffdnet_photo"
    Image.fromarray(noisy(astronaut, 20)).save(tmp_path / "white.jpg", quality=95)
    assert advice.choice(tmp_path / "white.jpg", "denoise")[0] == "ffdnet_color"


@pytest.mark.parametrize(
    ("picture", "task", "said"),
    [
        (np.zeros((9, 30), np.uint8), "denoise", "at least 20 pixels"),
        (np.zeros((30, 30), np.uint8), "classify", "expected denoise.*name one: .*cnn_mnist"),
        (np.zeros((30, 30), np.uint8), "cook", "unknown task"),
    ],
)
def test_what_cannot_be_told_is_refused(picture, task, said):
    with pytest.raises(zoo.ZooError, match=said):
        advice.choice(picture, task)


def test_without_weights_there_is_no_advice(published, astronaut):
    published()
    with pytest.raises(zoo.ZooError, match="no net to denoise"):
        advice.choice(noisy(astronaut, 25), "denoise")


def test_the_command_says_what_it_chose_and_why(tmp_path, astronaut, published):
    published("dncnn_color", "dncnn_blind")
    Image.fromarray(noisy(astronaut, 25)[:64, :64]).save(tmp_path / "colour.png")
    Image.fromarray(noisy(astronaut, 25)[:64, :64, 0]).save(tmp_path / "grey.png")
    done = CliRunner().invoke(main, ["run", "--task", "denoise", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert "colour.png: dncnn_color, for it is a colour picture, white noise" in done.output
    assert "grey.png: dncnn_blind, for it is a grey picture" in done.output
    assert (tmp_path / "colour_dncnn_color.png").is_file()
    again = ["run", "--task", "denoise", str(tmp_path / "grey.png"), "--json", "--overwrite"]
    (answer,) = json.loads(CliRunner().invoke(main, again).stdout)
    assert answer["name"] == "dncnn_blind" and answer["why"].startswith("a grey picture")
    for more, said in (
        (["--weights", "x.h5"], "got both"),
        (["--out", str(tmp_path / "one.png")], "expected a folder"),
        (["--sigma", "20", "--overwrite"], "not told"),
    ):
        done = CliRunner().invoke(main, ["run", "--task", "denoise", str(tmp_path), *more])
        assert done.exit_code == 1 and said in done.output, done.output


def test_a_picture_that_nobody_knows_a_net_for_keeps_no_other_from_its_own(
    tmp_path, astronaut, published
):
    published("dncnn_color")
    Image.fromarray(noisy(astronaut, 25)[:5, :7]).save(tmp_path / "tiny.png")
    frames = [Image.fromarray(noisy(astronaut, 25)[:64, :64])] * 2
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    done = CliRunner().invoke(main, ["run", "--task", "denoise", str(tmp_path)])
    assert done.exit_code == 1 and (tmp_path / "moving_dncnn_color.png").is_file(), done.output
    assert "1 of 2 pictures: " in done.output
    assert "tiny.png: expected sides of at least 20 pixels" in done.output
