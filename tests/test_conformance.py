"""Every promise x every name. What needs a training of its own is in test_training.py."""

import ast
import dataclasses
import functools
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import REPOSITORY
from tiny import data_for, with_random_weights, without_dropout

import zoo
from zoo import index, loading
from zoo.data import batches, sources
from zoo.export import calibration
from zoo.images.pixels import to_uint8
from zoo.images.resize import to_multiple
from zoo.images.tiling import tiled
from zoo.report import card, tables
from zoo.storage import weights
from zoo.tasks.functions import functions, named
from zoo.training import record, steps
from zoo.training.publish import count_macs

NAMES = zoo.names(fixtures=True)
PRETRAINED = [name for name in NAMES if weights.published(zoo.entry(name))]
NETS = [name for name in NAMES if zoo.entry(name).name == name]  # a net's trainings share it
FREE_SIZE = [name for name in NETS if zoo.entry(name).spec.free_size]


def ways_to_train() -> list:
    """Names, but for those that are trained as another: with the same net, loss and augmentation.

    Those that differ in what is undone or in the size of it alone are for `make test-all`.
    """
    ways, alike = {}, set()
    for e in map(zoo.entry, NAMES):
        if e.origin is not None:  # never trained from nothing here, and large; a tiny one is
            continue
        way = e.recipe.loss, e.recipe.augment, getattr(e.recipe, "penalty", 0)
        ways[e.name, e.spec, way] = e
    found = []
    for (_, _, way), e in ways.items():
        net = e.family, e.parameters, way
        found.append(pytest.param(e.full_name, marks=pytest.mark.slow if net in alike else ()))
        alike.add(net)
    return found


loaded = functools.cache(zoo.load)  # what only looks at a name shares it
every_name = pytest.mark.parametrize("name", NAMES)
every_net = pytest.mark.parametrize("name", NETS)
every_pretrained = pytest.mark.parametrize("name", PRETRAINED)


def inputs(name: str, side: int = 21, count: int = 2):
    """What the pipeline takes: pictures or latents."""
    spec, rng = zoo.entry(name).spec, np.random.default_rng(0)
    shape = [size or side + 2 * number for number, size in enumerate(spec.shape)]
    pictures = rng.random((count, *shape), np.float32)
    latents = rng.standard_normal((count, spec.code), np.float32)
    return latents if spec.task == "generate" else pictures


def of_the_net(name: str, side: int = 21, count: int = 2):
    """What the net takes; of one that is told the noise, with its level as a further channel."""
    spec, values = zoo.entry(name).spec, inputs(name, side, count)
    if not spec.noise_level:
        return values
    level = np.random.default_rng(1).random((*values.shape[:3], 1), np.float32)
    return to_multiple(np.concatenate([values, level], -1), spec.multiple)


def apart(name: str, values: np.ndarray):
    """As the Keras model takes it."""
    return [values[..., :-1], values[..., -1:]] if zoo.entry(name).spec.noise_level else values


def outputs_of(net, values) -> np.ndarray:
    outputs = keras.tree.flatten(net(values, training=False))
    return np.concatenate([np.ravel(output) for output in outputs])


def test_every_name_that_should_be_pretrained_is():
    expected = [name for name in NAMES if zoo.entry(name).pretrained]
    assert expected == PRETRAINED


@every_name
def test_it_builds_as_the_entry_says(name):
    entry = zoo.entry(name)
    net = entry.build()
    assert net.count_params() == entry.parameters
    for function in functions(loading.pipeline(entry, net)):
        assert [tensor.shape for tensor in function.net.inputs] == [
            i.shape for i in function.inputs
        ]
        assert {t.dtype for t in [*function.net.inputs, *function.net.outputs]} == {"float32"}


@every_net
def test_its_layers_are_stock_and_named_for_good(name):
    first, second = (zoo.entry(name).build()._flatten_layers() for _ in range(2))
    first = list(first)
    assert [layer.name for layer in first] == [layer.name for layer in second]
    stock = ("keras.src.layers", "keras.src.models.functional")
    assert all(type(layer).__module__.startswith(stock) for layer in first)


