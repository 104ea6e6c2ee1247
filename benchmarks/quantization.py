"""What int8 costs a small MobileNet, and what quantization-aware fine-tuning gives back.

    ZOO_DATA=... python benchmarks/quantization.py --json benchmarks/results/quantization.json

The net is trained on Fashion-MNIST, written as an int8 file, fine-tuned by `zoo.quantize_aware`,
and written again. The last 5,000 training pictures are held out, for choices; the test set is
measured with `--json` alone, for the record.
"""

import argparse
import dataclasses
import tempfile
import time
from pathlib import Path

import keras
import numpy as np
from keras import layers

import zoo
from zoo import loading
from zoo.data import calibration, sources
from zoo.export.runtimes import litert
from zoo.metrics.recognition import measured
from zoo.quantization import aware
from zoo.storage import files
from zoo.tasks.functions import functions

DATA, HELD_OUT = "fashion_mnist", 5_000
BLOCKS = (*4 * [(8, 1)], (12, 2), *4 * [(12, 1)], *3 * [(16, 1)])
"""Many and narrow, for rounding adds up. Channels and stride of each: a depthwise separable
convolution, its end without a ReLU6, added to what came in where that has the same shape (Sandler
et al. 2018)."""


def main() -> None:
    options = arguments()
    keras.utils.set_random_seed(1)
    pictures = sources.load(DATA, 1, "train")
    train, held_out = pictures.subset(slice(-HELD_OUT)), pictures.subset(slice(-HELD_OUT, None))
    sets = {"held out": held_out} | (
        {"test": sources.load(DATA, 1, "test")} if options.json else {}
    )
    net = mobile(options.width, options.activation)
    seconds = {"float32": fit(net, train, options.steps, options.first_rate, options.batch)}
    make_unequal(net, options.unequal)
    rows = {"float32": figures(net, sets)}
    rows["int8, after training"] = figures_of_file(net, sets)
    show(rows)
    twin = zoo.quantize_aware(net)
    seconds["aware"] = fit(twin, train, options.aware, options.rate, options.batch)
    pipeline = loading.pipeline(entry(net), net)
    plain = aware.deliver(twin, calibration.sample(pictures, pipeline.spec) / 255)
    rows["float32, aware"] = figures(plain, sets)
    rows["fake-quantized, aware"] = figures(twin, sets)
    rows["int8, aware"] = figures_of_file(plain, sets)
    show(rows)
    print({key: round(value) for key, value in seconds.items()}, "seconds")
    if options.json:
        settings = {key: value for key, value in vars(options).items() if key != "json"}
        about = {"settings": settings, "parameters": net.count_params(), "seconds": seconds}
        files.write_json(options.json, about | {"accuracy": rows})


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=600, help="of the float32 training")
    parser.add_argument("--first-rate", type=float, default=1e-2, help="its learning rate")
    parser.add_argument("--aware", type=int, default=400, help="steps of the fine-tuning")
    parser.add_argument("--rate", type=float, default=3e-4, help="the fine-tuning's learning rate")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--width", type=float, default=1.0, help="of the net, a factor")
    parser.add_argument("--activation", default="relu", help="of the blocks, as Keras names it")
    parser.add_argument("--unequal", type=float, default=16.0, help="see make_unequal")
    parser.add_argument("--json", type=Path, help="where the figures go; measures the test set too")
    return parser.parse_args()


def mobile(width: float = 1.0, activation: str = "relu6") -> keras.Model:
    """Inverted residuals with batch normalisation."""

    def normalised(values, layer, active=True):
        values = layers.BatchNormalization()(layer(values))
        return layers.Activation(activation)(values) if active else values

    def block(values, channels, stride):
        wide = layers.Conv2D(4 * values.shape[-1], 1, use_bias=False)
        depthwise = layers.DepthwiseConv2D(3, stride, padding="same", use_bias=False)
        narrow = layers.Conv2D(channels, 1, use_bias=False)
        results = normalised(normalised(normalised(values, wide), depthwise), narrow, active=False)
        return layers.Add()([values, results]) if results.shape == values.shape else results

    image = keras.Input((28, 28, 1))
    first = layers.Conv2D(int(16 * width), 3, 2, padding="same", use_bias=False)
    values = normalised(image, first)
    for channels, stride in BLOCKS:
        values = block(values, int(channels * width), stride)
    values = normalised(values, layers.Conv2D(int(96 * width), 1, use_bias=False))
    values = layers.GlobalAveragePooling2D()(values)
    return keras.Model(image, layers.Dense(10, activation="softmax")(values), name="mobile")


