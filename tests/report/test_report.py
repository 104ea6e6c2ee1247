"""The figures of record: kept a row a figure, printed by what each metric says of itself."""

import csv
import re

import pytest

import zoo
from zoo import index
from zoo.export.forms import FORMS
from zoo.metrics.metric import HIGHER, LOWER, METRICS, Metric
from zoo.report import card, figures, precisions, results, times
from zoo.storage import weights

ENTRIES = [zoo.entry(name) for name in zoo.names()]
ROWS = [row for entry in ENTRIES for row in results.rows(entry)]


@pytest.fixture
def own_results(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    return tmp_path


def figure(entry, subject="net", value=98.5, **more):
    about = {"name": entry.name, "tag": entry.tag, "data": entry.benchmarks[0].data}
    of = {"subject": subject, "metric": "accuracy", "value": value, "count": 10_000}
    return about | of | {"protocol": "one view", "weights": "abc", "date": "2026-11-23"} | more


def test_a_metric_says_how_its_figures_are_printed():
    metric = Metric("psnr", "PSNR", "dB", ".1f", LOWER)
    assert (metric.title, metric.heading) == ("PSNR, dB", "PSNR, dB ↓")
    assert metric.number(28.96) == "29.0"
    assert (metric.phrase(28.96), metric.named(28.96)) == ("29.0 dB", "PSNR 29.0 dB")
    plain = Metric("recall", "recall")
    assert (plain.title, plain.phrase(0.5), plain.named(0.5)) == (
        "recall", "0.500 recall", "recall 0.500",
    )  # fmt: skip


def test_every_metric_is_told_once():
    assert all(name == metric.name for name, metric in METRICS.items())
    assert {metric.better for metric in METRICS.values()} == {HIGHER, LOWER, ""}
    labels = [metric.label for metric in METRICS.values()]
    assert len(labels) == len(set(labels))


def test_what_tasks_show_and_compare_files_by_are_metrics():
    every = [index.task(name) for name in index.tasks()]
    tasks = [task for task in every if task.headline]  # of any tensors there is no figure
    assert set(figures.HEADLINES) <= {task.kind for task in tasks}
    assert {m for some in figures.HEADLINES.values() for m in some} <= set(METRICS)
    published = {zoo.entry(name).spec.task for name in zoo.names()}
    for task in (task for task in tasks if task.name in published):
        bounds = [form.loss[task.headline] for form in FORMS.values() if form.loss]
        assert len(bounds) == len(FORMS) - 1 and min(bounds) > 0


def test_the_more_exact_a_form_the_closer_its_bounds():
    for metric in METRICS.values():
        assert list(metric.bounds.values()) == sorted(metric.bounds.values())


def test_a_bound_grows_with_a_figure_that_has_no_scale_of_its_own():
    distance, psnr = METRICS["frechet"], METRICS["psnr"]
    assert distance.bound("int8", 0.2) == distance.bounds["int8"]
    assert distance.bound("int8", 40.0) == pytest.approx(40 * distance.bounds["int8"])
    assert psnr.bound("int8", 40.0) == psnr.bounds["int8"]


def test_every_figure_of_record_is_of_a_known_metric_and_subject():
    known = {results.NET, results.FILE, results.ENSEMBLE, results.BASELINE, results.FLOOR}
    assert {row["metric"] for row in ROWS} <= set(METRICS)
    assert {row["subject"].partition(":")[0] for row in ROWS} == known
    for row in ROWS:
        assert (row["subject"] == results.FILE) == ("form" in row) == ("runtime" in row)
        assert row["protocol"] and row["count"] > 0 and row["weights"]


@pytest.mark.parametrize("table", ["figures", "protocols", "performance"])
def test_a_table_of_record_has_its_columns_and_none_that_is_never_filled(table):
    with (results.RESULTS / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        heads, *rows = csv.reader(file)
    assert tuple(heads) == results.COLUMNS[table]
    assert all(any(column) for column in zip(*rows, strict=True))


def test_a_figure_is_recorded_once():
    keys = ("name", "tag", "data", "degrade", "subject", "form", "runtime", "metric")
    found = [tuple(row.get(key) for key in keys) for row in ROWS]
    assert len(found) == len(set(found)) > 500


def test_rows_are_replaced_not_appended_and_come_back_as_they_were(own_results):
    one, other = zoo.entry("cnn_mnist"), zoo.entry("lstm_mnist")
    of_file = {"subject": "file", "form": "int8", "runtime": "LiteRT 2.3.0"}
    results.record(one, [figure(one), figure(one, value=98.25, **of_file)])
    results.record(other, [figure(other, protocol="another, with commas; and more")])
    results.record(one, [figure(one, value=1 / 3), figure(one, value=98.75, **of_file)])
    first, second = results.rows(one)
    assert first == figure(one, value=pytest.approx(1 / 3, abs=1e-9))
    assert second == figure(one, value=98.75, **of_file)
    assert results.rows(other) == [figure(other, protocol="another, with commas; and more")]


def test_the_protocol_is_kept_once_a_set(own_results):
    entry = zoo.entry("cnn_mnist")
    results.record(entry, [figure(entry), figure(entry, "ensemble"), figure(entry, metric="ece")])
    assert (own_results / "protocols.csv").read_text().count("one view") == 1
    assert "one view" not in (own_results / "figures.csv").read_text()
    assert [row["protocol"] for row in results.rows(entry)] == ["one view"] * 3


def test_what_is_no_benchmark_any_more_is_not_told(own_results):
    entry = zoo.entry("cnn_mnist")
    results.record(entry, [figure(entry, data="other"), figure(entry)])
    assert results.rows(entry) == [figure(entry)]


def test_a_damaged_table_says_which_command_makes_it(own_results):
    (own_results / "figures.csv").write_text("name,tag,value\ncnn_mnist,mnist,much\n")
    with pytest.raises(zoo.ZooError, match=r"figures.csv cannot be read.*`zoo dev measure` writes"):
        results.rows(zoo.entry("cnn_mnist"))


def test_a_new_metric_needs_its_record_alone(own_results, monkeypatch):
    """A figure of it is kept, and the card has a row for it."""
    entry = zoo.entry("cnn_mnist")
    monkeypatch.setitem(METRICS, "top3", Metric("top3", "top-3 accuracy", "%", ".1f"))
    new = figure(entry, metric="top3", value=99.96)
    results.record(entry, [figure(entry), new, new | {"subject": "ensemble", "value": 99.98}])
    text = card.card(entry, weights.published(entry))
    assert "| mnist | top-3 accuracy, % ↑ | 100.0 | 100.0 |" in text
    assert figures.told({"top3": 99.96}) == "top-3 accuracy 100.0 %"


def test_a_metric_of_a_task_of_ones_own_is_printed_by_its_bare_name(own_results):
    entry = zoo.entry("cnn_mnist")
    results.record(entry, [figure(entry), figure(entry, metric="error", value=0.123456)])
    assert "| mnist | error | 0.1235 |  |" in card.card(entry, weights.published(entry))
    assert figures.told({"error": 0.123456}) == "error 0.1235"
    assert "error" not in METRICS


def test_the_headline_is_the_first_of_the_kinds_metrics(own_results):
    entry = zoo.entry("vae_mnist")
    assert figures.headline(entry) == "not published"
    known = figure(entry, metric="frechet", value=0.25)
    results.record(entry, [known])
    assert figures.headline(entry) == "0.250 Frechet distance on mnist"
    results.record(entry, [known, figure(entry, metric="nll", value=83.4)])
    assert figures.headline(entry) == "83.4 nats on mnist"


def test_a_figure_of_all_sets_is_that_of_the_measured_form():
    entry = zoo.entry("cnn_mnist")
    files = [
        figure(entry, "file", value, form=form, runtime="LiteRT 2.3.0")
        for form, value in (("int8", 97.0), ("float32_free", 98.5))
    ]
    assert figures.find(files, "file", "accuracy")["value"] == 98.5
    assert figures.find(files, "net", "accuracy") is None
    method = figure(entry, "baseline:nearest", 60.0)
    assert figures.cell([method], "baseline", ("accuracy", "nll")) == "60.00 / - (nearest)"
    assert figures.cell([method], "net", ("accuracy",)) == ""


def test_scores_are_compared_on_the_set_that_all_forms_ran():
    entry = zoo.entry("dncnn_s25")

    def row(data, form, value, subject="file"):
        of_file = {"form": form, "runtime": "LiteRT 2.3.0"} if form else {}
        return figure(entry, subject, value, data=data, metric="psnr", **of_file)

    rows = [row("large", "", 30.0, "net"), row("small", "", 29.0, "net")]
    rows += [row("large", "float32_free", 30.0), row("small", "float32_free", 28.9999)]
    rows += [row("small", "int8", 28.84)]
    found = precisions.compared(entry, rows)
    assert {score.row["data"] for score in found.values()} == {"small"}
    exact, int8 = found.values()
    assert (exact.held, exact.beside) == (True, "+0.000 (0.001)")
    assert (int8.held, int8.beside) == (False, "-0.160 (0.15), **missed**")


def timed(**more):
    row = {"name": "cnn_mnist", "tag": "mnist", "artifact": "float32_free", "runtime": "LiteRT",
           "version": "2.3.0", "threads": 2, "input": "1x28x28x1", "median_ms": 100.0, "ratio": 1.0,
           "p5_ms": 1.0, "p95_ms": 3.0, "load_ms": 1.0, "first_ms": 2.0, "peak_mib": 50.0,
           "bare_mib": 20.0, "host": "old host", "date": "2026-11-21"}  # fmt: skip
    return row | more


def test_milliseconds_of_two_hosts_or_days_never_share_a_table(own_results):
    later, other = {"date": "2026-11-25"}, {"date": "2026-11-25", "host": "new host"}
    rows = [
        timed(),
        timed(artifact="int8", median_ms=26.0, ratio=0.25),
        timed(name="lstm_mnist", median_ms=7.0, **later),
        timed(name="cnn_fashion", tag="fashion_mnist", median_ms=3.0, **other),
    ]
    results.record_performance(rows)
    text = times.speeds_table(ENTRIES)
    blocks = re.split(r"^(?=.*, 2026-\d\d-\d\d:$)", text, flags=re.M)[1:]
    assert len(blocks) == 3
    assert [re.findall(r"^\| `(\w+)`", block, re.M) for block in blocks] == [
        ["cnn_fashion"], ["lstm_mnist"], ["cnn_mnist"],
    ]  # fmt: skip
    assert "| 100 | - | - | - | 0.25 | - | 4.0 times |" in blocks[2]
    assert "26" not in blocks[2].partition("\n")[2]


def test_a_card_has_a_table_of_times_a_host_and_day():
    text = times.times_table([timed(), timed(threads=1, date="2026-11-25")])
    latest, first = text.split("old host, 2026-11-21; one input, 1x28x28x1:")
    assert latest.startswith("old host, 2026-11-25; one input, 1x28x28x1:")
    assert "| LiteRT 2.3.0 | 1 |" in latest and "| LiteRT 2.3.0 | 2 |" in first


def test_one_sitting_makes_one_table(own_results):
    rows = [timed(name=e.name, tag=e.tag) for e in ENTRIES if e.pretrained]
    results.record_performance(rows)
    assert times.speeds_table(ENTRIES).count("| name |") == 1
