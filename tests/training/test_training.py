"""Training: the same bytes whatever happens, one trace, several replicas, honest refusals."""

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiny import data_for, with_random_weights, without_dropout

import zoo
from zoo import index
from zoo import recipe as names
from zoo.data import sources
from zoo.metrics.likelihood import PICTURE_LOSSES
from zoo.recipe import in_cycles
from zoo.storage import run_json, weights
from zoo.training import loop as looping
from zoo.training import record, steps
from zoo.training.checkpoints import Checkpoints
from zoo.training.fused import _fake_quantized, deliver, fused_twin
from zoo.training.log import read
from zoo.training.optimizers import OPTIMIZERS, make_optimizer

TINY = zoo.names("*_tiny")


@pytest.fixture(params=TINY)
def tiny(request, tmp_path):
    entry = zoo.entry(request.param)
    return request.param, data_for(entry, tmp_path / "data"), tmp_path


@pytest.fixture(scope="module", params=TINY)
def trained(request, tmp_path_factory):
    """A name, pictures, and a run by its recipe on these, which is not to be changed."""
    folder = tmp_path_factory.mktemp(request.param)
    data = data_for(zoo.entry(request.param), folder / "data")
    return request.param, data, zoo.train(request.param, folder / "run", data=data)


def command(name, data, run, *options):
    zoo_command = [sys.executable, "-m", "zoo", "train", name, "--data", data, "--run", str(run)]
    return [*zoo_command, *map(str, options)]


def timeless(run) -> list[dict]:
    """The log of a run, but for how long it took."""
    return [{k: v for k, v in row.items() if k != "seconds"} for row in read(run / "log.csv")]


def test_stopped_and_resumed_it_ends_with_the_same_bytes(trained, tmp_path, monkeypatch):
    """And so the same seed gives the same bytes; another seed gives others."""
    name, data, run = trained
    stopped, save = tmp_path / "stopped", Checkpoints.save

    def stop_after(self, step):
        save(self, step)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Checkpoints, "save", stop_after)
        zoo.train(name, stopped, data=data)
    assert not (stopped / "weights.h5").exists()
    zoo.train(name, stopped, data=data)
    assert timeless(stopped) == timeless(run)
    for file in ("weights.h5", "calibration.npz"):
        if (run / file).is_file():
            assert (stopped / file).read_bytes() == (run / file).read_bytes()


@pytest.mark.slow
def test_killed_at_any_moment_it_ends_with_the_same_bytes(tiny):
    name, data, folder = tiny
    changes = {"steps": 60, "every": 6}
    options = [f"--{field}={value}" for field, value in changes.items()]
    zoo.train(name, folder / "whole", data=data, **changes)
    log = folder / "killed" / "log.csv"
    for rows in (1, 4):
        process = subprocess.Popen(command(name, data, folder / "killed", *options))
        while len(read(log)) < rows and process.poll() is None:
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert not (folder / "killed" / "weights.h5").exists(), "it was killed too late to tell"
    subprocess.run(command(name, data, folder / "killed", *options), check=True)
    whole, killed = [(folder / run / "weights.h5").read_bytes() for run in ("whole", "killed")]
    assert whole == killed
    facts = json.loads((folder / "killed" / "run.json").read_text())
    assert facts["command"].startswith(f"zoo train {name} --data ")
    assert timeless(folder / "killed") == timeless(folder / "whole")


def test_a_training_records_what_it_did(trained):
    name, data, run = trained
    facts = json.loads((run / "run.json").read_text())
    first, last = facts["curve"][0], facts["curve"][-1]
    if zoo.entry(name).spec.task == "generate":  # both players learn: their losses say little
        assert first["critic_loss"] != last["critic_loss"]
        assert (run / "samples.gif").is_file()
    else:
        assert any(key.startswith("held_out_") for key in first)
    assert facts["recipe"]["data"] == data
    assert set(facts["versions"]) >= {"python", "tensorflow", "keras"}
    assert list((run / "tensorboard").iterdir())


def test_a_finished_run_is_not_trained_again(trained):
    name, data, run = trained
    before = (run / "weights.h5").stat().st_mtime_ns
    assert zoo.train(name, run, data=data) == run
    assert (run / "weights.h5").stat().st_mtime_ns == before


