"""A classifier made one's own: in plain Keras, and by the command line on folders of pictures."""

import json
import shutil
import unicodedata

import keras
import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner
from conftest import in_second_process
from PIL import Image
from tiny import data_for, with_random_weights

import zoo
from zoo.cli import main
from zoo.data import sources
from zoo.errors import ZooError, ZooWarning
from zoo.export.manifest import read_manifest
from zoo.export.verify import verify_folder
from zoo.export.write import export
from zoo.storage import files, weights
from zoo.tasks import heads
from zoo.tasks.evaluate import evaluate

CLASSES = ("bright", "été: a+b?", "中文")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """cnn_tiny with weights of its own, as a run directory."""
    folder = tmp_path_factory.mktemp("run")
    net = with_random_weights("cnn_tiny").net
    weights.save(net, folder / "weights.h5")
    return folder / "weights.h5"


@pytest.fixture
def pictures(tmp_path):
    """Three folders of colour and grey pictures of several sizes and file types."""
    rng = np.random.default_rng(0)
    for level, name in zip((230, 20, 120), CLASSES, strict=True):
        folder = tmp_path / "pictures" / unicodedata.normalize("NFD", name)  # as on macOS
        folder.mkdir(parents=True)
        for number in range(12):
            shape = (20 + number, 31, 3) if number % 2 else (12, 12)
            pixels = (level + rng.integers(-15, 15, shape)).astype(np.uint8)
            ending = ("png", "jpg", "jpeg")[number % 3]
            Image.fromarray(pixels).save(folder / f"{number}.{ending}")
    return tmp_path / "pictures"


def test_other_classes_keep_the_trunk_and_get_a_fresh_head(run):
    own = zoo.load("cnn_tiny", run)
    with pytest.warns(ZooWarning, match="expected a last layer for .* 4, got one for others"):
        other = zoo.load("cnn_tiny", run, classes=5)
    assert other.spec.labels == ("0", "1", "2", "3", "4")
    assert other.net.output_shape == (None, 5)
    assert other.net.count_params() == other.entry.parameters
    for ours, theirs in zip(other.net.layers[:-1], own.net.layers[:-1], strict=True):
        for array, expected in zip(ours.get_weights(), theirs.get_weights(), strict=True):
            np.testing.assert_array_equal(array, expected)


@pytest.mark.parametrize("count", [3, 5])
def test_a_file_with_a_head_of_the_right_width_keeps_it(tmp_path, count):
    """As of a net that was fine-tuned in plain Keras, and saved with its own classes."""
    own = heads.with_head(with_random_weights("cnn_tiny").net, count)
    weights.save(own, tmp_path / "own.h5")
    names = [f"class {number}" for number in range(count)]
    loaded = zoo.load("cnn_tiny", tmp_path / "own.h5", classes=names)
    assert loaded.spec.labels == tuple(names)
    for array, expected in zip(loaded.net.get_weights(), own.get_weights(), strict=True):
        np.testing.assert_array_equal(array, expected)


def test_the_head_of_a_run_directory_is_for_the_classes_that_it_names(tmp_path):
    own = with_random_weights("cnn_tiny").net
    digest = weights.save(own, tmp_path / "weights.h5")
    record = {"labels": list(CLASSES), "sha256": {"weights.h5": digest}}
    files.write_json(tmp_path / "run.json", record)
    kept = zoo.load("cnn_tiny", tmp_path, classes=CLASSES)
    np.testing.assert_array_equal(kept.net.get_weights()[-2], own.get_weights()[-2])
    with pytest.warns(ZooWarning, match="classes a, b, c, got one for others"):
        other = zoo.load("cnn_tiny", tmp_path, classes=("a", "b", "c"))
    assert (other.net.get_weights()[-2] != own.get_weights()[-2]).any()
    np.testing.assert_array_equal(other.net.get_weights()[0], own.get_weights()[0])


def test_a_frozen_net_trains_its_head_alone(run):
    made = zoo.load("cnn_tiny", run, classes=CLASSES)
    heads.freeze(made.net)
    before = [w.copy() for w in made.net.get_weights()]
    made.net.compile(keras.optimizers.Adam(0.05), "sparse_categorical_crossentropy")
    values = np.random.default_rng(0).random((30, 12, 12, 1), np.float32)
    made.net.fit(values, np.arange(30) % 3, epochs=2, verbose=0)
    changed = [np.any(a != b) for a, b in zip(made.net.get_weights(), before, strict=True)]
    assert changed == [False] * (len(before) - 2) + [True, True]


def test_it_is_fitted_on_a_folder_by_keras_own_reader(run, pictures):
    keras.utils.set_random_seed(0)  # of the new head, and the order of the pictures
    made = zoo.load("cnn_tiny", run, classes=CLASSES)
    data = keras.utils.image_dataset_from_directory(
        pictures,
        image_size=(12, 12),
        color_mode="grayscale",
        batch_size=8,
        seed=0,
        verbose=False,
    )
    data = data.map(lambda x, y: (made.spec.normalize(x / 255), y))
    loss = "sparse_categorical_crossentropy"
    made.net.compile(keras.optimizers.Adam(0.02), loss, metrics=["accuracy"])
    made.net.fit(data, epochs=25, shuffle=False, verbose=0)
    assert made.net.evaluate(data, verbose=0, return_dict=True)["accuracy"] > 0.9
    assert made(np.full((12, 12), 230, np.uint8))[0].label == "bright"


