"""From pixels to an answer: tiles, batches, channels and kinds change nothing."""

import functools

import numpy as np
import pytest
import tensorflow as tf
from conftest import in_second_process
from PIL import Image
from tiny import with_random_weights

import zoo
from zoo.images.pixels import to_ycbcr
from zoo.images.resize import enlarge
from zoo.images.tiling import spans, tiled
from zoo.tasks.classifier import Label

CLOSE = {"atol": 1e-5, "rtol": 0}
ROUNDED = 0.5 + 255 * CLOSE["atol"]
"""How far 8-bit pixels are at most from 255 times a result that is close."""


def random_pixels(*shape):
    return np.random.default_rng(2).random(shape, np.float32)


@pytest.mark.parametrize("tile", [16, 17, 32])
@pytest.mark.parametrize(
    "size", [(16, 17), (17, 16), (33, 31), (32, 48), (5, 70), (70, 1), (35, 66)]
)
def test_tiled_equals_whole(denoiser, tile, size):
    values = random_pixels(2, *size, 1)
    whole = denoiser.run(values)
    by_tiles = tiled(denoiser.run, values, denoiser.spec.receptive_radius, tile)
    np.testing.assert_allclose(by_tiles, whole, **CLOSE)


def test_tiles_that_overlap_less_than_the_reach_differ_from_the_whole(denoiser):
    values = random_pixels(1, 40, 40, 1)
    by_tiles = tiled(denoiser.run, values, denoiser.spec.receptive_radius - 1, tile=16)
    assert np.abs(by_tiles - denoiser.run(values)).max() > 1e-3


def test_a_large_picture_goes_through_in_bounded_tiles(denoiser):
    sizes = []

    def run(batch):
        sizes.append(batch.shape[1:3])
        return denoiser.run(batch)

    tiled(run, random_pixels(1, 77, 50, 1), denoiser.spec.receptive_radius, tile=32)
    most = 32 + 2 * denoiser.spec.receptive_radius
    assert len(sizes) == 3 * 2 and len(set(sizes)) == 1 and max(sizes[0]) <= most


@pytest.mark.parametrize(("tile", "overlap"), [(1, 0), (1, 3), (24, 3), (17, 10)])
def test_tiles_cover_every_side_once_and_keep_their_distance(tile, overlap):
    for side in range(1, 150):
        length, found = spans(side, tile, overlap)
        assert length <= tile + 2 * overlap
        assert [one.begin for one in found] == [0, *(one.end for one in found[:-1])]
        assert found[-1].end == side
        for one in found:
            assert 0 <= one.start <= one.begin < one.end <= one.start + length <= side
            assert one.start == 0 or one.begin - one.start >= overlap
            assert one.start + length == side or one.start + length - one.end >= overlap


@pytest.mark.parametrize(("tile", "overlap", "multiple"), [(1, 0, 2), (24, 3, 2), (17, 10, 4)])
def test_tiles_of_a_net_of_multiples_start_at_such(tile, overlap, multiple):
    for side in range(multiple, 150, multiple):
        length, found = spans(side, tile, overlap, multiple)
        assert {place % multiple for one in found for place in (length, *one)} == {0}
        assert [one.begin for one in found] == [0, *(one.end for one in found[:-1])]
        assert found[-1].end == side
        for one in found:
            assert one.start == 0 or one.begin - one.start >= overlap
            assert one.start + length == side or one.start + length - one.end >= overlap


@pytest.mark.parametrize("size", [(30, 29), (9, 64), (41, 33)])
@pytest.mark.parametrize("tile", [8, 15, 32])
def test_tiles_of_an_enlarged_picture_equal_the_whole(enlarger, size, tile):
    values = random_pixels(2, *size, 1)
    run = functools.partial(enlarger.executor, "")
    by_tiles = tiled(run, values, enlarger.spec.receptive_radius, tile, scale=2)
    np.testing.assert_allclose(by_tiles, run(values), **CLOSE)


