"""The programs in `benchmarks/` still fit the zoo: they stand outside the package."""

import importlib
import re
from unittest import mock

import numpy as np
import pytest
from conftest import REPOSITORY, needs
from tiny import with_random_weights

import zoo
from zoo import files, weights
from zoo.export import quantize, saved_model, tflite
from zoo.report import results
from zoo.tasks.parts import parts

FOLDER = REPOSITORY / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch):
    """Imports a program of the folder by its name."""
    monkeypatch.syspath_prepend(FOLDER)
    return importlib.import_module


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.py")))
def test_every_program_finds_what_it_imports(name, benchmark):
    assert benchmark(name).__doc__


def test_the_peer_of_the_dcgans_has_the_sizes_that_its_page_states(benchmark):
    peer = benchmark("dcgan")
    assert peer.generator().count_params() == 2_330_944
    assert peer.discriminator().count_params() == 212_865


@pytest.mark.parametrize("name", ["dcgan_fashion", "dcgan_mnist"])
def test_what_is_said_of_the_peer_is_of_the_weights_in_the_package(name):
    found = files.read_json(FOLDER / "results" / f"{name}.json")
    entry = zoo.entry(name)
    (record,) = results.rows(entry)
    ours, theirs = found["zoo"], found["peer"]
    assert found["seconds"] == weights.published(entry)["seconds"]
    assert ours == pytest.approx({key: record[key] for key in ours}, rel=1e-6)
    table = (FOLDER / "README.md").read_text(encoding="utf-8")
    for row in (ours, theirs):
        assert f"| {row['frechet']:.3f} | {row['precision']:.3f} | {row['recall']:.3f} |" in table
    times = round(theirs["frechet"] / ours["frechet"])
    assert re.search(rf"\b{times}\b.* times as far", (REPOSITORY / "README.md").read_text("utf-8"))


@needs("mnist")
def test_the_peer_of_the_dcgans_is_trained_for_a_time(benchmark):
    net, steps = benchmark("dcgan").trained("dcgan_mnist", seconds=0.01)
    pictures = net(np.zeros((2, 100), np.float32))
    assert steps >= 2
    assert pictures.shape == (2, 28, 28, 1)
    assert np.abs(pictures).max() <= 1


def test_what_could_have_been_decided_otherwise_makes_other_files(benchmark, tmp_path):
    pytest.importorskip("ai_edge_quantizer", reason="it is an extra")
    (part,) = parts(with_random_weights("dncnn_tiny"))
    saved_model.write(part, tmp_path / "model", part.shape)
    data = tflite.convert(tmp_path / "model", "dncnn_tiny")
    values = np.random.default_rng(0).random((2, 96, 96, 1), np.float32) ** 20  # few are far out

    def file(form, decisions):
        with mock.patch.multiple(quantize, **decisions):
            return quantize.quantized(form, data, part, "dncnn_tiny", values)

    choices = benchmark("precisions").OTHERWISE
    made = {file(form, decisions) for form, _, decisions in choices}
    assert len(made) == len(choices)
