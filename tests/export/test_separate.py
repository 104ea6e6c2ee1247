"""Large kernels of one channel, exported as two that are faster and give the same."""

import keras
import numpy as np
import pytest
from tiny import with_random_weights

from zoo.export import separate
from zoo.tasks.functions import Function, Input, functions


def test_large_kernels_of_one_channel_are_exported_as_two_and_equal(tmp_path):
    pipeline = with_random_weights("srcnn_small_x3")
    (function,) = functions(pipeline)
    made = separate.separated(function)
    sides = [layer.kernel_size for layer in made.net.layers if hasattr(layer, "kernel_size")]
    assert sides == [(1, 9), (9, 1), (1, 1), (5, 1), (1, 5)]
    values = np.random.default_rng(0).random((2, 40, 31, 1), np.float32)
    found, expected = (np.asarray(p.net(values)) for p in (made, function))
    assert np.abs(found - expected).max() < 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_separated_layers_keep_their_padding_bias_and_activation(padding):
    image = keras.Input((None, None, 1))
    options = {"padding": padding, "bias_initializer": "normal"}
    x = keras.layers.Conv2D(3, (5, 7), activation="relu", **options)(image)
    x = keras.layers.Conv2D(2, 5, use_bias=False, padding=padding)(x)
    net = keras.Model(image, keras.layers.Conv2D(1, 6, activation="tanh", **options)(x))
    made = separate.separated(
        Function("", (Input("image", net.input_shape),), ("restored",), net, None, None)
    )
    values = np.random.default_rng(0).normal(size=(2, 19, 23, 1)).astype(np.float32)
    np.testing.assert_allclose(made.net(values), net(values), atol=1e-5)
    assert separate.last_pieces(made.net) == 2 and separate.last_pieces(net) == 1


@pytest.mark.parametrize(("stride", "kernel"), [(2, 6), (2, (2, 10)), (3, 15), (4, 12)])
def test_a_transposed_convolution_is_exported_as_one_of_the_small_picture(stride, kernel):
    image = keras.Input((None, None, 3))
    options = {"padding": "same", "bias_initializer": "normal"}
    net = keras.Model(image, keras.layers.Conv2DTranspose(2, kernel, stride, **options)(image))
    made = separate.separated(
        Function("", (Input("image", net.input_shape),), ("enlarged",), net, None, None)
    )
    kinds = [type(layer) for layer in made.net.layers]
    assert keras.layers.Conv2D in kinds and keras.layers.Conv2DTranspose not in kinds
    values = np.random.default_rng(0).normal(size=(2, 9, 11, 3)).astype(np.float32)
    np.testing.assert_allclose(made.net(values), net(values), atol=1e-5)


@pytest.mark.parametrize("channels", [1, 3])
def test_repeated_pixels_of_one_channel_are_channels_laid_out(channels):
    image = keras.Input((None, None, channels))
    net = keras.Model(image, keras.layers.UpSampling2D(3)(image))
    made = separate.separated(
        Function("", (Input("image", net.input_shape),), ("enlarged",), net, None, None)
    )
    kinds = [type(layer) for layer in made.net.layers]
    assert (keras.layers.UpSampling2D in kinds) == (channels > 1)
    values = np.random.default_rng(0).normal(size=(2, 9, 11, channels)).astype(np.float32)
    np.testing.assert_array_equal(made.net(values), net(values))


def test_nets_of_small_kernels_or_many_channels_are_exported_as_they_are():
    for name in ("dncnn_s25", "cnn_mnist", "dcgan_mnist"):
        (function,) = functions(with_random_weights(name))
        assert separate.separated(function) is function
