"""Denoisers that are told how strong the noise is, and those that are not."""

import tracemalloc

import numpy as np
import pytest
from PIL import Image
from tiny import with_random_weights

import zoo
from zoo import index
from zoo.data.pictures import Pictures
from zoo.images import noise
from zoo.storage import weights
from zoo.tasks.evaluate import Evaluation


@pytest.fixture(scope="module")
def told():
    return with_random_weights("ffdnet_tiny")


@pytest.fixture(scope="module")
def photo(camera):
    clean = camera[100:180, 100:190] / 255
    values = clean + np.random.default_rng(0).normal(0, 20 / 255, clean.shape)
    return np.rint(values.clip(0, 1) * 255).astype(np.uint8)


def test_the_answer_says_which_level_was_taken(told, photo):
    estimate = float(noise.estimated(photo[None, ..., None].astype(np.float32) / 255)[0])
    assert 15 < estimate < 25
    found = told.denoise(photo)
    assert found.sigma == pytest.approx(estimate)
    np.testing.assert_array_equal(found.picture, told(photo, sigma=estimate))
    stronger = told.denoise(photo, strength=2)
    assert stronger.sigma == pytest.approx(2 * estimate)
    assert np.any(stronger.picture != found.picture)
    assert told.denoise(photo, sigma=7).sigma == 7


def test_of_a_batch_and_of_a_map(told, photo):
    batch = np.stack([photo, photo[::-1]])
    assert told.denoise(batch, sigma=[5, 9]).sigma.tolist() == [5, 9]
    level = np.full(photo.shape, 30.0)
    found = told.denoise(photo, sigma=level)
    assert found.sigma.shape == (1, *photo.shape, 1)
    np.testing.assert_array_equal(found.picture, told(photo, sigma=30))
    assert [one.sigma for one in told.denoise([photo, photo], sigma=5)] == [5, 5]


def test_a_picture_of_any_kind_comes_back_as_it_came(told, photo, tmp_path):
    Image.fromarray(photo).save(tmp_path / "photo.png")
    made = told(tmp_path / "photo.png", sigma=20)
    np.testing.assert_array_equal(np.asarray(made), told(photo, sigma=20))
    deep = told(photo.astype(np.uint16) * 257, sigma=20)
    assert deep.dtype == np.uint16 and deep.shape == photo.shape


def test_a_flat_picture_is_told_as_clean(told):
    assert told.denoise(np.full((40, 40), 77, np.uint8)).sigma == pytest.approx(0, abs=1e-3)


def test_a_clean_photograph_comes_back_as_it_came(told, camera):
    for options in ({}, {"strength": 3}, {"sigma": 0}):
        found = told.denoise(camera[:256, :256], **options)
        assert found.sigma == 0
        np.testing.assert_array_equal(found.picture, camera[:256, :256])


def test_what_a_map_says_is_clean_stays(told, photo):
    level = np.where(np.arange(photo.shape[1]) < 40, 0, 25) + np.zeros(photo.shape)
    found = told(photo, sigma=level)
    np.testing.assert_array_equal(found[:, :40], photo[:, :40])
    assert np.any(found[:, 40:] != photo[:, 40:])


def test_a_file_in_the_nets_place_leaves_clean_pictures_alone(told, photo):
    values = photo[None, :, :, None].astype(np.float32) / 255
    pictures = Pictures("made up", [photo[..., None]])
    evaluation = Evaluation(told, degrade="noise:0", pictures=pictures)

    def file(given):
        return told.compute("", given)

    infer = index.task_of(told.entry).in_place(evaluation, file)
    np.testing.assert_array_equal(infer(values), values)


def test_a_large_picture_is_denoised_in_little_memory(told, monkeypatch):
    """Beside the picture and the result, as floats, hardly more than the result as bytes."""
    picture = np.zeros((1500, 2000), np.uint8)
    monkeypatch.setattr(told, "executor", lambda name, values: values["image"])
    tracemalloc.start()
    made = told(picture, sigma=20, progress=False)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert made.shape == picture.shape
    assert peak < 2 * 4 * picture.size + 4 * picture.size


def test_a_tiny_picture_needs_a_number(told):
    tiny = np.zeros((3, 5), np.uint8)
    with pytest.raises(zoo.ZooError, match="say how strong"):
        told(tiny)
    assert told(tiny, sigma=10).shape == (3, 5)


def test_a_net_that_is_told_nothing_refuses_a_level(denoiser, photo):
    for options in ({"sigma": 25}, {"sigma": "auto"}, {"strength": 2}):
        with pytest.raises(zoo.ZooError, match=r"not told .*such as ffdnet_color"):
            denoiser(photo, **options)
    assert denoiser.denoise(photo).sigma is None


def test_the_levels_range_is_known_before_there_is_a_picture(told):
    with pytest.raises(zoo.ZooError, match="from 0 to 75"):
        told.refuse_level(80)


def test_the_command_says_the_level(told, photo, tmp_path):
    from click.testing import CliRunner

    from zoo.cli import main

    weights.save(told.net, tmp_path / "weights.h5")
    Image.fromarray(photo).save(tmp_path / "photo.png")
    common = ["run", "ffdnet_tiny", str(tmp_path / "photo.png"), "--overwrite"]
    common += ["--weights", str(tmp_path / "weights.h5")]
    done = CliRunner().invoke(main, [*common, "--sigma", "12.5"])
    assert done.exit_code == 0, done.output
    assert "photo_ffdnet_tiny.png (noise of sigma 12.5)" in done.output
    made = np.asarray(Image.open(tmp_path / "photo_ffdnet_tiny.png"))
    np.testing.assert_array_equal(made, told(photo, sigma=12.5))
    done = CliRunner().invoke(main, [*common, "--sigma", "0"])
    assert "changed nothing: where you see some, say --sigma 5" in done.output
    done = CliRunner().invoke(main, [*common, "--strength", "1.5", "--json"])
    assert f'"sigma": {told.denoise(photo, strength=1.5).sigma}' in done.output
    Image.fromarray(photo[:5, :7]).save(tmp_path / "tiny.png")
    done = CliRunner().invoke(main, [*common, str(tmp_path / "tiny.png")])
    assert "1 of 2 pictures: " in done.output and "tiny.png: expected sides" in done.output
    for wrong, said in ((["--sigma", "80"], "from 0 to 75"), (["--sigma", "some"], "or auto")):
        done = CliRunner().invoke(main, [*common, *wrong])
        assert done.exit_code and said in done.output


def test_the_command_refuses_a_level_for_other_nets(photo, tmp_path):
    from click.testing import CliRunner

    from zoo.cli import main

    Image.fromarray(photo).save(tmp_path / "photo.png")
    for name, said in (("dncnn_s25", "not told"), ("cnn_mnist", "takes no sigma")):
        done = CliRunner().invoke(main, ["run", name, str(tmp_path / "photo.png"), "--sigma", "9"])
        assert done.exit_code == 1 and said in done.output


def test_a_result_that_came_meanwhile_is_kept(told, photo, tmp_path):
    from zoo.commands import pictures

    picture, target = tmp_path / "photo.png", tmp_path / "out.png"
    Image.fromarray(photo).save(picture)
    for overwrite in (False, True):
        target.unlink(missing_ok=True)
        work = pictures.answers(told.entry, [str(picture)], str(target), overwrite, {"sigma": 5.0})
        target.write_bytes(b"of another")
        (answer,) = work(told)
        assert ("is there already" in answer.get("error", "")) is not overwrite
        assert (target.read_bytes() == b"of another") is not overwrite
