"""Degradations and the one bicubic: against outside truths, in range, seeded."""

import numpy as np
import pytest
import tensorflow as tf
from conftest import needs
from PIL import Image

import zoo
from zoo.data import sources
from zoo.data.degradation import Degradation
from zoo.data.degrade import any_of, degrade, divisible, jpeg
from zoo.images.pixels import to_uint8
from zoo.images.resize import enlarge, mirrored, reduce
from zoo.metrics.restoration import measured

FACTORS = (2, 3, 4)


def photo(camera, height=72, width=96) -> np.ndarray:
    part = camera[100:, 150:][:height, :width]
    return part[None, ..., None].astype(np.float32) / 255


@pytest.mark.parametrize("factor", FACTORS)
def test_the_bicubic_is_tensorflows_inside_the_border(camera, factor):
    values = photo(camera)
    height, width = values.shape[1:3]
    inner = slice(4 * factor, -4 * factor)
    large = tf.image.resize(values, (height * factor, width * factor), "bicubic", antialias=True)
    np.testing.assert_allclose(
        enlarge(values, factor)[:, inner, inner], large[:, inner, inner], atol=1e-5
    )
    small = tf.image.resize(values, (height // factor, width // factor), "bicubic", antialias=True)
    np.testing.assert_allclose(
        reduce(values, factor)[:, 3:-3, 3:-3], small[:, 3:-3, 3:-3], atol=1e-5
    )


@pytest.mark.parametrize("factor", FACTORS)
def test_a_flat_picture_stays_flat_up_to_its_border(factor):
    flat = np.full((2, 24, 36, 3), 0.3, np.float32)
    np.testing.assert_allclose(enlarge(flat, factor), 0.3, atol=1e-6)
    np.testing.assert_allclose(reduce(flat, factor), 0.3, atol=1e-6)


@needs("Set5")
@pytest.mark.parametrize("factor", FACTORS)
def test_reduced_pictures_are_matlabs(factor):
    """MATLAB rounds to 8 bits after each of its two passes: hence a grey level here and there."""
    folder = sources._in_root(sources._below("Set5")).parent / "Set5_LR_matlab" / f"x{factor}"
    pictures = sources.load("Set5", 3).images
    for path, picture in zip(sorted(folder.iterdir()), pictures, strict=True):
        damage = Degradation("bicubic", factor, factor)
        values = divisible(picture, damage)[None].astype(np.float32) / 255
        ours = to_uint8(reduce(values, factor).numpy()[0]).astype(int)
        difference = np.abs(ours - np.asarray(Image.open(path)))
        assert difference.max() <= 2 and (difference > 1).mean() < 1e-4
        assert difference.mean() < 0.16


BICUBIC = {  # as SRCNN's paper has it: PSNR and SSIM on Y at 2, 3 and 4 times
    "Set5": ((33.66, 0.9299), (30.39, 0.8682), (28.42, 0.8104)),
    "Set14": ((30.23, 0.8687), (27.54, 0.7736), (26.00, 0.7019)),
}


@pytest.mark.parametrize("data", [pytest.param(name, marks=needs(name)) for name in BICUBIC])
@pytest.mark.parametrize("factor", FACTORS)
def test_the_evaluator_gives_the_published_bicubic_figures(data, factor):
    psnr, ssim = BICUBIC[data][factor - 2]
    pictures = sources.load(data, "Y")
    figures = measured(
        lambda values: enlarge(values, factor),
        pictures,
        Degradation("bicubic", factor, factor),
    )
    assert figures["psnr"] == pytest.approx(psnr, abs=0.02)
    assert figures["ssim"] == pytest.approx(ssim, abs=0.001)


@pytest.mark.parametrize(
    ("data", "quality", "psnr"),
    [
        pytest.param("Classic5", 10, 27.82, marks=needs("Classic5")),
        pytest.param("Classic5", 40, 32.43, marks=needs("Classic5")),
        pytest.param("LIVE1", 10, 27.77, marks=needs("LIVE1")),
        pytest.param("LIVE1", 40, 32.35, marks=needs("LIVE1")),
    ],
)
def test_the_evaluator_gives_the_published_jpeg_figures(data, quality, psnr):
    """Dong et al. 2015 (AR-CNN), table 2."""
    damage = Degradation("jpeg", quality, quality)
    figures = measured(lambda values: values, sources.load(data, "Y"), damage)
    assert figures["psnr"] == pytest.approx(psnr, abs=0.02)


def test_lower_jpeg_quality_costs_more(camera):
    values = photo(camera)
    errors = [np.abs(jpeg(values, quality) - values).mean() for quality in (95, 50, 10)]
    assert 0 < errors[0] < errors[1] < errors[2] < 0.1


def test_each_picture_of_a_batch_has_its_own_jpeg_quality(camera):
    values = np.repeat(photo(camera), 2, 0)
    both = jpeg(values, tf.constant([90, 10])).numpy()
    np.testing.assert_array_equal(both[0], jpeg(values[:1], 90)[0])
    np.testing.assert_array_equal(both[1], jpeg(values[:1], 10)[0])


def counts(errors) -> np.ndarray:
    """How many pictures have the same error, up to rounding; one number for each error."""
    cuts = np.flatnonzero(np.diff(np.sort(errors)) > 0.01) + 1
    return np.diff([0, *cuts, len(errors)])


def errors_of(made, values) -> np.ndarray:
    """Root of the mean squared error of each picture, in grey levels."""
    return np.sqrt(np.mean((made - values) ** 2, axis=(1, 2, 3))) * 255


@pytest.mark.parametrize("text", ["noise:0-55", "bicubic:2-4", "jpeg:5-99"])
def test_a_range_is_used_from_end_to_end_and_seeded(camera, text):
    values = np.repeat(photo(camera), 40, 0)
    damage = Degradation.parse(text)
    made = any_of(values, [damage], (1, 2)).numpy()
    assert made.shape == values.shape
    np.testing.assert_array_equal(made, any_of(values, [damage], (1, 2)))
    assert np.any(made != any_of(values, [damage], (1, 3)))
    errors = errors_of(made, values)
    if text.startswith("noise"):
        assert errors.min() < 6 and 49 < errors.max() < 58
    if text.startswith("bicubic"):
        assert len(counts(errors)) == 3
    if text.startswith("jpeg"):
        assert errors.max() > 4 * errors.min()


def test_of_several_degradations_each_picture_has_one(camera):
    values = np.repeat(photo(camera), 60, 0)
    kinds = [Degradation.parse(text) for text in ("noise:50", "bicubic:3", "jpeg:10")]
    made = any_of(values, kinds, (0, 5)).numpy()
    errors = np.sqrt(np.mean((made - values) ** 2, axis=(1, 2, 3)))
    alone = [any_of(values[:1], [kind], (0, 5)).numpy() for kind in kinds]
    expected = [np.sqrt(np.mean((one - values[:1]) ** 2)) for one in alone]
    nearest = np.abs(errors[:, None] - expected).argmin(1)
    assert set(nearest) == {0, 1, 2} and min(np.bincount(nearest)) > 8
    assert np.abs(errors - np.array(expected)[nearest]).max() < 0.01


def test_each_factor_of_a_reduction_comes_as_often_as_another_damage(camera):
    values = np.repeat(photo(camera), 80, 0)
    kinds = [Degradation.parse(text) for text in ("bicubic:2-4", "jpeg:10")]
    made = any_of(values, kinds, (0, 7)).numpy()
    found = counts(errors_of(made, values))
    assert len(found) == 4 and found.min() > 10


@pytest.mark.parametrize(
    "text", ["", "noise", "noise:", "blur:3", "noise:-1", "noise:55-0", "bicubic:2.5", "bicubic:1",
             "jpeg:0", "jpeg:101", "noise:300"],
)  # fmt: skip
def test_a_degradation_that_is_none_is_refused(text):
    with pytest.raises(zoo.ZooError, match="degradation"):
        Degradation.parse(text)


@pytest.mark.parametrize("text", ["noise:25", "noise:0-55", "noise:2.5", "bicubic:2-4", "jpeg:10"])
def test_a_degradation_is_written_as_it_is_read(text):
    assert str(Degradation.parse(text)) == text


def test_pictures_too_small_to_resize_are_refused():
    with pytest.raises(
        zoo.ZooError, match=r"expected sides of at least 2 .*, got a picture of 1x9"
    ):
        enlarge(np.zeros((1, 1, 9, 1), np.float32), 2)
    with pytest.raises(zoo.ZooError, match="not divisible by 3"):
        reduce(np.zeros((1, 10, 9, 1), np.float32), 3)
    with pytest.raises(zoo.ZooError, match="at least 8"):
        mirrored(np.zeros((1, 7, 9, 1), np.float32), 8)


def test_one_strength_is_damaged_by_that_strength(camera):
    values = photo(camera)
    noisy = degrade(values, Degradation.parse("noise:25"), (0, 0)).numpy()
    assert (noisy - values).std() * 255 == pytest.approx(25, rel=0.03)
    assert degrade(values, Degradation.parse("bicubic:3"), (0, 0)).shape == (1, 24, 32, 1)
