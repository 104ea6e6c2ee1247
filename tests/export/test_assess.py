"""What files of a net cost on a user's own pictures: the figures, the page, the exit status."""

import html.parser
import json
import sys

import keras
import numpy as np
import own_nets
import pytest
from own_nets import COLOURS, L, seeded
from PIL import Image

import zoo
from zoo.cli import main
from zoo.errors import ZooError
from zoo.export import assess, assess_page, costs, figured, tflite_reader
from zoo.export.artifacts import artifacts
from zoo.export.figured import Judged
from zoo.export.write import export


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return own_nets.colour_photos(tmp_path_factory.mktemp("photos"), 12, 6)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A `.keras` file of a net that is right of all pictures, and its labels."""
    folder = tmp_path_factory.mktemp("model")
    keras.utils.set_random_seed(0)
    own_nets.colours().save(folder / "my.keras")
    (folder / "labels.txt").write_text("red\ngreen\nblue\n")
    return folder / "my.keras"


def zoo_export(*arguments) -> int:
    """The exit status of the command."""
    with pytest.raises(SystemExit) as ended:
        main(["export", *map(str, arguments)])
    return ended.value.code


def of_the_model(model, *more) -> tuple:
    return model, "--labels", model.with_name("labels.txt"), "--pixels", "inside", *more


def test_a_keras_file_becomes_files_with_figures_and_a_page(model, photos, tmp_path, capsys):
    data = f"folder:{photos}"
    formats = "--format", "int8", "--format", "onnx"
    code = zoo_export(*of_the_model(model, "--to", tmp_path / "f", *formats, "--data", data))
    said = capsys.readouterr().out
    assert code == 0, said
    head, *rows = said.splitlines()
    assert "accuracy, %" in head and "difference (95 %)" in head
    assert [row.split()[0] for row in rows[:2]] == ["int8", "onnx"]
    assert all("100.00" in row and row.split()[-1] == "yes" for row in rows[:2])
    assert "100.00" in said.split("The net itself")[1]
    assert json.loads((tmp_path / "f" / "report.json").read_text())["passed"]
    page = (tmp_path / "f" / "report.html").read_text()
    assert "onnx" in page and "http" not in page  # it needs no other file
    loaded = zoo.load("cnn_tiny", weights=None)  # the zoo is as it was
    assert loaded.spec.labels


def test_a_file_that_is_worse_than_allowed_is_named_and_fails(model, photos, tmp_path, capsys):
    (tmp_path / "worse.py").write_text(
        "import numpy as np\ncalls = []\n"
        "def metric(outputs, truth):\n"
        "    calls.append(len(outputs))\n"
        "    return [90.0 if len(calls) == 1 else 80.0] * len(truth)\n"
    )
    arguments = of_the_model(model, "--to", tmp_path / "f", "--format", "float32_free", "--data",
                             f"folder:{photos}", "--metric", "worse:metric")  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(tmp_path)
        assert zoo_export(*arguments, "--allow", "10.5") == 0
    capsys.readouterr()
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(tmp_path)
        import worse

        worse.calls.clear()
        assert zoo_export(*arguments, "--allow", "9.5") == 1
    told = capsys.readouterr()
    assert "-10" in told.out and "NO" in told.out and "expected 9.5 worse at most" in told.out


def test_the_worst_pictures_are_those_that_differ_most(photos, tmp_path):
    pipeline = zoo.wrap(own_nets.colours(), labels=COLOURS, pixels="inside", name="c")
    export(pipeline, tmp_path / "f", formats="float32_free")
    found = assess.assess(pipeline, tmp_path / "f", f"folder:{photos}")
    form, figures = found.worst
    errors = [seen.error for seen in figures.worst]
    assert form == "float32_free" and errors == sorted(errors, reverse=True)
    assert len(errors) == 8 and all(seen.number < 18 for seen in figures.worst)


def test_a_file_that_is_wrong_of_one_picture_shows_it(photos, monkeypatch, tmp_path):
    pipeline = zoo.wrap(own_nets.colours(), labels=COLOURS, pixels="inside", name="c")
    pictures = figured.read(pipeline, f"folder:{photos}")
    pictures.images[3] = np.zeros_like(pictures.images[3])
    net = pipeline.infer

    def wrong_in_the_dark(values):
        dark = values.max(axis=(1, 2, 3)) == 0
        return np.where(dark[:, None], np.float32([0, 0, 1]), net(values))

    monkeypatch.setattr(figured, "_call", lambda *_: wrong_in_the_dark)
    found = Judged(pipeline, pictures).of(tmp_path, artifacts(pipeline, "float32_free"))
    worst = found.worst[0]
    assert worst.number == 3 and worst.result.tolist() == [0, 0, 1]
    assert found.max_error > 0.3 and found.worst[1].error < 1e-6


def test_intervals_of_paired_scores():
    right = np.full(100, 100.0)
    low, high = costs.interval(right, right)  # nothing differs, and a hundred pictures are few
    assert low == -high and 1 < high < 4
    assert high == pytest.approx(100 * 1.96 / 102)  # of 102, half a picture each way
    worse = right.copy()
    worse[:20] = 0
    low, high = costs.interval(right, worse)
    assert -30 < low < -20 < high < -10
    decibels = np.random.default_rng(0).normal(30, 2, 50)
    low, high = costs.interval(decibels, decibels - 1)
    assert low == pytest.approx(-1) and high == pytest.approx(-1)


def test_a_restorer_is_measured_in_decibels_and_shown_as_pictures(tmp_path, astronaut):
    image = keras.Input((None, None, 3))
    x = L.Conv2D(16, 3, padding="same", activation="relu")(image)
    x = L.Conv2D(16, 3, padding="same", activation="relu")(x)
    net = seeded(lambda: keras.Model(image, L.Conv2D(3, 3, padding="same")(x), name="blur"))
    (tmp_path / "clean").mkdir()
    for n in range(3):
        Image.fromarray(astronaut[n * 40 : n * 40 + 32, :32]).save(tmp_path / "clean" / f"{n}.png")
    data = f"folder:{tmp_path / 'clean'}"
    pipeline = zoo.wrap(net, "denoise", degrade="noise:25", examples=data, receptive_radius=3)
    formats = ["float32_free", "float32_static", "int8"]
    export(pipeline, tmp_path / "f", 32, formats)
    found = assess.assess(pipeline, tmp_path / "f", data, size=32)
    by_form = {cost.form: cost for cost in found.costs}
    assert found.metric.name == "psnr" and by_form["float32_static"].figure is None
    assert by_form["float32_free"].difference == pytest.approx(0, abs=1e-3)
    assert by_form["int8"].low <= by_form["int8"].difference <= by_form["int8"].high
    page = assess_page.write(found, tmp_path / "f", data).read_text()
    assert page.count("data:image/png") >= 3


def test_the_page_escapes_what_a_user_called_things(photos, tmp_path):
    labels = ["<script>alert(1)</script>", "green", "blue"]
    pipeline = zoo.wrap(own_nets.colours(), labels=labels, pixels="inside", name="c")
    (tmp_path / "d").mkdir()
    for label, colour in zip(("x", "green", "blue"), COLOURS, strict=True):
        target = tmp_path / "d" / label
        target.symlink_to(photos / colour)
    export(pipeline, tmp_path / "f", formats="dynamic_range")
    with pytest.raises(ZooError, match="x"):
        assess.assess(pipeline, tmp_path / "f", f"folder:{tmp_path / 'd'}")
    (tmp_path / "d" / "x").rename(tmp_path / "d" / "scriptalert1script")
    found = assess.assess(pipeline, tmp_path / "f", f"folder:{tmp_path / 'd'}")
    page = assess_page.write(found, tmp_path / "f", "<b>").read_text()
    tags = []
    parser = html.parser.HTMLParser()
    parser.handle_starttag = lambda tag, attributes: tags.append(tag)
    parser.feed(page)
    assert "table" in tags and not {"script", "b"} & set(tags)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("cnn_fashion", "--to", "f", "--pixels", "0..1"), "--pixels describes a .keras file"),
        (("{model}", "--to", "f", "--metric", "a:b"), "--data folder:PATH"),
        (("{model}", "--to", "f", "--data", "{photos}", "--metric", "a:b"), "expected MODULE:FUNC"),
        (("{model}", "--to", "f", "--data", "{photos}", "--metric", "math:pi"), "a function"),
        (("{model}", "--to", "f", "--pixels", "a/b"), "expected MEAN/STD"),
        (("{model}", "--to", "f", "--labels", "none.txt"), "none.txt"),
        (("{model}", "--to", "f", "--pixels", "inside", "--format", "int8"), "examples"),
        (("none.keras", "--to", "f"), "none.keras"),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_nothing(
    arguments, message, model, photos, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    places = {"model": model, "photos": f"folder:{photos}"}
    assert zoo_export(*(one.format(**places) for one in arguments)) == 1
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_what_stayed_in_float_is_said(tmp_path, photos):
    net = seeded(lambda: own_nets.plain())
    pipeline = zoo.wrap(net, labels=("a", "b", "c", "d"), examples=f"folder:{photos}")
    kernel = net.layers[1].name
    export(pipeline, tmp_path / "f", formats="int8", keep_float=[kernel])
    (cost,) = assess.assess(pipeline, tmp_path / "f").costs
    assert f"1 of 2 layers: {kernel} (chosen)" in cost.in_float
    data = (tmp_path / "f" / "plain_int8.tflite").read_bytes()
    assert len(tflite_reader.in_float(data, ("CONV_2D", "FULLY_CONNECTED"))) == 1


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        (lambda outputs, truth: np.zeros(3), "or 18 of them, got array"),
        (lambda outputs, truth: float("nan"), "expected a finite number"),
        (lambda outputs, truth: "much", "the metric failed: ValueError"),
        (lambda outputs: 1.0, "the metric failed: TypeError"),
        (lambda outputs, truth: sys.exit(3), "the metric failed: SystemExit"),
    ],
)
def test_a_metric_that_gives_no_figure_is_named(metric, message, photos, tmp_path):
    pipeline = zoo.wrap(own_nets.colours(), labels=COLOURS, pixels="inside", name="c")
    judge = Judged(pipeline, figured.read(pipeline, f"folder:{photos}"), metric)
    with pytest.raises(ZooError, match=message):
        _ = judge.net


@pytest.mark.parametrize("allow", ["nan", "-1"])
def test_what_is_allowed_is_a_number(allow, model, photos, tmp_path, capsys):
    assert zoo_export(*of_the_model(model, "--to", tmp_path / "f", "--data", f"folder:{photos}",
                                    "--allow", allow)) in (1, 2)  # fmt: skip
    assert "--allow" in capsys.readouterr().err
