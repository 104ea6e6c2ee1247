"""Times and memory of files, each in a process of its own."""

import os

import pytest
from click.testing import CliRunner

import zoo
from zoo import cli
from zoo.commands import dev
from zoo.errors import ZooError
from zoo.export import benchmark
from zoo.export.benchmark import bench
from zoo.report import results, times
from zoo.storage import weights


@pytest.fixture(scope="module")
def path(classifier, tmp_path_factory):
    file = tmp_path_factory.mktemp("weights") / "weights.h5"
    weights.save(classifier.net, file)
    return file


@pytest.fixture(scope="module")
def rows(path):
    return bench("cnn_tiny", path, ("saved_model", "float32_free"), rounds=2)


@pytest.mark.slow
def test_each_row_has_all_columns_and_they_agree(rows):
    found = {(row["artifact"], row["runtime"]): row for row in rows}
    assert set(found) >= {
        ("net", "Keras"), ("saved_model", "TensorFlow"), ("float32_free", "LiteRT"),
    }  # fmt: skip
    for row in rows:
        missing = set(results.COLUMNS["performance"]) - set(row)
        assert missing == ({"bytes"} if row["artifact"] == "net" else set())
        times = [row[f"{key}_ms"] for key in ("min", "p5", "median", "p95", "max")]
        assert times == sorted(times) and times[0] > 0
        assert row["min_ms"] <= row["average_ms"] <= row["max_ms"]
        assert 0 < row["bare_mib"] < row["peak_mib"]
        assert row["runs"] >= 6 and row["input"] == "1x12x12x1"
    assert found["float32_free", "LiteRT"]["ratio"] == 1
    lite, net = found["float32_free", "LiteRT"], found["net", "Keras"]
    assert lite["peak_mib"] < net["peak_mib"], "the file's process must not hold TensorFlow"


@pytest.mark.slow
def test_rows_of_the_same_file_runtime_and_threads_are_replaced(rows, tmp_path, monkeypatch):
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    results.record_performance(rows)
    results.record_performance([rows[0] | {"threads": 2}])
    results.record_performance([row | {"median_ms": 1.5} for row in rows])
    kept = results.performance(zoo.entry("cnn_tiny"))
    assert len(kept) == len(rows) + 1
    assert sum(row["median_ms"] == 1.5 for row in kept) == len(rows)


@pytest.mark.slow
def test_the_card_says_whose_times_these_are(rows):
    text = times.times_table(rows)
    assert "| `float32_free` | LiteRT " in text
    assert rows[0]["host"] in text and rows[0]["date"] in text and "1x12x12x1" in text


def test_a_file_that_does_not_run_is_named(path, monkeypatch):
    exported = benchmark.export_verified

    def damaging(pipeline, folder, *options):
        made = exported(pipeline, folder, *options)
        os.truncate(folder / "cnn_tiny_float32_free.tflite", 100)
        return made

    monkeypatch.setattr(benchmark, "export_verified", damaging)
    with pytest.raises(ZooError, match="float32_free does not run in LiteRT, in a process of its"):
        bench("cnn_tiny", path, "float32_free", rounds=1)


def test_an_unknown_format_is_refused_before_anything_runs():
    done = CliRunner().invoke(cli.main, ["dev", "bench", "cnn_mnist", "--format", "int4"])
    assert done.exit_code == 1
    assert "format 'int4': expected saved_model" in done.output


@pytest.mark.slow
def test_times_of_other_weights_are_not_kept(path, rows, tmp_path, monkeypatch):
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    monkeypatch.setattr(benchmark, "bench", lambda *arguments, **options: rows)
    done = CliRunner().invoke(cli.main, ["dev", "bench", "cnn_tiny", "--weights", str(path)])
    assert done.exit_code == 0 and "float32_free" in done.output
    assert "not written: these are times of other weights" in done.output
    assert not list(tmp_path.iterdir())
    CliRunner().invoke(cli.main, ["dev", "bench", "cnn_tiny"])
    assert [p.name for p in tmp_path.iterdir()] == ["performance.csv"]


def timed(**more):
    row = {"name": "cnn_mnist", "tag": "mnist", "artifact": "float32_free", "runtime": "LiteRT",
           "version": "2.3.0", "threads": 2, "input": "1x28x28x1", "median_ms": 0.125, "ratio": 1.0,
           "host": "a host", "date": "2026-11-23"}  # fmt: skip
    return row | more


def test_times_are_printed_before_they_fail_to_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setattr(results, "RESULTS", tmp_path / "file" / "results")
    monkeypatch.setattr(benchmark, "bench", lambda *arguments, **options: [timed()])
    for options in ([], ["--json"]):
        done = CliRunner().invoke(cli.main, ["dev", "bench", "cnn_mnist", *options])
        assert done.exit_code == 1
        assert "0.125" in done.stdout
        assert "these times were not written" in done.output


def test_an_installed_package_keeps_no_times_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    monkeypatch.setattr(benchmark, "bench", lambda *arguments, **options: [timed()])
    monkeypatch.setattr(dev, "IN_CHECKOUT", False)
    done = CliRunner().invoke(cli.main, ["dev", "bench", "cnn_mnist"])
    assert done.exit_code == 0 and "0.125" in done.stdout
    assert "not written" in done.output and "is no checkout" in done.output
    assert not list(tmp_path.iterdir())
