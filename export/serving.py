"""Prediction by an exported file in the net's place: nothing of TensorFlow is imported for it.

The file is one of a folder that `zoo export` wrote, or of `zoo.export.cache`.
"""

import importlib.metadata
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoo import index, loading
from zoo.errors import ZooError, installed, need
from zoo.export import cache
from zoo.export.artifacts import key_of
from zoo.export.manifest import (
    damage_of_labels,
    files_of_form,
    is_export,
    labelled,
    manifest_of,
    read_manifest,
)
from zoo.export.runtimes import SERVING, Runtime
from zoo.export.signature import misfit
from zoo.index import Entry
from zoo.report import results
from zoo.storage import runs
from zoo.storage.cache_folder import NoHome
from zoo.tasks.functions import signatures
from zoo.tasks.pipeline import Pipeline

FORMS = {runtime.form for runtime in SERVING.values()}
AUTO, KERAS, FASTEST = "auto", "keras", "fastest"


def load(
    name: str, weights: str | Path | None, classes: int | Sequence[str] | None, runtime: str
) -> Pipeline:
    """Loads a name for a runtime; see `zoo.load`."""
    entry = runs.as_trained(index.entry(name), weights)
    if weights is None or classes is not None:
        if runtime in (AUTO, KERAS):  # which alone trains
            return loading.load(name, weights, classes)
        got = "fresh weights" if weights is None else "other classes"
        raise ZooError(
            f"runtime={runtime!r}: expected weights that were trained and exported, got {got}; "
            'load with runtime="keras", and train'
        )
    key = choice(entry, weights, runtime)
    if key == KERAS:
        return loading.load(name, weights)
    entry, source, executor = opened(entry, weights, key)
    return loading.pipeline(entry, None, source, executor)


def opened(
    entry: Entry, weights: str | Path, key: str
) -> tuple[Entry, str | None, Callable[[str, np.ndarray], np.ndarray]]:
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
    SERVING[key].engine.package()  # before a file is made that it could not run
    if is_export(weights):
        return _opened(entry, Path(weights).resolve(), key)
    folder = cache.made(entry, weights, SERVING[key].form)
    try:
        return _opened(entry, folder, key)
    except ZooError as error:  # it was whole, and does not run or is gone
        print(f"{error} (made anew)", file=sys.stderr)
        return _opened(entry, cache.made(entry, weights, SERVING[key].form, anew=True), key)


def choice(entry: Entry, weights: str | Path, runtime: str) -> str:
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
    return SERVING[key].engine.version()


def at_hand(entry: Entry, weights: str | Path = "pretrained") -> str:
    """Of the runtimes installed here, the fastest on record that has a file in the cache; Keras
    where none has. Of a folder that was exported, `fastest`. A damaged file is passed over, and
    that is said on stderr.
    """
    if is_export(weights):
        return fastest(entry, weights)
    try:
        folder, times = cache.kept(entry, weights), _times(entry)
    except NoHome:
        return KERAS
    forms = {key: runtime.form for key, runtime in SERVING.items() if installed(runtime.module)}
    remedies = {f: f"not used; --runtime {key} makes it anew" for key, f in forms.items()}
    whole = {f for f, remedy in remedies.items() if cache.is_whole(entry, folder / f, f, remedy)}
    ready = [key for key, form in forms.items() if form in whole]
    return min(ready, key=lambda key: times[key] or math.inf, default=KERAS)


def fastest(entry: Entry, weights: str | Path = "pretrained") -> str:
    """Of the runtimes installed here, that which `zoo dev bench` found to be the fastest with the
    files of a net (where a folder was exported, with those that it has); LiteRT where it measured
    none.
    """
    had = read_manifest(Path(weights))["formats"] if is_export(weights) else FORMS
    times = _times(entry)
    usable = [
        key
        for key, runtime in SERVING.items()
        if times[key] and runtime.form in had and installed(runtime.module)
    ]
    return min(usable, key=lambda key: times[key], default="litert")


def _opened(entry: Entry, folder: Path, key: str) -> tuple[Entry, str | None, Callable]:
    engine, manifest = SERVING[key].engine, manifest_of(entry, folder)
    entry = labelled(entry, manifest)
    paths = files_of_form(entry, folder, SERVING[key].form)
    wrong = damage_of_labels(folder, manifest, entry.spec)
    for signature, path in paths.items():
        wrong = wrong or misfit(signature, entry.spec.labels, engine.ends(path))
    if wrong:
        raise ZooError(f"{folder}: {wrong}; export it again")
    calls = {signature.name: engine.open(path, signature) for signature, path in paths.items()}
    source = manifest["weights"]["source"]
    return entry, source, lambda name, values: calls[name](values)


def _times(entry: Entry) -> dict[str, float]:
    """Milliseconds by runtime, as `zoo dev bench` measured them; 0 where it did not."""
    rows = results.performance(index.entry(entry.index_name))
    return {key: _measured(entry, rows, runtime) for key, runtime in SERVING.items()}


def _measured(entry: Entry, rows: list[dict[str, Any]], runtime: Runtime) -> float:
    """Milliseconds of all parts of a net together, with as many threads as it was timed with."""
    keys = [key_of(function, runtime.form) for function in signatures(entry.spec)]
    mine = [row for row in rows if row["runtime"] == runtime.label and row["artifact"] in keys]
    most = max((row["threads"] for row in mine), default=0)
    return sum(row["median_ms"] for row in mine if row["threads"] == most)