def make_unequal(net: keras.Model, factor: float) -> None:
    """Gives the channels of a ReLU net ranges that differ by up to `factor` either way, as those of
    published MobileNets do (Nagel et al. 2019, Data-Free Quantization, section 3), which is what
    int8 suffers from: the net computes the same, and one scale for all channels fits none."""
    rng = np.random.default_rng(0)
    norms = [layer for layer in net.layers if isinstance(layer, layers.BatchNormalization)]
    depthwise = [layer for layer in net.layers if isinstance(layer, layers.DepthwiseConv2D)]
    for layer in depthwise if factor > 1 else ():
        before = norms[max(i for i, n in enumerate(norms) if _precedes(net, n, layer))]
        channels = layer.kernel.shape[2]
        scale = np.exp(rng.uniform(-1, 1, channels) * np.log(factor)).astype(np.float32)
        gamma, beta, *averages = before.get_weights()
        before.set_weights([gamma * scale, beta * scale, *averages])
        layer.set_weights([layer.get_weights()[0] / scale[:, None]])


def _precedes(net: keras.Model, one, other) -> bool:
    return net.layers.index(one) < net.layers.index(other)


def entry(net: keras.Model) -> zoo.Entry:
    """As the index has those of its own classifiers."""
    like = zoo.entry("cnn_fashion")
    return dataclasses.replace(
        like, name="mobile", build=lambda: net, parameters=net.count_params(), pretrained=False
    )


def fit(net, pictures, steps: int, rate: float, batch: int) -> float:
    """Trains, and returns how long that took, in seconds."""
    warm = steps // 10
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, steps - warm, warmup_target=rate, warmup_steps=warm
    )
    net.compile(keras.optimizers.Adam(schedule), "sparse_categorical_crossentropy")
    labels = zoo.entry("cnn_fashion").spec.labels
    pixels = np.stack(pictures.images).astype(np.float32) / 255
    began, targets = time.monotonic(), pictures.labels_among(labels)
    rng = np.random.default_rng(0)
    order = np.concatenate(
        [rng.permutation(len(pixels)) for _ in range(-(-steps * batch // len(pixels)))]
    )

    def batches():
        for step in range(steps):
            some = order[step * batch : (step + 1) * batch]
            yield pixels[some], targets[some]

    net.fit(batches(), steps_per_epoch=steps, verbose=0)
    return time.monotonic() - began


def figures(net, sets) -> dict[str, float]:
    """The accuracy on each set, in percent."""
    return accuracies(lambda values: net.predict(values, 500, verbose=0), sets)


def figures_of_file(net, sets) -> dict[str, float]:
    pipeline = loading.pipeline(entry(net), net)
    with tempfile.TemporaryDirectory() as folder:
        zoo.export(pipeline, Path(folder) / "files", formats=("int8",), calibration=DATA)
        (path,) = (Path(folder) / "files").glob("*_int8.tflite")
        return accuracies(litert.open(path, functions(pipeline)[0]), sets)


def accuracies(infer, sets) -> dict[str, float]:
    labels = zoo.entry("cnn_fashion").spec.labels
    return {name: measured(infer, some, labels)["accuracy"] for name, some in sets.items()}


def show(rows) -> None:
    for name, row in rows.items():
        print(f"{name:24}", *(f"{key} {value:.2f}" for key, value in row.items()), flush=True)


if __name__ == "__main__":
    main()
