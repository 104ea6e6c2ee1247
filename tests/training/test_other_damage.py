"""A restorer that is trained to undo something else than its name does."""

import pickle

import pytest
from click.testing import CliRunner
from tiny import data_for

import zoo
from zoo import index
from zoo.cli import main


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    path = tmp_path_factory.mktemp("degrade")
    data = data_for(index.entry("dncnn_tiny"), path / "pictures")
    words = ["train", "dncnn_tiny", "--data", data, "--steps", "2", "--run", str(path / "milder")]
    done = CliRunner().invoke(main, [*words, "--degrade", "noise:2-9,jpeg:30-90"])
    assert done.exit_code == 0, done.output
    return path / "milder"


def test_it_undoes_that_wherever_it_goes(run, tmp_path):
    undone = ("noise:2-9", "jpeg:30-90")
    net = zoo.load(run)
    assert net.entry.name == "milder" and net.spec.degrade == undone
    assert "noise:2-9, jpeg:30-90" in net.entry.summary and not net.entry.benchmarks
    assert pickle.loads(pickle.dumps(net)).spec.degrade == undone
    saved = zoo.load(net.save(tmp_path / "saved"))
    assert saved.spec.degrade == undone
    zoo.export(net, tmp_path / "files", formats=("int8",))
    assert zoo.verify(tmp_path / "files")["passed"]


def test_another_strength_is_another_training(run):
    words = ["train", "dncnn_tiny", "--steps", "2", "--run", str(run), "--degrade", "noise:2-9"]
    done = CliRunner().invoke(main, words)
    assert done.exit_code != 0 and "holds another training" in done.output


@pytest.mark.parametrize(
    ("name", "degrade", "said"),
    [
        ("dncnn_tiny", "fog:3", "expected noise:SIGMA"),
        ("dncnn_tiny", "bicubic:2", "expected noise, camera, jpeg for dncnn_tiny, got bicubic:2"),
        ("dncnn_tiny", "pairs", "got pairs"),
        ("sesr_tiny", "bicubic:3", "expected bicubic:2 for sesr_tiny, got bicubic:3"),
        ("sesr_tiny", "noise:5", "got noise:5"),
        ("ffdnet_tiny", "jpeg:50", "is told the noise level: expected one of noise or camera"),
        ("ffdnet_tiny", "noise:0-9,noise:20", "got noise:0-9, noise:20"),
        ("cnn_tiny", "noise:5", "a recipe to classify has no degrade"),
    ],
)
def test_what_a_net_cannot_undo_is_refused(tmp_path, name, degrade, said):
    with pytest.raises(zoo.ZooError, match=said):
        zoo.train(name, tmp_path / "run", degrade=degrade)
    assert not (tmp_path / "run").exists()
