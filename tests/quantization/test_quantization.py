"""Quantization-aware training: a twin that rounds as the int8 file of its net does."""

import dataclasses
import functools

import keras
import numpy as np
import pytest
from conftest import needs_package
from keras import layers
from tiny import data_for, with_random_weights

import zoo
from zoo.export import convert, quantize, tflite_reader
from zoo.export.runtimes import litert
from zoo.quantization import aware, precision
from zoo.tasks.functions import functions

quantizer = needs_package("ai_edge_quantizer")


def mobile(end="softmax"):
    """Depthwise and separable convolutions, squeeze and excite, and what is joined or added."""
    image = keras.Input((16, 16, 3))
    x = normalised(layers.Conv2D(8, 3, 2, padding="same", use_bias=False)(image), 6.0)
    y = normalised(layers.DepthwiseConv2D(3, padding="same", use_bias=False)(x), 6.0)
    x = layers.Add()([x, layers.BatchNormalization()(layers.Conv2D(8, 1)(y))])
    gate = layers.GlobalAveragePooling2D(keepdims=True)(x)
    gate = layers.Conv2D(4, 1, activation="swish")(gate)
    x = layers.Multiply()([x, layers.Conv2D(8, 1, activation="sigmoid")(gate)])
    y = layers.Conv2D(6, 3, padding="same", activation="hard_silu")(x)
    x = normalised(layers.Concatenate()([layers.Conv2D(4, 1)(x), y]))
    x = layers.SeparableConv2D(8, 3, activation="relu")(x)
    x = (layers.GlobalAveragePooling2D() if end else layers.Flatten())(
        layers.AveragePooling2D(2)(x)
    )
    return keras.Model(image, layers.Dense(5, activation=end)(x))


def sequential():
    """A net in a net, as a trained trunk is used."""
    trunk = [layers.Rescaling(2.0, -1.0), layers.Conv2D(8, 5, padding="same")]
    trunk += [layers.BatchNormalization(), layers.ReLU(), layers.MaxPooling2D(2)]
    head = [layers.Conv2D(8, 3, activation="tanh"), layers.GlobalMaxPooling2D()]
    head += [layers.Dropout(0.5), layers.Dense(6), layers.BatchNormalization()]
    head += [layers.Activation("relu"), layers.Dense(4)]
    image = keras.Input((16, 16, 1))
    return keras.Sequential([image, keras.Sequential([image, *trunk]), *head])


def denoiser():
    """Its first and last layer stay in float32."""
    image = keras.Input((24, 24, 3))
    x = normalised(layers.Conv2D(6, 3, padding="same")(image))
    x = layers.Add()([x, layers.Conv2D(6, 3, padding="same", activation="relu")(x)])
    return keras.Model(image, layers.Subtract()([image, layers.Conv2D(3, 3, padding="same")(x)]))


def decoder():
    latent = keras.Input((6,))
    x = layers.Reshape((4, 4, 4))(layers.Dense(64, activation="leaky_relu")(latent))
    x = normalised(layers.Conv2DTranspose(8, 3, 2, padding="same", use_bias=False)(x))
    x = layers.UpSampling2D(2, interpolation="bilinear")(x)
    x = layers.Conv2D(4, 3, padding="same", activation="relu6")(x)
    return keras.Model(latent, layers.Conv2D(1, 3, padding="same", activation="sigmoid")(x))


def normalised(values, most=None):
    return layers.ReLU(most)(layers.BatchNormalization()(values))


def with_weights(net):
    """A net whose channels differ, its weights random."""
    rng = np.random.default_rng(0)
    for weight in net.weights:
        drawn = rng.normal(size=weight.shape) * 0.3
        positive = weight.name in ("gamma", "moving_variance")
        weight.assign(np.abs(drawn) + 0.1 if positive else drawn)
    return net


def inputs_of(net, count=64):
    drawn = np.random.default_rng(1).random((count, *net.input_shape[1:])).astype(np.float32)
    drawn.flat[:2] = 0, 1  # files take whole pictures' range
    return drawn


