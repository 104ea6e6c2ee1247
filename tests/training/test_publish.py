"""Publishing: from a finished run to a name that loads, with its card; interrupted or refused."""

import dataclasses
import functools
import json
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from tiny import data_for

import zoo
from zoo import index
from zoo.data.sets import FEATURE_EXTRACTORS
from zoo.export.forms import QUICK
from zoo.export.measure import measure as measure_all
from zoo.metrics.metric import METRICS
from zoo.report import card, figures, results, tables
from zoo.storage import leftovers, weights
from zoo.tasks.functions import functions
from zoo.training import publish as publishing

TINY = [
    pytest.param(name, marks=() if name == "dncnn_tiny" else pytest.mark.slow)
    for name in zoo.names("*_tiny")
]
measure = functools.partial(measure_all, formats=QUICK)
METRIC = {"recognition": "accuracy", "restoration": "psnr", "generation": "frechet"}


@pytest.fixture(scope="module", params=TINY)
def trained(request, tmp_path_factory):
    """A tiny name with pictures to train and to be measured on, and its run."""
    folder = tmp_path_factory.mktemp(request.param)
    entry = zoo.entry(request.param)
    data = data_for(entry, folder / "data", each=16)
    recipe = dataclasses.replace(entry.recipe, data=data, learning_rate=0.05, steps=60, every=20)
    if index.task(entry.spec.task).kind == "generation":
        recipe = dataclasses.replace(recipe, learning_rate=0.002, holdout=12)
    if entry.family in ("ffdnet", "sesr"):  # whose ReLUs die of it
        recipe = dataclasses.replace(recipe, learning_rate=entry.recipe.learning_rate)
    degrade = str(entry.spec.degradations[0].middle) if entry.spec.restores else None
    made_up = {"made up": {METRIC[index.task(entry.spec.task).kind]: 1.0}}
    entry = dataclasses.replace(
        entry,
        recipe=recipe,
        pretrained=True,
        benchmarks=(index.Benchmark(data, made_up, degrade),),
        feature_extractor=FEATURE_EXTRACTORS["fashion_mnist"]
        if index.task(entry.spec.task).kind == "generation"
        else None,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(index._entries, entry.full_name, entry)
        return entry, zoo.train(entry.name, folder / "run")


@pytest.fixture
def publishable(trained, tmp_path, monkeypatch):
    """A tiny name that can be published from a run, into a folder of the test."""
    entry, run = trained
    extractor = weights.PRETRAINED / "cnn_fashion"
    monkeypatch.setitem(index._entries, entry.full_name, entry)
    monkeypatch.setattr(weights, "PRETRAINED", tmp_path / "pretrained")
    shutil.copytree(extractor, weights.PRETRAINED / "cnn_fashion")
    monkeypatch.setattr(results, "RESULTS", tmp_path / "results")
    return entry, shutil.copytree(run, tmp_path / "run")


def test_a_published_name_loads_and_its_card_tells_all(publishable):
    entry, run = publishable
    folder = publishing.publish(run, measure)
    assert folder == weights.pretrained_folder(entry)
    made = zoo.load(entry.name)
    for function in functions(made):
        values, expected = weights.golden(entry, function.name, function.names)
        np.testing.assert_allclose(function.infer(values), expected, atol=1e-6)
    facts = weights.published(entry)
    text = (folder / weights.CARD).read_text(encoding="utf-8")
    rows = results.rows(entry)
    assert text == card.card(entry, facts)
    wanted = (
        "paper", "weights", "MACs", "input and output", "licence of the code", "made up",
        "licence of the weights", "licence of the training data", "Protocol", "Limits",
        "float32_static", "command", facts["sha256"][weights.WEIGHTS], entry.data_licence,
    )  # fmt: skip
    assert [word for word in wanted if word not in text] == []
    metric = METRIC[index.task_of(entry).kind]
    net, file = (figures.find(rows, subject, metric) for subject in ("net", "file"))
    assert file["value"] == pytest.approx(net["value"], abs=1e-3)
    assert f"{METRICS[metric].number(1.0)} made up" in text
    assert f"`{entry.name}`" in tables.models_table([entry])
    assert f"`{entry.name}`" in tables.figures_table([entry])


def test_an_unfinished_run_is_refused(publishable):
    entry, run = publishable
    facts = json.loads((run / weights.RUN).read_text())
    del facts["sha256"]
    (run / weights.RUN).write_text(json.dumps(facts))
    with pytest.raises(zoo.ZooError, match="is not finished: run its command again"):
        publishing.publish(run, measure)
    assert not weights.pretrained_folder(entry).exists()


def test_a_run_by_another_recipe_is_refused(publishable, monkeypatch):
    entry, run = publishable
    other = dataclasses.replace(entry, recipe=dataclasses.replace(entry.recipe, batch=3))
    monkeypatch.setitem(index._entries, entry.full_name, other)
    with pytest.raises(zoo.ZooError, match="another recipe"):
        publishing.publish(run, measure)


def test_a_failing_check_publishes_nothing(publishable):
    entry, run = publishable

    def failing(pipeline):
        raise zoo.ZooError("the exported files are not right")

    with pytest.raises(zoo.ZooError, match="not right"):
        publishing.publish(run, failing)
    assert not weights.pretrained_folder(entry).exists()


@pytest.mark.slow
@pytest.mark.parametrize("trained", ["cnn_tiny"], indirect=True)
def test_where_the_card_cannot_be_made_all_is_as_it_was(publishable, monkeypatch):
    entry, run = publishable

    def state():
        return {p: p.read_bytes() for p in run.parent.rglob("*") if p.is_file()}

    def failing(pipeline, real):
        raise zoo.ZooError("no picture")

    task = index.task_of(entry)
    before = state()
    with monkeypatch.context() as patch, pytest.raises(zoo.ZooError, match="no picture"):
        patch.setattr(task, "preview", failing, raising=False)
        publishing.publish(run, measure)
    assert state() == before
    publishing.publish(run, measure)
    before = state()
    with monkeypatch.context() as patch, pytest.raises(zoo.ZooError, match="no picture"):
        patch.setattr(task, "preview", failing, raising=False)
        publishing.record(zoo.load(entry.name), measure(zoo.load(entry.name)))
    assert state() == before


def test_an_interrupted_publish_is_named_and_repeated(tmp_path, monkeypatch):
    """Killed while the folder is being written."""
    entry = zoo.entry("dncnn_s25")
    script = (
        "import sys, time; from pathlib import Path; from zoo.storage import files\n"
        "with files.whole(Path(sys.argv[1])) as partial:\n"
        "    partial.mkdir(); (partial / 'weights.h5').write_bytes(b'half'); time.sleep(60)\n"
    )
    monkeypatch.setattr(weights, "PRETRAINED", tmp_path)
    folder = weights.pretrained_folder(entry)
    process = subprocess.Popen([sys.executable, "-c", script, folder])
    while not any((path / "weights.h5").exists() for path in leftovers.found(folder)):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    with pytest.raises(zoo.ZooError, match=r"was interrupted; run `zoo dev publish` again"):
        zoo.load(entry.name)
    assert weights.published(entry) is None


def test_a_card_tells_how_long_all_trainings_took_where_that_is_known():
    entry = index.entry("srcnn_x3")
    facts = weights.published(entry) | {"seconds": 1800}
    facts["start"]["seconds"] = 600
    assert "; 40 minutes with all" in card.card(entry, facts)
    del facts["start"]["seconds"]
    assert "minutes with all" not in card.card(entry, facts)
    del facts["start"]
    assert "- time: 30 minutes" in card.card(entry, facts)
