"""Small nets as people publish them, with seeded random weights."""

import keras
import numpy as np
from PIL import Image

L = keras.layers


def seeded(build, seed: int = 0):
    """A net whose weights are the same each time."""
    keras.utils.set_random_seed(seed)
    return build()


COLOURS = ("red", "green", "blue")


def colour_photos(folder, side: int, each: int):
    """Writes a folder a colour, of pictures that `colours` tells apart."""
    rng = np.random.default_rng(0)
    for channel, name in enumerate(COLOURS):
        (folder / name).mkdir()
        for number in range(each):
            pixels = rng.integers(0, 120, (side, side, 3), np.uint8)
            pixels[..., channel] += 60
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder


def colours() -> keras.Model:
    """A Sequential classifier, certain of its answers: which channel is brightest."""
    net = keras.Sequential([
        keras.Input((12, 12, 3)), L.Rescaling(1 / 127.5, offset=-1),
        L.GlobalAveragePooling2D(), L.Dense(3, activation="softmax"),
    ])  # fmt: skip
    net.layers[-1].set_weights([np.eye(3, dtype=np.float32) * 400, np.zeros(3, np.float32)])
    return net


def plain() -> keras.Model:
    """A convolutional classifier of logits."""
    image = keras.Input((16, 16, 3))
    x = L.Conv2D(8, 3, strides=2, padding="same", activation="relu")(image)
    x = L.BatchNormalization()(x)
    x = L.GlobalAveragePooling2D()(x)
    return keras.Model(image, L.Dense(4)(x), name="plain")


def unet(side: int | None = None) -> keras.Model:
    """Three levels; sides are multiples of four."""
    image = keras.Input((side, side, 3))
    one = L.Conv2D(8, 3, padding="same", activation="relu")(image)
    two = L.Conv2D(8, 3, padding="same", activation="relu")(L.MaxPooling2D()(one))
    three = L.Conv2D(8, 3, padding="same", activation="relu")(L.MaxPooling2D()(two))
    up = L.Concatenate()([L.UpSampling2D()(three), two])
    up = L.Conv2DTranspose(8, 2, strides=2, activation="relu")(up)
    up = L.Concatenate()([up, one])
    return keras.Model(image, L.Conv2D(5, 1, activation="softmax")(up), name="unet")


def subpixel(scale: int = 2) -> keras.Model:
    """Enlarges itself."""
    image = keras.Input((None, None, 1))
    x = L.Conv2D(16, 5, padding="same", activation="tanh")(image)
    x = L.Conv2D(8, 3, padding="same", activation="tanh")(x)
    made = L.Conv2DTranspose(1, scale, strides=scale)(x)
    return keras.Model(image, made, name="subpixel")


def autoencoder(variational: bool = False) -> keras.Model:
    """Two nets, called encoder and decoder."""
    image = keras.Input((8, 8, 1))
    x = L.Flatten()(L.Conv2D(4, 3, strides=2, padding="same", activation="relu")(image))
    given = [L.Dense(6)(x), L.Dense(6)(x)] if variational else L.Dense(6)(x)
    encoder = keras.Model(image, given, name="encoder")
    code = keras.Input((6,))
    x = L.Reshape((4, 4, 4))(L.Dense(64, activation="relu")(code))
    made = L.Conv2DTranspose(1, 2, strides=2, activation=None if variational else "sigmoid")(x)
    decoder = keras.Model(code, made, name="decoder")
    taken = encoder(image)
    return keras.Model(image, decoder(taken[0] if variational else taken), name="auto")


def two_inputs() -> keras.Model:
    """A picture and numbers to numbers and a mask."""
    numbers, image = keras.Input((4,), name="numbers"), keras.Input((8, 8, 3), name="photo")
    x = L.GlobalAveragePooling2D()(L.Conv2D(6, 3, activation="relu")(image))
    answer = L.Dense(5, name="answer")(L.Concatenate()([numbers, x]))
    return keras.Model([numbers, image], [answer, L.Conv2D(2, 3, name="mask")(image)])


def enliven(net: keras.Model, pictures: np.ndarray) -> None:
    """Random nets of many layers say the same of all pictures, and grow chaotic on others than
    their batch normalisation knows: it is given the statistics of these, `[b, h, w, c]` in the
    net's range."""
    for layer in net._flatten_layers(include_self=False):
        if isinstance(layer, L.BatchNormalization):
            layer.momentum = 0.0
    net(pictures, training=True)
