"""VAE: an encoder that finds what a picture could be made from, and a decoder that makes it.

Kingma, Welling: Auto-Encoding Variational Bayes, ICLR 2014, https://arxiv.org/abs/1312.6114
"""

import dataclasses

from zoo.data.sets import FEATURE_EXTRACTORS, LICENCES
from zoo.index import Benchmark, Entry, Spec, in_cycles, register
from zoo.tasks.autoencode import Recipe

PAPER = (
    "Kingma, Welling: Auto-Encoding Variational Bayes, ICLR 2014, https://arxiv.org/abs/1312.6114"
)


def vae(
    shape: tuple[int, int, int] = (28, 28, 1),
    latent: int = 32,
    widths: tuple[int, ...] = (16, 32),
    dense: int = 256,
):
    """Builds an autoencoder whose layer in the middle is a normal distribution.

    It takes pictures `[b, h, w, c]` and gives logits of the pixels `[b, h, w, c]`, as made from the
    mean of the latents, and the mean and log variance of these, `[b, n]` each. Its parts are
    `net.get_layer("encoder")`, pictures to mean and log variance, and `net.get_layer("decoder")`,
    latents to logits; between them `zoo.metrics.likelihood.terms` samples.

    Args:
        shape: of a picture; its sides are multiples of `2 ** len(widths)`.
        latent: how many numbers, n.
        widths: channels of the encoder's convolutions, each of which halves the sides; the
            decoder's go back the same way.
        dense: width of the dense layer on both sides of the latents.
    """
    import keras

    encoder = _encoder(shape, latent, widths, dense)
    decoder = _decoder(shape, latent, widths, dense)
    image = keras.Input(shape, name="image")
    mean, logvar = encoder(image)
    return keras.Model(image, [decoder(mean), mean, logvar], name="vae")


def _encoder(shape, latent: int, widths, dense: int):
    import keras
    from keras import layers

    image = x = keras.Input(shape, name="image")
    for number, width in enumerate(widths, 1):
        x = layers.Conv2D(width, 3, name=f"conv{number}", **_SAME)(x)
        x = layers.Conv2D(width, 4, strides=2, name=f"down{number}", **_SAME)(x)
    x = layers.Flatten(data_format="channels_last", name="flat")(x)
    x = layers.Dense(dense, name="dense", **_ACTIVE)(x)
    mean = layers.Dense(latent, name="mean")(x)
    logvar = layers.Dense(latent, kernel_initializer="zeros", name="logvar")(x)
    return keras.Model(image, [mean, logvar], name="encoder")


