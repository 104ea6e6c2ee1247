"""DCGAN: transposed convolutions that turn noise into pictures, against a convolutional critic.

Radford, Metz, Chintala: Unsupervised Representation Learning with Deep Convolutional Generative
Adversarial Networks, ICLR 2016, https://arxiv.org/abs/1511.06434. The critic has no batch
normalisation, for its gradient at each picture is penalised: the relativistic loss with R1 and R2
of Huang et al.: The GAN is dead; long live the GAN!, NeurIPS 2024, https://arxiv.org/abs/2501.05441
"""

import dataclasses

from zoo.data.sets import FEATURE_EXTRACTORS, LABELS, LICENCES
from zoo.index import Benchmark, Entry, Spec, in_cycles, register
from zoo.tasks.generate import Recipe

PAPER = (
    "Radford, Metz, Chintala: Unsupervised Representation Learning with Deep Convolutional "
    "Generative Adversarial Networks, ICLR 2016, https://arxiv.org/abs/1511.06434"
)


def dcgan(
    shape: tuple[int, int, int] = (28, 28, 1), code: int = 100, width: int = 64, stages: int = 2
):
    """Builds the generator: `[b, code]` to `[b, h, w, c]` in [-1, 1].

    A dense layer gives a small picture of many channels. Each stage doubles its sides and halves
    its channels, and a 3x3 convolution follows, of which the last gives the picture. Batch
    normalisation everywhere but there.

    Args:
        shape: of a picture; its sides are multiples of `2 ** stages`.
        code: length of the noise, and of the class as one-hot behind it, if any.
        width: channels that the last stage halves.
        stages: how often the sides are doubled.
    """
    import keras
    from keras import layers

    start = {"kernel_initializer": keras.initializers.RandomNormal(stddev=0.02)}
    same = {"padding": "same", "data_format": "channels_last"} | start
    plain = same | {"use_bias": False}
    height, wide, channels = shape
    first = (height // 2**stages, wide // 2**stages, width * 2 ** (stages - 1))

    def active(x, name):
        x = layers.BatchNormalization(momentum=0.9, name=f"{name}_norm")(x)
        return layers.ReLU(name=f"{name}_relu")(x)

    latent = keras.Input((code,), name="latent")
    x = layers.Dense(first[0] * first[1] * first[2], use_bias=False, name="dense", **start)(latent)
    x = active(layers.Reshape(first, name="reshape")(x), "dense")
    for number in range(1, stages + 1):
        filters, up, conv = first[2] // 2**number, f"up{number}", f"conv{number}"
        x = active(layers.Conv2DTranspose(filters, 4, strides=2, name=up, **plain)(x), up)
        if number < stages:
            x = active(layers.Conv2D(filters, 3, name=conv, **plain)(x), conv)
    image = layers.Conv2D(channels, 3, activation="tanh", name="image", **same)(x)
    return keras.Model(latent, image, name="dcgan")


def critic(
    shape: tuple[int, int, int] = (28, 28, 1), classes: int = 0, width: int = 64, stages: int = 2
):
    """Builds the critic: `[b, h, w, c]` in [-1, 1] to scores `[b, 1]`, higher for real ones.

    Where there are classes, it also takes the class that the picture should show, `[b, classes]`
    as one-hot, and adds how well the picture's features agree with it (Miyato, Koyama:
    cGANs with Projection Discriminator, ICLR 2018, https://arxiv.org/abs/1802.05637).
    """
    import keras
    from keras import layers

    image = x = keras.Input(shape, name="image")
    for number in range(stages):
        x = layers.Conv2D(
            width * 2**number,
            4,
            strides=2,
            padding="same",
            data_format="channels_last",
            kernel_initializer="he_normal",
            name=f"conv{number}",
        )(x)
        x = layers.LeakyReLU(negative_slope=0.2, name=f"relu{number}")(x)
    x = layers.Flatten(data_format="channels_last", name="flat")(x)
    features = layers.Dense(width * 4, name="features")(x)
    features = layers.LeakyReLU(negative_slope=0.2, name="relu")(features)
    score = layers.Dense(1, use_bias=False, name="score")(features)  # pairs are compared
    if not classes:
        return keras.Model(image, score, name="critic")
    label = keras.Input((classes,), name="label")
    wanted = layers.Dense(width * 4, use_bias=False, name="wanted")(label)
    agreement = layers.Dot(axes=1, name="agreement")([features, wanted])
    score = layers.Add(name="total")([score, agreement])
    return keras.Model([image, label], score, name="critic")


_RECIPE = Recipe(
    data="mnist",
    steps=24_000,
    batch=64,
    optimizer="muon",
    learning_rate=1.5e-3,
    warmup=100,
    loss="relativistic",
    penalty=0.1,  # with 1.0 the critic goes flat after 6,000 steps, and detail is lost
    ema=0.999,
    holdout=5_000,
    every=2_000,
    precision="mixed_bfloat16",
)


def _entry(data: str, name: str, things: str) -> Entry:
    labels = LABELS[data]
    return register(
        Entry(
            name=name,
            tag=data,
            family="dcgan",
            summary=f"makes {things} of a class that is asked for, 28x28 grey",
            paper=PAPER,
            build=lambda: dcgan(code=100 + len(labels)),
            critic=lambda: critic(classes=len(labels)),
            spec=Spec(
                task="generate",
                shape=(28, 28, 1),
                value_range=(-1.0, 1.0),
                labels=labels,
                latent=100,
            ),
            recipe=dataclasses.replace(_RECIPE, data=data),
            parameters=892_065,
            data_licence=LICENCES[data],
            benchmarks=(Benchmark(data),),
            feature_extractor=FEATURE_EXTRACTORS[data],
            limits=(
                f"makes {things} like its training pictures only: 28x28, light on black, centred",
                "has no way back: use a VAE to find the latents of a picture",
            ),
        )
    )


_entry("fashion_mnist", "dcgan_fashion", "garments")
_OF_FACES = dataclasses.replace(
    _RECIPE,
    data="celeba",
    steps=25_000,
    optimizer="adam_half",  # by Muon at the rate of the others it ends in one plain colour
    learning_rate=3e-4,
    penalty=1.0,  # with 0.3, and with 3.0, pictures came out less like real ones
    augment=("mirror",),
    holdout=1_000,
    kept_in="float16",
)
# Of held-out faces 37.2 -> 35.9. With 1.0 again the critic goes flat, and nothing is gained; a
# third cycle with 0.1 gained 0.1, and contours came out as lines.
_FINER = dataclasses.replace(
    _OF_FACES, steps=3_000, learning_rate=2e-4, penalty=0.2, seed=2, every=500
)
register(
    Entry(
        name="dcgan_celeba",
        tag="celeba",
        family="dcgan",
        summary="makes faces, 64x64 in colour",
        paper=PAPER,
        build=lambda: dcgan((64, 64, 3), code=128, width=32, stages=4),
        critic=lambda: critic((64, 64, 3), stages=4),
        spec=Spec(task="generate", shape=(64, 64, 3), value_range=(-1.0, 1.0), latent=128),
        recipe=in_cycles(_OF_FACES, _FINER),
        parameters=1_417_459,
        data_licence=LICENCES["celeba"],
        benchmarks=(Benchmark("celeba"),),
        feature_extractor=FEATURE_EXTRACTORS["celeba"],
        limits=(
            "makes faces like CelebA's only: famous people who look at the camera, aligned, 64x64",
            "one sample in five is spoilt: half a face in the dark, or halves that do not fit",
            "has no way back: use a VAE to find the latents of a picture",
        ),
    )
)
_MNIST = _entry("mnist", "dcgan_mnist", "handwritten digits")
register(
    dataclasses.replace(
        _MNIST,
        name="dcgan_tiny",
        tag="test",
        summary="a few thin layers for three classes: the tests' fixture, without weights",
        build=lambda: dcgan((12, 12, 1), code=8, width=4),
        critic=lambda: critic((12, 12, 1), classes=3, width=4),
        spec=dataclasses.replace(
            _MNIST.spec, shape=(12, 12, 1), latent=5, labels=("left", "middle", "right")
        ),
        recipe=dataclasses.replace(_RECIPE, steps=12, batch=8, holdout=3, every=4),
        parameters=1_451,
        benchmarks=(),
        feature_extractor=None,
        pretrained=False,
    )
)
