"""Sets of pictures, batches that are functions of (seed, step), and what they are degraded by."""

import dataclasses
import gzip
import json
import os
import re
import shutil
import socket
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from conftest import in_second_process, needs
from PIL import Image

import zoo
from zoo.data import augment, batches, network, sources
from zoo.data.degrade import gaussian_noise
from zoo.data.sources import Pictures
from zoo.errors import ZooWarning
from zoo.images.resize import reduce

# sets


def test_a_folder_of_pictures_is_a_set_in_the_order_of_its_names(folder):
    pictures = sources.load(f"folder:{folder}", 1)
    assert [image.shape for image in pictures.images] == [
        (40, 52, 1),
        (64, 33, 1),
        (31, 31, 1),
        (48, 48, 1),
    ]
    assert (pictures.labels, pictures.classes, len(pictures)) == (None, (), 4)
    for number, image in enumerate(pictures.images):
        assert image.dtype == np.uint8
        np.testing.assert_array_equal(
            image[..., 0], np.asarray(Image.open(folder / f"{number}.png"))
        )


def test_one_folder_a_class_gives_labelled_pictures_well_mixed(tmp_path):
    for label, greys in {"b": (10, 20), "a": (30,), "c": (40, 50, 60)}.items():
        (tmp_path / label).mkdir()
        for grey in greys:
            Image.new("L", (12, 12), grey).save(tmp_path / label / f"{grey}.png")
    pictures = sources.load(f"folder:{tmp_path}", 1)
    assert pictures.classes == ("a", "b", "c")
    shown = [int(image[0, 0, 0]) for image in pictures.images]
    labels = dict(zip(shown, pictures.labels.tolist(), strict=True))
    assert labels == {30: 0, 10: 1, 20: 1, 40: 2, 50: 2, 60: 2}
    assert shown != sorted(shown, key=labels.get), "a held-out part would be of one class"
    again = sources.load(f"folder:{tmp_path}", 1)
    assert again.labels.tolist() == pictures.labels.tolist()


@pytest.mark.parametrize(
    ("classes", "expected"),
    [
        (("ankle_boot", "T-Shirt top"), [1, 0]),
        (("0", "1"), [0, 1]),
        (("1", "2"), [1, 2]),
    ],
)
def test_classes_are_found_among_a_nets_labels_by_name_or_number(classes, expected):
    pictures = Pictures("two", [None, None], np.arange(2), classes)
    assert pictures.labels_among(("T-shirt/top", "Ankle boot", "Bag")).tolist() == expected


@pytest.mark.parametrize(
    "labels",
    [
        tuple(sorted(map(str, range(12)))),  # 0, 1, 10, 11, 2: the names are not the places
        ("2020", "2021"),
        ("+", "-", "?"),
        ("A", "a"),
        ("ete", "\u00e9t\u00e9"),
        ("\u0915\u093f", "\u0915\u0940"),  # of one letter, with other vowel signs
        ("\u4e2d\u6587", "\u65e5\u672c\u8a9e"),
    ],
    ids=ascii,
)
def test_a_net_finds_its_own_labels_whatever_they_are_called(labels):
    places = np.arange(len(labels))
    mixed = places[::-1]
    pictures = Pictures("own", [None] * len(labels), places, tuple(labels[i] for i in mixed))
    assert pictures.known_among(labels)
    assert pictures.labels_among(labels).tolist() == mixed.tolist()


def test_two_classes_that_are_one_to_the_net_are_not_merged():
    pictures = Pictures("two", [None, None], np.arange(2), ("bag", "BAG"))
    labels = ("T-shirt/top", "Bag")
    assert not pictures.known_among(labels)
    with pytest.raises(zoo.ZooError, match="classes that are one to the net: bag, BAG; expected"):
        pictures.labels_among(labels)


def test_a_part_of_a_set_keeps_pictures_and_labels_together():
    images = [np.full((2, 2, 1), number, np.uint8) for number in range(5)]
    pictures = Pictures("five", images, np.arange(5), tuple("abcde"))
    part = pictures.subset(slice(3, None))
    assert [image[0, 0, 0] for image in part.images] == part.labels.tolist() == [3, 4]
    assert part.classes == pictures.classes
    assert Pictures("five", images).subset(slice(2)).labels is None


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB")])
def test_pictures_are_converted_to_the_nets_channels(tmp_path, astronaut, channels, mode):
    photo = Image.fromarray(astronaut[:40, :50])
    for kind in ("L", "RGB", "RGBA"):
        photo.convert(kind).save(tmp_path / f"{kind}.png")
    pictures = sources.load(f"folder:{tmp_path}", channels)
    for kind, image in zip(("L", "RGB", "RGBA"), pictures.images, strict=True):
        expected = np.asarray(photo.convert(kind).convert(mode)).reshape(40, 50, channels)
        assert np.abs(image.astype(int) - expected).max() <= 1


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("folder:/no/such/folder", "/no/such/folder: no such folder"),
        ("folder:" + __file__, "no such folder"),
        ("nosuchset", "unknown data set 'nosuchset': expected folder:PATH, one of .*BSD68"),
        ("no such set", "unknown data set 'no such set'"),
        ("", "unknown data set ''"),
        ("mnist:99.0.0", "mnist:99.0.0"),
        ("mnist/nosuchconfig", "mnist/nosuchconfig"),
    ],
)
def test_an_unknown_set_is_refused_with_what_there_is(name, message, monkeypatch):
    monkeypatch.setattr(sources, "reachable", lambda address: True)
    with pytest.raises(zoo.ZooError, match=message):
        sources.load(name, 1)


