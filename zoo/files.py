"""Files and folders that appear whole or not at all."""

import contextlib
import hashlib
import io
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from zoo.errors import ZooError

PARTIAL, OLD = ".partial", ".old"
"""Endings of what a killed process may leave beside a target."""


@contextlib.contextmanager
def whole(target: Path) -> Iterator[Path]:
    """Gives a path to write a file or folder to; it takes the target's place at the end.

    On any failure what was written is removed and the target is as it was.

    Raises:
        ZooError: the target cannot be written (its disk is full, its folder is read-only).
    """
    target = Path(target)
    partial = target.with_name(target.name + PARTIAL)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        remove(partial)
        yield partial
        replace(partial, target)
    except OSError as error:
        raise ZooError(
            f"{target} cannot be written: {error.strerror or error}; nothing half-written was "
            "left. Free some space or choose a folder that you may write to"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            remove(partial)


def refuse_unwritable(target: Path) -> None:
    """Raises as `whole`, before there is anything to write, where that is seen beforehand."""
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
    if not target.is_dir():
        os.replace(source, target)
        return
    old = target.with_name(target.name + OLD)
    remove(old)
    os.replace(target, old)
    os.replace(source, target)
    remove(old)


def remove(path: Path) -> None:
    """Removes a file or folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    with whole(path) as partial:
        partial.write_text(text, encoding="utf-8")


def write_json(path: Path, data) -> None:
    write_text(path, json.dumps(data, indent=1, ensure_ascii=False) + "\n")


def read_json(path: Path) -> dict:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ZooError(f"{path} cannot be read: {error}") from error
    if not isinstance(data, dict):
        raise ZooError(f"{path} holds no JSON object: it was changed or is another file")
    return data


def read_npz(data: bytes, what) -> dict:
    """The arrays of an `.npz` file, by name; nothing in it is run.

    Args:
        data: the file.
        what: what it should be, for the message.

    Raises:
        ZooError: it is no such file, or was changed.
    """
    import numpy as np

    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return dict(arrays)
    except Exception as error:  # of zipfile, zlib, and NumPy's own reading of heads: any kind
        raise ZooError(f"{what} is damaged, or no .npz file: {error}") from error


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
