"""LSTM: a picture read row by row, from top to bottom.

Hochreiter, Schmidhuber: Long Short-Term Memory, Neural Computation 1997
"""

import dataclasses

from zoo.data.sets import LABELS, LICENCES
from zoo.index import Benchmark, Entry, Spec, register
from zoo.tasks.classify import Recipe

PAPER = "Hochreiter, Schmidhuber: Long Short-Term Memory, Neural Computation 9(8), 1997"


def lstm(
    shape: tuple[int, int, int] = (28, 28, 1),
    classes: int = 10,
    widths: tuple[int, ...] = (128, 128),
    dropout: float = 0.3,
):
    """Builds a classifier: `[b, h, w, c]` to probabilities `[b, classes]`.

    Each row of a picture is one step. The steps are unrolled, so that a TFLite file needs builtin
    operators only.

    Args:
        shape: of a picture, `(h, w, c)`.
        classes: how many.
        widths: units of each layer; all but the last pass on what they say of each row.
        dropout: share of features left out after each layer while training.
    """
    import keras
    from keras import layers

    height, width, channels = shape
    image = keras.Input(shape, name="image")
    x = layers.Reshape((height, width * channels), name="rows")(image)
    for number, units in enumerate(widths, 1):
        every_row = number < len(widths)
        lstm = layers.LSTM(units, return_sequences=every_row, unroll=True, name=f"lstm{number}")
        x = layers.Dropout(dropout, name=f"dropout{number}")(lstm(x))
    probs = layers.Dense(classes, activation="softmax", name="probs")(x)
    return keras.Model(image, probs, name="lstm")


_NO_INT8 = "LiteRT 2.3 cannot prepare its unrolled steps in int8 (XNNPACK); take dynamic_range"
_MNIST = Entry(
    name="lstm_mnist",
    tag="mnist",
    family="lstm",
    summary="reads one handwritten digit row by row on a 28x28 grey picture",
    paper=PAPER,
    build=lstm,
    spec=Spec(task="classify", shape=(28, 28, 1), labels=LABELS["mnist"], background=0.0),
    recipe=Recipe(
        data="mnist",
        steps=10_000,
        batch=128,
        optimizer="muon",
        learning_rate=5e-3,
        warmup=200,
        weight_decay=0.01,
        loss="cross_entropy",
        label_smoothing=0.1,
        augment=("rotate", "shift"),
        holdout=5_000,
        every=1_000,
    ),
    parameters=213_258,
    data_licence=LICENCES["mnist"],
    benchmarks=(
        Benchmark("mnist", {"a GRU over rows (Fashion-MNIST's list)": {"accuracy": 98.8}}),
    ),
    limits=(
        "knows one light digit on black, centred, as in MNIST: cut photographs out, invert",
        "slower on a phone than `cnn_mnist`, and less exact: its rows wait for one another",
    ),
    refused=dict.fromkeys(("int8", "uint8", "mediapipe_uint8"), _NO_INT8),
)
register(_MNIST)
register(
    dataclasses.replace(
        _MNIST,
        name="lstm_fashion",
        tag="fashion_mnist",
        summary="tells ten kinds of garments apart row by row on 28x28 grey pictures",
        spec=dataclasses.replace(_MNIST.spec, labels=LABELS["fashion_mnist"]),
        recipe=dataclasses.replace(
            _MNIST.recipe, data="fashion_mnist", augment=("mirror", "shift", "erase")
        ),
        data_licence=LICENCES["fashion_mnist"],
        benchmarks=(
            Benchmark("fashion_mnist", {"a GRU over rows (its list)": {"accuracy": 89.7}}),
        ),
        limits=(
            "knows light garments on black, centred, as in Fashion-MNIST: cut photographs out, "
            "invert",
            "slower on a phone than `cnn_fashion`, and less exact: its rows wait for one another",
        ),
    )
)
register(
    dataclasses.replace(
        _MNIST,
        name="lstm_tiny",
        tag="test",
        summary="two thin layers for three classes: the tests' fixture, without weights",
        build=lambda: lstm((6, 9, 1), classes=3, widths=(4, 5)),
        spec=Spec(task="classify", shape=(6, 9, 1), labels=("left", "middle", "right")),
        recipe=dataclasses.replace(
            _MNIST.recipe, steps=12, batch=8, warmup=2, holdout=3, every=4, augment=()
        ),
        parameters=442,
        benchmarks=(),
        pretrained=False,
    )
)
