"""Every promise x every name. What needs a training of its own is in test_training.py."""

import ast
import dataclasses
import functools
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiny import data_for, with_random_weights, without_dropout

import zoo
from zoo import loading, weights
from zoo.data import batches, sources
from zoo.export import calibration
from zoo.images.pixels import to_uint8
from zoo.images.tiling import tiled
from zoo.report import card, tables
from zoo.tasks.parts import parts
from zoo.training import steps
from zoo.training.methods import method
from zoo.training.publish import count_macs
from zoo.training.run import recorded_recipe

ROOT = Path(__file__).parent.parent
NAMES = zoo.names(superseded=True)
PRETRAINED = [name for name in NAMES if weights.published(zoo.entry(name))]
NETS = [name for name in NAMES if zoo.entry(name).name == name]  # a net's trainings share it
FREE_SIZE = [name for name in NETS if zoo.entry(name).spec.free_size]


def ways_to_train() -> list:
    """Names, but for those that are trained as another: with the same net, loss and augmentation.

    Those that differ in what is undone or in the size of it alone are for `make test-all`.
    """
    ways, alike = {}, set()
    for e in map(zoo.entry, NAMES):
        way = e.recipe.loss, e.recipe.augment, e.recipe.penalty
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
    """What the net takes: pictures, latents, or both."""
    spec, rng = zoo.entry(name).spec, np.random.default_rng(0)
    shape = [size or side + 2 * number for number, size in enumerate(spec.shape)]
    pictures = rng.random((count, *shape), np.float32)
    latents = rng.standard_normal((count, spec.code), np.float32)
    return {"generate": latents, "autoencode": [pictures, latents]}.get(spec.task, pictures)


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
    for part in parts(loading.pipeline(entry, net)):
        assert part.net.input_shape == part.shape
        assert {t.dtype for t in [*part.net.inputs, *part.net.outputs]} == {"float32"}


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
    if made.spec.kind == "restoration":
        for scale in made.spec.scales:
            height, width = (scale * size for size in values.shape[1:3])
            result = made.infer(values, scale)
            assert result.shape == (2, height, width, values.shape[3])
            assert result.min() >= 0 and result.max() <= 1
    elif made.spec.kind == "recognition":
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
    small = dataclasses.replace(
        zoo.Recipe(data_for(entry, tmp_path, each=6), steps=20, batch=4, learning_rate=1e-3),
        patch=12,
        loss=entry.recipe.loss,
        augment=entry.recipe.augment,
        penalty=entry.recipe.penalty,
    )
    entry = dataclasses.replace(entry, recipe=small)
    pictures = sources.load(small.data, entry.spec.channels)
    data = batches.dataset(entry, pictures, 0, 1)
    batch = next(iter(data))
    training = method(entry, net, tf.distribute.get_strategy())
    step = steps.compiled(training.step, data.element_spec)
    before = [np.array(variable) for variable in training.weights]
    losses = [float(step(*batch)["loss"])]
    for variable, old in zip(training.weights, before, strict=True):
        assert np.isfinite(variable).all() and np.any(variable != old), variable.path
    losses += [float(step(*batch)["loss"]) for _ in range(10)]
    if entry.spec.task != "generate":  # there the critic learns, too
        assert losses[-1] < losses[0]
    step(*(part[:3] for part in batch))
    assert step.experimental_get_tracing_count() == 1


@every_net
def test_weights_and_keras_file_round_trip(name, tmp_path):
    net, values = with_random_weights(name).net, inputs(name)
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
    encoded = spec.encode(pixels.astype(np.float32) / 255)
    assert (encoded.min(), encoded.max()) == pytest.approx(spec.value_range)
    np.testing.assert_array_equal(np.rint(spec.decode(encoded) * 255), pixels)


@pytest.mark.parametrize("name", FREE_SIZE)
def test_tiled_equals_whole(name):
    made = with_random_weights(name)
    values = inputs(name, side=70, count=1)
    whole = made.run(values)
    for tile in (24, 37):
        np.testing.assert_allclose(tiled(made.run, values, made.spec.reach, tile), whole, atol=2e-5)


