"""Figures of merit, against their formulas and scikit-image's."""

import numpy as np
import pytest

import zoo
from zoo.metrics import quality, temperature


def noisy(picture, sigma):
    noise = np.random.default_rng(3).normal(0, sigma, picture.shape)
    return np.rint((picture + noise).clip(0, 255)).astype(np.uint8)


@pytest.mark.parametrize("sigma", [1, 5, 25, 80])
def test_psnr_is_its_formula(astronaut, sigma):
    clean = astronaut[:64, :80]
    result = noisy(clean, sigma)
    error = np.mean((result.astype(float) - clean) ** 2)
    assert quality.psnr(result, clean) == pytest.approx(10 * np.log10(255**2 / error), abs=1e-3)


def test_psnr_of_black_and_white_is_zero_and_of_equal_pictures_infinite():
    black, white = np.zeros((12, 12, 1), np.uint8), np.full((12, 12, 1), 255, np.uint8)
    assert quality.psnr(black, white) == pytest.approx(0, abs=1e-5)
    assert quality.psnr(white, white) == np.inf


@pytest.mark.parametrize("sigma", [2, 10, 40])
def test_ssim_is_that_of_scikit_image_on_the_valid_part(astronaut, sigma):
    from skimage.metrics import structural_similarity

    clean = astronaut[50:130, 150:250]
    result = noisy(clean, sigma)
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    _, where = structural_similarity(
        clean, result, data_range=255, channel_axis=-1, full=True, **options
    )
    assert quality.ssim(result, clean) == pytest.approx(where[5:-5, 5:-5].mean(), abs=1e-3)


def test_ssim_of_equal_pictures_is_one(camera):
    assert quality.ssim(camera[:30, :40, None], camera[:30, :40, None]) == pytest.approx(1)


@pytest.mark.parametrize("shape", [(10, 40, 1), (40, 10, 3)])
def test_ssim_of_a_picture_smaller_than_its_window_is_refused(shape):
    small = np.zeros(shape, np.uint8)
    with pytest.raises(zoo.ZooError, match="at least 11 pixels"):
        quality.ssim(small, small)


PROBABILITIES = np.array([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8], [0.25, 0.5, 0.25], [0, 0, 1]])


@pytest.mark.parametrize(
    ("labels", "percent"), [([0, 2, 1, 2], 100), ([0, 2, 1, 1], 75), ([1, 0, 0, 0], 0)]
)
def test_accuracy_is_the_share_of_right_answers(labels, percent):
    assert quality.accuracy(PROBABILITIES, np.array(labels)) == percent


def test_cross_entropy_is_the_mean_negative_log_of_the_right_class():
    expected = -(np.log(0.3) + np.log(0.8) + np.log(0.25) + np.log(1)) / 4
    assert quality.cross_entropy(PROBABILITIES, np.array([1, 2, 0, 2])) == pytest.approx(expected)


def test_cross_entropy_of_an_impossible_class_is_finite():
    assert 6 < quality.cross_entropy(PROBABILITIES, np.array([0, 2, 1, 0])) < np.inf


def test_the_temperature_that_was_taken_away_is_found():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (20_000, 5))
    honest = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    labels = (honest.cumsum(-1) > rng.random((len(honest), 1))).argmax(-1)
    for factor in (0.5, 3.0):
        said = temperature.cooled(honest, 1 / factor)
        assert temperature.temperature(said, labels) == pytest.approx(factor, rel=0.05)
        before = quality.calibration_error(said, labels)
        after = quality.calibration_error(temperature.cooled(said, factor), labels)
        assert after < 1.5 < 5 < before
    np.testing.assert_allclose(temperature.cooled(honest, 1.0), honest, atol=1e-12)


def test_the_calibration_error_of_a_small_example():
    """Half of four sure answers are right; one of two at 60 % is."""
    probabilities = np.array([[1.0, 0.0]] * 4 + [[0.6, 0.4]] * 2)
    labels = np.array([0, 0, 1, 1, 0, 1])
    expected = (4 * 0.5 + 2 * 0.1) / 6 * 100
    assert quality.calibration_error(probabilities, labels) == pytest.approx(expected)
