"""The figures of every precision: on which set, beside which bound, kept and shown."""

import dataclasses
import functools

import numpy as np
import pytest
from click.testing import CliRunner
from conftest import needs_package
from PIL import Image
from tiny import data_for, scene, with_random_weights

import zoo
from zoo import cli, index, loading
from zoo.export import openvino_file
from zoo.export.forms import FORMS
from zoo.export.measure import METRICS, measure, missed
from zoo.index import TASKS, Benchmark
from zoo.metrics import judge
from zoo.report import card, results
from zoo.tasks.evaluate import evaluate

all_formats = needs_package("ai_edge_quantizer", "tf2onnx", "onnxruntime")
QUICK = ("float32_free", "float32_static")


def scenes(folder, count: int, *size: int) -> str:
    folder.mkdir()
    for seed in range(count):
        pixels = scene(np.random.default_rng(seed), *size)
        Image.fromarray(pixels).save(folder / f"{seed}.png")
    return f"folder:{folder}"


def measurable(name: str, *sets: str):
    """A tiny net whose benchmarks are these sets; it was trained on the first."""
    entry = zoo.entry(name)
    degrade = entry.spec.degrade[0] if entry.spec.restores else None
    made = dataclasses.replace(
        entry,
        recipe=dataclasses.replace(entry.recipe, data=sets[0]),
        benchmarks=tuple(Benchmark(data, degrade=degrade) for data in sets),
        judge=index.JUDGES["fashion_mnist"] if entry.spec.kind == "generation" else None,
    )
    return loading.pipeline(made, with_random_weights(name).net)


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """The denoiser with a large and a small set, and all that is measured of it."""
    folder = tmp_path_factory.mktemp("sets")
    sets = scenes(folder / "large", 3, 50, 61), scenes(folder / "small", 2, 32, 40)
    pipeline = measurable("dncnn_tiny", *sets)
    return pipeline, measure(pipeline, static_size=24)


@all_formats
def test_each_form_runs_the_smallest_set_and_float32_all(measured):
    pipeline, found = measured
    large, small = (benchmark.data for benchmark in pipeline.entry.benchmarks)
    where = {(row["artifact"], row["data"]) for row in found.numerics}
    forms = {"float32_free", "float16", "dynamic_range", "int8", "onnx"}
    assert where == {(form, small) for form in forms} | {("float32_free", large)}
    runtimes = {row["runtime"].split()[0] for row in found.numerics}
    assert runtimes == {"LiteRT", "ONNX"} | ({"OpenVINO"} if openvino_file.installed() else set())


@all_formats
def test_a_row_tells_the_net_the_file_and_the_bound(measured):
    _, found = measured
    nets = {row["data"]: row["psnr"] for row in found.figures}
    for row in found.numerics:
        assert set(row) == set(results.columns("numerics"))
        assert row["net"] == nets[row["data"]]
        assert row["difference"] == pytest.approx(row["figure"] - row["net"], abs=1e-6)
        assert row["held"] == ("yes" if abs(row["difference"]) <= row["bound"] else "no")
        assert row["bound"] == FORMS[row["artifact"]].loss["psnr"]
        if row["artifact"] in ("float32_free", "onnx"):
            assert row["held"] == "yes" and row["max_error"] < 1e-5
    int8, exact = (
        next(row for row in found.numerics if row["artifact"] == form)
        for form in ("int8", "float32_free")
    )
    assert int8["max_error"] > exact["max_error"]
    assert int8["figure"] != exact["figure"]


