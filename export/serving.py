"""Prediction by an exported file in the net's place: nothing of TensorFlow is imported for it.

The file is one of a folder that `zoo export` wrote, or of the cache: `$ZOO_CACHE`, or else the
platform's folder for what can be made again. What the cache does not have is exported and verified
once; that takes TensorFlow. A file that misses its bounds is not kept.
"""

import dataclasses
import importlib.metadata
import math
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from zoo import files, index, loading
from zoo.errors import ZooError, installed, need
from zoo.export.manifest import MANIFEST, damage, is_export, key_of, read_manifest
from zoo.export.runtimes import SERVING, Runtime
from zoo.index import Entry
from zoo.report import results
from zoo.tasks.parts import Ends, ends
from zoo.tasks.pipeline import Pipeline
from zoo.version import __version__
from zoo.weights import path_of, read_checked

FORMS = {runtime.form for runtime in SERVING.values()}
AUTO, KERAS, FASTEST = "auto", "keras", "fastest"


class _NoHome(ZooError):
    """Nowhere is said where files are kept."""


def load(name: str, weights, classes, runtime: str) -> Pipeline:
    """Loads a name for a runtime; see `zoo.load`."""
    entry = index.entry(name)
    fresh = weights is None or classes is not None
    if fresh and runtime in (AUTO, KERAS):  # which alone trains
        return loading.load(name, weights, classes)
    if fresh:
        asked = "fresh weights" if weights is None else "other classes"
        raise ZooError(
            f"runtime={runtime!r} runs what was trained and exported, and {asked} came: load with "
            'runtime="keras", and train'
        )
    key = choice(entry, weights, runtime)
    if key == KERAS:
        return loading.load(name, weights)
    entry, source, through = opened(entry, weights, key)
    return loading.pipeline(entry, None, source, through)


def opened(entry: Entry, weights, key: str) -> tuple[Entry, str | None, Callable]:
    """The files of a net, ready to run.

    Args:
        entry: of the net.
        weights: a folder that `zoo export` wrote; or "pretrained", a run directory or a `.h5` file.
        key: of `zoo.export.runtimes.SERVING`.

    Returns:
        The entry, with the classes that the files are for; where the weights came from; and what
        computes: the name of a part and its input -> its outputs, side by side.

    Raises:
        ZooError: the export is of another name, changed, or without such a file; the weights are
            missing or changed; the file made of them misses its bounds, or cannot be kept.
        MissingExtra: what the runtime takes is not installed.
    """
    form, engine = SERVING[key].form, SERVING[key].engine
    engine.package()  # before a file is made that it could not run
    folder = Path(weights).resolve() if is_export(weights) else _made(entry, weights, form)
    manifest = _manifest(entry, folder)
    paths = _paths(entry, folder, manifest, form)
    calls = {part.name: engine.opened(path, part) for part, path in paths.items()}
    source = manifest["weights"].get("source")
    return _labelled(entry, manifest), source, lambda name, values: calls[name](values)


def choice(entry: Entry, weights, runtime: str) -> str:
    """What a runtime's name stands for: a key of `zoo.export.runtimes.SERVING`, or `KERAS`.

    Args:
        entry, weights: as `opened` takes them.
        runtime: a key of `zoo.export.runtimes.SERVING`; `KERAS`; `FASTEST` or `AUTO`: see
            `fastest` and `at_hand`.

    Raises:
        ZooError: no such runtime; the weights are missing or changed.
        MissingExtra: it is not installed.
    """
    if runtime not in (AUTO, KERAS, FASTEST, *SERVING):
        known = ", ".join((AUTO, KERAS, *SERVING, FASTEST))
        raise ZooError(f"unknown runtime {runtime!r}: there are {known}")
    choose = {AUTO: at_hand, FASTEST: fastest}.get(runtime)
    key = choose(entry, weights) if choose else runtime
    if key != KERAS:
        need(SERVING[key].module, f"the runtime {key}")
    return key


def version(key: str) -> str:
    """A runtime's name and version, of a key of `zoo.export.runtimes.SERVING` or `KERAS`."""
    if key == KERAS:
        return f"Keras {importlib.metadata.version('keras')}"
    return SERVING[key].engine.runtime()


def at_hand(entry: Entry, weights="pretrained") -> str:
    """Of the runtimes installed here, the fastest on record that has a file in the cache; Keras
    where none has. Of a folder that was exported, `fastest`. A damaged file is passed over, and
    that is said on stderr.
    """
    if is_export(weights):
        return fastest(entry, weights)
    try:
        folder, times = _kept(entry, weights), _times(entry)
    except _NoHome:
        return KERAS
    usable = {key: one for key, one in SERVING.items() if installed(one.module)}
    forms = {one.form: f"not used; --runtime {key} makes it anew" for key, one in usable.items()}
    whole = {form for form, told in forms.items() if _is_whole(entry, folder / form, form, told)}
    ready = [key for key, one in usable.items() if one.form in whole]
    return min(ready, key=lambda key: times[key] or math.inf, default=KERAS)


