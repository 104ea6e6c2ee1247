"""Which nets a site can have, told before anything is made. No browser, and no TensorFlow."""

import json

import pytest

from zoo.errors import ZooError, ZooWarning
from zoo.export import site_nets
from zoo.storage import files, weights

WEIGHTS = b"weights"
DIGESTS = {weights.WEIGHTS: files.sha256(WEIGHTS)}


@pytest.fixture
def run(tmp_path):
    """Writes a folder as trainings and `Pipeline.save` do, as far as it is looked at."""

    def write(folder_name: str, **facts):
        folder = tmp_path / folder_name
        folder.mkdir(parents=True)
        (folder / weights.WEIGHTS).write_bytes(WEIGHTS)
        (folder / weights.RUN).write_text(json.dumps(facts))
        return folder

    return write


def test_runs_come_first_and_names_only_if_asked_for(run):
    mine = run("mine", name="efficientnet_lite0", sha256=DIGESTS)
    assert called([], [mine]) == ["mine"]
    assert called(["cnn_fashion"], [mine]) == ["mine", "cnn_fashion"]


def called(names, runs) -> list[str]:
    return [net.name for net in site_nets.chosen(names, runs)]


def test_all_published_names_are_there_but_those_that_the_page_cannot_run(monkeypatch):
    everything = ["cnn_fashion", "dncnn_s25", "sesr_x2", "vae_mnist"]
    monkeypatch.setattr(
        site_nets.weights, "chosen", lambda: list(map(site_nets.index.entry, everything))
    )
    assert called([], []) == ["cnn_fashion", "sesr_x2", "vae_mnist", "dncnn_s25"]
    known = {shown for shown in site_nets._SHOWN if shown[0] != "autoencode"}
    monkeypatch.setattr(site_nets, "_SHOWN", known)
    with pytest.warns(ZooWarning, match="left out, for the page cannot run them: vae_mnist"):
        assert called([], []) == ["cnn_fashion", "sesr_x2", "dncnn_s25"]


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({}, "names no net"),
        ({"name": "efficientnet_lite9"}, "unknown name 'efficientnet_lite9'"),
        ({"name": "cnn_fashion", "sha256": {"weights.h5": "0"}}, "was changed or cut short"),
        ({"name": "mine", "net": {}}, "expected the spec of a net"),
        ({"name": "mine", "net": {"spec": {"task": "predict", "shape": [1, 1, 1], "inputs": [
            {"name": "x", "shape": [None, 3]}], "outputs": [{"name": "y", "shape": [None, 2]}]}}},
         "for predict"),
    ],
)  # fmt: skip
def test_what_cannot_be_shown_is_refused(facts, words, run):
    with pytest.raises(ZooError, match=words):
        site_nets.chosen([], [run("mine", **facts)])


def test_two_of_one_name_are_refused(run):
    facts = {"name": "cnn_fashion", "sha256": DIGESTS}
    runs = [run(name, **facts) for name in ("a/mine", "b/mine")]
    with pytest.raises(ZooError, match="two called mine"):
        site_nets.chosen([], runs)
    with pytest.raises(ZooError, match="two called cnn_fashion"):
        site_nets.chosen(["cnn_fashion"], [run("cnn_fashion", **facts)])


@pytest.mark.parametrize("what", ["nothing", "a file", "another folder", "a name"])
def test_what_is_no_run_is_refused(what, tmp_path):
    (tmp_path / "a file").write_text("")
    (tmp_path / "another folder").mkdir()
    given = "cnn_fashion" if what == "a name" else tmp_path / what
    with pytest.raises(ZooError, match="expected the folder of a training"):
        site_nets.chosen([], [given])