def test_tiles_of_an_enlarged_picture_need_what_the_bicubic_looks_at(enlarger, monkeypatch):
    monkeypatch.setattr("zoo.images.tiling.CUBIC_REACH", 0)
    values = random_pixels(1, 40, 40, 1)
    run = functools.partial(enlarger.executor, "")
    by_tiles = tiled(run, values, enlarger.spec.receptive_radius, 16, scale=2)
    assert np.abs(by_tiles - run(values)).max() > 1e-3


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_the_bicubic_of_arrays_is_that_of_tensors(factor):
    values = random_pixels(2, 9, 14, 3)
    large = enlarge(values, factor)
    assert large.dtype == np.float32
    np.testing.assert_allclose(large, enlarge(tf.constant(values), factor), **CLOSE)


@pytest.mark.parametrize("name", zoo.names(fixtures=True))
def test_every_scale_is_a_multiple_of_the_first_which_is_in_the_files(name):
    scales = zoo.entry(name).spec.scales
    assert not any(scale % scales[0] for scale in scales)


def test_a_photograph_larger_than_a_tile_is_restored_as_a_whole(denoiser, camera):
    photo = np.pad(camera, ((0, 40), (0, 8)), "reflect")
    whole = denoiser.run(photo[None, ..., None].astype(np.float32) / 255)
    expected = np.clip(whole[0, ..., 0], 0, 1) * 255
    assert np.abs(denoiser(photo) - expected).max() <= ROUNDED


def test_a_grey_net_restores_each_colour_channel_by_itself(denoiser, astronaut):
    photo = astronaut[100:150, 200:260] / 255
    result = denoiser(photo)
    for channel in range(3):
        np.testing.assert_allclose(result[..., channel], denoiser(photo[..., channel]), **CLOSE)


def test_a_colour_batch_keeps_pictures_and_channels_apart(denoiser):
    values = random_pixels(3, 20, 24, 3)
    result = denoiser(values)
    for picture in range(3):
        for channel in range(3):
            alone = denoiser(values[picture, ..., channel])
            np.testing.assert_allclose(result[picture, ..., channel], alone, **CLOSE)


def test_a_batch_equals_its_pictures_one_by_one(denoiser):
    values = random_pixels(4, 20, 24, 1)
    singles = np.stack([denoiser(one) for one in values])
    np.testing.assert_allclose(denoiser(values), singles, **CLOSE)


def test_a_list_gives_a_list_of_pictures_of_any_sizes_and_kinds(denoiser, camera):
    pictures = [camera[:30, :40], Image.fromarray(camera[:25, :20]), random_pixels(9, 21)]
    results = denoiser(pictures)
    assert isinstance(results, list) and isinstance(results[1], Image.Image)
    for picture, result in zip(pictures, results, strict=True):
        np.testing.assert_array_equal(np.asarray(result), np.asarray(denoiser(picture)))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(20, 24), (20, 24, 1), (20, 24, 3), (2, 20, 24, 4)])
def test_a_restored_array_is_of_the_kind_that_came(denoiser, dtype, shape):
    top = 1 if np.dtype(dtype).kind == "f" else np.iinfo(dtype).max
    array = (random_pixels(*shape) * top).astype(dtype)
    result = denoiser(array)
    assert (result.shape, result.dtype) == (shape, dtype)
    assert result.min() >= 0 and result.max() <= top
    assert (result != array).any()


def test_all_kinds_of_the_same_picture_are_restored_alike(denoiser, camera, tmp_path):
    photo = camera[:40, :50]
    Image.fromarray(photo).save(tmp_path / "photo.png")
    expected = denoiser(photo)
    for same in (tmp_path / "photo.png", str(tmp_path / "photo.png"), Image.fromarray(photo)):
        result = denoiser(same)
        assert isinstance(result, Image.Image) and result.mode == "L"
        np.testing.assert_array_equal(np.asarray(result), expected)
    floats = denoiser(photo / 255)
    assert np.abs(floats * 255 - expected).max() <= ROUNDED


