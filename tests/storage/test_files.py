"""Files and folders appear whole or not at all."""

import errno
import io
import json
import os
import subprocess
import sys
import tempfile
import time
import zipfile

import numpy as np
import pytest
from conftest import REPOSITORY, in_second_process

import zoo
from zoo.storage import files, leftovers, processes


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


def ended_process():
    """The number of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def left_by(target, pid, end):
    """What a process is writing beside a target, or left there when it was killed."""
    own = leftovers.beside(target, end)
    return own.with_name(own.name.replace(f"-{os.getpid()}-", f"-{pid}-"))


@pytest.mark.parametrize("write", [write_file, write_folder])
def test_what_a_killed_process_left_is_removed(tmp_path, write):
    target = tmp_path / "target"
    for end in (leftovers.PARTIAL, leftovers.OLD):
        write(left_by(target, ended_process(), end), "left")
    write(target, "old")
    with files.whole(target) as partial:
        write(partial)
    assert content(target) == "new"
    assert list(tmp_path.iterdir()) == [target]


def test_what_a_process_at_work_has_is_not_touched(tmp_path):
    target, other = tmp_path / "target", left_by(tmp_path / "target", os.getppid(), ".partial")
    near = left_by(tmp_path / "target.json", ended_process(), ".partial")  # of another target
    mine = leftovers.beside(target, ".partial")
    for path in (other, near, mine):
        write_folder(path, "half")
    files.write_text(target, "new")
    assert all(content(path) == "half" for path in (other, near, mine))


def test_a_leftover_of_another_machine_is_removed_when_it_is_a_day_old(tmp_path):
    target = tmp_path / "target"
    for number, age in enumerate((3600, 90_000)):
        path = tmp_path / f"target.elsewhere-{number}-a.partial"
        path.write_text("half")
        os.utime(path, (time.time() - age,) * 2)
    files.write_text(target, "new")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["target", "target.elsewhere-0-a.partial"]


def test_a_folder_that_was_set_aside_by_a_killed_process_goes_back(tmp_path):
    target = tmp_path / "target"
    write_folder(left_by(target, ended_process(), leftovers.OLD), "old")
    with pytest.raises(RuntimeError), files.whole(target):
        raise RuntimeError
    assert content(target) == "old" and list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("write", [write_file, write_folder])
def test_two_writers_of_one_target_do_not_meet(tmp_path, write):
    target = tmp_path / "target"
    with files.whole(target) as first, files.whole(target) as second:
        assert first != second
        write(first, "first")
        write(second, "second")
    assert content(target) == "first"  # the last to end
    assert list(tmp_path.iterdir()) == [target]


def test_a_writer_that_comes_between_leaves_no_old_folder(tmp_path, monkeypatch):
    target, real = tmp_path / "target", os.replace
    with files.whole(target) as partial:
        write_folder(partial, "old")

    def replace(source, to):
        real(source, to)
        if str(to).endswith(".old"):
            monkeypatch.setattr(os, "replace", real)
            write_folder(target, "another's")

    with files.whole(target) as partial:
        write_folder(partial, "mine")
        monkeypatch.setattr(os, "replace", replace)
    assert content(target) == "mine"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_many_writers_of_one_target_leave_one_whole(tmp_path, kind):
    code = """
import sys
from pathlib import Path
from zoo.storage import files

for _ in range(20):
    with files.whole(Path(sys.argv[1])) as partial:
        if sys.argv[3] == "folder":
            partial.mkdir()
            partial = partial / "inside"
        partial.write_text(sys.argv[2] * 10_000)
