"""The programs in `benchmarks/` still fit the zoo: they stand outside the package."""

import importlib
import math
import os
import re
import subprocess
import sys
from unittest import mock

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import REPOSITORY, needs
from PIL import Image
from tiny import by_plain_gradients, data_for, with_random_weights

import zoo
from zoo.data import degrade
from zoo.data.degradation import Degradation
from zoo.export import convert, quantize
from zoo.report import results
from zoo.storage import files, weights
from zoo.tasks.functions import functions
from zoo.training import record, steps

FOLDER = REPOSITORY / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch):
    """Imports a program of the folder by its name."""
    monkeypatch.syspath_prepend(FOLDER)
    return importlib.import_module


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.py")))
def test_every_program_finds_what_it_imports(name, benchmark):
    if name.startswith("jax_"):
        pytest.importorskip("jax")
    assert benchmark(name).__doc__


@pytest.mark.parametrize(
    "shape, weights", [((28, 28, 1), (2_330_944, 212_865)), ((64, 64, 3), (3_576_704, 2_765_568))]
)
def test_the_peers_of_the_dcgans_have_the_sizes_that_their_pages_state(benchmark, shape, weights):
    peer = benchmark("peers").PEERS[shape]
    net, critic = peer.generator(), peer.discriminator()
    counts = tuple(one.count_params() for one in (net, critic))
    if shape[-1] == 3:  # whose page counts what is trained
        counts = tuple(
            sum(math.prod(v.shape) for v in one.trainable_weights) for one in (net, critic)
        )
    assert counts == weights
    assert net(np.zeros((2, peer.latent))).shape == (2, *shape)
    assert critic(np.zeros((2, *shape))).shape == (2, 1)


@pytest.mark.parametrize("name", ["dcgan_fashion", "dcgan_mnist"])
def test_what_is_said_of_the_peer_is_of_the_weights_in_the_package(name):
    found = files.read_json(FOLDER / "results" / f"{name}.json")
    entry = zoo.entry(name)
    record = {r["metric"]: r["value"] for r in results.rows(entry) if r["subject"] == results.NET}
    ours, theirs = found["zoo"], found["peer"]
    assert found["seconds"] == weights.published(entry)["seconds"]
    assert ours == pytest.approx({key: record[key] for key in ours}, rel=1e-6)
    table = (FOLDER / "README.md").read_text(encoding="utf-8")
    for row in (ours, theirs):
        assert f"| {row['frechet']:.3f} | {row['precision']:.3f} | {row['recall']:.3f} |" in table
    times = round(theirs["frechet"] / ours["frechet"])
    told = (REPOSITORY / "docs" / "figures.md").read_text("utf-8")
    assert re.search(rf"\b{times}\b.* times as far", told)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("dcgan_mnist", marks=needs("mnist")),
        pytest.param("dcgan_celeba", marks=needs("celeba")),
    ],
)
def test_the_peers_of_the_dcgans_are_trained_for_a_time(benchmark, name):
    net, steps = benchmark("dcgan").trained(name, seconds=0.01)
    pictures = net(np.zeros((2, 100), np.float32))
    assert steps >= 2
    assert pictures.shape == (2, *zoo.entry(name).spec.shape)
    assert np.abs(pictures).max() <= 1


@pytest.mark.slow
def test_the_frontier_is_measured_and_drawn(tmp_path, camera):
    pytest.importorskip("matplotlib")
    pytest.importorskip("ai_edge_quantizer", reason="it is an extra")
    Image.fromarray(camera[100:160, 100:180]).save(tmp_path / "camera.png")
    command = [sys.executable, FOLDER / "frontier.py", "--quick", "--damages", "bicubic:2"]
    command += ["--names", "sesr_x2", "srcnn_x3", "--data", f"folder:{tmp_path}"]
    paths = tmp_path / "frontier.json", tmp_path / "frontier.png"
    command += ["--json", paths[0], "--picture", paths[1]]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (panel,) = files.read_json(paths[0])["panels"]
    found = {(row["name"], row["form"]): row for row in panel["rows"]}
    assert list(found) == [("bicubic", ""), ("sesr_x2", "float32"), ("sesr_x2", "int8")]
    best, bicubic = found["sesr_x2", "float32"]["psnr"], found["bicubic", ""]["psnr"]
    assert best > bicubic + 1
    assert abs(found["sesr_x2", "int8"]["psnr"] - best) < 0.5
    assert all(row["median_ms"] > 0 for row in found.values())
    with Image.open(paths[1]) as drawn:
        assert np.ptp(np.asarray(drawn)) > 100