def test_it_starts_from_given_weights_and_keeps_their_training(trained, tmp_path):
    name, data, first = trained
    second = zoo.train(name, tmp_path / "second", start=first, data=data, seed=2)
    fresh, warm = (read(run / "log.csv") for run in (first, second))
    assert warm[0]["loss"] != fresh[0]["loss"]
    assert (first / "weights.h5").read_bytes() != (second / "weights.h5").read_bytes()
    donor, facts = [json.loads((run / "run.json").read_text()) for run in (first, second)]
    assert facts["start"] == {
        key: donor[key] for key in ("name", "recipe", "host", "seconds", "sha256")
    }


def test_weights_of_another_net_are_refused_as_a_start(tmp_path):
    data = data_for(zoo.entry("cnn_tiny"), tmp_path / "data")
    other = zoo.train("cnn_tiny", tmp_path / "other", data=data)
    pictures = data_for(zoo.entry("dncnn_tiny"), tmp_path / "pictures")
    with pytest.raises(zoo.ZooError, match="another net"):
        zoo.train("dncnn_tiny", tmp_path / "run", start=other, data=pictures)


def test_a_run_directory_of_another_recipe_is_refused_and_kept(trained):
    name, data, run = trained
    before = (run / "run.json").read_bytes()
    with pytest.raises(zoo.ZooError, match="seed: 1 there, 5 asked for"):
        zoo.train(name, run, data=data, seed=5)
    assert (run / "run.json").read_bytes() == before


