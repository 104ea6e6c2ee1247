"""A folder of photographs to a net of one's own: from trained weights, and from nothing."""

import errno
import json
import pickle
import shlex
import warnings

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from tiny import with_random_weights

import zoo
from zoo.cli import main
from zoo.data import sources
from zoo.data.pictures import Pictures
from zoo.errors import ZooWarning
from zoo.storage import runs, weights
from zoo.tasks import fitting, mistakes
from zoo.training.session import BEST

CLASSES = ("blue", "red", "été")
COLOURS = ((40, 60, 200), (200, 50, 40), (60, 190, 60))
TUNED = {
    "classes": "own", "fit_head": True, "trained_from": "block3_expand_conv", "balanced": True,
    "frozen_batch_norm": True, "augment": ("crop", "mirror", "colour"), "holdout": 0.2,
    "steps": 8, "every": 2, "patience": 9, "batch": 4, "learning_rate": 1e-3, "ema": None,
}  # fmt: skip


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """efficientnet_tiny with weights of its own."""
    path = tmp_path_factory.mktemp("start") / "weights.h5"
    weights.save(with_random_weights("efficientnet_tiny").net, path)
    return path


@pytest.fixture
def photos(tmp_path):
    """Three uneven classes of photographs of several sizes, told apart by their colours."""
    rng = np.random.default_rng(0)
    for name, colour, count in zip(CLASSES, COLOURS, (12, 10, 5), strict=True):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(count):
            noise = rng.integers(-30, 30, (20 + number, 26, 3))
            pixels = (np.array(colour) + noise).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / name / f"{number}.png")
    return tmp_path / "photos"


def tuned(start, photos, run, **changes):
    data = f"folder:{photos}"
    return zoo.train("efficientnet_tiny", run, start=start, data=data, **TUNED | changes)


def test_the_last_layer_is_fitted_and_the_first_layers_stay(start, photos, tmp_path):
    run = tuned(start, photos, tmp_path / "run", patience=0)
    mine, given = zoo.load(run), zoo.load("efficientnet_tiny", start)
    assert mine.spec.labels == CLASSES
    for ours, theirs in zip(mine.net.layers[:-1], given.net.layers, strict=False):
        before = ours.name < "block3" or ours.name.startswith("stem")
        same = all(map(np.array_equal, ours.get_weights(), theirs.get_weights()))
        assert same or not before, ours.name
        if ours.name == "block3_expand_conv":
            assert not same
    facts = json.loads((run / "run.json").read_text(encoding="utf-8"))
    assert np.sum(facts["held_out"]["confusion"], 1).tolist() == [2, 2, 1]
    assert facts["head"]["penalty"] in fitting.PENALTIES
    assert Image.open(run / "mistakes.png").width > 100


def test_the_best_weights_are_delivered_and_not_the_last(start, photos, tmp_path):
    run = tuned(start, photos, tmp_path / "run", learning_rate=5.0, patience=2, steps=40)
    facts = json.loads((run / "run.json").read_text(encoding="utf-8"))
    assert facts["curve"][-1]["step"] < 40, "it has not become better, and goes on"
    assert facts["held_out"]["accuracy"] == facts["head"]["held_out_accuracy"]
    last = [row["held_out_nll"] for row in facts["curve"]]
    assert min(last) > facts["head"]["held_out_nll"] and (run / BEST).is_file()


def test_no_steps_leave_the_last_layer_alone(start, photos, tmp_path, capsys):
    mine = zoo.load(tuned(start, photos, tmp_path / "run", steps=0))
    told = capsys.readouterr().err
    assert "22 pictures to train on, 5 held out, of 3 classes" in told
    assert "The last layer is fitted to that: " in told and "No steps" in told
    right = sources.load(f"folder:{photos}", 3)
    said = [mine(image)[0].label for image in right.images]
    assert np.mean([s == CLASSES[n] for s, n in zip(said, right.labels, strict=True)]) > 0.9


def test_a_training_that_was_stopped_ends_as_it_would_have(start, photos, tmp_path, monkeypatch):
    whole = tuned(start, photos, tmp_path / "whole")
    from zoo.training import session

    real = session._Training._report

    def stopping(self, step, figures):
        real(self, step, figures)
        if step == 4:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(session._Training, "_report", stopping)
        with pytest.raises(KeyboardInterrupt):
            tuned(start, photos, tmp_path / "parts")
    asked = []
    monkeypatch.setattr(fitting, "_values", lambda *_: asked.append(1))
    parts = tuned(start, photos, tmp_path / "parts")
    assert not asked, "features are kept"
    assert (parts / "weights.h5").read_bytes() == (whole / "weights.h5").read_bytes()


