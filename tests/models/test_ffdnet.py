"""A denoiser that is told how strong the noise is."""

import dataclasses
import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiny import data_for, with_random_weights

import zoo
from zoo.data import batches, sources
from zoo.images import subpixel, tiling
from zoo.images.resize import to_multiple
from zoo.models.ffdnet import ffdnet
from zoo.tasks import restorer
from zoo.training.fused import fused_twin


@pytest.fixture(scope="module")
def tiny():
    return with_random_weights("ffdnet_tiny").net


@pytest.fixture(scope="module")
def pipeline():
    return with_random_weights("ffdnet_tiny")


def given(height=12, width=16, channels=1):
    rng = np.random.default_rng(0)
    shapes = (2, height, width, channels), (2, height, width, 1)
    return [rng.random(shape, np.float32) for shape in shapes]


@pytest.mark.parametrize(
    ("options", "published"),
    [({}, 485_316), ({"depth": 12, "width": 96, "channels": 3}, 852_108)],
)
def test_its_weights_are_the_papers_but_for_a_bias_of_each_pixel_of_a_square(options, published):
    channels = options.get("channels", 1)
    assert ffdnet(**options).count_params() == published - 3 * channels


def test_it_works_on_squares_of_two_by_two_pixels_beside_their_noise(tiny):
    """Its first convolution, and its last, are of 3x3 on a picture of half the size."""
    image, sigma = given()
    first, level = tiny.get_layer("conv1"), tiny.get_layer("conv1_level")
    squares = tf.nn.space_to_depth(image, 2)
    kernel = np.reshape(first.kernel, (3, 2, 3, 2, 1, -1)).transpose(0, 2, 1, 3, 4, 5)
    kernel = np.concatenate([kernel.reshape(3, 3, 4, -1), level.kernel], axis=2)
    beside = tf.nn.avg_pool2d(sigma, 2, 2, "VALID")
    wanted = tf.nn.conv2d(tf.concat([squares, beside], -1), kernel, 1, "SAME") + first.bias
    until = keras.Model(tiny.inputs, tiny.get_layer("told").output)
    np.testing.assert_allclose(until([image, sigma]), wanted, atol=1e-5)
    assert subpixel.fits(tiny.get_layer("conv3"))


def test_untrained_it_returns_its_input():
    image, sigma = given(channels=3)
    net = ffdnet(depth=3, width=4, channels=3)
    np.testing.assert_array_equal(net([image, sigma]), image)


def test_its_twin_computes_what_it_does(tiny):
    values = given()
    np.testing.assert_allclose(fused_twin(tiny)(values), tiny(values), atol=1e-5)


@pytest.mark.parametrize("size", [(11, 15), (12, 15), (11, 16), (1, 1)])
def test_odd_sides_are_mirrored_by_a_pixel_and_cut_again(pipeline, size):
    image, _ = given(*size)
    found = pipeline.infer(image, sigma=20)
    odd = [(0, 0), (0, size[0] % 2), (0, size[1] % 2), (0, 0)]
    whole = np.pad(image, odd, "symmetric")
    expected = pipeline.infer(whole, sigma=20)[:, : size[0], : size[1]]
    assert found.shape == image.shape
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_map_of_one_level_is_that_level(pipeline):
    image, _ = given()
    sigma = np.full((*image.shape[:3], 1), 30, np.float32)
    one, other = (pipeline.infer(image, sigma=level) for level in (30, sigma))
    np.testing.assert_array_equal(one, other)
    assert np.abs(pipeline.infer(image, sigma=60) - one).max() > 1e-3


def test_a_map_goes_with_its_picture_through_tiles_and_turns(pipeline, monkeypatch):
    monkeypatch.setattr(restorer, "tiled", functools.partial(tiling.tiled, tile=24))
    rng = np.random.default_rng(0)
    image = rng.random((1, 61, 75, 1), np.float32)
    sigma = rng.uniform(0, 75, (61, 75)).astype(np.float32)
    whole = pipeline.compute(
        "",
        {
            k: to_multiple(v, 2)
            for k, v in {"image": image, "sigma": sigma[None, ..., None]}.items()
        },
    )[:, :61, :75]
    np.testing.assert_allclose(pipeline.infer(image, sigma=sigma), whole, atol=1e-5)
    turned = pipeline.infer(np.rot90(image, axes=(1, 2)), ensemble=True, sigma=np.rot90(sigma))
    once = pipeline.infer(image, ensemble=True, sigma=sigma)
    np.testing.assert_allclose(turned, np.rot90(once, axes=(1, 2)), atol=1e-5)


def test_each_channel_of_colour_has_the_level_of_its_picture(pipeline):
    rng = np.random.default_rng(0)
    colour = rng.random((2, 20, 24, 3), np.float32)
    both = pipeline.infer(colour, sigma=[10, 60])
    for number, sigma in enumerate((10, 60)):
        for channel in range(3):
            grey = colour[number : number + 1, ..., channel : channel + 1]
            alone = pipeline.infer(grey, sigma=sigma)[0, ..., 0]
            np.testing.assert_allclose(both[number, ..., channel], alone, atol=1e-6)


def test_a_batch_says_how_strong_its_noise_is(tmp_path):
    entry = zoo.entry("ffdnet_tiny")
    recipe = dataclasses.replace(entry.recipe, batch=64, patch=24, rescale=())
    entry = dataclasses.replace(entry, recipe=recipe)
    pictures = sources.load(data_for(entry, tmp_path), 1)
    noisy, level, clean = next(iter(batches.dataset(entry, pictures, 0, 1)))
    assert level.shape == (64, 24, 24, 1)
    told = np.array(level)[:, 0, 0, 0] * 255
    assert np.ptp(level, axis=(1, 2, 3)).max() == 0
    assert 0 <= told.min() < 10 and 65 < told.max() <= 75
    found = np.std((noisy - clean) * 255, axis=(1, 2, 3))
    np.testing.assert_allclose(found, told, rtol=0.15, atol=0.01)  # of 576 pixels


PUBLISHED = [name for name in zoo.names("ffdnet_*") if zoo.entry(name).pretrained]


@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.parametrize("sigma", [0, "auto"])
def test_a_clean_picture_comes_back_as_it_came(name, sigma, astronaut):
    clean = astronaut[:256, :256]
    made = zoo.load(name)(clean, sigma=sigma)
    assert np.abs(made.astype(float) - clean).mean() <= 0.5