def fastest(entry: Entry, weights="pretrained") -> str:
    """Of the runtimes installed here, that which `zoo dev bench` found to be the fastest with the
    files of a net (where a folder was exported, with those that it has); LiteRT where it measured
    none.
    """
    had = read_manifest(Path(weights)).get("formats", ()) if is_export(weights) else FORMS
    times = _times(entry)
    usable = [
        key
        for key, runtime in SERVING.items()
        if times[key] and runtime.form in had and installed(runtime.module)
    ]
    return min(usable, key=times.get, default="litert")


def _times(entry: Entry) -> dict[str, float]:
    """Milliseconds by runtime, as `zoo dev bench` measured them; 0 where it did not."""
    rows = results.performance(entry)
    return {key: _measured(entry, rows, runtime) for key, runtime in SERVING.items()}


def _measured(entry: Entry, rows: list[dict], runtime: Runtime) -> float:
    """Milliseconds of all parts of a net together, with as many threads as it was timed with."""
    keys = [key_of(part, runtime.form) for part in ends(entry.spec)]
    mine = [row for row in rows if row["runtime"] == runtime.label and row["artifact"] in keys]
    most = max((row["threads"] for row in mine), default=0)
    return sum(row["median_ms"] for row in mine if row["threads"] == most)


def cache() -> Path:
    """Where files are kept that were made to run a name; nothing else is, and it may be removed."""
    if chosen := os.environ.get("ZOO_CACHE"):
        return Path(chosen)
    usual = {"win32": os.environ.get("LOCALAPPDATA"), "darwin": "~/Library/Caches"}
    folder = usual.get(sys.platform) or os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    try:
        return Path(folder).expanduser() / "keras-image-zoo"
    except RuntimeError:  # as in a container with a user of no name
        raise _NoHome("there is no home folder to keep files in: set ZOO_CACHE to one") from None


def _kept(entry: Entry, weights) -> Path:
    """Where the files of these weights are kept, a folder a form."""
    digest = files.sha256(read_checked(path_of(entry, weights)))
    return cache() / entry.full_name / f"{digest[:12]}-{__version__}"


def _made(entry: Entry, weights, form: str) -> Path:
    folder = _kept(entry, weights) / form
    if not _is_whole(entry, folder, form, "made anew"):
        _make(entry, weights, form, folder)
    return folder


def _is_whole(entry: Entry, folder: Path, form: str, otherwise: str) -> bool:
    """Whether the files of a form are kept; where they were changed, says what is done then."""
    if not is_export(folder):
        return False
    try:
        _paths(entry, folder, _manifest(entry, folder), form)
    except (ZooError, OSError) as error:
        print(f"{error} ({otherwise})", file=sys.stderr)
        return False
    except (AttributeError, KeyError, TypeError, RecursionError):
        print(f"{folder / MANIFEST} is not what `zoo export` writes ({otherwise})", file=sys.stderr)
        return False
    return True


def _make(entry: Entry, weights, form: str, folder: Path) -> None:
    """Exports and verifies, whole or not at all; another process may be at the same."""
    from zoo.export.checked import exported, refuse

    refuse(entry, form)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            print(f"{entry.full_name}: making {folder}, once", file=sys.stderr)
            pipeline, made = loading.load(entry.full_name, weights), Path(scratch) / form
            exported(pipeline, made, formats=form)
            try:
                files.replace(made, folder)
            except OSError:  # another process did so at this very moment
                if not _is_whole(entry, folder, form, "made by another process"):
                    raise
    except OSError as error:
        raise ZooError(
            f"{folder} cannot be written: {error.strerror or error}; set ZOO_CACHE to a folder "
            "that you may write to"
        ) from error


def _manifest(entry: Entry, folder: Path) -> dict:
    manifest = read_manifest(folder)
    if manifest["name"] != entry.full_name:
        raise ZooError(f"{folder} is an export of {manifest['name']}, not of {entry.full_name}")
    return manifest


def _paths(entry: Entry, folder: Path, manifest: dict, form: str) -> dict[Ends, Path]:
    """The file of each part of a net, as it was exported."""
    return {part: _checked(folder, manifest, part, form) for part in ends(entry.spec)}


def _checked(folder: Path, manifest: dict, part: Ends, form: str) -> Path:
    found = manifest.get("artifacts", {}).get(key_of(part, form))
    if found is None or found["path"] not in manifest["files"]:
        raise ZooError(
            f"{folder} has no {key_of(part, form)} file: `zoo export {manifest['name']} --to DIR "
            f"--format {form}` writes one"
        )
    path = folder / found["path"]
    if wrong := damage(path, manifest["files"][found["path"]]):
        raise ZooError(f"{folder}: {wrong}; export it again")
    return path


def _labelled(entry: Entry, manifest: dict) -> Entry:
    """With the classes of the export, which a training may have made others than the entry's."""
    labels = tuple(manifest.get("labels", entry.spec.labels))
    return dataclasses.replace(entry, spec=dataclasses.replace(entry.spec, labels=labels))
