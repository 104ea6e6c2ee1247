"""The noise of a picture, told or estimated."""

import numpy as np
import pytest
from PIL import Image, ImageFilter
from tiny import smoothed

import zoo
from zoo.images import noise


def noisy(picture, sigma, seed=0):
    values = picture.reshape(1, *picture.shape[:2], -1).astype(np.float32) / 255
    return values + np.random.default_rng(seed).normal(0, sigma / 255, values.shape)


@pytest.mark.parametrize("sigma", [5, 15, 25, 50, 75])
def test_white_noise_is_measured(astronaut, camera, sigma):
    for picture in (astronaut[:300, :301], camera[100:400, 100:401]):
        (found,) = noise.estimated(noisy(picture, sigma))
        assert found == pytest.approx(sigma, rel=0.1, abs=1.5)


def test_each_picture_of_a_batch_has_its_own(camera):
    part = camera[:128, :128]
    both = np.concatenate([noisy(part, 10), noisy(part, 40)])
    low, high = noise.estimated(both)
    assert 5 < low < 15 and 35 < high < 45


def test_a_flat_picture_has_none():
    (found,) = noise.estimated(np.full((1, 40, 40, 3), 0.3, np.float32))
    assert found == pytest.approx(0, abs=1e-3)


def test_correlated_noise_is_not_taken_for_little(camera):
    """As a camera's after demosaicing: neighbours are alike."""
    white = noisy(np.full_like(camera, 128), 20)[..., 0]
    smooth = sum(np.roll(white, (y, x), (1, 2)) for y in range(2) for x in range(2)) / 4
    smooth = 2 * (smooth - 128 / 255)  # of sigma 20 again
    values = camera[None] / 255 + smooth
    (found,) = noise.estimated(values[..., None].astype(np.float32))
    assert 15 < found < 45


def test_texture_is_not_taken_for_white_noise(astronaut, camera):
    from skimage import data

    for picture in (astronaut, astronaut[:256, :256], camera, data.chelsea(), data.coffee()):
        assert noise.of_white(noisy(picture, 0)) == 0
        for sigma in (5, 10, 25):
            values = noisy(picture, sigma)
            found, before = noise.of_white(values), noise.estimated(values)
            assert found == pytest.approx(before, rel=0.1)
            assert found == pytest.approx(sigma, rel=0.35)


def test_what_a_camera_smoothed_is_not_taken_for_clean(astronaut):
    sharp = astronaut[:256, :256]
    smooth = np.asarray(Image.fromarray(sharp).filter(ImageFilter.GaussianBlur(1)))
    clean, smoothed, strong = (
        noise.of_camera(noisy(picture, sigma))[0]
        for picture, sigma in ((sharp, 0), (smooth, 0), (sharp, 20))
    )
    assert (clean, smoothed) == (0, noise.CAMERA) and 15 < strong < 25


def of_a_camera(picture, strength):
    """Noise on linear light, more of it in the bright, smoothed as by demosaicing."""
    light = (picture / 255) ** 2.2
    white = np.random.default_rng(0).normal(0, 1, light.shape) * np.sqrt(light + 0.1)
    seen = (light + strength * smoothed(white)).clip(0, 1) ** (1 / 2.2)
    return np.rint(255 * seen).astype(np.uint8)


def test_smoothed_noise_is_seen_beside_texture(astronaut):
    """It differs from dark to bright, as texture does from part to part."""
    from skimage import data

    for picture in (astronaut, data.coffee()):
        for strength in (0.03, 0.06):
            values = of_a_camera(picture, strength)[None] / np.float32(255)
            assert noise.by_size(values[0]).returns, noise.by_size(values[0])
            assert noise.of_camera(values) >= noise.CAMERA
        values = noisy(picture, 0)
        assert not noise.by_size(values[0]).returns and noise.of_camera(values) == 0


def test_a_tiny_picture_is_refused():
    with pytest.raises(zoo.ZooError, match=r"at least 20 pixels .*15x40; say how strong"):
        noise.estimated(np.zeros((1, 15, 40, 1), np.float32))


VALUES = np.random.default_rng(0).random((2, 20, 30, 1), np.float32)


@pytest.mark.parametrize(
    ("sigma", "shape"),
    [
        (25, (2, 1, 1, 1)),
        ([10, 20], (2, 1, 1, 1)),
        (np.ones((20, 30)), (2, 20, 30, 1)),
        (np.ones((20, 30, 1)), (2, 20, 30, 1)),
        (np.ones((2, 20, 30)), (2, 20, 30, 1)),
        (np.ones((2, 20, 30, 1), np.uint8), (2, 20, 30, 1)),
    ],
)
def test_a_number_or_a_map_is_laid_out(sigma, shape):
    found = noise.level(VALUES, sigma, 1.5, 0, 75)
    assert found.shape == shape and found.dtype == np.float32
    np.testing.assert_allclose(found.ravel()[0], 1.5 * np.ravel(sigma)[0])


@pytest.mark.parametrize(
    ("sigma", "strength", "said"),
    [
        (-1, 1, "from 0 to 75 .*got -1"),
        (76, 1, "from 0 to 75 .*got 76"),
        (60, 2, r"got 120 \(strength 2 times that\)"),
        ([10, 80], 1, "got 10 to 80"),
        (np.nan, 1, "NaN"),
        (np.full((20, 30), np.inf), 1, "infinite"),
        (np.zeros((0,)), 1, "none at all"),
        (np.ones((30, 20)), 1, r"20x30, got an array of shape \[30, 20\]"),
        ([1, 2, 3], 1, r"shape \[3\]"),
        ("much", 1, "a map of numbers or \"auto\", got 'much'"),
        (True, 1, "got True"),
        (None, 0, "strength: expected a number above 0"),
        (25, np.nan, "strength"),
        (25, "much", "strength"),
        (25, True, "strength"),
        (None, 10**400, "strength"),
    ],
)
def test_what_is_no_level_is_refused(sigma, strength, said):
    with pytest.raises(zoo.ZooError, match=said):
        noise.level(VALUES, sigma, strength, 0, 75)


def test_the_strength_is_any_real_number():
    for strength in (2, 2.0, np.float32(2), np.int64(2), np.array([2.0])[0]):
        assert noise.level(VALUES, 10, strength, 0, 75).max() == 20


def test_more_noise_than_the_net_knows_is_said():
    with pytest.warns(zoo.ZooWarning, match="beyond the 50"):
        found = noise.level(VALUES, "auto", 1, 0, 50)  # uniform: of sigma 74
    assert found.max() == 50