def test_alpha_is_kept_unchanged(denoiser, astronaut):
    alpha = np.arange(40 * 50, dtype=np.uint8).reshape(40, 50, 1)
    photo = np.concatenate([astronaut[:40, :50], alpha], -1)
    result = denoiser(Image.fromarray(photo))
    assert result.mode == "RGBA"
    np.testing.assert_array_equal(np.asarray(result)[..., 3:], alpha)
    np.testing.assert_array_equal(np.asarray(result)[..., :3], denoiser(photo[..., :3].copy()))


def test_an_untrained_denoiser_returns_its_input(camera):
    assert (zoo.load("dncnn_tiny", weights=None)(camera) == camera).all()


def test_the_pipeline_follows_changes_of_its_net(camera):
    pipeline = zoo.load("dncnn_tiny", weights=None)
    before = pipeline(camera[:20, :20])
    pipeline.net.weights[-1].assign([0.5])
    after = pipeline(camera[:20, :20])
    assert (before == camera[:20, :20]).all() and (after < before).any()


@pytest.mark.parametrize("size", [(12, 12), (200, 97), (5, 300), (1, 1)])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_classifier_ranks_all_labels_for_a_photograph_of_any_size(
    classifier, astronaut, size, channels
):
    photo = np.resize(astronaut, (*size, channels))
    answer = classifier(photo)
    assert all(isinstance(one, Label) for one in answer)
    assert {one.label for one in answer} == set(classifier.spec.labels)
    assert [one.probability for one in answer] == sorted(
        (one.probability for one in answer), reverse=True
    )
    assert sum(one.probability for one in answer) == pytest.approx(1, abs=1e-5)


def test_labels_are_in_the_order_of_the_nets_outputs(classifier):
    values = random_pixels(1, 12, 12, 1)
    probabilities = classifier.net(classifier.spec.normalize(values)).numpy()[0]
    for label, probability in classifier(values[0]):
        expected = probabilities[classifier.spec.labels.index(label)]
        assert probability == pytest.approx(expected, abs=1e-5)


def test_a_classified_batch_equals_its_pictures_one_by_one(classifier):
    values = random_pixels(5, 30, 25, 3)
    batch = classifier(values)
    assert len(batch) == 5
    for together, one in zip(batch, values, strict=True):
        alone = dict(classifier(one))
        assert dict(together) == pytest.approx(alone, abs=1e-5)


@pytest.mark.parametrize("size", [(12, 11), (11, 40), (3, 5), (200, 131)])
def test_a_photograph_is_resized_as_tensorflow_does_it(classifier, size):
    values = random_pixels(2, *size, 1)
    expected = tf.image.resize(values, (12, 12), antialias=True)
    np.testing.assert_allclose(classifier.fitted(values), expected, **CLOSE)


def test_a_photograph_is_shrunk_without_aliasing_before_it_is_classified(classifier):
    """One-pixel stripes are mean grey to the net, whichever of them a sample would hit."""
    stripes = np.zeros((132, 132), np.uint8)
    stripes[:, ::2] = 255
    grey = dict(classifier(np.full((12, 12), 0.5)))
    sampled = dict(classifier(stripes[5::11, 5::11]))
    assert dict(classifier(stripes)) == pytest.approx(grey, abs=0.005)
    assert sampled != pytest.approx(grey, abs=0.01)


@pytest.mark.parametrize("name", ["dncnn_tiny", "cnn_tiny"])
@pytest.mark.parametrize("bad", [np.zeros((4, 4, 2)), "missing.png", [np.zeros((4, 4), int)]])
def test_a_pipeline_refuses_what_is_no_picture(name, bad):
    with pytest.raises(zoo.ZooError, match=r"expected|no such file"):
        zoo.load(name, weights=None)(bad)


@pytest.fixture(scope="module")
def enlarger():
    """srcnn_tiny with weights that are all at work: twice the size."""
    return with_random_weights("srcnn_tiny")


