"""Large kernels of one channel, exported as two that are faster and give the same."""

import keras
import numpy as np
import pytest
from tiny import with_random_weights

from zoo.export import separate
from zoo.tasks.parts import Part, parts


def test_large_kernels_of_one_channel_are_exported_as_two_and_equal(tmp_path):
    pipeline = with_random_weights("srcnn_small_x3")
    (part,) = parts(pipeline)
    made = separate.separated(part)
    sides = [layer.kernel_size for layer in made.net.layers if hasattr(layer, "kernel_size")]
    assert sides == [(1, 9), (9, 1), (1, 1), (5, 1), (1, 5)]
    values = np.random.default_rng(0).random((2, 40, 31, 1), np.float32)
    found, expected = (np.asarray(p.net(values)) for p in (made, part))
    assert np.abs(found - expected).max() < 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_separated_layers_keep_their_padding_bias_and_activation(padding):
    image = keras.Input((None, None, 1))
    options = {"padding": padding, "bias_initializer": "normal"}
    x = keras.layers.Conv2D(3, (5, 7), activation="relu", **options)(image)
    x = keras.layers.Conv2D(2, 5, use_bias=False, padding=padding)(x)
    net = keras.Model(image, keras.layers.Conv2D(1, 6, activation="tanh", **options)(x))
    made = separate.separated(Part("", "image", net.input_shape, ("restored",), net, None, None))
    values = np.random.default_rng(0).normal(size=(2, 19, 23, 1)).astype(np.float32)
    np.testing.assert_allclose(made.net(values), net(values), atol=1e-5)
    assert separate.last_pieces(made.net) == 2 and separate.last_pieces(net) == 1


def test_nets_of_small_kernels_or_many_channels_are_exported_as_they_are():
    for name in ("dncnn_s25", "cnn_mnist", "dcgan_mnist"):
        (part,) = parts(with_random_weights(name))
        assert separate.separated(part) is part
