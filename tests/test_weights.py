"""Weights are the right ones or they do not load."""

import json
import sys

import h5py
import numpy as np
import pytest
from conftest import in_second_process
from tiny import with_random_weights

import zoo
from zoo import files, weights

TINY = zoo.names("*_tiny")


@pytest.fixture
def saved(denoiser, tmp_path):
    """A file of dncnn_tiny's weights, with the run.json that a training writes beside it."""
    path = tmp_path / weights.WEIGHTS
    digest = weights.save(denoiser.net, path)
    files.write_json(tmp_path / weights.RUN, {"sha256": {weights.WEIGHTS: digest}})
    return path


@pytest.mark.parametrize("name", TINY)
def test_every_weight_comes_back_exactly(name, tmp_path):
    pipeline = with_random_weights(name)
    weights.save(pipeline.net, tmp_path / "any name.h5")
    loaded = zoo.load(name, tmp_path / "any name.h5").net
    fresh = zoo.load(name, weights=None).net
    for one, other in zip(loaded.weights, pipeline.net.weights, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())
    assert any(
        (f.numpy() != w.numpy()).any() for f, w in zip(fresh.weights, loaded.weights, strict=True)
    )


@pytest.mark.parametrize("name", TINY)
def test_two_saves_are_the_same_bytes(name, tmp_path):
    net = with_random_weights(name).net
    digests = [weights.save(net, tmp_path / str(number)) for number in range(2)]
    assert digests[0] == digests[1] == files.sha256((tmp_path / "1").read_bytes())
    net.weights[0].assign(net.weights[0] + 1)
    assert weights.save(net, tmp_path / "2") != digests[0]


def test_a_run_directory_and_its_file_are_the_same_weights(saved, denoiser, camera):
    expected = denoiser(camera[:20, :20])
    for source in (saved, str(saved), saved.parent, str(saved.parent)):
        np.testing.assert_array_equal(zoo.load("dncnn_tiny", source)(camera[:20, :20]), expected)


@pytest.mark.parametrize("place", [0, 0.5, -1])
def test_one_changed_bit_is_refused_with_both_hashes_and_the_path(saved, place):
    data = bytearray(saved.read_bytes())
    recorded = files.sha256(data)
    data[int(place * len(data)) if place >= 0 else -1] ^= 1
    saved.write_bytes(data)
    with pytest.raises(zoo.ZooError, match=r"changed or cut short.*train it again") as caught:
        zoo.load("dncnn_tiny", saved.parent)
    for part in (recorded, files.sha256(data), str(saved)):
        assert part in str(caught.value)


@pytest.mark.parametrize("beside", [True, False], ids=["with run.json", "alone"])
@pytest.mark.parametrize("size", [0, 100, 0.5, 0.99])
def test_a_file_cut_short_is_refused_with_its_path(saved, size, beside):
    data = saved.read_bytes()
    saved.write_bytes(data[: size if isinstance(size, int) else int(size * len(data))])
    if not beside:
        (saved.parent / weights.RUN).unlink()
    message = "changed or cut short" if beside else "holds no weights of dncnn_tiny"
    with pytest.raises(zoo.ZooError, match=message) as caught:
        zoo.load("dncnn_tiny", saved)
    assert str(saved) in str(caught.value)


@pytest.mark.parametrize("mark", [b"HEAP", b"TREE", b"SNOD", b"\x89HDF"])
def test_a_file_damaged_inside_is_refused_though_nothing_says_its_hash(saved, mark):
    (saved.parent / weights.RUN).unlink()
    data = saved.read_bytes()
    assert mark in data
    saved.write_bytes(data.replace(mark, b"\0" * len(mark)))
    with pytest.raises(zoo.ZooError, match="holds no weights of dncnn_tiny"):
        zoo.load("dncnn_tiny", saved)


@pytest.mark.parametrize(
    ("of", "into"),
    [("dncnn_tiny", "dncnn_s25"), ("dncnn_s25", "dncnn_tiny"), ("cnn_tiny", "dncnn_tiny")],
)
def test_weights_of_another_net_are_refused_with_both_sizes(tmp_path, of, into):
    saved, expected = (zoo.load(name, weights=None).net for name in (of, into))
    weights.save(saved, tmp_path / "other.h5")
    with pytest.raises(zoo.ZooError, match=f"another net than {into}: ") as caught:
        zoo.load(into, tmp_path / "other.h5")
    counts = [sum(w.numpy().size for w in net.weights) for net in (saved, expected)]
    for part in (f"with {counts[0]} numbers", f"with {counts[1]}; name the net", "other.h5"):
        assert part in str(caught.value)


def test_a_refused_file_leaves_the_net_as_it_was(saved, denoiser, tmp_path):
    net = zoo.load("dncnn_tiny", weights=None).net
    before = [w.numpy() for w in net.weights]
    other = tmp_path / "other.h5"
    weights.save(zoo.load("dncnn_s25", weights=None).net, other)
    with pytest.raises(zoo.ZooError):
        weights.load_into(net, denoiser.entry, other)
    for one, value in zip(net.weights, before, strict=True):
        np.testing.assert_array_equal(one.numpy(), value)


def write_text(path):
    path.write_text("weights")