def test_what_could_have_been_decided_otherwise_makes_other_files(benchmark, tmp_path):
    pytest.importorskip("ai_edge_quantizer", reason="it is an extra")
    (function,) = functions(with_random_weights("dncnn_tiny"))
    convert.to_saved_model(function, tmp_path / "model", function.inputs)
    data = convert.to_tflite(tmp_path / "model", "dncnn_tiny")
    values = np.random.default_rng(0).random((2, 96, 96, 1), np.float32) ** 20  # few are far out

    def file(form, decisions):
        with mock.patch.multiple(quantize, **decisions):
            return quantize.quantized(form, data, function, "dncnn_tiny", values)

    choices = benchmark("precisions").OTHERWISE
    made = {file(form, decisions) for form, _, decisions in choices}
    assert len(made) == len(choices)


DAMAGED_ON_JAX = """
import sys
import numpy as np
import jax_pictures
from zoo.data.degradation import Degradation

given = np.load(sys.argv[1])
made = {f"jpeg:{q}": jax_pictures.jpeg(given, np.full(len(given), q)) for q in (10, 40, 90)}
for factor in (2, 3, 4):
    made[f"bicubic:{factor}"] = jax_pictures.DAMAGES["bicubic"](
        given, Degradation("bicubic", factor, factor), None
    )
np.savez(sys.argv[2], **made)
"""


@pytest.fixture
def on_jax():
    """Runs Python where Keras computes by JAX."""
    pytest.importorskip("jax")

    def run(*arguments, **environment):
        paths = os.pathsep.join([str(REPOSITORY), str(FOLDER)])
        known = os.environ | {"KERAS_BACKEND": "jax", "PYTHONPATH": paths} | environment
        subprocess.run([sys.executable, *map(str, arguments)], check=True, env=known)

    return run


def test_pictures_are_damaged_on_jax_as_here(on_jax, astronaut, tmp_path):
    grey = astronaut[:144, :144].mean(-1, keepdims=True).round()[None].astype(np.float32) / 255
    np.save(tmp_path / "given.npy", grey)
    on_jax("-c", DAMAGED_ON_JAX, tmp_path / "given.npy", tmp_path / "made.npz")
    for name, made in np.load(tmp_path / "made.npz").items():
        expected = np.asarray(degrade.any_of(grey, [Degradation.parse(name)], (0, 0)))
        off = np.abs(made - expected)[:, 12:-12, 12:-12] * 255
        assert off.mean() < 0.3 and np.quantile(off, 0.99) < 2, name


STEP_ON_JAX = """
import sys
import numpy as np
import jax_steps
from tiny import by_plain_gradients

name, given, made = sys.argv[1:]
known = np.load(given)
players, _, step = jax_steps.KINDS[by_plain_gradients(name).spec.task](by_plain_gradients(name))
for number, player in enumerate(players):
    weights = [known[f"net{number}_{n}"] for n in range(len(player.twin.weights))]
    player.twin.set_weights(weights)
batch = [known[f"batch_{n}"] for n in range(sum(key.startswith("batch_") for key in known))]
states, figures = step(players, [player.begin() for player in players], batch, 0.1)
for player, state in zip(players, states):
    player.deliver(state)
after = {f"net{i}_{n}": w for i, p in enumerate(players) for n, w in enumerate(p.net.get_weights())}
np.savez(made, **after, **figures)
"""