def test_a_class_folder_without_pictures_is_refused(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(zoo.ZooError, match="a: no pictures in it"):
        sources.load(f"folder:{tmp_path}", 1)


def class_folders(root, names, count=1):
    for name in names:
        (root / name).mkdir(parents=True)
        for number in range(count):
            Image.new("L", (12, 12), 9 * number).save(root / name / f"{number}.png")
    return f"folder:{root}"


def test_class_names_are_composed_as_labels_are(tmp_path):
    """macOS decomposes the names of folders."""
    names = ("zebra", "e\u0301te\u0301", "\u4e2d\u6587")
    pictures = sources.load(class_folders(tmp_path, names), 1)
    assert pictures.classes == ("zebra", "\u00e9t\u00e9", "\u4e2d\u6587")


def test_class_folders_that_differ_in_bytes_alone_are_refused(tmp_path):
    try:
        name = class_folders(tmp_path, ("\u00e9t\u00e9", "e\u0301te\u0301"))
    except FileExistsError:
        pytest.skip("this file system takes both names for one")
    with pytest.raises(zoo.ZooError, match=r"got two folders called \w+, .* one folder"):
        sources.load(name, 1)


def test_hidden_files_and_files_of_other_kinds_are_no_pictures(tmp_path):
    name = class_folders(tmp_path, ("a", "b"))
    hidden = (".DS_Store", "a/.DS_Store", "a/._0.png", "b/.0.jpg", "a/notes.txt", "b/Thumbs.db")
    for file in hidden:
        (tmp_path / file).write_bytes(b"no picture")
    (tmp_path / ".git").mkdir()
    pictures = sources.load(name, 1)
    assert (pictures.classes, len(pictures)) == (("a", "b"), 2)


@pytest.mark.parametrize("damage", ["cut", "text", "empty"])
def test_a_broken_picture_among_good_ones_is_named(tmp_path, astronaut, damage):
    name = class_folders(tmp_path, ("a", "b"))
    path = tmp_path / "b" / "broken.jpg"
    Image.fromarray(astronaut[:60, :60]).save(path)
    data = {"cut": path.read_bytes()[:500], "text": b"not found", "empty": b""}[damage]
    path.write_bytes(data)
    with pytest.warns(ZooWarning, match=rf"1 of 3 pictures .* left out: {re.escape(str(path))}"):
        assert len(sources.load(name, 1)) == 2
    (tmp_path / "b" / "0.png").unlink()
    with pytest.raises(zoo.ZooError, match="no picture that can be read in b"), pytest.warns():
        sources.load(name, 1)


def test_pictures_of_any_size_and_mode_become_what_the_net_takes(tmp_path, astronaut):
    photo = Image.fromarray(astronaut[40:240, 120:320])
    grey = photo.convert("L")
    deep = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    kinds = {
        "grey.png": grey,
        "bilevel.png": photo.convert("1"),
        "palette.png": photo.quantize(256),
        "clear.png": photo.convert("RGBA"),
        "clear_grey.png": photo.convert("LA"),
        "deep.png": deep,
        "deep.tif": deep,
        "print.jpg": photo.convert("CMYK"),
        "frames.gif": photo,
        "modern.webp": photo,
        "half.bmp": photo.reduce(2),
        "wide.ppm": photo.resize((300, 200)),
    }
    for number, (file, image) in enumerate(kinds.items()):
        folder = tmp_path / "ab"[number % 2]
        folder.mkdir(exist_ok=True)
        image.save(folder / file)
    expected = np.asarray(photo.resize((28, 28), Image.Resampling.BOX), np.float32)
    for channels in (1, 3):
        pictures = sources.load(f"folder:{tmp_path}", channels).of_size((28, 28))
        assert len(pictures) == len(kinds) and pictures.classes == ("a", "b")
        for image in pictures.images:
            assert (image.shape, image.dtype) == ((28, 28, channels), np.uint8)
            alike = np.corrcoef(image.mean(-1).ravel(), expected.mean(-1).ravel())[0, 1]
            assert alike > 0.9


def test_pictures_beside_class_folders_are_not_left_out_silently(folder):
    (folder / "class").mkdir()
    Image.new("L", (12, 12)).save(folder / "class" / "0.png")
    with pytest.raises(zoo.ZooError, match=re.escape(str(folder))):
        sources.load(f"folder:{folder}", 1)


def test_a_restoration_set_is_read_from_zoo_data(monkeypatch, tmp_path, folder):
    monkeypatch.delenv("ZOO_DATA", raising=False)
    assert not sources.available("Set12")
    with pytest.raises(zoo.ZooError, match=r"ZOO_DATA is not set: set it, or .* folder:PATH"):
        sources.load("Set12", 1)
    monkeypatch.setenv("ZOO_DATA", str(tmp_path))
    with pytest.raises(zoo.ZooError, match="restoration/Set12: no such folder"):
        sources.load("Set12", 1)
    shutil.copytree(folder, tmp_path / "restoration" / "Set12")
    assert sources.available("Set12") and not sources.available("BSD68")
    assert len(sources.load("Set12", 1)) == 4


@pytest.mark.parametrize(
    ("name", "count", "shape"),
    [
        pytest.param("BSD68", 68, {(321, 481), (481, 321)}, marks=needs("BSD68")),
        pytest.param("Set12", 12, {(256, 256), (512, 512)}, marks=needs("Set12")),
        pytest.param("Train400", 400, {(180, 180)}, marks=needs("Train400")),
    ],
)
def test_a_set_of_record_is_whole(name, count, shape):
    pictures = sources.load(name, 1)
    assert len(pictures) == count
    assert {image.shape[:2] for image in pictures.images} == shape


def test_without_tensorflow_datasets_its_sets_say_what_to_install(folder):
    code = """
import sys
sys.modules["tensorflow_datasets"] = None  # as if it were not installed
import zoo
from zoo.data import sources
print(len(sources.load(sys.argv[1], 1)))
try:
    sources.load("fashion_mnist", 1)
except zoo.ZooError as error:
    print(error)
"""
    count, message = in_second_process(code, f"folder:{folder}").splitlines()
    assert count == "4"
    assert "tensorflow-datasets" in message and "pip install 'keras-image-zoo[train]'" in message


BLOCKED = """
import socket, sys

def blocked(*_):
    raise OSError("the network is blocked")

socket.socket.connect = socket.getaddrinfo = blocked
import zoo
from zoo.data import sources
"""


def test_a_set_that_is_neither_here_nor_reachable_is_said_before_tensorflow_is_loaded(tmp_path):
    code = (
        BLOCKED
        + """
try:
    sources.load("fashion_mnist", 1)
except zoo.ZooError as error:
    print(error, "tensorflow" in sys.modules, sep="|")
"""
    )
    shown = in_second_process(code, TFDS_DATA_DIR=str(tmp_path), ZOO_DATA="", https_proxy="")
    message, loaded = shown.strip().split("|")
    assert "'fashion_mnist' is not on this machine, and there is no network" in message
    assert "$ZOO_DATA/fashion_mnist" in message and loaded == "False"


def test_a_set_that_tensorflow_datasets_prepared_is_here(tmp_path, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("ZOO_DATA", raising=False)
    assert not sources.available("mnist")
    folder = tmp_path / "mnist" / "3.0.1"
    folder.mkdir(parents=True)
    (folder / "dataset_info.json").write_text("{}")
    assert sources.available("mnist") and str(folder) in sources.origin("mnist")
    sources.refuse_missing("mnist")


def test_a_network_is_reachable_through_its_proxy_alone(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        place = f"127.0.0.1:{proxy.getsockname()[1]}"
        for variable, value in (("https_proxy", f"http://{place}"), ("all_proxy", place)):
            with monkeypatch.context() as patch:
                patch.setenv(variable, value)
                assert network.reachable("https://nowhere.invalid")
    for wrong in (f"http://{place}", "http://[::1", "http://host:port"):
        monkeypatch.setenv("https_proxy", wrong)
        assert not network.reachable("https://nowhere.invalid")


def test_where_tensorflow_datasets_is_broken_the_line_that_mends_it_is_said(monkeypatch):
    monkeypatch.setattr(sources, "_require_prepared", lambda name: None)
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", types.ModuleType("by_halves"))
    with pytest.raises(zoo.ZooError, match=r"pip install 'tensorflow-metadata<1\.18'"):
        sources.load("mnist", 1)


@pytest.mark.parametrize("name", ["../mnist", "/", "", "*", "m" * 300, "mnist/../.."])
def test_a_name_that_is_a_path_is_no_set(name, tmp_path, monkeypatch):
    (tmp_path / "sets" / "mnist" / "3.0.1").mkdir(parents=True)
    (tmp_path / "sets" / "mnist" / "3.0.1" / "dataset_info.json").write_text("{}")
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "sets" / "other"))
    monkeypatch.delenv("ZOO_DATA", raising=False)
    assert not sources.available(name)


def test_a_folder_that_is_named_as_a_set_is_pointed_out(monkeypatch, tmp_path):
    monkeypatch.setattr(sources, "reachable", lambda *_: False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "holidays").mkdir()
    with pytest.raises(zoo.ZooError, match=r"did you mean folder:holidays, which is here\?"):
        sources.refuse_missing("holidays")


def test_a_set_that_is_spelt_wrongly_is_told_from_one_that_is_not_here(monkeypatch):
    monkeypatch.setattr(sources, "reachable", lambda *_: False)
    for name, meant in (("fashon_mnist", "fashion_mnist"), ("set5", "Set5")):
        with pytest.raises(zoo.ZooError, match=rf"did you mean {meant}\?"):
            sources.load(name, 1)


@needs("fashion_mnist")
def test_fashion_mnist_is_prepared_from_files_without_a_network(tmp_path):
    code = (
        BLOCKED
        + """
for split in ("train", "test"):
    pictures = sources.load("fashion_mnist", 1, split)
    shapes = {image.shape for image in pictures.images}
    print(len(pictures), shapes, len(pictures.classes), sorted(set(pictures.labels.tolist())))
"""
    )
    shown = in_second_process(code, TFDS_DATA_DIR=str(tmp_path)).splitlines()
    rest = "{(28, 28, 1)} 10 [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]"
    assert shown[-2:] == [f"60000 {rest}", f"10000 {rest}"]


@needs("mnist")
@needs("fashion_mnist")
def test_sets_whose_files_are_called_alike_stay_apart(tmp_path):
    """tensorflow-datasets keeps what it unpacked by the file's name."""
    code = (
        BLOCKED
        + """
sets = [sources.load(name, 1, "test") for name in ("fashion_mnist", "mnist")]
print([sum(int(image.sum()) for image in pictures.images) for pictures in sets])
"""
    )
    shown = in_second_process(code, TFDS_DATA_DIR=str(tmp_path)).splitlines()[-1]
    sums = []
    for name in ("fashion_mnist", "mnist"):
        file = Path(os.environ["ZOO_DATA"]) / name / "t10k-images-idx3-ubyte.gz"
        pixels = np.frombuffer(gzip.decompress(file.read_bytes()), np.uint8, offset=16)
        sums.append(int(pixels.sum(dtype=np.int64)))
    assert json.loads(shown) == sums


@needs("celeba")
def test_faces_are_the_squares_in_the_middle_and_the_last_are_for_tests():
    test = sources.load("celeba", 3, "test")
    files = sorted(map(str, Path(os.environ["ZOO_DATA"], "faces", "celeba").glob("*.jpg")))
    assert test.paths == tuple(files[-1_000:]) and len(files) == 10_000
    assert {image.shape for image in test.images} == {(64, 64, 3)}
    with Image.open(test.paths[0]) as photograph:
        square = photograph.crop((0, 10, 89, 99)).resize((64, 64), Image.Resampling.BILINEAR)
    off = np.asarray(square, int) - test.images[0]
    assert np.abs(off).max() <= 1, "another part of the picture, or another way to reduce it"
    with pytest.raises(zoo.ZooError, match="expected a split train, test, all, got 'validation'"):
        sources.load("celeba", 3, "validation")


def test_tensorflow_datasets_faces_come_in_the_same_size(monkeypatch):
    tfds = pytest.importorskip("tensorflow_datasets")
    monkeypatch.setattr(sources, "_require_prepared", lambda name: None)
    monkeypatch.setattr(sources, "available", lambda name: True)
    with tfds.testing.mock_data(num_examples=5):
        pictures = sources.load("celeb_a", 3, "test")
    assert [image.shape for image in pictures.images] == [(64, 64, 3)] * 5


@needs("binarized_mnist")
def test_binarized_mnist_is_read_from_its_packed_file():
    sets = [sources.load("binarized_mnist", 1, split) for split in ("train", "test")]
    assert [len(s) for s in sets] == [50_000, 10_000]
    assert {image.shape for s in sets for image in s.images} == {(28, 28, 1)}
    values = np.stack(sets[1].images)
    assert set(np.unique(values)) == {0, 255} and 0.1 < values.mean() / 255 < 0.16


@needs("fashion_mnist")
def test_a_changed_file_of_fashion_mnist_is_refused(tmp_path):
    shutil.copytree(Path(os.environ["ZOO_DATA"]) / "fashion_mnist", tmp_path / "fashion_mnist")
    labels = tmp_path / "fashion_mnist" / "t10k-labels-idx1-ubyte.gz"
    labels.chmod(0o600)
    data = bytearray(labels.read_bytes())
    data[-20] ^= 1
    labels.unlink()
    labels.write_bytes(data)
    code = (
        BLOCKED
        + """
try:
    sources.load("fashion_mnist", 1, "test")
except zoo.ZooError as error:
    print(error)
"""
    )
    place = {"ZOO_DATA": str(tmp_path), "TFDS_DATA_DIR": str(tmp_path / "tfds")}
    shown = in_second_process(code, **place)
    assert "'fashion_mnist' could not be prepared" in shown
    assert "t10k-labels" in shown


# batches


def restoring(**changes):
    entry = zoo.entry("dncnn_tiny")
    recipe = dataclasses.replace(entry.recipe, **changes)
    return dataclasses.replace(entry, recipe=recipe)


def classifying(**changes):
    entry = zoo.entry("cnn_tiny")
    recipe = dataclasses.replace(entry.recipe, **changes)
    return dataclasses.replace(entry, recipe=recipe)


def photographs(camera, count=4):
    sizes = [(40, 52), (64, 33), (31, 31), (48, 70)][:count]
    images = [camera[90 * n :, 100 * n :][:h, :w, None] for n, (h, w) in enumerate(sizes)]
    return Pictures("photographs", images)


NAMES = (*zoo.entry("cnn_tiny").spec.labels, "above")


def labelled(count=24, classes=3):
    """Pictures of 12x12, each of which shows its own number in every pixel."""
    images = [np.full((12, 12, 1), number, np.uint8) for number in range(count)]
    return Pictures("numbers", images, np.arange(count) % classes, NAMES[:classes])


def taken(entry, pictures, start, end):
    data = batches.dataset(entry, pictures, start, end)
    return [(inputs.numpy(), targets.numpy()) for inputs, targets in data]


def enlarging(**changes):
    entry = zoo.entry("sesr_tiny")
    recipe = dataclasses.replace(entry.recipe, **changes)
    return dataclasses.replace(entry, recipe=recipe)


KINDS = {
    "noisy": lambda camera, **changes: (restoring(**changes), photographs(camera)),
    "small": lambda camera, **changes: (enlarging(**changes), photographs(camera)),
    "labelled": lambda camera, **changes: (classifying(**changes), labelled()),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_is_the_same_wherever_the_training_starts(camera, kind):
    case = KINDS[kind](camera)
    whole = taken(*case, 0, 8)
    resumed = taken(*case, 5, 8)
    assert len(whole) == 8
    for one, other in zip(whole[5:], resumed, strict=True):
        assert [part.tobytes() for part in one] == [part.tobytes() for part in other]


@pytest.mark.parametrize("kind", KINDS)
def test_batches_of_other_steps_and_seeds_differ(camera, kind):
    inputs = [batch[0].tobytes() for batch in taken(*KINDS[kind](camera), 0, 6)]
    inputs += [batch[0].tobytes() for batch in taken(*KINDS[kind](camera, seed=2), 0, 6)]
    assert len(set(inputs)) == 12


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_has_the_shape_and_type_that_the_net_expects(camera, kind):
    entry, pictures = KINDS[kind](camera)
    inputs, targets = taken(entry, pictures, 0, 1)[0]
    assert inputs.dtype == targets.dtype == np.float32
    side = entry.spec.shape[0] or entry.recipe.patch
    given = side // entry.spec.enlarged_by_net
    assert inputs.shape == (entry.recipe.batch, given, given, 1)
    restored = (entry.recipe.batch, side, side, 1)
    assert targets.shape == ((entry.recipe.batch, 3) if kind == "labelled" else restored)


def windows(image, side):
    return np.lib.stride_tricks.sliding_window_view(image[..., 0], (side, side))


def test_a_patch_is_a_piece_of_a_picture_and_all_pictures_are_used(camera):
    pictures = photographs(camera)
    entry = restoring(augment=(), batch=32, patch=16)
    found = set()
    for patch in taken(entry, pictures, 0, 1)[0][1]:
        patch = np.rint(patch[..., 0] * 255).astype(np.uint8)
        places = [
            (number, y, x)
            for number, image in enumerate(pictures.images)
            for y, x in np.argwhere((windows(image, 16) == patch).all((2, 3)))
        ]
        assert places
        found.update(places)
    assert {place[0] for place in found} == {0, 1, 2, 3}
    assert len(found) > 25


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_a_net_that_enlarges_is_given_a_piece_of_the_reduced_picture(camera, scale):
    """It has no border: it is what stands at its place in the whole picture, reduced."""
    image, side = camera[90:186, 100:196, None], 12
    entry = enlarging(augment=(), batch=32, patch=side, rescale=())
    entry = dataclasses.replace(entry, spec=dataclasses.replace(entry.spec, scales=(scale,)))
    for small, clean in zip(*taken(entry, Pictures("one", [image]), 0, 1)[0], strict=True):
        clean = np.rint(clean[..., 0] * 255).astype(np.uint8)
        ((y, x),) = np.argwhere((windows(image, side) == clean).all((2, 3)))
        phase = image[None, y % scale :, x % scale :].astype(np.float32) / 255
        height, width = (size // scale * scale for size in phase.shape[1:3])
        reduced = reduce(phase[:, :height, :width], scale)[0]
        y, x, given = y // scale, x // scale, side // scale
        np.testing.assert_allclose(small, reduced[y : y + given, x : x + given], atol=1e-6)


def test_a_patch_that_a_scale_does_not_divide_is_refused(camera):
    with pytest.raises(zoo.ZooError, match="sesr_tiny enlarges 2 times, and takes multiples of 2"):
        batches.dataset(enlarging(patch=13), photographs(camera), 0, 1)


def test_patches_reach_every_corner_of_a_picture():
    image = np.arange(6 * 5, dtype=np.uint8).reshape(6, 5, 1)
    entry = restoring(augment=(), batch=64, patch=4)
    clean = taken(entry, Pictures("one", [image]), 0, 2)
    firsts = {round(float(p[0, 0, 0]) * 255) for batch in clean for p in batch[1]}
    assert firsts == {5 * y + x for y in range(3) for x in range(2)}


def test_a_picture_as_small_as_the_patch_is_used_whole(camera):
    image = camera[:16, :16, None]
    clean = taken(restoring(augment=()), Pictures("one", [image]), 0, 1)[0][1]
    np.testing.assert_array_equal(np.rint(clean * 255), np.stack([image] * 4))


def test_bank_cuts_crops_out_of_pictures_of_different_sizes(camera):
    pictures = photographs(camera)
    bank = batches.Bank(pictures)
    index, corner = [3, 0, 2, 1, 0], [[28, 50], [0, 0], [11, 11], [44, 13], [20, 32]]
    crops = bank.crops(tf.constant(index, tf.int64), tf.constant(corner, tf.int64), 20, 20)
    for crop, number, (y, x) in zip(crops.numpy(), index, corner, strict=True):
        np.testing.assert_array_equal(crop, pictures.images[number][y : y + 20, x : x + 20])


@pytest.mark.parametrize("sigma", [5.0, 25.0])
def test_the_noise_of_a_batch_is_white_of_the_sigma_stated_and_not_clipped(sigma):
    entry = restoring(batch=64, patch=32)
    entry = dataclasses.replace(
        entry, spec=dataclasses.replace(entry.spec, degrade=(f"noise:{sigma}",))
    )
    black = Pictures("black", [np.zeros((40, 40, 1), np.uint8)])
    noisy, clean = taken(entry, black, 0, 1)[0]
    noise = (noisy - clean) * 255
    assert noise.std() == pytest.approx(sigma, rel=0.02)
    assert abs(noise.mean()) < sigma / 50
    assert noisy.min() < -2 * sigma / 255
    assert abs(np.mean(noise[:, 1:] * noise[:, :-1])) < 0.02 * sigma**2
    assert abs(np.mean(noise[1:] * noise[:-1])) < 0.02 * sigma**2


def test_the_noise_keeps_its_sigma_in_another_value_range(camera):
    entry = restoring(batch=64, patch=30, augment=())
    spec = dataclasses.replace(entry.spec, value_range=(-1.0, 1.0))
    noisy, clean = taken(dataclasses.replace(entry, spec=spec), photographs(camera), 0, 1)[0]
    assert clean.min() < -0.5
    assert (spec.denormalize(noisy) - spec.denormalize(clean)).std() * 255 == pytest.approx(
        25, rel=0.02
    )


def test_noise_is_a_function_of_its_seed():
    black = np.zeros((1, 32, 32, 1), np.float32)
    one, same, other = (
        gaussian_noise(black, 25, seed).numpy() for seed in [(0, 1), (0, 1), (0, 2)]
    )
    np.testing.assert_array_equal(one, same)
    assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.1


def test_an_epoch_shows_each_picture_once_with_its_own_label_in_a_new_order():
    entry = classifying(batch=8, augment=(), label_smoothing=0.0)
    pictures = labelled(24)
    epochs = []
    for epoch in range(2):
        rows = taken(entry, pictures, 3 * epoch, 3 * epoch + 3)
        shown = np.concatenate([np.rint(inputs[:, 0, 0, 0] * 255) for inputs, _ in rows])
        targets = np.concatenate([targets for _, targets in rows])
        assert sorted(shown) == list(range(24))
        np.testing.assert_array_equal(targets, np.eye(3)[shown.astype(int) % 3])
        epochs.append(shown.tolist())
    assert epochs[0] != epochs[1] and epochs[0] != sorted(epochs[0])


def test_an_epoch_leaves_out_what_fills_no_batch_and_never_the_same():
    entry = classifying(batch=8, augment=())
    rows = taken(entry, labelled(23), 0, 20)
    shown = [np.rint(inputs[:, 0, 0, 0] * 255).astype(int).tolist() for inputs, _ in rows]
    for one, other in zip(shown[::2], shown[1::2], strict=True):
        assert len(set(one + other)) == 16
    assert set().union(*shown) == set(range(23))


def test_label_smoothing_spreads_its_share_over_all_classes():
    targets = taken(classifying(batch=8, label_smoothing=0.3), labelled(), 0, 1)[0][1]
    np.testing.assert_allclose(np.sort(targets, -1), [[0.1, 0.1, 0.8]] * 8, atol=1e-6)


@pytest.mark.parametrize(
    ("pictures", "message"),
    [
        (labelled(24, classes=4), "numbers has classes that the net does not know: above"),
        (Pictures("plain", labelled().images), "plain has no classes"),
        (labelled(classes=1), "numbers has one class, left: expected two or more"),
        (
            labelled(7),
            "numbers: expected at least a batch of 8 pictures, got 7; add pictures",
        ),
        (
            dataclasses.replace(labelled(), images=[np.zeros((12, 13, 1), np.uint8)] * 24),
            r"expected pictures of \(12, 12, 1\), .* got \(12, 13, 1\)",
        ),
    ],
    ids=["other classes", "no classes", "one class", "less than a batch", "another size"],
)
def test_a_labelled_set_that_does_not_fit_is_refused(pictures, message):
    with pytest.raises(zoo.ZooError, match=message):
        batches.dataset(classifying(batch=8), pictures, 0, 1)


def test_a_picture_smaller_than_the_patch_is_refused(camera):
    with pytest.raises(zoo.ZooError, match="side of 31 pixels: the recipe's patches take 32"):
        batches.dataset(restoring(patch=32), photographs(camera), 0, 1)


# augmentations

DIHEDRAL = [
    turn
    for quarter in range(4)
    for turn in (
        lambda a, q=quarter: np.rot90(a, q),
        lambda a, q=quarter: np.rot90(a, q)[:, ::-1],
    )
]


def augmented(name, height=12, width=12, batch=64):
    """Pictures of which no two pixels are equal, none of them black, and what became of them."""
    pixels = np.arange(1, height * width * 2 + 1, dtype=np.float32).reshape(1, height, width, 2)
    pixels = np.repeat(pixels, batch, 0)
    after = augment.AUGMENTATIONS[name](tf.constant(pixels), tf.constant([4, 5], tf.int64)).numpy()
    return pixels, after


@pytest.mark.parametrize("name", augment.AUGMENTATIONS)
def test_an_augmentation_keeps_the_shape_and_changes_pictures_each_in_its_way(name):
    before, after = augmented(name)
    assert (after.shape, after.dtype) == (before.shape, before.dtype)
    assert (after != before).any()
    assert len({picture.tobytes() for picture in after}) > 1


@pytest.mark.parametrize("name", augment.AUGMENTATIONS)
def test_an_augmentation_is_a_function_of_its_seed(name):
    np.testing.assert_array_equal(augmented(name)[1], augmented(name)[1])


def kinds(pictures, expected):
    """How many pictures equal each of the expected ones; fails for one that equals none."""
    known = {np.ascontiguousarray(one).tobytes(): number for number, one in enumerate(expected)}
    return np.bincount([known[picture.tobytes()] for picture in pictures], minlength=len(known))


def test_mirror_turns_half_of_the_pictures():
    before, after = augmented("mirror", 10, 14)
    counts = kinds(after, [before[0], before[0][:, ::-1]])
    assert counts.min() > 64 / 4


def test_dihedral_gives_each_of_the_eight_rotations_and_mirrorings():
    before, after = augmented("dihedral", batch=256)
    counts = kinds(after, [turn(before[0]) for turn in DIHEDRAL])
    assert len(counts) == 8 and counts.min() > 256 / 8 / 2


def test_shift_moves_by_up_to_two_pixels_each_way_and_lets_black_in():
    before, after = augmented("shift", 10, 14, batch=512)
    padded = np.pad(before[0], ((2, 2), (2, 2), (0, 0)))
    counts = kinds(after, [padded[y : y + 10, x : x + 14] for y in range(5) for x in range(5)])
    assert len(counts) == 25 and counts.min() > 0


def test_erase_blackens_one_square_of_eight_cut_off_at_the_border():
    before, after = augmented("erase", 20, 20)
    black = (after == 0).all(-1)
    np.testing.assert_array_equal(after, np.where(black[..., None], 0, before))
    sides = set()
    for one in black:
        rows, columns = np.flatnonzero(one.any(1)), np.flatnonzero(one.any(0))
        assert one.sum() == len(rows) * len(columns) > 0
        for places in (rows, columns):
            assert len(places) == np.ptp(places) + 1
            assert len(places) == 8 or (len(places) < 8 and (places[0] == 0 or places[-1] == 19))
            sides.add(len(places))
    assert 8 in sides and len(sides) > 3


def test_augmentations_of_a_recipe_are_applied_and_the_targets_stay_clean(camera):
    pictures = Pictures("one", [camera[100:116, 200:216, None]])
    plain = taken(restoring(augment=()), pictures, 0, 1)[0][1]
    turned = taken(restoring(augment=("dihedral",), batch=16), pictures, 0, 1)[0][1]
    counts = kinds(turned, [turn(plain[0]) for turn in DIHEDRAL])
    assert (counts > 0).sum() > 3


@pytest.mark.parametrize("name", ["rotate", "scale"])
def test_what_is_turned_or_scaled_stays_in_the_middle(name):
    square = np.zeros((64, 31, 41, 1), np.float32)
    square[:, 9:22, 14:27] = 1
    after = augment.AUGMENTATIONS[name](tf.constant(square), (4, 5)).numpy()[..., 0]
    area = after.sum((1, 2))
    for axis, middle in ((1, 15), (2, 20)):
        places = np.arange(after.shape[axis])
        centre = (after.sum(3 - axis) * places).sum(-1) / area
        np.testing.assert_allclose(centre, middle, atol=0.05)
    sides = np.sqrt(area) / 13
    if name == "rotate":
        np.testing.assert_allclose(sides, 1, atol=0.01)
    else:
        assert 0.88 < sides.min() < 0.93 and 1.07 < sides.max() < 1.12


def photographs_of_classes(camera, astronaut, count=24):
    """Parts of two photographs, by which of them they are."""
    both = (camera, astronaut[..., 1])
    images = [both[n % 2][15 * n :, 15 * n :][:12, :12, None] for n in range(count)]
    return Pictures("parts", images, np.arange(count) % 2, ("left", "right"))


def test_mixup_mixes_a_picture_and_its_target_by_one_share(camera, astronaut):
    pictures = photographs_of_classes(camera, astronaut)
    values, targets = taken(classifying(augment=()), pictures, 0, 1)[0]
    mixed, soft = (part.numpy() for part in augment.mixup(values, targets, (1, 2)))
    np.testing.assert_allclose(soft.sum(-1), 1, atol=1e-6)
    assert mixed.min() >= 0 and mixed.max() <= 1
    others, shares = np.roll(values, 1, axis=0), []
    for one, other, result in zip(values, others, mixed, strict=True):
        share = ((result - other) * (one - other)).sum() / ((one - other) ** 2).sum()
        np.testing.assert_allclose(result, share * one + (1 - share) * other, atol=1e-6)
        shares.append(share)
    shares = np.array(shares)[:, None]
    np.testing.assert_allclose(
        soft, shares * targets + (1 - shares) * np.roll(targets, 1, axis=0), atol=1e-5
    )
    assert -1e-6 < shares.min() < 0.4 and 0.6 < shares.max() < 1 + 1e-6


def test_batches_with_mixup_are_functions_of_the_step(camera, astronaut):
    pictures = photographs_of_classes(camera, astronaut)
    entry = classifying(augment=("mirror", "scale", "mixup"), label_smoothing=0.1)
    whole, resumed = taken(entry, pictures, 0, 6), taken(entry, pictures, 4, 6)
    for one, other in zip(whole[4:], resumed, strict=True):
        assert [part.tobytes() for part in one] == [part.tobytes() for part in other]
    targets = np.concatenate([batch[1] for batch in whole])
    np.testing.assert_allclose(targets.sum(-1), 1, atol=1e-6)
    assert targets.min() >= 0.1 / 3 - 1e-6 and targets.max() <= 0.9 + 0.1 / 3 + 1e-6
    assert len(np.unique(targets.round(4))) > 20


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (classifying(augment=("mixin",)), "cnn_tiny: no augmentation mixin .*mirror.*mixup"),
        (restoring(augment=("mixup",)), "dncnn_tiny: no augmentation mixup for denoise"),
    ],
    ids=["unknown", "of another task"],
)
def test_an_augmentation_that_is_none_is_refused(camera, entry, message):
    with pytest.raises(zoo.ZooError, match=message):
        batches.dataset(entry, photographs(camera), 0, 1)


# -- folders: nothing is left out in silence


def save_pictures(folder, *names):
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        kind = {".jfif": "JPEG", ".heic": "PNG", "": "PNG"}.get(path.suffix.lower())
        Image.new("L", (6, 6), 10 * number).save(path, kind)


def test_pictures_are_told_by_their_names_or_by_their_first_bytes(tmp_path):
    save_pictures(tmp_path, "a.jfif", "b.JPEG", "c", "d.heic", "e.tga", "f.png")
    (tmp_path / "notes.txt").write_text("beside them")
    pictures = sources.load(f"folder:{tmp_path}", 1)
    assert [round(image.mean() / 10) for image in pictures.images] == list(range(6))


def test_files_that_are_left_out_are_counted_and_named(tmp_path):
    save_pictures(tmp_path, "a.png", "b.png")
    for name in ("x.raw", "y.heic", "z"):
        (tmp_path / name).write_bytes(b"no picture that Pillow reads")
    with pytest.warns(ZooWarning, match=r"3 of 5 files are no pictures .*: x\.raw, y\.heic, z"):
        assert len(sources.load(f"folder:{tmp_path}", 1)) == 2


def test_a_class_has_the_pictures_of_the_folders_below(tmp_path):
    save_pictures(tmp_path, "a/0.png", "a/more/1.png", "a/more/deeper/2.png", "b/3.png")
    (tmp_path / "b" / "up").symlink_to(tmp_path / "b")  # a circle
    pictures = sources.load(f"folder:{tmp_path}", 1)
    assert pictures.classes == ("a", "b")
    assert sorted(pictures.labels.tolist()) == [0, 0, 0, 1]


def test_a_picture_of_an_odd_name_beside_class_folders_is_seen(tmp_path):
    save_pictures(tmp_path, "a/0.png", "b/1.png", "c.jfif")
    with pytest.raises(zoo.ZooError, match=r"got folders and 1 pictures beside them, such as c"):
        sources.load(f"folder:{tmp_path}", 1)


def test_a_pipe_in_a_folder_is_left_out_and_no_reason_to_wait(tmp_path):
    save_pictures(tmp_path, "a.png")
    os.mkfifo(tmp_path / "pipe")
    with pytest.warns(ZooWarning, match="1 of 2 files are no pictures"):
        assert len(sources.load(f"folder:{tmp_path}", 1)) == 1


def test_pages_that_a_set_leaves_out_are_said(tmp_path):
    frames = [Image.new("L", (6, 6), level) for level in (0, 90)]
    frames[0].save(tmp_path / "a.tif", save_all=True, append_images=frames[1:])
    with pytest.warns(ZooWarning, match=r"a\.tif has 2 pages or frames"):
        sources.load(f"folder:{tmp_path}", 1)


@pytest.mark.parametrize(
    "change",
    [
        lambda images, labels, classes: (images[::-1], labels, classes),
        lambda images, labels, classes: (images[:-1], labels[:-1], classes),
        lambda images, labels, classes: ([*images[:-1], images[-1] ^ 1], labels, classes),
        lambda images, labels, classes: ([i.reshape(2, 8, 1) for i in images], labels, classes),
        lambda images, labels, classes: (images, labels[::-1], classes),
        lambda images, labels, classes: (images, None, ()),
        lambda images, labels, classes: (images, labels, ("a", "c")),
    ],
)
def test_a_digest_is_of_all_that_a_set_is(change):
    images = list(np.random.default_rng(0).integers(0, 256, (3, 4, 4, 1), dtype=np.uint8))
    parts = images, np.array([0, 1, 1]), ("a", "b")
    expected = Pictures("one", *parts).digest()
    assert Pictures("other name", [i.copy() for i in images], *parts[1:]).digest() == expected
    assert Pictures("one", *change(*parts)).digest() != expected


def test_a_damaged_packed_file_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_DATA", str(tmp_path))
    path = tmp_path / "binarized_mnist" / "binarized_mnist_packbits.npz"
    path.parent.mkdir()
    path.write_bytes(b"PK no more")
    with pytest.raises(zoo.ZooError, match=r"binarized_mnist_packbits\.npz is damaged"):
        sources.load("binarized_mnist", 1)