def _decoder(shape, latent: int, widths, dense: int):
    import keras
    from keras import layers

    height, wide, channels = shape
    first = (height // 2 ** len(widths), wide // 2 ** len(widths), widths[-1])
    code = keras.Input((latent,), name="latent")
    x = layers.Dense(dense, name="dense1", **_ACTIVE)(code)
    x = layers.Dense(first[0] * first[1] * first[2], name="dense2", **_ACTIVE)(x)
    x = layers.Reshape(first, name="reshape")(x)
    for number, width in reversed(list(enumerate(widths[:-1], 1))):
        x = layers.Conv2DTranspose(width, 4, strides=2, name=f"up{number + 1}", **_SAME)(x)
        x = layers.Conv2D(width, 3, name=f"conv{number + 1}", **_SAME)(x)
    logits = layers.Conv2DTranspose(channels, 4, strides=2, name="logits", **_PADDED)(x)
    return keras.Model(code, logits, name="decoder")


_ACTIVE = {"activation": "swish", "kernel_initializer": "he_normal"}
_PADDED = {"padding": "same", "data_format": "channels_last"}
_SAME = _PADDED | _ACTIVE
_LIMITS = (
    "knows pictures like its training pictures only: 28x28, light on black, centred",
    "samples are the mean of each pixel: softer than real ones",
)
_IWAE = {"VAE, one layer (Burda et al. 2016)": 0, "IWAE-50 (Burda et al. 2016)": 1}


def _published(*nats: float) -> dict[str, dict[str, float]]:
    return {label: {"nll": nats[column]} for label, column in _IWAE.items()}


_MNIST = Entry(
    name="vae_mnist",
    tag="dynamic",
    family="vae",
    summary="makes handwritten digits, and finds the 32 numbers that a digit could be made from",
    paper=PAPER,
    build=vae,
    spec=Spec(task="autoencode", shape=(28, 28, 1), latent=32, background=0.0, binary=True),
    recipe=Recipe(
        data="mnist",
        steps=25_000,
        batch=128,
        optimizer="muon",
        learning_rate=1e-2,
        weight_decay=0.03,  # without it they grow, and rounding with them: files miss their bounds
        warmup=200,
        loss="bernoulli",
        beta_steps=1_000,
        ema=0.999,
        holdout=1_000,
        every=1_000,
    ),
    parameters=865_649,
    data_licence=LICENCES["mnist"],
    benchmarks=(Benchmark("mnist", _published(86.76, 84.78)),),
    feature_extractor=FEATURE_EXTRACTORS["mnist"],
    limits=_LIMITS,
)
register(_MNIST)
register(
    dataclasses.replace(
        _MNIST,
        tag="fixed",
        summary=_MNIST.summary + " (trained on Larochelle's fixed binarisation)",
        recipe=dataclasses.replace(_MNIST.recipe, data="binarized_mnist"),
        benchmarks=(Benchmark("binarized_mnist", _published(88.71, 87.10)),),
    )
)
register(
    dataclasses.replace(
        _MNIST,
        name="vae_mnist_2d",
        summary="lays handwritten digits out on a plane: a digit from two numbers",
        build=lambda: vae(latent=2),
        spec=dataclasses.replace(_MNIST.spec, latent=2),
        # on a plane digits lie close: the steeper the net, the farther a rounded file may be off
        recipe=dataclasses.replace(_MNIST.recipe, steps=12_000, weight_decay=0.1),
        parameters=842_549,
        benchmarks=(Benchmark("mnist"),),
    )
)
register(
    dataclasses.replace(
        _MNIST,
        name="vae_fashion",
        tag="fashion_mnist",
        summary="makes garments, and finds the 32 numbers that a garment could be made from",
        spec=dataclasses.replace(_MNIST.spec, binary=False),
        recipe=dataclasses.replace(_MNIST.recipe, data="fashion_mnist", steps=12_000),
        data_licence=LICENCES["fashion_mnist"],
        benchmarks=(Benchmark("fashion_mnist"),),
        feature_extractor=FEATURE_EXTRACTORS["fashion_mnist"],
        limits=(*_LIMITS, "a sample is hardly ever a coat: most look like pullovers"),
    )
)
_FACES = dataclasses.replace(
    _MNIST.recipe,
    data="celeba",
    steps=7_500,
    batch=64,
    learning_rate=5e-3,
    loss="logistic",
    augment=("mirror",),
    precision="mixed_bfloat16",
    kept_in="float16",
    standardise=True,
)
register(
    dataclasses.replace(
        _MNIST,
        name="vae_celeba",
        tag="celeba",
        summary="makes faces, 64x64 in colour, and finds the 128 numbers of a face",
        build=lambda: vae((64, 64, 3), latent=128, widths=(16, 32, 64, 128), dense=128),
        spec=Spec(task="autoencode", shape=(64, 64, 3), latent=128),
        # to Muon the KL divergence is little beside 50,000 nats of pixels: Adam brings it down
        recipe=in_cycles(
            _FACES,
            dataclasses.replace(
                _FACES,
                steps=6_000,
                every=3_000,
                seed=2,
                optimizer="adam",
                learning_rate=1e-3,
                weight_decay=0.0,
                beta_steps=0,
            ),
        ),
        parameters=1_243_251,
        data_licence=LICENCES["celeba"],
        benchmarks=(Benchmark("celeba"),),
        feature_extractor=FEATURE_EXTRACTORS["celeba"],
        limits=(
            "knows faces like CelebA's only: famous people who look at the camera, aligned, 64x64",
            "samples are the mean of each pixel: softer than real ones",
        ),
    )
)
register(
    dataclasses.replace(
        _MNIST,
        name="vae_tiny",
        tag="test",
        summary="a few thin layers and three latents: the tests' fixture, without weights",
        build=lambda: vae((12, 12, 1), latent=3, widths=(3, 4), dense=6),
        spec=dataclasses.replace(_MNIST.spec, shape=(12, 12, 1), latent=3),
        recipe=dataclasses.replace(
            _MNIST.recipe, steps=12, batch=4, warmup=2, holdout=2, every=4, beta_steps=4
        ),
        parameters=1_417,
        benchmarks=(),
        feature_extractor=None,
        pretrained=False,
    )
)