@pytest.mark.parametrize("name", ["dncnn_tiny", "dcgan_tiny", "vae_tiny"])
def test_a_step_on_jax_is_that_of_tensorflow(name, on_jax, tmp_path):
    entry, rng = by_plain_gradients(name), np.random.default_rng(0)
    nets = [entry.build(), *([entry.critic()] if entry.critic else [])]
    given = {}
    for number, net in enumerate(nets):
        random = [rng.normal(0, 0.3, w.shape).astype(np.float32) ** 2 + 0.1 for w in net.weights]
        signed = [w if v.name.startswith(("moving", "gamma")) else w * rng.choice([-1, 1], w.shape)
                  for v, w in zip(net.weights, random, strict=True)]  # fmt: skip
        net.set_weights(signed)
        given |= {f"net{number}_{n}": w for n, w in enumerate(net.get_weights())}
    images, others = rng.random((2, 4, 12, 12, 1), np.float32)
    noise = rng.normal(size=(4, entry.spec.latent)).astype(np.float32)
    optimizers, beta = [keras.optimizers.SGD(0.1) for _ in nets], np.float32(0.4)
    recipe = entry.recipe
    step, batch, as_tensorflow = {
        "generate": (
            lambda: steps.gan(*nets, optimizers, recipe.loss, recipe.penalty),
            (images, noise),
            (images, np.zeros((4, 0), np.float32), noise),
        ),
        "autoencode": (
            lambda: steps.vae(*nets, *optimizers, recipe.loss),
            (images, noise, beta),
            (images, noise[:, None], np.full(4, beta)),
        ),
        "denoise": (
            lambda: steps.supervised(*nets, *optimizers, recipe.loss),
            (images, others),
            (images, others),
        ),
    }[entry.spec.task]
    figures = step()(*map(tf.constant, as_tensorflow))
    given |= {f"batch_{n}": part for n, part in enumerate(batch)}
    np.savez(tmp_path / "given.npz", **given)
    paths = {"PYTHONPATH": os.pathsep.join(map(str, [REPOSITORY, FOLDER, REPOSITORY / "tests"]))}
    on_jax("-c", STEP_ON_JAX, name, tmp_path / "given.npz", tmp_path / "made.npz", **paths)
    made = dict(np.load(tmp_path / "made.npz"))
    for key in figures:
        np.testing.assert_allclose(made[key], figures[key], rtol=1e-3, err_msg=key)
    for number, net in enumerate(nets):
        for n, weight in enumerate(net.weights):
            after = made[f"net{number}_{n}"]
            moved = np.abs(weight - given[f"net{number}_{n}"]).max()
            np.testing.assert_allclose(after, weight, atol=1e-3 * moved + 1e-6, err_msg=weight.path)


def test_a_recipe_is_trained_on_jax_and_ended_here(on_jax, tmp_path):
    data = tmp_path / "data" / "restoration" / "Train400"
    data_for(zoo.entry("dncnn_tiny"), data)
    program, run = FOLDER / "on_jax.py", tmp_path / "run"
    environment = {"ZOO_DATA": str(tmp_path / "data")}
    on_jax(program, "train", "dncnn_tiny", "--to", tmp_path / "made", **environment)
    tensorflow = environment | {"KERAS_BACKEND": "tensorflow"}
    on_jax(program, "finish", "dncnn_tiny", "--of", tmp_path / "made", "--run", run, **tensorflow)
    facts, entry = record.finished(run)
    assert "jax" in facts["versions"]
    assert facts["curve"][-1]["step"] == entry.recipe.steps
    assert math.isfinite(facts["curve"][-1]["held_out_psnr"])
    net = entry.build()
    net.load_weights(tmp_path / "made" / "dncnn_tiny.weights.h5")
    for ours, theirs in zip(zoo.load("dncnn_tiny", run).net.weights, net.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs, ours.path)
    assert net.get_layer("conv3").kernel.numpy().any()  # which begins at zero


def test_a_recipe_that_jax_would_train_as_another_is_refused(on_jax, tmp_path):
    for name in ("dncnn_color", "ffdnet_color", "sesr_x2", "vae_mnist", "dcgan_mnist", "dncnn_3"):
        with pytest.raises(subprocess.CalledProcessError):
            on_jax(FOLDER / "on_jax.py", "train", name, "--to", tmp_path / "made")
        assert not (tmp_path / "made").exists()