def test_only_the_files_are_measured_beside_the_net_on_record(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    pipeline = measurable("dncnn_tiny", scenes(tmp_path / "set", 2, 50, 61))
    options = {"static_size": 24, "formats": QUICK, "only_files": True}
    with pytest.raises(zoo.ZooError, match="without --only-files"):
        measure(pipeline, **options)
    whole = measure(pipeline, static_size=24, formats=QUICK)
    results.record(pipeline.entry, [whole.figures[0] | {"psnr": 12.5}], whole.numerics)
    found = measure(pipeline, ensemble=True, **options)
    assert found.figures[0]["psnr"] == 12.5 < found.figures[0]["ensemble_psnr"]
    assert found.figures[0]["file_psnr"] == whole.figures[0]["file_psnr"]
    assert {row["net"] for row in found.numerics} == {12.5}
    assert found.numerics[0]["figure"] == whole.numerics[0]["figure"]


@all_formats
def test_classifiers_have_static_and_byte_files_too(tmp_path):
    pipeline = measurable("cnn_tiny", data_for(zoo.entry("cnn_tiny"), tmp_path / "data"))
    found = measure(pipeline)
    rows = {row["artifact"]: row for row in found.numerics if row["runtime"].startswith("LiteRT")}
    assert set(rows) == set(FORMS) - {"onnx", "saved_model"}
    assert {row["metric"] for row in rows.values()} == {"accuracy"}
    assert rows["float32_static"]["figure"] == found.figures[0]["accuracy"]
    files = {row["artifact"]: row for row in found.files}
    assert "int8" in files["uint8"]["constants"]
    assert "constants" not in files["saved_model"]


def test_an_autoencoder_is_judged_by_what_both_its_files_make_again(tmp_path):
    entry = zoo.entry("vae_tiny")
    pipeline = measurable("vae_tiny", data_for(entry, tmp_path / "data", each=24))
    found = measure(pipeline, formats=QUICK)
    row = next(row for row in found.numerics if row["artifact"] == "float32_free")
    assert (row["metric"], row["held"]) == ("psnr", "yes")
    both = {r["artifact"]: r["bytes"] for r in found.files if r["form"] == "float32_free"}
    assert set(both) == {"encoder_float32_free", "decoder_float32_free"}
    assert row["bytes"] == sum(both.values())


def test_the_judge_looks_at_real_pictures_once(tmp_path, monkeypatch):
    entry, looks = zoo.entry("dcgan_tiny"), []
    pipeline = measurable("dcgan_tiny", data_for(entry, tmp_path / "data", each=16))
    real = zoo.data.sources.load(pipeline.entry.benchmarks[0].data, 1, "test").images
    first = real[0].astype(np.float32) / 255
    look = judge.Judged.__init__

    def counted(self, by, pictures):
        looks.append(
            pictures.shape == (len(real), *first.shape) and np.allclose(pictures[0], first)
        )
        look(self, by, pictures)

    monkeypatch.setattr(judge.Judged, "__init__", counted)
    found = measure(pipeline, formats=QUICK)
    assert {row["metric"] for row in found.numerics} == {"frechet"}
    assert sum(looks) == 2, "as the test set, and as the training set, which is the same here"
    assert len(looks) == 2 + 1 + len(found.numerics), "what the net makes, and what each file does"


@all_formats
def test_a_missed_bound_is_said_and_shown(tmp_path, monkeypatch):
    pipeline = measurable("dncnn_tiny", scenes(tmp_path / "set", 2, 50, 61))
    strict = dataclasses.replace(FORMS["dynamic_range"], loss={"psnr": 1e-6})
    monkeypatch.setitem(FORMS, "dynamic_range", strict)
    found = measure(pipeline, static_size=24, formats=("float32_free", "dynamic_range"))
    held = {row["artifact"]: row["held"] for row in found.numerics}
    assert held == {"float32_free": "yes", "dynamic_range": "no"}
    (line,) = missed("dncnn_tiny", found.files, found.numerics)
    assert "dncnn_tiny: dynamic_range in LiteRT" in line and "bound 1e-06" in line
    shown = card._files({"files": found.files}, found.numerics)
    (row,) = [text for text in shown.splitlines() if "**missed**" in text]
    assert row.startswith("| `dynamic_range` |")


def test_strict_exits_with_1_where_a_bound_is_missed(monkeypatch):
    row = {"artifact": "int8", "runtime": "LiteRT", "data": "mnist",
           "metric": "accuracy", "figure": 98.0, "net": 99.0, "difference": -1.0, "bound": 0.5,
           "held": "no"}  # fmt: skip
    monkeypatch.setattr("zoo.export.measure.measure", lambda *_, **__: None)
    monkeypatch.setattr("zoo.training.publish.record", lambda *arguments: "CARD.md")
    monkeypatch.setattr(results, "numerics", lambda entry: [row])
    monkeypatch.setattr(zoo.data.sources, "refuse_missing", lambda name: None)
    for options, status in (([], 0), (["--strict"], 1)):
        done = CliRunner().invoke(cli.main, ["dev", "measure", "cnn_mnist", *options])
        assert done.exit_code == status
        assert "misses its bound on mnist: accuracy 98.0000, the net 99.0000" in done.output


def test_numerics_are_replaced_not_appended(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    one, other = zoo.entry("cnn_tiny"), zoo.entry("lstm_tiny")

    def row(entry, artifact, figure):
        about = {"name": entry.name, "tag": entry.tag, "artifact": artifact, "data": "mnist"}
        return about | {"figure": figure, "held": "yes", "count": 10_000, "max_error": 1.25e-7}

    results.record(one, [], [row(one, "int8", 98.5), row(one, "uint8", 98.4)])
    results.record(other, [], [row(other, "int8", 97.0)])
    results.record(one, [], [row(one, "int8", 98.75)])
    assert results.numerics(one) == [row(one, "int8", 98.75)]
    assert results.numerics(other) == [row(other, "int8", 97.0)]


def test_every_task_and_form_has_a_figure_and_a_bound():
    assert set(METRICS) == set(TASKS)
    assert all(set(form.loss) in (set(), set(METRICS.values())) for form in FORMS.values())


def test_the_self_ensemble_has_a_column_of_its_own(tmp_path):
    pipeline = measurable("dncnn_tiny", scenes(tmp_path / "set", 2, 32, 40))
    (row,) = measure(pipeline, ensemble=True, static_size=24, formats=QUICK).figures
    turned = functools.partial(pipeline.infer, ensemble=True)
    expected = evaluate(pipeline, infer=turned)["metrics"]["psnr"]
    assert row["ensemble_psnr"] == expected != row["psnr"]


def test_what_makes_pictures_has_no_self_ensemble():
    with pytest.raises(zoo.ZooError, match="dcgan_tiny makes new pictures"):
        measure(with_random_weights("dcgan_tiny"), ensemble=True)
