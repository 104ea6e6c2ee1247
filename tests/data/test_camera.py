"""Noise as a camera makes it."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from zoo.data import camera as module
from zoo.data.camera import CAMERA, camera
from zoo.data.degradation import Degradation
from zoo.data.degrade import any_of, degrade

PLAIN = dataclasses.replace(CAMERA, sizes=(1,), red=(1, 1), blue=(1, 1))


def flat(grey, side=96, channels=3):
    return np.full((2, side, side, channels), grey, np.float32)


def noise_of(grey, about=PLAIN, sigma=12.0, seed=(1, 2)):
    """Before JPEG, which halves the colours' size."""
    made = module._reduced(tf.constant(flat(grey)), sigma, seed, about, about.sizes[0])
    return made.numpy()[:, 2:-2, 2:-2]


def likeness(noise) -> float:
    """Of horizontal neighbours, in green."""
    green = noise[0, ..., 1]
    return float(np.corrcoef(green[:, :-1].ravel(), green[:, 1:].ravel())[0, 1])


def test_linear_light_is_srgbs():
    values = np.linspace(0, 1, 256, dtype=np.float32)
    light = module._linear(values).numpy()
    assert light[188] == pytest.approx(0.5029, abs=1e-3)  # IEC 61966-2-1: 187.5 is half the light
    np.testing.assert_allclose(module._srgb(light), values, atol=1e-5)


def test_at_middle_grey_the_sensor_has_the_strength():
    """Bayer's green is measured at half of the pixels and the mean of four at the others."""
    wanted = 12 / 255 * np.sqrt((1 + 1 / 4) / 2)
    assert noise_of(0.5)[..., 1].std() == pytest.approx(wanted, rel=0.1)


def test_it_grows_with_the_light_but_less_than_srgb_hides_it():
    light = dataclasses.replace(PLAIN, constant=(0.0, 0.0))
    dark, middle = (noise_of(grey, light)[..., 1].std() for grey in (0.3, 0.5))
    read = dataclasses.replace(PLAIN, constant=(1.0, 1.0))
    dark_read, middle_read = (noise_of(grey, read)[..., 1].std() for grey in (0.3, 0.5))
    assert dark_read / middle_read > 1.3 * dark / middle


def test_neighbours_are_alike_more_so_after_a_reduction():
    once, twice = (dataclasses.replace(PLAIN, sizes=(size,)) for size in (1, 2))
    assert 0.2 < likeness(noise_of(0.5, once)) < 0.6
    assert noise_of(0.5, twice)[..., 1].std() < noise_of(0.5, once)[..., 1].std()
    white = np.random.default_rng(0).normal(size=(1, 92, 92, 3))
    assert abs(likeness(white)) < 0.05


def test_red_is_noisier_where_it_is_amplified():
    warm = dataclasses.replace(PLAIN, red=(2.0, 2.0))
    assert noise_of(0.5, warm)[..., 0].std() > 1.3 * noise_of(0.5)[..., 0].std()


def test_what_is_seen_stays(astronaut):
    clean = astronaut[None, :128, :128].astype(np.float32) / 255
    made = np.mean([camera(clean, 8.0, (0, n)).numpy() for n in range(8)], axis=0)
    assert np.abs(made - clean).mean() < 0.02


@pytest.mark.parametrize("channels", [1, 3])
def test_it_is_seeded_and_stays_in_range(channels):
    values = np.random.default_rng(0).random((2, 32, 40, channels), np.float32)
    first, same, other = (
        degrade(values, Degradation.parse("camera:20"), seed).numpy()
        for seed in ((0, 1), (0, 1), (0, 2))
    )
    assert first.shape == values.shape and first.min() >= 0 and first.max() <= 1
    np.testing.assert_array_equal(first, same)
    assert np.abs(first - other).max() > 0.01


def test_it_is_traced_with_a_strength_for_each_picture():
    make = tf.function(lambda x, s: any_of(x, [Degradation.parse("camera:1-30")], s))
    made = make(tf.constant(flat(0.5, 32)), tf.constant([3, 4]))
    assert made.shape == (2, 32, 32, 3)
    assert abs(float(np.std(made[0])) - float(np.std(made[1]))) > 1e-3