def test_the_command_says_what_comes_next_and_that_works(start, photos, tmp_path):
    (photos / "red" / "cut.png").write_bytes((photos / "red" / "1.png").read_bytes()[:200])
    own = CliRunner()
    options = [f"--set={key}={value}" for key, value in TUNED.items() if key != "augment"
               and key not in ("classes", "holdout", "steps", "every", "batch", "learning_rate",
                               "ema")]  # fmt: skip
    options += ["--classes", "own", "--holdout", "0.2", "--steps", "4", "--every", "2"]
    options += ["--batch", "4", "--augment", "mirror", "--from", str(start)]
    options += ["--run", str(tmp_path / "my run"), "--data", f"folder:{photos}"]
    strict = own.invoke(main, ["train", "efficientnet_tiny", *options, "--strict"])
    assert strict.exit_code == 1 and "1 of 28 pictures cannot be read" in strict.output
    with pytest.warns(ZooWarning, match="1 of 28 pictures cannot be read"):
        done = own.invoke(main, ["train", "efficientnet_tiny", *options])
    assert done.exit_code == 0, done.output
    assert "held out: 5 pictures" in done.output and "of été" in done.output
    commands = [line.partition(": zoo ")[2] for line in done.output.splitlines()]
    outputs: list[str] = []
    for command in filter(None, commands):
        typed = command.replace("folder:PATH", f"folder:{photos}")
        typed = typed.replace("PICTURE", str(photos / "red" / "0.png"))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ZooWarning)
            after = own.invoke(main, shlex.split(typed))
        assert after.exit_code == 0, (typed, after.output)
        assert "efficientnet_tiny" not in after.output and "test split" not in after.output
        outputs.append(after.output)
    assert "my_run on folder:" in outputs[0] and "my_run_int8.tflite" in outputs[2]
    assert "; 27 of them are of its own training, which says too much" in outputs[0]
    said = json.loads((tmp_path / "my run" / "files" / "export.json").read_text("utf-8"))
    assert (said["name"], said["labels"]) == ("my_run", list(CLASSES))
    assert said["licence"]["training data"] == "of your data"
    swift = zoo.load(tmp_path / "my run", runtime="litert")
    assert (swift.entry.name, swift.spec.labels) == ("my_run", CLASSES)


def test_a_run_is_called_as_its_folder_wherever_it_goes(start, photos, tmp_path):
    run = tuned(start, photos, tmp_path / "mine", steps=0)
    mine = zoo.load(run)
    again = zoo.load(mine.save(tmp_path / "yours"))
    assert (mine.entry.full_name, again.entry.full_name) == ("mine", "yours")
    copy = pickle.loads(pickle.dumps(mine))
    assert (copy.entry.full_name, copy.entry.limits) == ("mine", mine.entry.limits)
    assert again.entry.data_licence == copy.entry.data_licence == "of your data"
    run.rename(tmp_path / "efficientnet_lite0")  # whose it is not
    assert zoo.load(tmp_path / "efficientnet_lite0").entry.full_name == "efficientnet_tiny_own"


def test_weights_keep_the_licence_that_they_began_with(tmp_path):
    entry, known = zoo.entry("efficientnet_lite0"), {"name": "efficientnet_lite0.imagenet"}
    recipe = {"data": "folder:photos", "start": "efficientnet_lite0"}
    first = {"name": "cnn", "recipe": recipe | {"start": None}}
    yours, faces = "of your data", zoo.entry("dcgan_celeba")
    given = {"weights": "theirs", "training data": "of theirs"}
    denoiser = {"name": "dncnn_s25.bsd400", "cycle": 1, "recipe": {"data": "Train400"}}
    of_faces = {"name": "dcgan_celeba.celeba", "recipe": {"data": "celeba"}}
    for facts, *licences in (
        (
            known | {"recipe": recipe, "start": known | {"origin": {}}},
            entry.weights_licence,
            f"{yours}; before that: {entry.data_licence}",
        ),
        (first, "your own", yours),
        (first | {"recipe": recipe, "start": first}, "your own", yours),
        (
            of_faces | {"recipe": recipe, "start": of_faces},
            faces.weights_licence,
            f"{yours}; before that: {faces.data_licence}",
        ),
        (of_faces | {"start": first}, "your own", f"{faces.data_licence}; before that: {yours}"),
        (
            of_faces | {"recipe": {"data": "celeb_a+folder:secret/place"}},
            "your own",
            f"{faces.data_licence}; before that: {yours}",
        ),
        (
            denoiser | {"recipe": {"data": "folder:x"}, "start": denoiser},
            zoo.entry("dncnn_s25").weights_licence,
            f"{yours}; before that: {zoo.entry('dncnn_s25').data_licence}",
        ),
        (
            first | {"recipe": recipe, "start": {"name": "cnn", "licence": given}},
            "theirs",
            f"{yours}; before that: of theirs",
        ),
    ):
        (tmp_path / "run.json").write_text(json.dumps(facts), "utf-8")
        one = runs.as_trained(zoo.entry(facts["name"]), tmp_path)
        assert [one.weights_licence, one.data_licence] == licences