def test_the_command_line_fine_tunes_on_a_folder(run, pictures, tmp_path):
    target = tmp_path / "mine"
    options = ["--from", str(run), "--data", f"folder:{pictures}", "--run", str(target)]
    options += ["--augment", "mirror", "--augment", "shift"]
    done = CliRunner().invoke(main, ["train", "cnn_tiny", *options])
    assert done.exit_code == 0, done.output
    mine = zoo.load("cnn_tiny", target)
    assert mine.spec.labels == CLASSES
    record = json.loads((target / "run.json").read_text(encoding="utf-8"))
    assert record["labels"] == list(CLASSES)
    assert record["recipe"]["augment"] == ["mirror", "shift"]
    folder = export(mine, tmp_path / "files")
    assert read_manifest(folder)["labels"] == list(CLASSES)
    assert (folder / "labels.txt").read_text(encoding="utf-8").splitlines() == list(CLASSES)
    assert verify_folder(folder)["passed"]
    picture = next((pictures / CLASSES[0]).glob("*.png"))
    options = [str(picture), "--weights", str(target), "--json"]
    done = CliRunner().invoke(main, ["run", "cnn_tiny", *options])
    assert {row["label"] for row in json.loads(done.output)[0]["labels"]} == set(CLASSES)


def test_a_stopped_training_does_not_go_on_with_classes_of_other_names(run, pictures, tmp_path):
    target, stopped = tmp_path / "mine", tmp_path / "mine" / "run.json"
    recipe = {"start": str(run), "data": f"folder:{pictures}", "run": target}
    zoo.train("cnn_tiny", **recipe)
    begun = json.loads(stopped.read_text(encoding="utf-8"))
    del begun["sha256"]
    stopped.write_text(json.dumps(begun), encoding="utf-8")
    (pictures / CLASSES[0]).rename(pictures / "lit")
    with pytest.raises(ZooError, match=r"begun with the classes \['bright', .* has \['lit', "):
        zoo.train("cnn_tiny", **recipe)
    assert json.loads(stopped.read_text(encoding="utf-8"))["labels"] == list(CLASSES)
    (pictures / "lit").rename(pictures / CLASSES[0])
    zoo.train("cnn_tiny", **recipe)
    assert "sha256" in json.loads(stopped.read_text(encoding="utf-8"))


def test_labels_are_printed_where_the_terminal_cannot_show_them():
    code = """
import click
from zoo.cli import main
main.add_command(click.command("say")(lambda: click.echo("\u4e2d")))
main(["say"])
"""
    assert in_second_process(code, PYTHONIOENCODING="cp1252") == "\\u4e2d\n"


def test_a_fine_tuned_net_knows_the_classes_of_its_folder(run, pictures, tmp_path):
    options = {"start": run, "data": f"folder:{pictures}", "steps": 100, "augment": ()}
    mine = zoo.load("cnn_tiny", zoo.train("cnn_tiny", tmp_path / "mine", **options))
    right = sources.load(f"folder:{pictures}", 1)
    answers = [mine(image)[0].label for image in right.images]
    expected = [right.classes[label] for label in right.labels]
    assert np.mean([a == e for a, e in zip(answers, expected, strict=True)]) > 0.9


def test_it_learns_from_mixed_pictures(tmp_path):
    data = data_for(zoo.entry("cnn_tiny"), tmp_path / "bars")
    changes = {"steps": 150, "every": 150, "learning_rate": 0.03, "augment": ("mixup",)}
    run = zoo.train("cnn_tiny", tmp_path / "run", data=data, **changes)
    found = evaluate(zoo.load("cnn_tiny", run), data)["metrics"]
    assert found["accuracy"] > 90


def test_other_classes_without_weights_to_start_from_are_refused(pictures, tmp_path):
    with pytest.raises(zoo.ZooError, match="--from"):
        zoo.train("cnn_tiny", tmp_path / "run", data=f"folder:{pictures}")


@pytest.mark.parametrize(
    ("name", "classes", "said"),
    [
        ("cnn_tiny", 1, "two or more"),
        ("cnn_tiny", ("a", "a"), "each with its own name"),
        ("dncnn_tiny", 3, "expected a classifier"),
    ],
)
def test_classes_that_cannot_be_are_refused(name, classes, said):
    with pytest.raises(zoo.ZooError, match=said):
        zoo.load(name, weights=None, classes=classes)


@pytest.mark.parametrize("label", ["a\nb", "a\u2028b", "\udce9t\udce9", "\x00", "", " "], ids=ascii)
def test_a_class_that_cannot_stand_on_a_line_is_refused(label):
    with pytest.raises(zoo.ZooError, match=r"one line of valid Unicode.* rename it"):
        zoo.load("cnn_tiny", weights=None, classes=("good", label))


def test_a_folder_with_one_class_is_refused(run, pictures, tmp_path):
    for name in CLASSES[1:]:
        shutil.rmtree(pictures / unicodedata.normalize("NFD", name))
    with pytest.raises(zoo.ZooError, match="has one class, bright: expected two or more"):
        zoo.train("cnn_tiny", tmp_path / "run", run, data=f"folder:{pictures}")


def test_labels_that_the_net_has_no_output_for_are_refused_by_keras(run):
    made = zoo.load("cnn_tiny", run, classes=3)
    made.net.compile("adam", "sparse_categorical_crossentropy", run_eagerly=True)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"label value of 3 .*outside"):
        made.net.fit(np.zeros((4, 12, 12, 1), np.float32), np.arange(4), verbose=0)