@pytest.mark.parametrize("name", FREE_SIZE)
def test_the_reach_is_the_nets_own(name):
    """A changed pixel acts as far as the spec says, and no farther.

    It is so bright that what arrives of it at the end of its reach, more than 0.5 in every net,
    stands out from rounding errors, which are some 1e-6 where results are of size 1.
    """
    made = with_random_weights(name)
    reach = made.spec.reach
    side = 2 * reach + 5
    values = np.full((2, side, side, made.spec.shape[-1]), 0.5, np.float32)
    values[1, side // 2, side // 2] = 1e5
    plain, changed = made.run(values)
    places = np.argwhere(np.abs(changed - plain).max(-1) > 1e-3)
    assert np.abs(places - side // 2).max() == reach


@every_net
def test_multiply_accumulates_are_counted(name):
    """Against TensorFlow's own profiler of the graph, which counts two operations each.

    It knows no transposed convolution: the convolution that it is the transpose of has as many.
    """
    made = with_random_weights(name)
    counted = count_macs(made)
    around = 2 * made.spec.margin
    picture = (1, *(side + around for side in counted["size"]), made.spec.shape[-1])
    latent = (1, made.spec.code)
    shapes = {"generate": latent, "autoencode": [picture, latent]}.get(made.spec.task, picture)
    signature = keras.tree.map_shape_structure(tf.TensorSpec, shapes)
    turned = [
        layer
        for layer in made.net._flatten_layers()
        if isinstance(layer, keras.layers.Conv2DTranspose)
    ]

    def computed(*values):
        made.net(*values)
        for layer in turned:
            image = tf.zeros((1, *layer.output.shape[1:]))
            tf.nn.conv2d(image, layer.kernel, layer.strides, "SAME")

    graph = tf.function(computed).get_concrete_function(signature).graph
    options = tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
    options |= {"output": "none", "account_type_regexes": ["Conv2D", "MatMul"]}
    profile = tf.compat.v1.profiler.profile(graph, options=options)
    assert 2 * counted["count"] == profile.total_float_ops


@every_pretrained
def test_golden_through_the_pipeline(name):
    made = loaded(name)
    for part in parts(made):
        values, expected = weights.golden(made.entry, part.name, part.input)
        result = part.infer(values)
        assert np.std(result) > 0.01
        largest = max(1, np.abs(expected).max())  # of pixels 1; latents may be larger
        np.testing.assert_allclose(result, expected, atol=1e-5 * largest)


@every_pretrained
def test_golden_is_what_users_get(name):
    made = loaded(name)
    given = "latent" if made.spec.kind == "generation" else "image"
    part = "decoder" if made.spec.task == "autoencode" else ""
    values, expected = weights.golden(made.entry, part, given)
    if made.spec.kind == "recognition":
        best = [made.spec.labels[i] for i in expected.argmax(-1)]
        assert [labels[0].label for labels in made(to_uint8(values))] == best
        return
    answer = made(to_uint8(values)) if made.spec.restores else made.sample(len(values))
    np.testing.assert_allclose(answer / 255, expected, atol=0.51 / 255)


@every_pretrained
def test_published_files_have_their_recorded_hashes(name):
    entry = zoo.entry(name)
    folder, hashed = weights.pretrained_folder(entry), {weights.WEIGHTS, weights.GOLDEN}
    if entry.spec.task != "generate":
        hashed.add(weights.CALIBRATION)
    plain = {weights.RUN, weights.CARD, weights.STRIP}
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
    for part in parts(made):
        given = calibration.inputs(made, part)
        assert len(given) >= 32 and given.std() > 0.05


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
    assert recorded_recipe(weights.published(entry)) == entry.recipe


@every_pretrained
def test_the_card_is_current(name):
    entry = zoo.entry(name)
    text = (weights.pretrained_folder(entry) / weights.CARD).read_text(encoding="utf-8")
    assert text == card.card(entry, weights.published(entry)), "run `make cards`"


@pytest.mark.parametrize("readme", ["README.md", "README.zh.md"])
def test_the_readmes_tables_are_current(readme):
    text = (ROOT / readme).read_text(encoding="utf-8")
    entries = [zoo.entry(name) for name in NAMES]
    assert text == tables.with_tables(text, entries), "run `make cards`"


@pytest.mark.parametrize(
    "path", sorted((ROOT / "zoo" / "models").glob("*.py")), ids=lambda p: p.stem
)
def test_families_know_the_index_and_keras_alone(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    known = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            known |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            known.add(node.module)
    assert known <= {"dataclasses", "keras", "math", "zoo.index"}


@pytest.mark.parametrize("name", [n for n in NAMES if n.endswith("_tiny")])
def test_it_is_fine_tuned_with_plain_keras(name, tmp_path):
    entry = zoo.entry(name)
    net = with_random_weights(name).net
    pictures = sources.load(data_for(entry, tmp_path), entry.spec.channels)
    values = np.stack(pictures.images).astype(np.float32) / 255
    if entry.spec.kind == "generation":
        pytest.skip("generators are trained with steps of their own")
    inner = slice(entry.spec.margin, -entry.spec.margin or None)
    target = values[:, inner, inner] * 0.5 if entry.spec.restores else pictures.labels
    loss = "mse" if entry.spec.restores else "sparse_categorical_crossentropy"
    net.compile(keras.optimizers.Adam(0.01), loss)
    history = net.fit(values, target, epochs=8, batch_size=6, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0]
