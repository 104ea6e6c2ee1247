"""MLP-GAN: the textbook pair of dense nets, the baseline that DCGAN is shown against.

Goodfellow et al.: Generative Adversarial Nets, NIPS 2014, https://arxiv.org/abs/1406.2661
"""

import dataclasses
import math

from zoo.data.sets import FEATURE_EXTRACTORS, LICENCES
from zoo.index import Benchmark, Entry, Spec, register
from zoo.tasks.generate import Recipe

PAPER = "Goodfellow et al.: Generative Adversarial Nets, NIPS 2014, https://arxiv.org/abs/1406.2661"


def mlp_gan(
    shape: tuple[int, int, int] = (28, 28, 1),
    latent: int = 100,
    widths: tuple[int, ...] = (256, 512, 1024),
):
    """Builds the generator: `[b, latent]` to `[b, h, w, c]` in [-1, 1]."""
    import keras
    from keras import layers

    code = x = keras.Input((latent,), name="latent")
    for number, width in enumerate(widths, 1):
        x = layers.Dense(width, kernel_initializer="he_normal", name=f"dense{number}")(x)
        x = layers.LeakyReLU(negative_slope=0.2, name=f"relu{number}")(x)
    x = layers.Dense(math.prod(shape), activation="tanh", name="pixels")(x)
    return keras.Model(code, layers.Reshape(shape, name="image")(x), name="mlp_gan")


def critic(shape: tuple[int, int, int] = (28, 28, 1), widths: tuple[int, ...] = (64, 128, 128)):
    """Builds the critic: `[b, h, w, c]` in [-1, 1] to scores `[b, 1]`, higher for real ones."""
    import keras
    from keras import layers

    image = keras.Input(shape, name="image")
    x = layers.Flatten(data_format="channels_last", name="flat")(image)
    for number, width in enumerate(widths, 1):
        x = layers.Dense(width, kernel_initializer="he_normal", name=f"dense{number}")(x)
        x = layers.LeakyReLU(negative_slope=0.2, name=f"relu{number}")(x)
    score = layers.Dense(1, use_bias=False, name="score")(x)  # pairs are compared
    return keras.Model(image, score, name="critic")


_MNIST = Entry(
    name="mlp_gan_mnist",
    tag="mnist",
    family="mlp_gan",
    summary="makes handwritten digits with dense layers alone: the baseline of `dcgan_mnist`",
    paper=PAPER,
    build=mlp_gan,
    critic=critic,
    spec=Spec(task="generate", shape=(28, 28, 1), value_range=(-1.0, 1.0), latent=100),
    recipe=Recipe(
        data="mnist",
        steps=8_000,
        batch=512,
        optimizer="muon",
        learning_rate=2e-3,
        weight_decay=0.2,  # without it they grow, and rounding with them: files miss their bounds
        warmup=100,
        loss="relativistic",
        penalty=1.0,
        steady_critic=True,
        ema=0.999,
        holdout=5_000,
        every=1_000,
    ),
    parameters=1_486_352,
    data_licence=LICENCES["mnist"],
    benchmarks=(Benchmark("mnist"),),
    feature_extractor=FEATURE_EXTRACTORS["mnist"],
    limits=(
        "a baseline to learn from: not all it makes are digits; `dcgan_mnist` makes better ones",
        "which digit it makes cannot be chosen",
    ),
)
register(_MNIST)
register(
    dataclasses.replace(
        _MNIST,
        name="mlp_gan_tiny",
        tag="test",
        summary="two thin layers: the tests' fixture, without weights",
        build=lambda: mlp_gan((6, 6, 1), latent=3, widths=(4, 5)),
        critic=lambda: critic((6, 6, 1), widths=(5, 4)),
        spec=dataclasses.replace(_MNIST.spec, shape=(6, 6, 1), latent=3),
        recipe=dataclasses.replace(_MNIST.recipe, steps=12, batch=4, holdout=2, every=4),
        parameters=257,
        benchmarks=(),
        feature_extractor=None,
        pretrained=False,
    )
)
