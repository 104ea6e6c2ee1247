"""Pictures held out, likes on both sides, and folders as people have them."""

import numpy as np
import pytest
from PIL import Image

import zoo
from zoo.data import sources, splits
from zoo.data.pictures import Pictures
from zoo.errors import ZooWarning


def made_up(counts, side=20, seed=0):
    """Pictures of noise, each of its own file; so many of each class."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(np.arange(len(counts)), counts))
    images = [rng.integers(0, 255, (side, side, 3)).astype(np.uint8) for _ in labels]
    classes = tuple("abcdefgh"[: len(counts)])
    paths = tuple(f"{number}.png" for number in range(len(labels)))
    return Pictures("made up", images, labels, classes, paths=paths)


def test_a_share_of_each_class_is_held_out():
    pictures = made_up((40, 11, 2))
    training, held_out = splits.split(pictures, 0.1)
    assert np.bincount(held_out.labels).tolist() == [4, 1, 1]
    assert set(training.paths) | set(held_out.paths) == set(pictures.paths)
    assert not set(training.paths) & set(held_out.paths)


def test_a_class_of_one_picture_is_refused():
    with pytest.raises(zoo.ZooError, match="one picture of b: expected two or more"):
        splits.split(made_up((5, 1)), 0.1)


def test_the_last_pictures_are_held_out_where_these_are_counted():
    training, held_out = splits.split(made_up((6, 6)), 5)
    assert (len(training), len(held_out)) == (7, 5)
    with pytest.raises(zoo.ZooError, match="has 12 pictures and the recipe holds out 12"):
        splits.split(made_up((6, 6)), 12)


def test_likes_on_both_sides_are_named():
    training, held_out = splits.split(made_up((10, 10)), 0.2)
    splits.warn_of_likes(training, held_out)  # says nothing
    nearly = np.clip(training.images[3].astype(int) + 1, 0, 255).astype(np.uint8)
    held_out.images[1] = nearly
    with pytest.warns(ZooWarning, match=f"1 of 4 .*{held_out.paths[1]} and {training.paths[3]}"):
        splits.warn_of_likes(training, held_out)


def test_a_picture_in_two_classes_is_named():
    training, held_out = splits.split(made_up((10, 10)), 0.2)
    one, other = (int(np.flatnonzero(training.labels == label)[0]) for label in (0, 1))
    training.images[other] = training.images[one]
    with pytest.warns(ZooWarning, match="1 pictures are in two classes"):
        splits.warn_of_likes(training, held_out)


def save(folder, grey, side=12):
    folder.mkdir(parents=True, exist_ok=True)
    Image.new("L", (side, side + grey % 3), grey).save(folder / f"{grey}.png")


def test_a_folder_of_parts_is_read_by_its_parts(tmp_path):
    for part, greys in {"train": (10, 20), "val": (30,), "test": (40,)}.items():
        for label in ("a", "b"):
            for grey in greys:
                save(tmp_path / part / label, grey + (label == "b"))
    name = f"folder:{tmp_path}"
    greys = {
        split: sorted(int(image[0, 0, 0]) for image in sources.load(name, 1, split).images)
        for split in ("train", "validation", "test")
    }
    assert greys == {"train": [10, 11, 20, 21], "validation": [30, 31], "test": [40, 41]}
    assert sources.has_part(name, "validation") and not sources.has_part(name + "/val", "test")


def test_a_class_that_is_a_file_is_named(tmp_path):
    for label in ("cat", "dog"):
        save(tmp_path / label, 10)
    (tmp_path / "bird.zip").write_bytes(b"PK")
    (tmp_path / "notes.txt").write_text("of no class")
    with pytest.warns(ZooWarning, match=r"1 files beside these are left out: bird\.zip"):
        assert sources.load(f"folder:{tmp_path}", 1).classes == ("cat", "dog")


def test_classes_called_as_parts_are_classes(tmp_path):
    for label in ("test", "train", "bus"):
        save(tmp_path / label, 10)
    assert sources.load(f"folder:{tmp_path}", 1).classes == ("bus", "test", "train")


@pytest.mark.parametrize("head", ["", "path,label\n"])
def test_a_list_of_paths_and_classes_is_a_set(tmp_path, head):
    for grey in (10, 20, 30):
        save(tmp_path / "all", grey)
    lines = "all/10.png,dark\nall/20.png,dark\nall/30.png,été\n"
    (tmp_path / "list.csv").write_text(head + lines, encoding="utf-8")
    pictures = sources.load(f"folder:{tmp_path / 'list.csv'}", 1)
    assert pictures.classes == ("dark", "été")
    shown = {int(i[0, 0, 0]): int(n) for i, n in zip(pictures.images, pictures.labels, strict=True)}
    assert shown == {10: 0, 20: 0, 30: 1}


def test_a_list_that_names_no_file_is_refused(tmp_path):
    save(tmp_path, 10)
    (tmp_path / "list.csv").write_text("10.png,a\nnone.png,b\n")
    with pytest.raises(zoo.ZooError, match=r"1 files are not there, such as .*none\.png"):
        sources.load(f"folder:{tmp_path / 'list.csv'}", 1)


def test_pictures_are_brought_to_a_size_as_they_are_read(tmp_path):
    for label in ("a", "b"):
        save(tmp_path / label, 50, side=40)
    pictures = sources.load(f"folder:{tmp_path}", 3, size=(8, 9))
    assert {image.shape for image in pictures.images} == {(8, 9, 3)}