"""
    target = tmp_path / "target"
    command = [sys.executable, "-c", code, target]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    writers = [subprocess.Popen([*command, name, kind], env=environment) for name in "ab"]
    assert [writer.wait() for writer in writers] == [0, 0]
    assert content(target) in ("a" * 10_000, "b" * 10_000)
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("name", ["a" * 240 + ".json", "ä" * 120 + ".json"])
def test_a_name_as_long_as_a_file_system_takes_is_written(tmp_path, name):
    files.write_text(tmp_path / name, "new")
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "Free some space"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "Free some space"),
        (OSError(errno.EACCES, "Permission denied"), "a folder that you may write to"),
        (OSError(errno.EROFS, "Read-only file system"), "a folder that you may write to"),
        (OSError(errno.EIO, "Input/output error"), ""),
        (OSError("cannot write mode RGBA as JPEG"), ""),
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "other.png"), ""),
    ],
)
def test_only_a_full_disk_is_said_to_be_full(tmp_path, error, advice):
    with pytest.raises(zoo.ZooError) as caught, files.whole(tmp_path / "target"):
        raise error
    message = str(caught.value)
    assert ("Free some space" in message) == (advice == "Free some space")
    assert advice in message and (error.strerror or str(error)) in message
    assert not error.filename or error.filename in message


def test_one_process_at_a_time_has_a_folder(tmp_path):
    run = tmp_path / "run"
    with (
        processes.locked(run),
        pytest.raises(zoo.ZooError, match=rf"run is in use: .*got process {os.getpid()} on .*"),
        processes.locked(run),
    ):
        pass
    with processes.locked(run):
        pass
    assert list(tmp_path.iterdir()) == []


def test_another_process_that_has_a_folder_is_named(tmp_path):
    code = "import sys; from zoo.storage.processes import locked\nwith locked(sys.argv[1]): input()"
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    command, run = [sys.executable, "-c", code], tmp_path / "run"
    holder = subprocess.Popen([*command, run], stdin=subprocess.PIPE, env=environment)
    while not (tmp_path / "run.lock").exists() or not processes._holder(tmp_path / "run.lock"):
        assert holder.poll() is None
        time.sleep(0.01)
    with pytest.raises(zoo.ZooError, match=f"got process {holder.pid} on"), processes.locked(run):
        pass
    holder.kill()
    holder.communicate()
    with processes.locked(run):  # it has ended, and its lock is nobody's
        pass


@pytest.mark.parametrize("age", [0, 3600])
def test_a_lock_of_another_machine_holds_while_it_is_touched(tmp_path, age):
    lock = tmp_path / "run.lock"
    lock.write_text(json.dumps({"host": "elsewhere", "pid": 1, "since": "today"}))
    os.utime(lock, (time.time() - age,) * 2)
    if age:
        with processes.locked(tmp_path / "run"):
            pass
        return
    refused = pytest.raises(zoo.ZooError, match=r"process 1 on elsewhere since today; .*run\.lock")
    with refused, processes.locked(tmp_path / "run"):
        pass


def test_a_lock_of_an_earlier_process_of_this_number_is_nobodys(tmp_path):
    """As after a restart, or in a container: numbers of processes come again."""
    mine = {"host": processes.here(), "pid": os.getpid(), "token": "of another"}
    earlier = mine | {"pid": os.getppid(), "born": "0"}
    for holder in (mine, earlier) if processes.birth(os.getppid()) else (mine,):
        (tmp_path / "run.lock").write_text(json.dumps(holder))
        with processes.locked(tmp_path / "run"):
            pass


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
@pytest.mark.parametrize("read", [files.read_bytes, files.read_json])
def test_a_pipe_is_no_file(tmp_path, read):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(zoo.ZooError, match="pipe cannot be read: expected a regular file, got"):
        read(tmp_path / "pipe")


def test_a_temporary_folder_that_cannot_be_had_is_said(monkeypatch):
    def refuse(*_, **__):
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")

    monkeypatch.setattr(tempfile, "TemporaryDirectory", refuse)
    refused = pytest.raises(zoo.ZooError, match=r"got No usable temporary .*set TMPDIR")
    with refused, files.scratch():
        pass


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
from zoo.storage import files

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


@pytest.mark.parametrize(
    "text", [None, "", "{", "\udcff", "[1]", "7", "[" * 200_000, '{"a":' * 100_000, "1" * 9_000]
)
def test_json_that_cannot_be_read_is_refused_with_its_path(tmp_path, text):
    path = tmp_path / "run.json"
    if text is not None:
        path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(zoo.ZooError, match=r"run.json(: no such file| cannot be read)"):
        files.read_json(path)


def packed(**arrays):
    data = io.BytesIO()
    np.savez_compressed(data, **arrays)
    return data.getvalue()


def with_head(head):
    """An `.npz` whose array says of itself what its bytes are not."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as file:
        file.writestr("x.npy", b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head)
    return data.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK",
        packed(x=np.arange(9))[:-30],
        packed(x=np.array([None, 1], object)),
        with_head(b"{'descr': '<f4', 'fortran_order': False, 'shape': (10**12,), }\n"),
        with_head(b"{'descr': '<f4', 'shape': (1,)}\n"),
        with_head(b"[[[[" * 200),
    ],
)
def test_what_is_no_npz_file_is_refused(data):
    with pytest.raises(zoo.ZooError, match=r"it is damaged, or no \.npz file"):
        files.read_npz(data, "it")


def test_an_npz_file_that_unpacks_without_end_is_refused(monkeypatch):
    monkeypatch.setattr(files, "_MOST_UNPACKED", 1000)
    with pytest.raises(zoo.ZooError, match="bytes unpacked, more than 1000"):
        files.read_npz(packed(x=np.zeros(10_000)), "it")
