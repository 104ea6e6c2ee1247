"""The figures of every precision: on which set, beside which bound, kept and shown."""

import dataclasses
import functools
import re
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner
from conftest import needs_package
from PIL import Image
from tiny import data_for, scene, with_random_weights

import zoo
from zoo import cli, index, loading
from zoo.data.sets import FEATURE_EXTRACTORS
from zoo.errors import installed
from zoo.export.forms import FORMS
from zoo.export.measure import measure, missed
from zoo.index import Benchmark
from zoo.metrics import features
from zoo.metrics.metric import METRICS
from zoo.report import precisions, results
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
        feature_extractor=FEATURE_EXTRACTORS["fashion_mnist"]
        if index.task(entry.spec.task).kind == "generation"
        else None,
    )
    return loading.pipeline(made, with_random_weights(name).net)


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """The denoiser with a large and a small set, and all that is measured of it."""
    folder = tmp_path_factory.mktemp("sets")
    sets = scenes(folder / "large", 3, 50, 61), scenes(folder / "small", 2, 32, 40)
    pipeline = measurable("dncnn_tiny", *sets)
    return pipeline, measure(pipeline, static_size=24)


def of(rows, **wanted):
    """The rows of figures that have these values."""
    return [row for row in rows if all(row.get(key) == value for key, value in wanted.items())]


@all_formats
def test_each_form_runs_the_smallest_set_and_float32_all(measured):
    pipeline, found = measured
    large, small = (benchmark.data for benchmark in pipeline.entry.benchmarks)
    of_files = of(found.figures, subject="file")
    where = {(row["form"], row["data"]) for row in of_files}
    forms = {"float32_free", "float16", "dynamic_range", "int8", "onnx"}
    assert where == {(form, small) for form in forms} | {("float32_free", large)}
    runtimes = {row["runtime"].split()[0] for row in of_files}
    assert runtimes == {"LiteRT", "ONNX"} | ({"OpenVINO"} if installed("openvino") else set())


@all_formats
def test_a_score_tells_the_net_the_file_and_the_bound(measured):
    pipeline, found = measured
    scores = precisions.scores(pipeline.entry, found.figures)
    assert len(scores) == len(of(found.figures, subject="file", metric="psnr"))
    for score in scores:
        (net,) = of(found.figures, subject="net", metric="psnr", data=score.row["data"])
        assert score.net == net["value"]
        assert score.difference == pytest.approx(score.row["value"] - score.net, abs=1e-6)
        assert score.held == (abs(score.difference) <= score.bound)
        assert score.bound == FORMS[score.row["form"]].loss["psnr"]
        if score.row["form"] in ("float32_free", "onnx"):
            assert score.held
    errors = {row["form"]: row["max_error"] for row in found.files}
    assert errors["int8"] > 1e-5 > errors["onnx"]
    (int8,) = of(found.figures, form="int8", metric="psnr")
    assert int8["value"] != of(found.figures, form="float32_free", metric="psnr")[-1]["value"]


@all_formats
def test_each_figure_is_a_row_of_its_own_that_says_all(measured):
    _, found = measured
    subjects = {"net", "file", "baseline:non-local means"}
    assert {row["subject"] for row in found.figures} == subjects
    assert {row["metric"] for row in found.figures} == {"psnr", "ssim"}
    always = {*results.COLUMNS["figures"], "protocol"}
    for row in found.figures:
        left = {"form", "runtime"} if row["subject"] != "file" else set()
        assert set(row) == always - left
        assert isinstance(row["value"], float) and "sigma" in row["protocol"]