@pytest.mark.parametrize(
    ("name", "side"), [*((name, 20) for name in NETS), *((name, 25) for name in FREE_SIZE)]
)
def test_what_comes_out_has_its_shape_and_range(name, side):
    made = with_random_weights(name)
    values = inputs(name, side)
    if index.task(made.spec.task).kind == "restoration":
        told = {"sigma": 10} if made.spec.noise_level else {}
        for scale in made.spec.scales:
            height, width = (scale * size for size in values.shape[1:3])
            result = made.infer(values, scale, **told)
            assert result.shape == (2, height, width, values.shape[3])
            assert result.min() >= 0 and result.max() <= 1
    elif index.task(made.spec.task).kind == "recognition":
        result = made.infer(values)
        assert result.shape == (2, len(made.spec.labels))
        np.testing.assert_allclose(result.sum(-1), 1, atol=1e-5)
    else:
        result = made.decode(made.codes(2))
        assert result.shape == (2, *made.spec.shape)
        assert result.min() >= 0 and result.max() <= 1


@pytest.mark.parametrize("name", ways_to_train())
def test_each_weight_is_trained_and_the_loss_of_a_fixed_batch_falls(name, tmp_path):
    entry = zoo.entry(name)
    net = without_dropout(with_random_weights(name).net)
    kept = {k: v for k, v in vars(entry.recipe).items() if k in ("loss", "augment", "penalty")}
    kept |= {"patch": 12} if entry.spec.free_size else {}
    data = data_for(entry, tmp_path, each=6)
    small = type(entry.recipe)(data=data, steps=20, batch=4, learning_rate=1e-3, **kept)
    entry = dataclasses.replace(entry, recipe=small)
    pictures = sources.load(small.data, entry.spec.channels)
    data = batches.dataset(entry, pictures, 0, 1)
    batch = next(iter(data))
    training = index.task_of(entry).method(entry, net, tf.distribute.get_strategy())
    step = steps.compiled(training.step, data.element_spec)
    before = [np.array(variable) for variable in training.weights]
    losses = [float(step(*batch)["loss"])]
    for variable, old in zip(training.weights, before, strict=True):
        assert np.isfinite(variable).all() and np.any(variable != old), variable.path
    losses += [float(step(*batch)["loss"]) for _ in range(10)]
    if entry.spec.task != "generate":  # there the critic learns, too
        assert losses[-1] < losses[0]
    step(*(function[:3] for function in batch))
    assert step.experimental_get_tracing_count() == 1


@every_net
def test_weights_and_keras_file_round_trip(name, tmp_path):
    net, values = with_random_weights(name).net, apart(name, of_the_net(name))
    weights.save(net, tmp_path / "weights.h5")
    net.save(tmp_path / "net.keras")
    loaded = loading.load(name, tmp_path / "weights.h5").net
    plain = keras.models.load_model(tmp_path / "net.keras")
    for again in (loaded, plain):
        for one, other in zip(again.get_weights(), net.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)
        found, expected = outputs_of(again, values), outputs_of(net, values)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@every_net
def test_all_8_bit_values_survive_encoding(name):
    spec = zoo.entry(name).spec
    pixels = np.arange(256, dtype=np.uint8)
    encoded = spec.normalize(pixels.astype(np.float32) / 255)
    assert (encoded.min(), encoded.max()) == pytest.approx(spec.value_range)
    np.testing.assert_array_equal(np.rint(spec.denormalize(encoded) * 255), pixels)


@pytest.mark.parametrize("name", FREE_SIZE)
def test_tiled_equals_whole(name):
    made = with_random_weights(name)
    values, reach = of_the_net(name, side=70, count=1), made.spec.receptive_radius
    whole, aligned = made.run(values), {"multiple": made.spec.multiple}
    for tile in (24, 37):
        np.testing.assert_allclose(
            tiled(made.run, values, reach, tile, scale=made.spec.enlarged_by_net, **aligned),
            whole,
            atol=2e-5,
        )


