"""Files and folders that appear whole or not at all, and files that are read with care."""

import contextlib
import errno
import hashlib
import io
import json
import os
import re
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from zoo.errors import ZooError
from zoo.storage import leftovers
from zoo.storage.leftovers import OLD, PARTIAL, remove

_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}
_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.EEXIST}
_MOST_UNPACKED = 2**30  # bytes of the arrays of an .npz file


@contextlib.contextmanager
def whole(target: Path) -> Iterator[Path]:
    """Gives a path to write a file or folder to; it takes the target's place at the end.

    Each writer has a path of its own: of several that write one target at once the last wins,
    whole. What is written is on the disk before it takes the place. On any failure it is removed
    and the target is as it was; what killed writers left is removed at the next call.

    Raises:
        ZooError: the target cannot be written (its disk is full, its folder is read-only).
    """
    target = Path(target)
    partial = leftovers.beside(target, PARTIAL)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        leftovers.clear(target)
        yield partial
        _flush(partial)
        replace(partial, target)
    except OSError as error:
        raise unwritable(target, error) from error
    finally:
        with contextlib.suppress(OSError):
            remove(partial)


def unwritable(target: Path, error: OSError) -> ZooError:
    """What to say of a target that could not be written, for this reason."""
    reason = error.strerror or str(error) or type(error).__name__
    about = os.fspath(error.filename) if isinstance(error.filename, (str, os.PathLike)) else ""
    if about and not about.startswith(os.fspath(target)):
        reason = f"{reason}: {about}"
    todo = ""
    if error.errno in _FULL:
        todo = ". Free some space or choose a folder on another disk"
    elif error.errno in _DENIED:
        todo = "; choose a folder that you may write to"
    return ZooError(f"{target} cannot be written: {reason}; nothing half-written was left{todo}")


def refuse_unwritable(target: Path) -> None:
    """Raises as `whole`, before there is anything to write, where that is seen beforehand."""
    try:
        str(target).encode()
        os.lstat(target)
    except UnicodeEncodeError:
        raise ZooError(f"{target!r} cannot be written: expected a name in Unicode") from None
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise ZooError(
                f"{str(target)[:40]}... cannot be written: the name is too long"
            ) from None
    above = next(filter(os.path.exists, Path(target).absolute().parents), None)
    if above is None or not os.path.isdir(above):
        raise ZooError(f"{target} cannot be written: {above or 'its drive'} is no folder")
    if not os.access(above, os.W_OK | os.X_OK):
        raise ZooError(
            f"{target} cannot be written: permission denied in {above}; choose a folder that you "
            "may write to"
        )


def replace(source: Path, target: Path) -> None:
    """Renames a file or folder over another; of folders, the old one is set aside meanwhile."""
    for attempt in range(100):
        try:
            _replace(source, target)
            break
        except OSError:  # another writer of a folder was at this very moment
            if attempt == 99 or not source.is_dir() or not _is_or_was_folder(target):
                raise
    _flush_folder(target.parent)


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A temporary folder, removed at the end. Raises ZooError where none can be had or filled."""
    try:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            yield Path(folder)
    except OSError as error:
        if error.errno not in _FULL | _DENIED | {errno.ENOENT}:
            raise
        raise ZooError(
            "no temporary file can be written: expected a folder with room, got "
            f"{error.strerror or error}; free some space, or set TMPDIR to another folder"
        ) from error


def write_text(path: Path, text: str) -> None:
    with whole(path) as partial:
        partial.write_text(text, encoding="utf-8")


def write_json(path: Path, data) -> None:
    write_text(path, json.dumps(data, indent=1, ensure_ascii=False) + "\n")


def refuse_irregular(path: str | os.PathLike[str]) -> None:
    """Raises ZooError for what is there and no file: a folder, or a pipe, which may never end."""
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        raise ZooError(f"{path}: no such file") from None
    except (OSError, ValueError) as error:
        raise ZooError(f"{path} cannot be read: {_reason(error)}") from error
    if stat.S_ISDIR(mode):
        raise ZooError(f"{path} is a folder: expected a file")
    if not stat.S_ISREG(mode):
        raise ZooError(f"{path} cannot be read: expected a regular file, got a pipe or device")


def read_bytes(path: Path) -> bytes:
    """A file whole. Raises ZooError where it is none, or cannot be read."""
    refuse_irregular(path)
    try:
        return Path(path).read_bytes()
    except (OSError, MemoryError) as error:
        raise ZooError(f"{path} cannot be read: {_reason(error)}") from error


def read_json(path: Path) -> dict:
    """A JSON object from a file. Raises ZooError where it holds none, or cannot be read."""
    try:
        data = json.loads(read_bytes(path).decode("utf-8"))
    except ZooError:
        raise
    except RecursionError:
        raise ZooError(
            f"{path} cannot be read: expected JSON, got brackets nested too deep"
        ) from None
    except (ValueError, MemoryError) as error:
        raise ZooError(f"{path} cannot be read: expected JSON, got {error}") from error
    if not isinstance(data, dict):
        raise ZooError(f"{path} cannot be read: expected a JSON object, got {_kind(data)}")
    return data


def read_npz(data: bytes, what) -> dict:
    """The arrays of an `.npz` file, by name; nothing in it is run.

    Args:
        data: the file.
        what: what it should be, for the message.

    Raises:
        ZooError: it is no such file, was changed, or unpacks into more than a GiB.
    """
    import numpy as np

    from zoo.storage import sheets

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            size = sum(one.file_size for one in packed.infolist())
        if size > _MOST_UNPACKED:
            raise ValueError(f"{size} bytes unpacked, more than {_MOST_UNPACKED}")
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            found = {name: np.asarray(arrays[name]) for name in arrays.files}
        return sheets.unpacked(found, _MOST_UNPACKED)
    except Exception as error:  # of zipfile, zlib, and NumPy's own reading of heads: any kind
        raise ZooError(f"{what} is damaged, or no .npz file: {error}") from error


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _replace(source: Path, target: Path) -> None:
    if not target.is_dir() or target.is_symlink():
        os.replace(source, target)
        return
    old = leftovers.beside(target, OLD)
    os.replace(target, old)
    try:
        os.replace(source, target)
    except OSError:
        with contextlib.suppress(OSError):
            os.replace(old, target)
        if os.path.lexists(target):  # of another writer, who came between: the old one is past
            remove(old)
        raise
    remove(old)


def _is_or_was_folder(path: Path) -> bool:
    return path.is_dir() or not os.path.lexists(path)


def _flush(path: Path) -> None:
    """Waits until a file, or all in a folder, is on the disk."""
    for file in [p for p in path.rglob("*") if p.is_file()] if path.is_dir() else [path]:
        with file.open("rb+" if os.name == "nt" else "rb") as opened:
            os.fsync(opened.fileno())
    if path.is_dir():
        for folder in (path, *(p for p in path.rglob("*") if p.is_dir())):
            _flush_folder(folder)


def _flush_folder(path: Path) -> None:
    """Where a folder can be flushed; on Windows, and in some network folders, it cannot."""
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _kind(data) -> str:
    return {list: "a list", str: "a text", type(None): "null"}.get(type(data), "a number")


def plain_name(text: str) -> str:
    """What a file of that name is called on any machine: letters, digits, - and _; perhaps ""."""
    return re.sub(r"[^\w-]+", "_", text, flags=re.ASCII).strip("_-")