def write_other_hdf5(path):
    with h5py.File(path, "w") as file:
        file["numbers"] = np.zeros(237)


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda path: None, "no such file; a run directory has one once it is trained"),
        (lambda path: path.mkdir(), f"{weights.WEIGHTS}: no such file"),
        (write_text, "holds no weights of dncnn_tiny"),
        (write_other_hdf5, "another net than dncnn_tiny: 1 arrays with 237 numbers, expected 9"),
    ],
    ids=["missing", "an empty folder", "text", "another HDF5 file"],
)
def test_what_holds_no_weights_is_refused_with_its_path(tmp_path, write, message):
    write(tmp_path / "some.h5")
    with pytest.raises(zoo.ZooError, match=message) as caught:
        zoo.load("dncnn_tiny", tmp_path / "some.h5")
    assert str(tmp_path / "some.h5") in str(caught.value)


def test_a_path_too_long_for_a_file_is_refused():
    with pytest.raises(zoo.ZooError, match=r"a{300}.h5"):
        zoo.load("dncnn_tiny", "a" * 300 + ".h5")


def test_an_unreadable_record_beside_the_weights_is_refused(saved):
    (saved.parent / weights.RUN).write_text('{"sha256": ')
    with pytest.raises(zoo.ZooError, match=r"run.json cannot be read"):
        zoo.load("dncnn_tiny", saved)


@pytest.mark.parametrize("name", TINY)
def test_a_tiny_name_says_that_it_has_no_pretrained_weights(name):
    with pytest.raises(zoo.ZooError, match=f"{name}.* has no pretrained weights: .*weights=None"):
        zoo.load(name)


def test_missing_pretrained_weights_are_no_silent_random_ones(monkeypatch, tmp_path):
    monkeypatch.setattr(weights, "PRETRAINED", tmp_path)
    expected = tmp_path / "dncnn_s25" / zoo.entry("dncnn_s25").tag / weights.WEIGHTS
    with pytest.raises(zoo.ZooError, match="is missing: install the package again") as caught:
        zoo.load("dncnn_s25")
    assert str(expected) in str(caught.value)


@pytest.mark.parametrize("end", [files.PARTIAL, ".old"])
def test_an_interrupted_publication_is_told_from_missing_weights(monkeypatch, tmp_path, end):
    monkeypatch.setattr(weights, "PRETRAINED", tmp_path)
    entry = zoo.entry("dncnn_s25")
    (tmp_path / entry.name / f"{entry.tag}{end}").mkdir(parents=True)
    with pytest.raises(zoo.ZooError, match=f"publishing {entry.full_name} was interrupted"):
        zoo.load("dncnn_s25")


def test_published_weights_are_checked_like_any_others(monkeypatch, denoiser, tmp_path):
    monkeypatch.setattr(weights, "PRETRAINED", tmp_path)
    entry = zoo.entry("dncnn_s25")
    assert weights.published(entry) is None
    folder = weights.pretrained_folder(entry)
    weights.save(denoiser.net, folder / weights.WEIGHTS)
    files.write_json(folder / weights.RUN, {"sha256": {weights.WEIGHTS: "0" * 64}})
    assert weights.published(entry)["sha256"] == {weights.WEIGHTS: "0" * 64}
    with pytest.raises(zoo.ZooError, match=f"changed or cut short: .* says {'0' * 64}"):
        zoo.load("dncnn_s25")


def test_weights_of_a_file_work_with_the_network_blocked(saved, denoiser, camera):
    code = """
import socket, sys

def blocked(*_):
    raise OSError("the network is blocked")

socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = blocked
import numpy as np
import zoo

net = zoo.load("dncnn_tiny", sys.argv[1])
print(net(np.load(sys.argv[2])).tolist())
"""
    np.save(saved.parent / "photo.npy", camera[:16, :16])
    shown = in_second_process(code, saved, saved.parent / "photo.npy")
    expected = denoiser(camera[:16, :16])
    assert np.abs(np.array(json.loads(shown)) - expected).max() <= 1


@pytest.mark.skipif(sys.platform != "linux", reason="a full disk is simulated by a limit of Linux")
def test_a_full_disk_leaves_the_old_weights(saved):
    old = saved.read_bytes()
    code = """
import resource, sys
from pathlib import Path
import zoo
from zoo import weights

net = zoo.load("dncnn_tiny", weights=None).net
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
try:
    weights.save(net, Path(sys.argv[1]))
except zoo.ZooError as error:
    print(error)
"""
    shown = in_second_process(code, saved)
    assert f"{saved} cannot be written" in shown and "nothing half-written" in shown
    assert saved.read_bytes() == old
    assert sorted(p.name for p in saved.parent.iterdir()) == [weights.RUN, weights.WEIGHTS]


def test_unless_some_are_named_all_published_names_are_chosen():
    assert [e.name for e in weights.chosen(["dncnn_tiny"])] == ["dncnn_tiny"]
    every = weights.chosen()
    assert {e.name for e in every} >= {"cnn_fashion", "dncnn_s25", "srcnn_x2", "dcgan_mnist"}
    assert all(weights.published(entry) for entry in every)
    with pytest.raises(zoo.ZooError, match="srcnn_x3"):
        weights.chosen(["srcnn_x9"])
