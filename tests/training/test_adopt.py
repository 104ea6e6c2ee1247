"""Weights that another program trained: the run directory is one of `zoo train`."""

import dataclasses

import numpy as np
import pytest
from tiny import data_for, with_random_weights

import zoo
from zoo import index
from zoo.errors import ZooError
from zoo.storage import files, weights
from zoo.training import record
from zoo.training.adopt import adopt

FACTS = {"command": "elsewhere", "host": "an accelerator", "versions": {"jax": "1"}}


@pytest.fixture
def in_two_cycles(monkeypatch, tmp_path):
    """An entry of two cycles by its name, and a run whose first cycle is trained."""

    def made(name):
        entry = zoo.entry(name)
        data = data_for(entry, tmp_path / "data", each=16)
        changes = {"data": data, "kept_in": "float16", "holdout": 4}
        first = dataclasses.replace(entry.recipe, **changes, steps=2, every=2)
        recipe = index.in_cycles(first, dataclasses.replace(first, seed=2))
        entry = dataclasses.replace(entry, recipe=recipe, feature_extractor=None)
        monkeypatch.setitem(index._entries, entry.full_name, entry)
        zoo.train(name, tmp_path / "whole")
        (run := tmp_path / "run").mkdir()
        (tmp_path / "whole" / "cycles").rename(run / "cycles")
        return run

    return made


@pytest.mark.parametrize("name", ["dncnn_tiny", "dcgan_tiny"])  # the latter averages its weights
def test_a_run_is_ended_with_weights_from_elsewhere(name, in_two_cycles, tmp_path):
    run, net = in_two_cycles(name), with_random_weights(name).net
    net.save_weights(learnt := tmp_path / "learnt.weights.h5")
    start = files.sha256((run / "cycles" / "1" / weights.WEIGHTS).read_bytes())
    adopt(name, learnt, run, {"loss": 0.5, "seconds": 7.0}, FACTS, cycle=2, start=start)
    facts, _ = record.finished(run)
    assert {key: facts[key] for key in FACTS} == FACTS
    assert [facts["seconds"], facts["curve"][-1]["step"], facts["curve"][-1]["loss"]] == [7, 2, 0.5]
    assert [facts["start"]["cycle"], facts["start"]["sha256"][weights.WEIGHTS]] == [1, start]
    assert facts["start"]["host"] != facts["host"]  # where the cycle before was trained
    weights.round_to_half(net)
    for ours, theirs in zip(zoo.load(name, run).net.weights, net.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs, ours.path)


def test_a_run_that_is_there_and_a_missing_cycle_are_refused(in_two_cycles, tmp_path):
    run = in_two_cycles("dncnn_tiny")
    start = files.sha256((run / "cycles" / "1" / weights.WEIGHTS).read_bytes())
    net = with_random_weights("dncnn_tiny").net
    net.save_weights(learnt := tmp_path / "learnt.weights.h5")
    with pytest.raises(ZooError, match=r"weights\.h5: no such file"):
        adopt("dncnn_tiny", learnt, tmp_path / "other", {"loss": 0.5}, FACTS, cycle=2)
    assert not (tmp_path / "other").exists()
    with_random_weights("ffdnet_tiny").net.save_weights(other := tmp_path / "other.weights.h5")
    with pytest.raises(ZooError, match="holds weights of another net"):
        adopt("dncnn_tiny", other, run, {"loss": 0.5}, FACTS, cycle=2, start=start)
    with pytest.raises(ZooError, match=f"expected what .* went on from, None, got {start}"):
        adopt("dncnn_tiny", learnt, run, {"loss": 0.5}, FACTS, cycle=2)
    assert not (run / weights.RUN).exists()
    files.write_json(run / weights.RUN, {})
    with pytest.raises(ZooError, match="is there: choose another folder"):
        adopt("dncnn_tiny", learnt, run, {"loss": 0.5}, FACTS, cycle=2)
