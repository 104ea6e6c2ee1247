"""Weights are the right ones or they do not load."""

import json
import os
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from conftest import in_second_process
from tiny import with_random_weights

import zoo
from zoo.storage import files, leftovers, run_json, weights

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


def test_rounded_kernels_take_two_bytes_and_come_back_exactly(tmp_path):
    pipeline = with_random_weights("efficientnet_tiny")
    net = pipeline.net
    weights.save(net, tmp_path / "wide.h5")
    weights.round_to_half(net)
    weights.save(net, tmp_path / "half.h5")
    kinds = {}
    for name in ("wide.h5", "half.h5"):
        with h5py.File(tmp_path / name) as file:
            kernel = file["layers/dense/vars/0"]
            kinds[name] = kernel.dtype, kernel[()]
    assert [kind for kind, _ in kinds.values()] == [np.float32, np.float16]
    np.testing.assert_allclose(kinds["half.h5"][1], kinds["wide.h5"][1], rtol=1e-3, atol=1e-7)
    again = zoo.load("efficientnet_tiny", tmp_path / "half.h5").net
    for kept, was in zip(again.weights, net.weights, strict=True):
        assert kept.dtype == "float32"
        np.testing.assert_array_equal(kept, was)


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
    for part in (f"with {counts[1]} numbers", f"with {counts[0]}; name the net", "other.h5"):
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
        (
            write_other_hdf5,
            "another net than dncnn_tiny: expected 9 arrays with 237 numbers, got 1 with 237",
        ),
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


@pytest.mark.parametrize("end", [leftovers.PARTIAL, leftovers.OLD])
def test_an_interrupted_publication_is_told_from_missing_weights(monkeypatch, tmp_path, end):
    monkeypatch.setattr(weights, "PRETRAINED", tmp_path)
    entry = zoo.entry("dncnn_s25")
    leftovers.beside(weights.pretrained_folder(entry), end).mkdir(parents=True)
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
from zoo.storage import weights

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


def changed(saved, change):
    """A file of weights alone, which something has changed inside."""
    (saved.parent / weights.RUN).unlink()
    with h5py.File(saved, "r+") as file:
        names = []
        file.visititems(lambda name, item: names.append(name) if hasattr(item, "shape") else None)
        change(file, names[0])
    return saved


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("share", ["all", "one"])
def test_weights_that_are_not_finite_are_refused(saved, value, share):
    def change(file, name):
        file[name][(0,) * file[name].ndim if share == "one" else ...] = value

    with pytest.raises(zoo.ZooError, match="expected finite numbers, got NaN or infinite ones at"):
        zoo.load("dncnn_tiny", changed(saved, change))


def replaced(by):
    def change(file, name):
        shape = getattr(file[name], "shape", ())
        del file[name]
        file[name] = by(shape) if callable(by) else by

    return change


def nested(file, name):
    group = file["layers"]
    for _ in range(3_000):
        group = group.create_group("n")


def in_a_circle(file, name):
    file["layers/again"] = file["/"]


def far_too_many(file, name):
    for number in range(10_001):
        file["layers"].create_group(str(number))


def without_values(file, name):
    file["layers/huge"] = h5py.Empty("f4")


def elsewhere(file, name):
    shape, dtype = file[name].shape, file[name].dtype
    del file[name]
    file.create_dataset(name, shape, dtype, external=[("other.bin", 0, h5py.h5f.UNLIMITED)])


DAMAGE = {
    "text": replaced(lambda shape: np.full(shape, b"x")),
    "truth": replaced(lambda shape: np.zeros(shape, bool)),
    "structures": replaced(lambda shape: np.zeros(shape, [("a", "i4")])),
    "a soft link": replaced(h5py.SoftLink("/layers")),
    "a link to another file": replaced(h5py.ExternalLink("other.h5", "/layers")),
    "nested": nested,
    "a circle": in_a_circle,
    "very many": far_too_many,
    "no values": without_values,
    "values in another file": elsewhere,
    "an array in place of all layers": lambda file, name: replaced(np.zeros(3))(file, "layers"),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_what_weights_are_not_is_refused(saved, kind):
    path = changed(saved, DAMAGE[kind])
    with pytest.raises(zoo.ZooError, match=r"holds (no )?weights of") as caught:
        zoo.load("dncnn_tiny", path)
    assert str(path) in str(caught.value) and "expected" in str(caught.value)


def a_loop(path):
    path.symlink_to(path)


def a_pipe(path):
    os.mkfifo(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
@pytest.mark.parametrize(
    "make",
    [Path.mkdir, a_loop, lambda path: path.symlink_to("nothing"), a_pipe],
    ids=["a folder", "a loop", "a link to nothing", "a pipe"],
)
@pytest.mark.parametrize("what", [weights.RUN, weights.WEIGHTS])
def test_a_record_or_weights_that_are_no_file_are_refused(saved, make, what):
    """In place of the record, the weights would go unchecked."""
    path = saved.with_name(what)
    path.unlink()
    make(path)
    with pytest.raises(zoo.ZooError, match=what):
        zoo.load("dncnn_tiny", saved)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sha256", []),
        ("sha256", {"weights.h5": 1}),
        ("sha256", None),
        ("labels", "abc"),
        ("labels", [1]),
        ("recipe", {"steps": "many"}),
        ("recipe", {"augment": [1]}),
        ("recipe", []),
        ("start", {"recipe": {"batch": None}}),
        ("versions", {"python": 3}),
        ("curve", [{"step": "1"}]),
        ("seconds", True),
        ("files", {}),
    ],
)
def test_a_record_with_a_field_of_another_type_is_refused(saved, field, value):
    path = saved.with_name(weights.RUN)
    files.write_json(path, files.read_json(path) | {field: value})
    with pytest.raises(zoo.ZooError, match=rf"run\.json was changed: {field}\S*: expected .* got"):
        zoo.load("dncnn_tiny", saved)


def test_every_published_record_is_as_it_should_be():
    for entry in weights.chosen():
        assert run_json.read(weights.pretrained_folder(entry) / weights.RUN)["name"]


def test_saving_takes_no_temporary_folder_and_loading_says_that_it_has_none(
    denoiser, tmp_path, monkeypatch
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    weights.save(denoiser.net, tmp_path / "w.h5")
    with pytest.raises(zoo.ZooError, match=r"no temporary file can be written: .*set TMPDIR"):
        zoo.load("dncnn_tiny", tmp_path / "w.h5")


def test_labels_in_another_order_than_the_net_was_trained_for_are_refused(tmp_path):
    saved = zoo.load("cnn_tiny", weights=None, classes=["cat", "dog", "owl"]).save(tmp_path / "net")
    record = saved / "run.json"
    facts = json.loads(record.read_text())
    for labels in (facts["labels"][::-1], ["x", "y", "z"]):
        record.write_text(json.dumps(facts | {"labels": labels}))
        with pytest.raises(zoo.ZooError, match="its labels are not those"):
            zoo.load(saved)
    record.write_text(json.dumps(facts))
    assert zoo.load(saved).spec.labels == ("cat", "dog", "owl")
