"""CNN: stages of convolution and pooling, then dense layers; the plain classifier.

The layout is that of VGG (Simonyan, Zisserman 2015, https://arxiv.org/abs/1409.1556) with batch
normalisation (Ioffe, Szegedy 2015) and global average pooling (Lin, Chen, Yan 2014).
"""

import dataclasses

from zoo.data.sets import LABELS, LICENCES
from zoo.index import Benchmark, Entry, Spec, register
from zoo.tasks.classify import Recipe

PAPER = (
    "Simonyan, Zisserman: Very Deep Convolutional Networks, ICLR 2015, "
    "https://arxiv.org/abs/1409.1556 (layout); Xiao, Rasul, Vollgraf: Fashion-MNIST, 2017, "
    "https://arxiv.org/abs/1708.07747 (data)"
)


def cnn(
    shape: tuple[int, int, int] = (28, 28, 1),
    classes: int = 10,
    stages: tuple[tuple[int, ...], ...] = ((32, 32), (64, 64), (128, 128)),
    dense: tuple[int, ...] = (),
    dropout: float = 0.0,
):
    """Builds a classifier: `[b, h, w, c]` to probabilities `[b, classes]`.

    Args:
        shape: of a picture, `(h, w, c)`; each side at least `2 ** (len(stages) - 1)`.
        classes: how many.
        stages: the widths of the 3x3 convolutions of each stage; every stage but the last ends
            in 2x2 max pooling, the last in global average pooling.
        dense: widths of fully connected layers before the last.
        dropout: share of features left out before each dense layer while training.
    """
    import keras
    from keras import layers

    last, start = {"data_format": "channels_last"}, {"kernel_initializer": "he_normal"}
    convolution = {"kernel_size": 3, "padding": "same", "use_bias": False} | start | last
    image = x = keras.Input(shape, name="image")
    for stage, widths in enumerate(stages, 1):
        if stage > 1:
            x = layers.MaxPooling2D(name=f"pool{stage - 1}", **last)(x)
        for number, width in enumerate(widths, 1):
            at = f"{stage}_{number}"
            x = layers.Conv2D(width, name=f"conv{at}", **convolution)(x)
            x = layers.BatchNormalization(momentum=0.95, epsilon=1e-4, name=f"norm{at}")(x)
            x = layers.ReLU(name=f"relu{at}")(x)
    x = layers.GlobalAveragePooling2D(name="pool", **last)(x)
    for number, width in enumerate(dense, 1):
        x = layers.Dropout(dropout, name=f"dropout{number}")(x)
        x = layers.Dense(width, activation="relu", name=f"dense{number}", **start)(x)
    x = layers.Dropout(dropout, name="dropout")(x)
    probs = layers.Dense(classes, activation="softmax", name="probs")(x)
    return keras.Model(image, probs, name="cnn")


_FASHION = Entry(
    name="cnn_fashion",
    tag="fashion_mnist",
    family="cnn",
    summary="tells ten kinds of garments apart on 28x28 grey pictures",
    paper=PAPER,
    build=cnn,
    spec=Spec(task="classify", shape=(28, 28, 1), labels=LABELS["fashion_mnist"], background=0.0),
    recipe=Recipe(
        data="fashion_mnist",
        steps=18_000,
        batch=128,
        optimizer="muon",
        learning_rate=5e-3,
        warmup=200,
        weight_decay=0.01,
        loss="cross_entropy",
        label_smoothing=0.1,
        augment=("mirror", "shift", "erase"),
        holdout=5_000,
        every=1_000,
        precision="mixed_bfloat16",
    ),
    parameters=289_066,
    data_licence=LICENCES["fashion_mnist"],
    benchmarks=(
        Benchmark(
            "fashion_mnist",
            {
                "two convolutions (Fashion-MNIST's list)": {"accuracy": 92.5},
                "DenseNet-BC, 768K weights": {"accuracy": 95.4},
            },
        ),
    ),
    limits=(
        "knows light garments on black, centred, as in Fashion-MNIST: cut photographs out, invert",
        "always names one of its ten classes, also for pictures of anything else",
    ),
)

register(_FASHION)
register(
    dataclasses.replace(
        _FASHION,
        name="cnn_mnist",
        tag="mnist",
        summary="reads one handwritten digit on a 28x28 grey picture",
        paper="Simonyan, Zisserman: Very Deep Convolutional Networks, ICLR 2015, "
        "https://arxiv.org/abs/1409.1556 (layout); LeCun et al.: Gradient-Based Learning Applied "
        "to Document Recognition, 1998 (data)",
        spec=Spec(task="classify", shape=(28, 28, 1), labels=LABELS["mnist"], background=0.0),
        recipe=dataclasses.replace(
            _FASHION.recipe,
            data="mnist",
            steps=12_000,
            augment=("rotate", "shift"),
        ),
        data_licence=LICENCES["mnist"],
        benchmarks=(
            Benchmark("mnist", {"mean of 1,500 trainings of one small CNN": {"accuracy": 99.641}}),
        ),
        limits=(
            "knows one light digit on black, centred, as in MNIST: cut photographs out, invert",
            "always names one of its ten digits, also for pictures of anything else",
        ),
    )
)
register(
    dataclasses.replace(
        _FASHION,
        name="cnn",
        tag="",
        summary="a small net for photographs of one's own, trained from nothing",
        paper=PAPER,
        build=lambda: cnn(
            (96, 96, 3), 2, ((16,), (32,), (64, 64), (128, 128), (192,)), dropout=0.2
        ),
        spec=Spec(task="classify", shape=(96, 96, 3), labels=("0", "1")),
        recipe=Recipe(
            data="",  # pictures of one's own
            classes="own",
            balanced=True,
            augment=("crop", "mirror", "colour"),
            steps=3_000,
            batch=32,
            optimizer="muon",
            learning_rate=3e-3,
            warmup=100,
            weight_decay=0.01,
            label_smoothing=0.1,
            holdout=0.1,
            every=100,
            patience=10,
        ),
        parameters=505_586,
        data_licence="of your data",
        benchmarks=(),
        limits=("has no weights: `zoo train cnn --data folder:PATH`",),
        pretrained=False,
    )
)
register(
    dataclasses.replace(
        _FASHION,
        name="cnn_tiny",
        tag="test",
        summary="two thin stages for three classes: the tests' fixture, without weights",
        build=lambda: cnn((12, 12, 1), classes=3, stages=((4,), (8,)), dense=(6,), dropout=0.2),
        spec=Spec(task="classify", shape=(12, 12, 1), labels=("left", "middle", "right")),
        recipe=dataclasses.replace(
            _FASHION.recipe, steps=12, batch=8, warmup=2, holdout=3, every=4, ema=0.9
        ),
        parameters=447,
        benchmarks=(),
        pretrained=False,
    )
)