def int8_file(net, values, folder, like):
    """Written as the function of another name is; the file, and what runs it."""
    function = functions(with_random_weights(like))[0]
    (output,) = function.outputs
    function = dataclasses.replace(
        function,
        net=net,
        inputs=(dataclasses.replace(function.inputs[0], shape=(None, *net.input_shape[1:])),),
        wrapper=lambda net, given: {output: net(given, training=False)},
    )
    convert.to_saved_model(function, folder / "model", function.inputs)
    data = convert.to_tflite(folder / "model", net.name)
    data = quantize.quantized("int8", data, function, net.name, values)
    (folder / "file.tflite").write_bytes(data)
    return data, litert.open(folder / "file.tflite", function)


@quantizer
@pytest.mark.parametrize(
    ("make", "like"),
    [
        (functools.partial(mobile, None), "cnn_tiny"),
        (sequential, "cnn_tiny"),
        (denoiser, "dncnn_tiny"),
        (decoder, "dcgan_tiny"),
    ],
)
def test_a_twin_computes_what_the_int8_file_does(make, like, tmp_path):
    net = with_weights(make())
    values, twin = inputs_of(net), zoo.quantize_aware(net)
    plain = aware.deliver(twin, values)
    data, run = int8_file(plain, values, tmp_path, like)
    assert _steps(twin) <= tflite_reader.steps_of_activations(data)
    exact, from_file, rounded = net(values), run(values), twin(values, training=False)
    assert np.array_equal(plain(values), exact)
    off = np.abs(from_file - exact).mean()
    assert off > 0
    assert np.abs(rounded - from_file).mean() < 0.25 * off


def _steps(twin):
    return {round(float(g.most - g.least) / 255, 6) for g in twin.quantization.grids}


def test_training_a_twin_changes_neither_the_net_nor_its_averages():
    net = with_weights(mobile())
    before, values = net.get_weights(), inputs_of(net, 96)
    targets = np.zeros(96)
    twin = zoo.quantize_aware(net)
    twin.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    losses = twin.fit(values, targets, 32, epochs=8, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    assert all(map(np.array_equal, net.get_weights(), before))
    learnt = aware.deliver(twin)
    for variable, old in zip(learnt.weights, before, strict=True):
        average = variable.name.startswith("moving")
        assert np.array_equal(variable, old) == average, variable.path


def test_ranges_that_follow_training_end_as_calibrated_ones():
    keras.utils.set_random_seed(1)  # of the batches' order: what comes last counts most
    net = with_weights(mobile())
    twin, values = zoo.quantize_aware(net), inputs_of(net, 256)
    twin.compile(keras.optimizers.SGD(0.0), "sparse_categorical_crossentropy")
    twin.fit(values, np.zeros(256), 32, epochs=4, verbose=0)
    followed = _ranges(twin)
    aware.calibrate(twin, values)
    assert followed == pytest.approx(_ranges(twin), rel=0.25)


def _ranges(twin):
    return np.array([float(grid.most - grid.least) for grid in twin.quantization.grids])


def test_every_weight_gets_a_gradient_as_if_nothing_were_rounded():
    net = with_weights(mobile())
    twin, values = zoo.quantize_aware(net), inputs_of(net)
    aware.calibrate(twin, values)
    ours, theirs = _gradients(twin, values), _gradients(net, values)
    assert len(ours) == len(theirs)
    for name, gradient in ours.items():
        cosine = np.sum(gradient * theirs[name])
        cosine /= np.linalg.norm(gradient) * np.linalg.norm(theirs[name]) + 1e-12
        assert cosine > 0.8, name


def _gradients(net, values):
    import tensorflow as tf

    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(net(values, training=False)[:, 0] ** 2)
    plain = net.quantization.net if hasattr(net, "quantization") else net
    names = [f"{n}" for n, _ in enumerate(plain.trainable_variables)]
    return dict(zip(names, tape.gradient(loss, plain.trainable_variables), strict=True))


def test_what_is_kept_in_float_is_not_rounded():
    net = with_weights(denoiser())
    kept = [layer.name for layer in net.layers if layer.weights]
    twin, values = zoo.quantize_aware(net, kept), inputs_of(net)
    left = {layer.name for layer in twin.layers}
    assert set(kept) <= left
    twin = zoo.quantize_aware(net)
    assert len(set(kept) & {layer.name for layer in twin.layers}) == 3  # ends, normalised
    assert not np.array_equal(twin(values, training=False), net(values))


def test_ends_of_what_makes_pictures_stay_in_float():
    assert precision.float_ends(True, False, True) == (0, 0)
    assert precision.float_ends(True, True, False) == (1, 1)
    assert precision.float_ends(True, True, False, 2) == (2, 1)
    assert precision.float_ends(False, True, False) == (0, 1)
    assert precision.float_ends(False, True, True) == (0, 0)


def test_probabilities_are_not_rounded_while_training():
    net = with_weights(mobile())
    twin, values = zoo.quantize_aware(net), inputs_of(net)
    counts = np.asarray(twin(values, training=False)) * 256
    assert np.allclose(counts, np.rint(counts), atol=1e-3)
    counts = np.asarray(twin(values, training=True)) * 256
    assert not np.allclose(counts, np.rint(counts), atol=1e-3)


def _twice():
    image, layer = keras.Input((8, 8, 3)), layers.Conv2D(3, 3, padding="same")
    return keras.Model(image, layer(layer(image)))


class _Own(keras.Model):
    def call(self, inputs):
        return inputs


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (_twice, "used twice: got conv2d"),
        (_Own, "expected a functional or Sequential net that is built, got _Own"),
        (lambda: keras.Sequential([layers.Dense(3)]), "that is built, got Sequential"),
        (lambda: "net.keras", "got str"),
        (lambda: keras.Sequential([keras.Input((4, 3)), layers.LSTM(3)]), "no layer with a kernel"),
        (
            lambda: keras.Sequential([keras.Input((4, 3)), layers.LSTM(3), layers.Dense(2)]),
            r"does not know the layer lstm\w* \(LSTM\).* keep_float",
        ),
    ],
)
def test_a_net_that_cannot_be_rounded_is_refused(make, said):
    with pytest.raises(zoo.ZooError, match=said):
        zoo.quantize_aware(make())


