"""The builder of plain classifiers beyond 28x28: colour photographs and a thousand classes."""

import dataclasses
import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from zoo import loading
from zoo.export.verify import verify
from zoo.export.write import export
from zoo.models.cnn import cnn
from zoo.training import steps

STAGES = ((8,), (16,), (32, 32), (48, 48), (64, 64))
CLASSES = 1000


@pytest.fixture(scope="module")
def net():
    keras.utils.set_random_seed(0)
    return cnn((224, 224, 3), CLASSES, STAGES, dense=(96,))


@pytest.fixture(scope="module")
def photographs(astronaut):
    """float32 `[4, 224, 224, 3]` in [0, 1]."""
    parts = [astronaut[96 * n :, 90 * n :][:224, :224] for n in range(4)]
    return np.stack(parts).astype(np.float32) / 255


def test_its_weights_are_as_many_as_its_widths_say(net):
    widths = [3, *(width for stage in STAGES for width in stage)]
    convolutions = sum(9 * a * b + 4 * b for a, b in itertools.pairwise(widths))
    dense = (widths[-1] + 1) * 96 + (96 + 1) * CLASSES
    assert net.count_params() == convolutions + dense
    assert net.input_shape == (None, 224, 224, 3)
    assert net.get_layer("pool").input.shape == (None, 14, 14, 64)


def test_it_learns_from_photographs(photographs):
    net = cnn((224, 224, 3), CLASSES, STAGES)
    targets = tf.one_hot([0, 1, 998, 999], CLASSES)
    step = steps.supervised(net, keras.optimizers.Adam(1e-3), "cross_entropy")
    losses = [float(step(photographs, targets)["loss"]) for _ in range(4)]
    assert losses[0] == pytest.approx(np.log(CLASSES), rel=0.3)
    assert losses[-1] < losses[0] and np.isfinite(losses).all()


def test_its_static_file_says_what_it_says(net, photographs, tmp_path):
    spec = zoo.Spec("classify", (224, 224, 3), labels=tuple(map(str, range(CLASSES))))
    entry = dataclasses.replace(zoo.entry("cnn_tiny"), spec=spec, build=lambda: net)
    sharp = net.get_layer("probs").kernel
    sharp.assign(20 * sharp)  # an untrained net says the same of everything
    made = loading.pipeline(entry, net)
    folder = export(made, tmp_path / "files", formats=["float32_static"])
    found = verify(folder, made)
    assert found["passed"], found["rows"]
    assert [f.name for f in folder.glob("*.tflite")] == ["cnn_tiny_float32_static.tflite"]