@pytest.mark.parametrize("name", FREE_SIZE)
def test_the_reach_is_the_nets_own(name):
    """A changed pixel acts as far as the spec says, and no farther.

    It is so bright that what arrives of it at the end of its reach, more than 0.5 in every net,
    stands out from rounding errors, which are some 1e-6 where results are of size 1.
    """
    made = with_random_weights(name)
    scale = made.spec.enlarged_by_net
    receptive_radius = made.spec.receptive_radius // scale
    side = 2 * receptive_radius + 5
    side += -side % made.spec.multiple
    channels = made.spec.shape[-1] + made.spec.noise_level
    values = np.full((2, side, side, channels), 0.5, np.float32)
    values[1, side // 2, side // 2] = 1e5
    plain, changed = made.run(values)
    places = np.argwhere(np.abs(changed - plain).max(-1) > 1e-3) // scale
    assert np.abs(places - side // 2).max() == receptive_radius


@every_net
def test_multiply_accumulates_are_counted(name):
    """Against TensorFlow's own profiler of the graph, which counts two operations each.

    It knows no transposed convolution: the convolution that it is the transpose of has as many.
    """
    made = with_random_weights(name)
    counted = count_macs(made)
    around = 2 * made.spec.border
    sides = [side // made.spec.enlarged_by_net + around for side in counted["size"]]
    pictures = [(1, *sides, tensor.shape[-1]) for tensor in made.net.inputs]
    taken = [(1, made.spec.code)] if made.spec.task == "generate" else pictures
    signature = [tf.TensorSpec(shape) for shape in taken]
    net = made.net
    if made.spec.free_size:
        alike = [keras.Input(shape[1:]) for shape in pictures]
        net = keras.models.clone_model(net, alike if len(alike) > 1 else alike[0])
    turned = [
        layer for layer in net._flatten_layers() if isinstance(layer, keras.layers.Conv2DTranspose)
    ]

    def computed(*values):
        net(values if len(values) > 1 else values[0])
        for layer in turned:
            image = tf.zeros((1, *layer.output.shape[1:]))
            tf.nn.conv2d(image, layer.kernel, layer.strides, "SAME")

    graph = tf.function(computed).get_concrete_function(*signature).graph
    options = tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
    options |= {"output": "none", "account_type_regexes": ["Conv2D", "MatMul", "Depthwise.*"]}
    profile = tf.compat.v1.profiler.profile(graph, options=options)
    assert 2 * counted["count"] == profile.total_float_ops


@every_pretrained
def test_golden_through_the_pipeline(name):
    made = loaded(name)
    for function in functions(made):
        values, expected = weights.golden(made.entry, function.name, function.names)
        result = function.infer(values)
        assert np.std(result) > 0.01
        largest = max(1, np.abs(expected).max())  # of pixels 1; latents may be larger
        np.testing.assert_allclose(result, expected, atol=1e-5 * largest)


@every_pretrained
def test_golden_is_what_users_get(name):
    made = loaded(name)
    function = functions(made)[-1]
    values, expected = weights.golden(made.entry, function.name, function.names)
    told = {"sigma": values["sigma"]} if made.spec.noise_level else {}
    values = values["image"] if told else values
    if index.task(made.spec.task).kind == "recognition":
        best = [made.spec.labels[i] for i in expected.argmax(-1)]
        assert [labels[0].label for labels in made(to_uint8(values))] == best
        return
    answer = made(to_uint8(values), **told) if made.spec.restores else made.sample(len(values))
    np.testing.assert_allclose(answer / 255, expected, atol=0.51 / 255)


@every_pretrained
def test_published_files_have_their_recorded_hashes(name):
    entry = zoo.entry(name)
    folder, hashed = weights.pretrained_folder(entry), {weights.WEIGHTS, weights.GOLDEN}
    if entry.spec.task != "generate":
        hashed.add(weights.CALIBRATION)
    if entry.origin is not None:
        hashed |= {weights.LICENCE, weights.NOTICE}
    plain = {weights.RUN, weights.CARD, weights.PREVIEW}
    assert {path.name for path in folder.iterdir()} == hashed | plain
    assert set(weights.published(entry)["sha256"]) == hashed
    for file in hashed:
        assert weights.read_checked(folder / file)


@every_pretrained
def test_int8_files_are_calibrated_without_a_data_set(name, monkeypatch):
    def refuse(name, *_):
        raise AssertionError(f"calibration asks for {name}")

    monkeypatch.setattr(sources, "load", refuse)
    made = loaded(name)
    for function in functions(made):
        for given in named(function, calibration.inputs(made, function)).values():
            assert len(given) >= 16 and given.std() > 0.05


@every_pretrained
@pytest.mark.parametrize("damage", ["cut", "changed"])
def test_damaged_weights_raise(name, damage, tmp_path):
    folder = weights.pretrained_folder(zoo.entry(name))
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    data = bytearray((tmp_path / weights.WEIGHTS).read_bytes())
    if damage == "cut":
        del data[len(data) // 2 :]
    else:
        data[len(data) // 2] ^= 1
    (tmp_path / weights.WEIGHTS).write_bytes(data)
    with pytest.raises(zoo.ZooError, match="SHA-256"):
        zoo.load(name, tmp_path)


def test_every_name_loads_with_the_network_blocked():
    script = (
        "import socket\n"
        "def refuse(*args): raise OSError('no network')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "import sys, zoo\n"
        "for name in sys.argv[1:]:\n"
        "    assert zoo.load(name).entry.full_name == zoo.entry(name).full_name\n"
    )
    subprocess.run([sys.executable, "-c", script, *PRETRAINED], check=True)


@every_pretrained
def test_the_published_training_is_the_recipe_of_the_index(name):
    entry = zoo.entry(name)
    if entry.origin is not None:
        assert weights.published(entry)["origin"]["sha256"] == entry.origin.sha256
        return
    assert record.chain(weights.published(entry), entry) == entry.recipe.chain()


@every_pretrained
def test_the_card_is_current(name):
    entry = zoo.entry(name)
    text = (weights.pretrained_folder(entry) / weights.CARD).read_text(encoding="utf-8")
    assert text == card.card(entry, weights.published(entry)), "run `make cards`"


@pytest.mark.parametrize("page", ["README.md", "README.zh.md", "docs/figures.md"])
def test_the_pages_tables_are_current(page):
    text = (REPOSITORY / page).read_text(encoding="utf-8")
    entries = [zoo.entry(name) for name in NAMES]
    assert text == tables.with_tables(text, entries), "run `make cards`"


@pytest.mark.parametrize(
    "path", sorted((REPOSITORY / "zoo" / "models").glob("*.py")), ids=lambda p: p.stem
)
def test_families_know_the_index_their_task_and_keras_alone(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    known = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            known |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            known.add(node.module)
    tasks = {name for name in known if name.startswith("zoo.tasks.")}
    assert len(tasks) <= 1
    assert known - tasks <= {"dataclasses", "keras", "math", "typing", "zoo.data.sets", "zoo.index"}


@pytest.mark.parametrize("name", [n for n in NAMES if n.endswith("_tiny")])
def test_it_is_fine_tuned_with_plain_keras(name, tmp_path):
    entry = zoo.entry(name)
    net = with_random_weights(name).net
    pictures = sources.load(data_for(entry, tmp_path), entry.spec.channels)
    values = np.stack(pictures.images).astype(np.float32) / 255
    if index.task(entry.spec.task).kind == "generation":
        pytest.skip("generators are trained with steps of their own")
    inner = slice(entry.spec.border, -entry.spec.border or None)
    larger = values.repeat(entry.spec.enlarged_by_net, 1).repeat(entry.spec.enlarged_by_net, 2)
    target = larger[:, inner, inner] * 0.5 if entry.spec.restores else pictures.labels
    loss = "mse" if entry.spec.restores else "sparse_categorical_crossentropy"
    net.compile(keras.optimizers.Adam(0.01), loss)
    told = [values, np.zeros_like(values[..., :1])] if entry.spec.noise_level else values
    history = net.fit(told, target, epochs=8, batch_size=6, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0]