def test_only_the_files_are_measured_beside_the_net_on_record(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    pipeline = measurable("dncnn_tiny", scenes(tmp_path / "set", 2, 50, 61))
    options = {"static_size": 24, "formats": QUICK, "only_files": True}
    with pytest.raises(zoo.ZooError, match="without --only-files"):
        measure(pipeline, **options)
    whole = measure(pipeline, static_size=24, formats=QUICK)
    (net,) = of(whole.figures, subject="net", metric="psnr")
    kept = [row for row in whole.figures if row is not net]
    results.record(pipeline.entry, [net | {"value": 12.5}, *kept])
    found = measure(pipeline, ensemble=True, **options)
    (known,) = of(found.figures, subject="net", metric="psnr")
    (turned,) = of(found.figures, subject="ensemble", metric="psnr")
    assert known == net | {"value": 12.5} and turned["value"] > 12.5
    assert of(found.figures, subject="file") == of(whole.figures, subject="file")
    assert {score.net for score in precisions.scores(pipeline.entry, found.figures)} == {12.5}


@all_formats
def test_classifiers_have_static_and_byte_files_too(tmp_path):
    pipeline = measurable("cnn_tiny", data_for(zoo.entry("cnn_tiny"), tmp_path / "data"))
    found = measure(pipeline)
    of_files = [row for row in of(found.figures, subject="file") if "LiteRT" in row["runtime"]]
    assert {row["form"] for row in of_files} == set(FORMS) - {"onnx", "saved_model"}
    scores = precisions.scores(pipeline.entry, found.figures)
    assert {score.metric.name for score in scores} == {"accuracy"}
    (static,) = [s for s in scores if s.row["form"] == "float32_static" and s.row in of_files]
    assert static.difference == 0
    files = {row["artifact"]: row for row in found.files}
    assert "int8" in files["uint8"]["constants"]
    assert "constants" not in files["saved_model"]


def test_an_autoencoder_is_judged_by_what_both_its_files_make_again(tmp_path):
    entry = zoo.entry("vae_tiny")
    pipeline = measurable("vae_tiny", data_for(entry, tmp_path / "data", each=24))
    found = measure(pipeline, formats=QUICK)
    scores = precisions.scores(pipeline.entry, found.figures)
    assert {score.row["form"] for score in scores} == {"float32_free", "float32_static"}
    assert {(score.metric.name, score.held) for score in scores} == {("psnr", True)}
    assert of(found.figures, subject="file", metric="frechet"), "of the decoder alone"
    both = {r["artifact"] for r in found.files if r["form"] == "float32_free"}
    assert both == {"encoder_float32_free", "decoder_float32_free"}


def test_the_judge_looks_at_real_pictures_once(tmp_path, monkeypatch):
    entry, looks = zoo.entry("dcgan_tiny"), []
    pipeline = measurable("dcgan_tiny", data_for(entry, tmp_path / "data", each=16))
    real = zoo.data.sources.load(pipeline.entry.benchmarks[0].data, 1, "test").images
    first = real[0].astype(np.float32) / 255
    look = features.Features.__init__

    def counted(self, by, pictures):
        looks.append(
            pictures.shape == (len(real), *first.shape) and np.allclose(pictures[0], first)
        )
        look(self, by, pictures)

    monkeypatch.setattr(features.Features, "__init__", counted)
    found = measure(pipeline, formats=QUICK)
    of_files = of(found.figures, subject="file", metric="frechet")
    assert sum(looks) == 2, "as the test set, and as the training set, which is the same here"
    assert len(looks) == 2 + 1 + len(of_files), "what the net makes, and what each file does"


@all_formats
def test_a_missed_bound_is_said_and_shown(tmp_path, monkeypatch):
    pipeline = measurable("dncnn_tiny", scenes(tmp_path / "set", 2, 50, 61))
    bounds = METRICS["psnr"].bounds | {"dynamic_range": 1e-6}
    strict = dataclasses.replace(METRICS["psnr"], bounds=bounds)
    monkeypatch.setitem(METRICS, "psnr", strict)
    found = measure(pipeline, static_size=24, formats=("float32_free", "dynamic_range"))
    scores = precisions.scores(pipeline.entry, found.figures)
    held = {score.row["form"]: score.held for score in scores}
    assert held == {"float32_free": True, "dynamic_range": False}
    (line,) = missed(pipeline.entry, found.files, found.figures)
    assert "dncnn_tiny: dynamic_range in LiteRT" in line and "bound 1e-06" in line
    shown = precisions.files_table(pipeline.entry, {"files": found.files}, found.figures)
    (row,) = [text for text in shown.splitlines() if "**missed**" in text]
    assert row.startswith("| `dynamic_range` |")


def figure(entry, subject, value, **more):
    about = {"name": entry.name, "tag": entry.tag, "data": "mnist", "subject": subject}
    facts = {"metric": "accuracy", "value": value, "count": 10_000, "protocol": "one view"}
    return about | facts | more


def test_strict_exits_with_1_where_a_bound_is_missed(tmp_path, monkeypatch):
    entry, of_file = zoo.entry("cnn_mnist"), {"form": "int8", "runtime": "LiteRT"}
    rows = [figure(entry, "net", 99.0), figure(entry, "file", 98.0, **of_file)]
    found = SimpleNamespace(figures=rows)
    monkeypatch.setattr("zoo.export.measure.measure", lambda *_, **__: found)
    monkeypatch.setattr("zoo.training.publish.record", lambda *arguments: "CARD.md")
    monkeypatch.setattr(results, "rows", lambda entry: rows)
    monkeypatch.setattr(zoo.data.sources, "refuse_missing", lambda name: None)
    for options, status in (([], 0), (["--strict"], 1)):
        done = CliRunner().invoke(cli.main, ["dev", "measure", "cnn_mnist", *options])
        assert done.exit_code == status
        assert "misses its bound on mnist: accuracy 98.00 %, the net 99.00 %" in done.output
        assert "difference -1.0000, bound 0.5" in done.output


def test_what_was_measured_is_printed_before_it_fails_to_be_written(monkeypatch):
    entry = zoo.entry("cnn_mnist")
    found = SimpleNamespace(figures=[figure(entry, "net", 12.345)])

    def full(*arguments):
        raise zoo.ZooError("no space")

    monkeypatch.setattr("zoo.export.measure.measure", lambda *_, **__: found)
    monkeypatch.setattr("zoo.training.publish.record", full)
    monkeypatch.setattr(zoo.data.sources, "refuse_missing", lambda name: None)
    done = CliRunner().invoke(cli.main, ["dev", "measure", "cnn_mnist"])
    assert done.exit_code == 1
    assert re.search(r"^mnist +net +- +- +accuracy, % +12\.35$", done.output, re.M)
    assert done.output.endswith("Error: these figures were not written: no space\n")


def test_the_self_ensemble_has_rows_of_its_own(tmp_path):
    pipeline = measurable("dncnn_tiny", scenes(tmp_path / "set", 2, 32, 40))
    rows = measure(pipeline, ensemble=True, static_size=24, formats=QUICK).figures
    (row,) = of(rows, subject="ensemble", metric="psnr")
    turned = functools.partial(pipeline.infer, ensemble=True)
    expected = evaluate(pipeline, infer=turned)["metrics"]["psnr"]
    assert row["value"] == expected != of(rows, subject="net", metric="psnr")[0]["value"]


def test_what_makes_pictures_has_no_self_ensemble():
    with pytest.raises(zoo.ZooError, match="dcgan_tiny makes new pictures"):
        measure(with_random_weights("dcgan_tiny"), ensemble=True)