def test_a_folder_of_something_else_is_not_used_as_run_directory(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(zoo.ZooError, match="not empty"):
        zoo.train("dncnn_tiny", tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_fixed_averages_need_weights_to_start_from(tmp_path):
    with pytest.raises(zoo.ZooError, match="name weights to start from"):
        zoo.train("dncnn_tiny", tmp_path / "run", frozen_batch_norm=True)


def test_an_unknown_part_of_a_recipe_is_named(tmp_path):
    with pytest.raises(zoo.ZooError, match="learning_speed"):
        zoo.train("dncnn_tiny", tmp_path / "run", learning_speed=1)


def test_holding_out_everything_is_refused(tiny):
    name, data, folder = tiny
    with pytest.raises(zoo.ZooError, match="holds out"):
        zoo.train(name, folder / "run", data=data, holdout=1000)


def test_a_full_disk_keeps_the_checkpoint_before(tmp_path):
    data = data_for(zoo.entry("dncnn_tiny"), tmp_path / "data")
    run = tmp_path / "run"
    script = (
        "import resource, zoo, zoo.training.checkpoints as c\n"
        "save = c.Checkpoints.save\n"
        "def full_from_8(self, step):\n"
        "    if step == 8: resource.setrlimit(resource.RLIMIT_FSIZE, (512, 512))\n"
        "    save(self, step)\n"
        "c.Checkpoints.save = full_from_8\n"
        f"zoo.train('dncnn_tiny', {str(run)!r}, data={data!r})\n"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert result.returncode == 1
    assert "step-00000008 cannot be written" in result.stderr
    assert [p.name for p in (run / "checkpoints").iterdir()] == ["step-00000004"]
    zoo.train("dncnn_tiny", run, data=data)
    assert zoo.load("dncnn_tiny", run).net.count_params() > 0


def test_a_cut_checkpoint_is_named(tmp_path):
    data = data_for(zoo.entry("dncnn_tiny"), tmp_path / "data")
    run = zoo.train("dncnn_tiny", tmp_path / "run", data=data)
    facts = json.loads((run / "run.json").read_text())
    del facts["sha256"]
    (run / "run.json").write_text(json.dumps(facts))
    values = next((run / "checkpoints").glob("*/*.data*"))
    os.truncate(values, 100)
    with pytest.raises(zoo.ZooError, match=r"step-00000012 cannot be restored"):
        zoo.train("dncnn_tiny", run, data=data)


def test_a_loss_that_is_not_finite_stops_the_run(tmp_path):
    data = data_for(zoo.entry("dncnn_tiny"), tmp_path / "data")
    with pytest.raises(zoo.ZooError, match="loss became"):
        zoo.train("dncnn_tiny", tmp_path / "run", data=data, optimizer="sgd", learning_rate=1e20)
    assert not (tmp_path / "run" / "weights.h5").exists()


def test_averaged_weights_are_delivered_where_the_recipe_asks(tmp_path):
    """With decay d the average after n steps is the decayed sum of the weights after each."""
    data = data_for(zoo.entry("dncnn_tiny"), tmp_path / "data")
    averaged = zoo.train("dncnn_tiny", tmp_path / "ema", data=data, ema=0.5, every=1, steps=2)
    mean = zoo.load("dncnn_tiny", averaged).net.trainable_variables
    plain = zoo.train("dncnn_tiny", tmp_path / "plain", data=data, every=1, steps=2)
    last = zoo.load("dncnn_tiny", plain).net.trainable_variables
    keras.utils.set_random_seed(zoo.entry("dncnn_tiny").recipe.seed)
    first = zoo.load("dncnn_tiny", weights=None).net.trainable_variables
    # the first step has learning rate 0, so the weights after it are the initial ones
    for begin, end, average in zip(first, last, mean, strict=True):
        np.testing.assert_allclose(average, (np.array(begin) + np.array(end)) / 2, atol=1e-6)


@pytest.mark.parametrize("name", TINY)
def test_the_twin_trains_as_the_plain_net_does(name):
    net = with_random_weights(name).net
    twin = fused_twin(net)
    shapes = [(5, *(side or 14 for side in given.shape[1:])) for given in net.inputs]
    inputs = [np.random.default_rng(0).random(shape, np.float32) for shape in shapes]
    inputs = keras.tree.pack_sequence_as(net.input, inputs)
    for training in (False, True):
        expected = without_dropout(net)(inputs, training=training)
        actual = without_dropout(twin)(inputs, training=training)
        pairs = zip(keras.tree.flatten(actual), keras.tree.flatten(expected), strict=True)
        for one, other in pairs:
            np.testing.assert_allclose(one, other, atol=1e-5)
    for ours, theirs in zip(twin.weights, net.weights, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5, err_msg=ours.path)


def test_wide_convolutions_are_delivered_as_the_narrow_ones_that_they_are():
    net, rng = with_random_weights("sesr_tiny").net, np.random.default_rng(0)
    twin, values = fused_twin(net, expand=8), rng.random((2, 9, 11, 1), np.float32)
    before = np.array(net(values))
    np.testing.assert_allclose(twin(values), before, atol=1e-5)
    wide = [weight for weight in twin.weights if weight.name == "projection"]
    assert len(wide) == 3
    for weight in wide:
        weight.assign(rng.normal(0, 0.1, weight.shape))
    deliver(twin, net)
    np.testing.assert_allclose(net(values), twin(values), atol=1e-5)
    assert np.abs(net(values) - before).max() > 0.01


def test_a_frozen_normalisation_keeps_its_statistics():
    net = with_random_weights("cnn_tiny").net
    for layer in net.layers:
        layer.trainable = not isinstance(layer, keras.layers.BatchNormalization)
    twin = fused_twin(net)
    means = [w for w in twin.weights if "moving" in w.name]
    before = [np.array(m) for m in means]
    twin(np.random.default_rng(0).random((4, 12, 12, 1), np.float32), training=True)
    assert means
    for mean, old in zip(means, before, strict=True):
        np.testing.assert_array_equal(mean, old)


def _read_twice():
    """Normalised and as they are, results of a convolution are added."""
    pictures = keras.Input((None, None, 1))
    x = keras.layers.Conv2D(3, 3, padding="same", use_bias=False)(pictures)
    normal = keras.layers.BatchNormalization(beta_initializer="ones")(x)
    return keras.Model(pictures, keras.layers.Add()([x, keras.layers.ReLU()(normal)]))


@pytest.mark.parametrize("make", [lambda: with_random_weights("dncnn_tiny").net, _read_twice])
def test_a_fixed_normalisation_trains_the_net_as_it_is_delivered(make):
    net = make()
    twin = fused_twin(net, frozen_batch_norm=True)
    expected, actual = _gradients(net, training=False), _gradients(twin, training=True)
    for ours, theirs, weight in zip(actual, expected, net.trainable_variables, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-3, err_msg=weight.path)
    for ours, theirs in zip(twin.weights, net.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs, err_msg=ours.path)


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_gradients_pass_rounding_as_if_it_were_not_there(precision):
    net = with_random_weights("dncnn_tiny").net
    plain, quantization_aware = (
        _gradients(fused_twin(net, precision, quantization_aware=r), training=False)
        for r in (False, True)
    )
    pairs = zip(quantization_aware, plain, strict=True)
    far = [np.linalg.norm(ours - theirs) / np.linalg.norm(theirs) for ours, theirs in pairs]
    assert 0 < max(far) < 0.05, dict(zip(net.trainable_variables, far, strict=True))


def test_the_step_of_rounding_is_learnt():
    """Of the squared error of rounding: none by the values themselves, all by the greatest one."""
    values = tf.constant(np.random.default_rng(0).random((2, 5, 5, 3), np.float32))
    with tf.GradientTape() as tape:
        tape.watch(values)
        off = _fake_quantized(values) - tf.stop_gradient(values)
        loss = tf.reduce_sum(off**2)
    found, greatest = tape.gradient(loss, values).numpy().ravel(), np.argmax(values)
    found -= 2 * off.numpy().ravel()
    assert found[greatest] == pytest.approx(2 * float(loss) / np.max(values), rel=1e-4)
    assert np.abs(np.delete(found, greatest)).max() < 1e-7


def test_kernels_trained_with_rounding_are_delivered_rounded(tmp_path):
    data = data_for(zoo.entry("dncnn_tiny"), tmp_path / "data")
    first = zoo.train("dncnn_tiny", tmp_path / "first", data=data)
    run = zoo.train(
        "dncnn_tiny",
        tmp_path / "run",
        data=data,
        start=first,
        quantization_aware=True,
        frozen_batch_norm=True,
    )
    net = zoo.load("dncnn_tiny", run).net
    outer, *middle, last = (layer.kernel.numpy() for layer in net.layers if "conv" in layer.name)
    for kernel, quantization_aware in (
        (outer, False),
        *((one, True) for one in middle),
        (last, False),
    ):
        counts = kernel / np.abs(kernel).max(axis=(0, 1, 2)) * 127
        assert (np.abs(counts - np.rint(counts)).max() < 1e-3) == quantization_aware


def _gradients(net, training: bool):
    inputs = np.random.default_rng(0).random((4, 12, 12, 1), np.float32)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(net(inputs, training=training) ** 2)
    return tape.gradient(loss, net.trainable_variables)


def test_a_recipe_names_what_there_is():
    assert sorted(OPTIMIZERS) == sorted(names.OPTIMIZERS)
    assert set(index.task("classify").losses) <= set(steps.LOSSES)
    assert set(index.task("denoise").losses) <= set(steps.LOSSES)
    assert set(index.task("generate").losses) == set(steps.GAN_LOSSES)
    assert set(index.task("autoencode").losses) == set(PICTURE_LOSSES)


@pytest.mark.parametrize(
    "changes",
    [
        {"optimizer": "adamx"},
        {"loss": "none"},
        {"precision": "float16"},
        {"ema": 2},
        {"learning_rate": "1e-3"},
        {"steps": 2.5},
    ],
)
def test_a_recipe_that_cannot_be_is_refused_and_leaves_nothing(changes, tmp_path):
    (name,) = changes
    with pytest.raises(zoo.ZooError, match=f"{name}: expected"):
        zoo.train("cnn_tiny", tmp_path / "run", **changes)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("optimizer", sorted(OPTIMIZERS))
def test_every_optimizer_follows_the_schedule(optimizer):
    recipe = zoo.Recipe(
        data="none", steps=10, batch=1, learning_rate=0.5, warmup=2, optimizer=optimizer
    )
    made = make_optimizer(recipe)
    rates = []
    weight = keras.Variable(np.ones((3, 3, 4, 5), np.float32))
    for _ in range(11):
        rates.append(float(made.learning_rate))
        made.apply([keras.ops.ones_like(weight)], [weight])
    assert rates[0] == 0
    assert max(rates) == rates[2] == 0.5
    assert rates[10] == pytest.approx(0, abs=1e-6)
    assert np.isfinite(weight.numpy()).all() and (weight.numpy() != 1).all()


@pytest.mark.parametrize("steady", [False, True])
def test_the_critics_rate_falls_with_the_generators_or_stays(steady):
    entry = zoo.entry("dcgan_tiny")
    recipe = dataclasses.replace(entry.recipe, steady_critic=steady)
    entry = dataclasses.replace(entry, recipe=recipe)
    pair = index.task_of(entry).method(entry, entry.build(), tf.distribute.get_strategy())
    rates = []
    for optimizer in (player.optimizer for player in pair._players):
        optimizer.iterations.assign(recipe.steps)
        rates.append(float(optimizer.learning_rate))
    assert rates == pytest.approx([0.0, steady * recipe.learning_rate], abs=1e-9)


def test_muon_makes_convolution_updates_orthogonal():
    kernel = keras.Variable(np.zeros((3, 3, 8, 6), np.float32))
    optimizer = OPTIMIZERS["muon"](1.0, weight_decay=0.0)
    gradient = np.random.default_rng(0).normal(size=kernel.shape).astype(np.float32)
    optimizer.apply([keras.ops.convert_to_tensor(gradient)], [kernel])
    singular = np.linalg.svd(kernel.numpy().reshape(-1, 6), compute_uv=False)
    assert singular.max() / singular.min() < 2


def test_late_cycles_move_what_is_no_kernel_in_smaller_steps():
    def moved(optimizer):
        weights = [keras.Variable(np.ones(shape, np.float32)) for shape in ((3, 3, 8, 6), (6,))]
        OPTIMIZERS[optimizer](0.1).apply([keras.ops.ones_like(w) for w in weights], weights)
        return [np.abs(1 - w.numpy()).max() for w in weights]

    (kernel, bias), (late_kernel, late_bias) = moved("muon"), moved("muon_late")
    assert (late_kernel, late_bias) == pytest.approx((kernel, 0.03 * bias), rel=1e-4)


def test_two_replicas_train_like_one(tmp_path):
    """A net without batch normalisation, whose statistics are a replica's own."""
    result = subprocess.run([sys.executable, "-c", TWO_REPLICAS], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


TWO_REPLICAS = """
import keras, numpy as np, tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from zoo.training import steps
from zoo.training.optimizers import OPTIMIZERS

def trained(strategy, kind):
    keras.utils.set_random_seed(1)
    with strategy.scope():
        layers = [keras.layers.Conv2D(c, 3, padding="same", activation="elu") for c in (4, 4, 1)]
        net = keras.Sequential([keras.Input((None, None, 1)), *layers])
        step = steps.supervised(net, OPTIMIZERS[kind](0.01), "mse", strategy)
    x, y = np.random.default_rng(0).random((2, 48, 9, 9, 1), np.float32)
    data = tf.data.Dataset.from_tensor_slices((x, y)).batch(8, drop_remainder=True)
    data = strategy.experimental_distribute_dataset(data)
    step = steps.compiled(step, data.element_spec)
    for batch in data:
        step(*batch)
    return net.get_weights()

for kind in ("adam", "muon"):
    one = trained(tf.distribute.get_strategy(), kind)
    two = trained(tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]), kind)
    for a, b in zip(one, two, strict=True):
        np.testing.assert_allclose(a, b, atol=2e-5)
"""


def test_what_each_replica_keeps_for_itself_is_levelled_and_nothing_else_is_rounded():
    result = subprocess.run([sys.executable, "-c", LEVELLED], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


LEVELLED = """
import keras, numpy as np, tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 3)
from zoo.training import steps

strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1", "CPU:2"])
same = np.random.default_rng(0).random(1000, np.float32)
with strategy.scope():
    starts = np.zeros(2, np.float32), same
    average, frozen = (keras.Variable(start, trainable=False) for start in starts)

def moved():
    number = tf.distribute.get_replica_context().replica_id_in_sync_group
    average.assign(tf.cast(number, tf.float32) * tf.constant([1.0, 2.0]))

tf.function(lambda: strategy.run(moved))()
steps.level([average, frozen], strategy)()
averages, kept = ([one.numpy() for one in strategy.experimental_local_results(variable.value)]
                  for variable in (average, frozen))
assert [one.tolist() for one in averages] == [[1.0, 2.0]] * 3, averages
assert all(np.array_equal(one, same) for one in kept)
"""


def test_the_loop_reports_each_interval_and_the_end():
    seen = []
    numbers = [(tf.constant(float(i)),) for i in range(1, 6)]
    looping.loop(lambda x: {"loss": x}, numbers, 0, 5, 2, lambda *row: seen.append(row))
    assert seen == [(2, {"loss": 1.5}), (4, {"loss": 3.5}), (5, {"loss": 5.0})]


def test_a_ragged_batch_costs_no_second_trace():
    pipeline = with_random_weights("dncnn_tiny")
    optimizer = make_optimizer(pipeline.entry.recipe)
    plain = steps.supervised(pipeline.net, optimizer, "mse")
    spec = (tf.TensorSpec([8, 16, 16, 1]), tf.TensorSpec([8, 16, 16, 1]))
    step = steps.compiled(plain, spec)
    for size in (8, 8, 3):
        images = tf.random.stateless_uniform([size, 16, 16, 1], (0, size))
        step(images, images)
    assert step.experimental_get_tracing_count() == 1


def test_the_held_out_pictures_are_never_trained_on(tmp_path):
    from zoo.training.pictures import split

    entry = zoo.entry("cnn_tiny")
    data = data_for(entry, tmp_path)
    entry = dataclasses.replace(
        entry, recipe=dataclasses.replace(entry.recipe, data=data, holdout=5)
    )
    everything = sources.load(data, 1)
    training, held_out = split(entry, everything, None)
    assert (len(training), len(held_out)) == (31, 5)
    together = [*training.images, *held_out.images]
    assert sorted(i.tobytes() for i in together) == sorted(i.tobytes() for i in everything.images)


def test_the_training_of_what_it_starts_from_is_kept(tmp_path, monkeypatch):
    from zoo.training.run import _begun

    monkeypatch.setattr(sources, "refuse_missing", lambda name: None)
    donor = zoo.entry("srcnn_x2")
    facts = _begun(
        zoo.entry("srcnn_x3"),
        tmp_path / "run",
        ("srcnn_x2", weights.path_of(donor, "pretrained")),
        None,
    )
    published = weights.published(donor)
    kept = {key: published[key] for key in ("name", "recipe", "host", "seconds", "sha256")}
    assert facts["start"] == kept
    assert json.loads((tmp_path / "run" / "run.json").read_text())["start"] == kept


def test_a_start_that_is_not_there_is_refused_before_the_run_is_begun(tmp_path):
    with pytest.raises(zoo.ZooError, match=r"missing\.h5"):
        zoo.train("dncnn_color", tmp_path / "run", start="missing.h5")
    assert not (tmp_path / "run").exists()


@pytest.fixture
def in_two_cycles(tmp_path, monkeypatch):
    """A tiny name that is trained in two cycles, from one of another name."""
    data = data_for(zoo.entry("dncnn_tiny"), tmp_path / "data")
    first, tiny = zoo.entry("dncnn_tiny"), zoo.entry("dncnn_tiny")
    short = dataclasses.replace(tiny.recipe, data=data, steps=3, every=3)
    again = dataclasses.replace(short, seed=2, frozen_batch_norm=True)
    first = dataclasses.replace(tiny, tag="first", recipe=in_cycles(short, again))
    begins = dataclasses.replace(short, start="dncnn_tiny.first@1")
    second = dataclasses.replace(tiny, tag="second", recipe=in_cycles(begins, again))
    for entry in (first, second):
        monkeypatch.setitem(index._entries, entry.full_name, entry)
    return second


def test_one_command_repeats_all_cycles_and_those_it_starts_from(in_two_cycles, tmp_path):
    entry, run = in_two_cycles, tmp_path / "run"
    zoo.train(entry.full_name, run)
    facts, found = record.finished(run)
    assert found is entry and facts["cycle"] == 2
    assert [(one["name"], one.get("cycle")) for one in run_json.earlier(facts)] == [
        (entry.full_name, 1),
        ("dncnn_tiny.first", None),
    ]
    assert record.chain(facts, entry) == entry.recipe.chain()
    by_hand = None
    for number, recipe in enumerate(
        [zoo.entry("dncnn_tiny.first").recipe.chain()[0], *entry.recipe.chain()]
    ):
        changes = {k: v for k, v in vars(recipe).items() if k not in ("start", "cycles")}
        by_hand = zoo.train("dncnn_tiny", tmp_path / str(number), start=by_hand, **changes)
    assert (run / "weights.h5").read_bytes() == (by_hand / "weights.h5").read_bytes()
    shutil.rmtree(run / "checkpoints")
    assert zoo.train(entry.full_name, run) == run  # which is finished


@pytest.mark.slow
def test_a_whole_run_goes_through_several_replicas(tmp_path):
    data = data_for(zoo.entry("cnn_tiny"), tmp_path / "data")
    script = (
        "import sys, tensorflow as tf, zoo\n"
        "cpu = tf.config.list_physical_devices('CPU')[0]\n"
        "two = [tf.config.LogicalDeviceConfiguration()] * 2\n"
        "tf.config.set_logical_device_configuration(cpu, two)\n"
        "strategy = tf.distribute.MirroredStrategy(['CPU:0', 'CPU:1'])\n"
        "zoo.train('cnn_tiny', sys.argv[1], strategy=strategy, data=sys.argv[2])\n"
    )
    run = tmp_path / "run"
    subprocess.run([sys.executable, "-c", script, str(run), data], check=True)
    assert len(read(run / "log.csv")) == 3
    assert zoo.load("cnn_tiny", run).net.count_params() == zoo.entry("cnn_tiny").parameters