def test_few_pictures_take_few_steps(start, photos, tmp_path):
    recipe = zoo.entry("efficientnet_lite0").recipe
    few, many = (fitting.of_few(recipe, count, recipe.epochs) for count in (60, 2000))
    assert (few.steps, few.batch, few.warmup) == (14, 30, 2)
    assert (many.steps, many.batch, many.warmup) == (400, 32, 20)
    shorter = tuned(start, photos, tmp_path / "run", epochs=2, steps=40)
    facts = json.loads((shorter / "run.json").read_text(encoding="utf-8"))
    assert (facts["steps"], facts["recipe"]["steps"]) == (13, 40), "27 pictures twice, by fours"


def test_a_full_disk_ends_it_and_it_goes_on_from_there(start, photos, tmp_path, monkeypatch):
    real, run = np.savez, tmp_path / "run"

    def full(file, **arrays):
        if "mirrored" in file.name:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(file, **arrays)

    with monkeypatch.context() as patch:
        patch.setattr(np, "savez", full)
        with pytest.raises(zoo.ZooError, match=r"No space left on device.*Free some space"):
            tuned(start, photos, run, steps=0)
    assert list(run.glob("features/plain/*.npz")) and not list(run.glob("features/mirrored/*"))
    assert zoo.load(tuned(start, photos, run, steps=0)).spec.labels == CLASSES


def test_many_classes_and_no_mistake_are_a_sheet():
    labels = tuple(map(str, range(41)))
    pictures = Pictures("right", [np.zeros((8, 8, 3), np.uint8)] * 41, np.arange(41), labels)
    assert mistakes.sheet_of(np.eye(41), pictures, labels).height > 0


def test_two_pictures_a_class_are_enough(start, photos, tmp_path):
    for path in sorted(photos.glob("*/*.png")):
        if path.stem not in "01":
            path.unlink()
    facts = json.loads((tuned(start, photos, tmp_path / "run") / "run.json").read_text("utf-8"))
    assert facts["held_out"]["count"] == 3


def test_a_net_from_nothing_is_for_pictures_of_ones_own(photos, tmp_path):
    changes = {"size": 16, "channels": 1, "steps": 3, "every": 3, "batch": 4}
    run = zoo.train("cnn", tmp_path / "run", data=f"folder:{photos}", **changes)
    mine = zoo.load(run)
    assert (mine.spec.shape, mine.spec.labels) == ((16, 16, 1), CLASSES)
    assert mine.net.input_shape == (None, 16, 16, 1)
    assert mine.entry.data_licence == "of your data"
    assert {label.label for label in mine(photos / "red" / "0.png")} == set(CLASSES)


def test_without_pictures_there_is_nothing_to_train_on(tmp_path):
    for name in ("efficientnet_lite0", "cnn"):
        with pytest.raises(zoo.ZooError, match="--data folder:PATH"):
            zoo.train(name, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"trained_from": "block9"}, "trained_from: expected a layer such as probs, got 'block9'"),
        ({"patience": -1}, "patience: expected a whole number from 0 on"),
        ({"holdout": 1.5}, "holdout: expected a whole number"),
    ],
)
def test_a_recipe_that_cannot_be_is_refused(start, photos, tmp_path, changes, said):
    with pytest.raises(zoo.ZooError, match=said):
        tuned(start, photos, tmp_path / "run", **changes)


def test_a_restorer_has_no_patience(tmp_path):
    with pytest.raises(zoo.ZooError, match="patience"):
        zoo.train("dncnn_tiny", tmp_path / "run", patience=3)
