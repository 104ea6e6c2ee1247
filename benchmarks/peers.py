"""What tutorials train to make pictures, built from the sizes that their pages state.

Of 28x28: TensorFlow's (https://www.tensorflow.org/tutorials/generative/dcgan), a generator of
2,330,944 weights and a discriminator of 212,865, 5x5 kernels, Adam 1e-4, batches of 256. Of faces:
PyTorch's (https://docs.pytorch.org/tutorials/beginner/dcgan_faces_tutorial.html), which is
Radford's at 64x64, 3,576,704 and 2,765,568 weights, 4x4 kernels, Adam 2e-4 with a first decay of
.5, batches of 128. Neither averages weights.
"""

import dataclasses
from collections.abc import Callable

import keras
from keras import layers


@dataclasses.dataclass(frozen=True)
class Peer:
    """What a tutorial trains, and how."""

    generator: Callable[[], keras.Model]
    discriminator: Callable[[], keras.Model]
    latent: int
    batch: int
    rate: float
    first_decay: float = 0.9


def generator():
    """`[b, 100]` to `[b, 28, 28, 1]` in [-1, 1]."""

    def normalised():
        return layers.BatchNormalization(), layers.LeakyReLU()

    return keras.Sequential(
        [
            keras.Input((100,)),
            layers.Dense(7 * 7 * 256, use_bias=False),
            *normalised(),
            layers.Reshape((7, 7, 256)),
            _up(128, strides=1),
            *normalised(),
            _up(64, strides=2),
            *normalised(),
            _up(1, strides=2, activation="tanh"),
        ]
    )


def discriminator():
    """`[b, 28, 28, 1]` to a score `[b, 1]`."""
    net = keras.Sequential([keras.Input((28, 28, 1))])
    for width in (64, 128):
        net.add(layers.Conv2D(width, 5, strides=2, padding="same"))
        net.add(layers.LeakyReLU())
        net.add(layers.Dropout(0.3))
    net.add(layers.Flatten())
    net.add(layers.Dense(1))
    return net


def face_generator():
    """`[b, 100]` to `[b, 64, 64, 3]` in [-1, 1]."""
    net = keras.Sequential([keras.Input((100,)), layers.Reshape((1, 1, 100))])
    net.add(_radford(layers.Conv2DTranspose, 512, strides=1, padding="valid"))
    for width in (256, 128, 64, 3):
        net.add(_normalised())
        net.add(layers.ReLU())
        net.add(_radford(layers.Conv2DTranspose, width))
    net.add(layers.Activation("tanh"))
    return net


def face_discriminator():
    """`[b, 64, 64, 3]` to a score `[b, 1]`."""
    net = keras.Sequential([keras.Input((64, 64, 3))])
    for width in (64, 128, 256, 512):
        net.add(_radford(layers.Conv2D, width))
        if width > 64:
            net.add(_normalised())
        net.add(layers.LeakyReLU(negative_slope=0.2))
    net.add(_radford(layers.Conv2D, 1, strides=1, padding="valid"))
    net.add(layers.Flatten())
    return net


PEERS = {
    (28, 28, 1): Peer(generator, discriminator, 100, 256, 1e-4),
    (64, 64, 3): Peer(face_generator, face_discriminator, 100, 128, 2e-4, 0.5),
}


def _radford(layer, width: int, **options):
    options = {"strides": 2, "padding": "same", "use_bias": False} | options
    return layer(width, 4, kernel_initializer=keras.initializers.RandomNormal(0, 0.02), **options)


def _normalised():
    scale = keras.initializers.RandomNormal(1, 0.02)
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5, gamma_initializer=scale)


def _up(width: int, strides: int, **options):
    options = {"padding": "same", "use_bias": False} | options
    return layers.Conv2DTranspose(width, 5, strides=strides, **options)
