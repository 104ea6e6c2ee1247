"""The files that were made to run a name, kept for the next time.

What is not there is exported and verified once; that takes TensorFlow. A file that misses its
bounds is not kept.
"""

import contextlib
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from zoo import loading
from zoo.errors import ZooError
from zoo.export.manifest import files_of_form, is_export
from zoo.index import Entry
from zoo.storage import files
from zoo.storage.cache_folder import cache
from zoo.storage.weights import path_of, read_checked
from zoo.version import __version__

_ATTEMPTS = 5


def kept(entry: Entry, weights: str | Path) -> Path:
    """Where the files of these weights and the classes of their run are kept, a folder a form."""
    path = path_of(entry, weights)
    content = [files.sha256(read_checked(path)), loading.classes_of(weights)]
    content += [entry.name] if entry.base else []
    digest = files.sha256(json.dumps(content).encode())
    return cache() / entry.index_name / f"{digest[:12]}-{__version__}"


def made(entry: Entry, weights: str | Path, form: str, anew: bool = False) -> Path:
    """The folder of a form; made where there is none, or a damaged one, or in any case."""
    folder = kept(entry, weights) / form
    if anew or not is_whole(entry, folder, form, "made anew"):
        _make(entry, weights, form, folder, anew)
    return folder


def is_whole(entry: Entry, folder: Path, form: str, otherwise: str = "") -> bool:
    """Whether the files of a form are kept; where they were changed, says what is done then, if
    that is told."""
    if not is_export(folder):
        return False
    try:
        files_of_form(entry, folder, form)
    except (ZooError, OSError) as error:
        if otherwise:
            print(f"{error} ({otherwise})", file=sys.stderr)
        return False
    return True


def _make(entry: Entry, weights: str | Path, form: str, folder: Path, anew: bool) -> None:
    """Exports and verifies, whole or not at all; other processes may be at the same."""
    from zoo.export.verified import export_verified, refuse

    refuse(entry, form)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            print(f"{entry.full_name}: making {folder}, once", file=sys.stderr)
            pipeline, complete = loading.load(entry.index_name, weights), Path(scratch) / form
            export_verified(pipeline, complete, formats=form)
            if anew:
                _set_aside(folder, Path(scratch))
            _put(complete, folder, lambda: is_whole(entry, folder, form))
    except OSError as error:
        raise ZooError(
            f"{folder} cannot be written: {error.strerror or error}; set ZOO_CACHE to a folder "
            "that you may write to"
        ) from error


def _put(complete: Path, folder: Path, is_whole: Callable[[], bool]) -> None:
    """Renames a folder to where nothing is: of several processes the first wins, and the others
    take what it put there. What is damaged is set aside."""
    for attempt in range(_ATTEMPTS):
        try:
            complete.rename(folder)
            return
        except OSError:
            if is_whole():
                return
            if attempt == _ATTEMPTS - 1:
                raise
            _set_aside(folder, complete.parent)


def _set_aside(folder: Path, scratch: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        folder.rename(tempfile.mkdtemp(dir=scratch) + "/damaged")
