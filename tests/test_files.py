"""Files and folders appear whole or not at all."""

import sys

import pytest
from conftest import in_second_process

import zoo
from zoo import files


def write_file(path, text="new"):
    path.write_text(text)


def write_folder(path, text="new"):
    path.mkdir()
    (path / "inside").write_text(text)


def content(path):
    return (path / "inside" if path.is_dir() else path).read_text()


@pytest.mark.parametrize(
    ("before", "write"),
    [
        (None, write_file),
        (None, write_folder),
        (write_file, write_file),
        (write_folder, write_folder),
        (write_folder, write_file),
    ],
)
def test_the_new_takes_the_place_of_the_old(tmp_path, before, write):
    target = tmp_path / "target"
    if before:
        before(target, "old")
    with files.whole(target) as partial:
        write(partial)
        assert not before or content(target) == "old"
    assert content(target) == "new"
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_does_not_take_the_place_of_a_file(tmp_path):
    target = tmp_path / "target"
    write_file(target, "old")
    refused = pytest.raises(zoo.ZooError, match="target cannot be written: Not a directory")
    with refused, files.whole(target) as partial:
        write_folder(partial)
    assert content(target) == "old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("write", [write_file, write_folder])
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, zoo.ZooError])
def test_a_failure_leaves_the_old_and_nothing_else(tmp_path, write, error):
    target = tmp_path / "target"
    write(target, "old")
    with pytest.raises(error, match="while writing"), files.whole(target) as partial:
        write(partial, "half")
        raise error("while writing")
    assert content(target) == "old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("write", [write_file, write_folder])
def test_what_a_killed_process_left_is_in_nobodys_way(tmp_path, write):
    target = tmp_path / "target"
    for end in (files.PARTIAL, ".old"):
        write(tmp_path / f"target{end}", "left")
    write(target, "old")
    with files.whole(target) as partial:
        write(partial)
    assert content(target) == "new"
    assert not (tmp_path / f"target{files.PARTIAL}").exists()


def test_folders_above_the_target_are_made(tmp_path):
    files.write_text(tmp_path / "a" / "b" / "c.txt", "text")
    assert (tmp_path / "a" / "b" / "c.txt").read_text() == "text"


def test_a_target_below_a_regular_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("old")
    with pytest.raises(zoo.ZooError, match=r"file/target cannot be written: .*choose a folder"):
        files.write_text(tmp_path / "file" / "target", "new")
    assert (tmp_path / "file").read_text() == "old"


def test_a_block_that_writes_nothing_is_an_error(tmp_path):
    refused = pytest.raises(zoo.ZooError, match="target cannot be written")
    with refused, files.whole(tmp_path / "target"):
        pass


@pytest.mark.skipif(sys.platform != "linux", reason="a full disk is simulated by a limit of Linux")
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_full_disk_leaves_the_old_and_says_so(tmp_path, kind):
    target = tmp_path / "target"
    (write_file if kind == "file" else write_folder)(target, "old")
    code = """
import resource, sys
from pathlib import Path
import zoo
from zoo import files

resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    with files.whole(Path(sys.argv[1])) as partial:
        if sys.argv[2] == "folder":
            partial.mkdir()
            partial = partial / "inside"
        partial.write_bytes(b"x" * 5000)
except zoo.ZooError as error:
    print(error)
"""
    shown = in_second_process(code, target, kind)
    assert f"{target} cannot be written: File too large" in shown and "Free some space" in shown
    assert content(target) == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_json_goes_out_and_comes_back(tmp_path):
    data = {"name": "Grauwert ü", "curve": [1, 2.5, None], "sha256": {"weights.h5": "0"}}
    files.write_json(tmp_path / "run.json", data)
    assert files.read_json(tmp_path / "run.json") == data


@pytest.mark.parametrize("text", [None, "", "{", "\udcff"])
def test_json_that_cannot_be_read_is_refused_with_its_path(tmp_path, text):
    path = tmp_path / "run.json"
    if text is not None:
        path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(zoo.ZooError, match=r"run.json cannot be read"):
        files.read_json(path)
