"""`zoo train FILE.keras --quantize-aware`, and a net of one's own in every command after it."""

import json

import keras
import numpy as np
import own_nets
import pytest
from own_nets import COLOURS, L, seeded
from PIL import Image

import zoo
from zoo.cli import main
from zoo.errors import ZooError
from zoo.training.tuning import tune


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return own_nets.colour_photos(tmp_path_factory.mktemp("photos"), 16, 20)


def classifier(head: str) -> keras.Model:
    image = keras.Input((16, 16, 3))
    x = L.Conv2D(8, 3, strides=2, padding="same", use_bias=False)(image)
    x = L.ReLU(6)(L.BatchNormalization()(x))
    x = L.GlobalAveragePooling2D()(x)
    made = {"softmax": L.Dense(3, activation="softmax"), "logits": L.Dense(3),
            "sigmoid": L.Dense(1, activation="sigmoid")}  # fmt: skip
    return keras.Model(image, made[head](x), name="mine")


def command(*arguments) -> int:
    with pytest.raises(SystemExit) as ended:
        main([*map(str, arguments)])
    return ended.value.code


@pytest.mark.parametrize("head", ["softmax", "logits", "sigmoid"])
def test_a_classifier_learns_whatever_its_head(head, photos, tmp_path):
    two = head == "sigmoid"
    if two:
        for name in COLOURS[:2]:
            (tmp_path / name).symlink_to(photos / name)
    pipeline = zoo.wrap(seeded(lambda: classifier(head)), labels=COLOURS[: 2 if two else 3])
    data = f"folder:{tmp_path if two else photos}"
    before = zoo.evaluate(pipeline, data)["metrics"]["nll"]
    found = tune(pipeline, data, count=60, batch=16, learning_rate=0.02)
    assert list(found) == ["net", "before", "after"]
    assert zoo.evaluate(pipeline, data)["metrics"]["nll"] < before - 0.05


def test_the_same_seed_gives_the_same_bytes(photos):
    def learnt():
        pipeline = zoo.wrap(seeded(lambda: classifier("softmax")), labels=COLOURS)
        tune(pipeline, f"folder:{photos}", count=4, batch=8)
        return pipeline.net.get_weights()

    assert all(map(np.array_equal, learnt(), learnt()))


def test_a_restorer_learns(tmp_path, astronaut):
    for n in range(12):
        part = astronaut[n * 30 : n * 30 + 64, 40:104]
        Image.fromarray(part).save(tmp_path / f"{n}.png")
    image = keras.Input((None, None, 3))
    x = L.Conv2D(8, 3, padding="same", activation="relu")(image)
    x = L.Conv2D(8, 3, padding="same", activation="relu")(x)
    net = seeded(lambda: keras.Model(image, L.Conv2D(3, 3, padding="same")(x)))
    pipeline = zoo.wrap(net, "denoise", degrade="noise:25")
    found = tune(pipeline, f"folder:{tmp_path}", count=40, batch=8, learning_rate=3e-3)
    assert found["after"]["psnr"] > found["net"]["psnr"] + 1


def test_what_has_no_such_training_is_refused():
    pipeline = zoo.wrap(seeded(own_nets.two_inputs), "predict", name="two")
    with pytest.raises(ZooError, match=r"zoo\.quantize_aware\(net\)"):
        tune(pipeline, "folder:none")


def test_a_file_is_tuned_and_its_folder_goes_through_every_command(photos, tmp_path, capsys):
    (tmp_path / "labels.txt").write_text("\n".join(COLOURS))
    seeded(lambda: classifier("logits")).save(tmp_path / "mine.keras")
    data, run = f"folder:{photos}", tmp_path / "run"
    assert command("train", tmp_path / "mine.keras", "--quantize-aware", "--data", data, "--steps",
                   "60", "--batch", "16", "--learning-rate", "0.02", "--labels",
                   tmp_path / "labels.txt", "--run", run) == 0  # fmt: skip
    assert "as its int8 file rounds, after: accuracy" in capsys.readouterr().out
    assert command("evaluate", run, "--data", data, "--json") == 0
    accuracy = json.loads(capsys.readouterr().out)["metrics"]["accuracy"]
    picture = photos / "green" / "0.png"
    assert command("run", run, picture, "--json") == 0
    (answer,) = json.loads(capsys.readouterr().out)
    assert {label["label"] for label in answer["labels"]} == set(COLOURS)
    assert command("export", run, "--to", tmp_path / "f", "--format", "int8", "--data", data,
                   "--allow", "5") == 0  # fmt: skip
    assert f"{accuracy:.2f}" in capsys.readouterr().out.split("The net itself")[1]
    assert command("verify", tmp_path / "f") == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("mine.keras",), "--quantize-aware --data"),
        (("mine.keras", "--quantize-aware"), "--data folder:PATH"),
        (("cnn_fashion", "--quantize-aware"), "got cnn_fashion"),
        (("mine.keras", "--quantize-aware", "--data", "folder:none"), "none"),
        (("mine.keras", "--quantize-aware", "--data", ".", "--every", "3"), "--every"),
        (("cnn_fashion", "--labels", "x.txt"), "--labels describes a .keras file"),
    ],
)
def test_what_does_not_fit_is_refused_and_leaves_nothing(
    arguments, message, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert command("train", *arguments) == 1
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