def test_enlarging_keeps_the_kind_and_the_alpha_of_a_picture(enlarger, astronaut):
    colour = astronaut[100:130, 200:241]
    alpha = np.arange(30 * 41, dtype=np.uint8).reshape(30, 41, 1)
    large = enlarger(np.concatenate([colour, alpha], -1))
    assert large.shape == (60, 82, 4) and large.dtype == np.uint8
    np.testing.assert_array_equal(large[..., 3], np.kron(alpha[..., 0], np.ones((2, 2), np.uint8)))
    np.testing.assert_array_equal(large[..., :3], enlarger(colour))
    assert enlarger(colour[..., 0]).shape == (60, 82)
    assert enlarger(np.stack([colour] * 2)).shape == (2, 60, 82, 3)
    assert enlarger(Image.fromarray(colour)).size == (82, 60)


def test_of_colour_only_luma_goes_through_a_net_that_says_so(astronaut):
    """A net that adds 0.1 to what it is given: luma grows by that, chroma is enlarged."""
    brighter = zoo.load("srcnn_tiny", weights=None)
    brighter.net.layers[-1].bias.assign([0.1])
    values = astronaut[None, 100:130, 200:230].astype(np.float32) / 255 * 0.5 + 0.2
    expected = enlarge(to_ycbcr(values), 2) + np.array([0.1, 0, 0])
    np.testing.assert_allclose(to_ycbcr(brighter.infer(values)), expected, atol=1e-5)


def test_a_scale_that_the_net_does_not_know_is_refused(enlarger, denoiser, classifier, camera):
    with pytest.raises(zoo.ZooError, match="srcnn_tiny: expected a scale of 2, got 3"):
        enlarger(camera, scale=3)
    with pytest.raises(zoo.ZooError, match=r"dncnn_tiny: expected a scale of 1, got 2\.5"):
        denoiser(camera, scale=2.5)
    with pytest.raises(TypeError, match="scale"):
        classifier(camera, scale=2)


def test_a_picture_smaller_than_the_nets_margin_is_refused():
    with pytest.raises(
        zoo.ZooError, match="srcnn_x2: expected sides of at least 4 pixels, got a picture of 3x20"
    ):
        zoo.load("srcnn_x2", weights=None)(np.zeros((3, 20), np.uint8))


def test_the_ensemble_does_not_care_how_a_picture_is_turned(denoiser, camera):
    values = camera[None, 100:140, 100:152, None].astype(np.float32) / 255
    once = denoiser.infer(values, ensemble=True)
    turned = denoiser.infer(np.rot90(values[:, :, ::-1], axes=(1, 2)), ensemble=True)
    np.testing.assert_allclose(np.rot90(turned, -1, (1, 2))[:, :, ::-1], once, atol=1e-5)
    assert np.abs(once - denoiser.infer(values)).max() > 1e-3


def test_a_colour_net_takes_grey_for_colour(camera):
    colour = with_random_weights("dncnn_color")
    values = camera[None, 100:124, 100:130, None].astype(np.float32) / 255
    result = colour.infer(values)
    assert result.shape == values.shape
    same = colour.infer(np.repeat(values, 3, -1)).mean(-1, keepdims=True)
    np.testing.assert_allclose(result, same, **CLOSE)


def test_nets_are_channels_last_whatever_keras_is_set_to(tmp_path):
    (tmp_path / "keras.json").write_text('{"image_data_format": "channels_first"}')
    code = """
import numpy as np, zoo
for name in zoo.names("*_tiny"):
    entry = zoo.entry(name)
    net = entry.build()
    assert net.count_params() == entry.parameters
    pipeline = zoo.load(name, weights=None)
    pipeline.sample(1) if entry.spec.latent else pipeline(np.zeros((20, 20, 1), np.uint8))
    assert entry.critic is None or entry.critic()
print("all")
"""
    assert in_second_process(code, KERAS_HOME=str(tmp_path)).endswith("all\n")


@pytest.mark.parametrize("backend", ["jax", "numpy"])
def test_another_backend_is_refused(backend):
    code = "import zoo\ntry: zoo.load('cnn_tiny', weights=None)\nexcept zoo.ZooError as e: print(e)"
    said = in_second_process(code, KERAS_BACKEND=backend)
    assert "expected Keras on TensorFlow, got" in said