def test_a_layer_to_be_kept_that_is_none_is_named():
    with pytest.raises(zoo.ZooError, match="has no layer third"):
        zoo.quantize_aware(denoiser(), ["third"])


def test_a_classifier_is_trained_so_by_its_recipe(tmp_path):
    data = data_for(zoo.entry("cnn_tiny"), tmp_path / "data")
    changes = {"data": data, "steps": 4, "every": 2, "ema": 0.5}
    first, plain, aware = tmp_path / "first", tmp_path / "plain", tmp_path / "aware"
    zoo.train("cnn_tiny", first, **changes)
    zoo.train("cnn_tiny", plain, first, **changes)
    zoo.train("cnn_tiny", aware, first, **changes, quantization_aware=True)
    begun, learnt, rounded = (
        zoo.load("cnn_tiny", run).net.get_weights() for run in (first, plain, aware)
    )
    assert all(np.isfinite(weight).all() for weight in rounded)
    assert not all(map(np.array_equal, rounded, begun))
    assert not all(map(np.array_equal, rounded, learnt))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("dcgan_tiny", "a net to generate learns otherwise"),
        ("vae_tiny", "a net to autoencode learns otherwise"),
        ("cnn_tiny", "name weights to start from"),
    ],
)
def test_a_recipe_that_cannot_round_is_refused(name, said, tmp_path):
    with pytest.raises(zoo.ZooError, match=said):
        zoo.train(name, tmp_path / "run", quantization_aware=True)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("cut", [False, True])
@pytest.mark.parametrize("count", [50, 30_001])
def test_a_range_is_that_of_all_values_however_they_come(cut, count):
    values = np.random.default_rng(0).standard_cauchy(count).astype(np.float32)
    seen = precision.Values(count)
    for part in np.array_split(values, 7):
        seen.add(part)
    assert seen.range(cut) == precision.range_of(values, cut)
    low, high = seen.range(cut)
    assert (low, high) == (values.min(), values.max()) or (cut and values.min() < low < 0)
