"""From a name to a pipeline in Keras: pixels in, labels or pictures out."""

import dataclasses
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo import index
from zoo.errors import OtherNet, ZooError, warn
from zoo.index import Entry
from zoo.storage import files, run_json, runs
from zoo.storage.weights import check, load_into, located, read_checked, weights_path
from zoo.tasks.heads import with_classes, with_head, with_shape
from zoo.tasks.pipeline import Pipeline
from zoo.wrapping import entry as own

if TYPE_CHECKING:
    import keras


def load(
    name: str,
    weights: str | Path | None = "pretrained",
    classes: int | Sequence[str] | None = None,
) -> Pipeline:
    """Loads a net by name, to run in Keras; see `zoo.load`."""
    entry = index.entry(name)
    if weights is not None:
        check(entry, weights)
    refuse_other_backends()
    trained = _trained_for(entry, weights)
    asked = trained if classes is None else with_classes(trained, classes)
    if weights is None:
        return pipeline(asked, asked.build())
    source = weights if weights == "pretrained" else str(Path(weights).resolve())
    if classes is None or _has_head(asked, trained, weights):
        return pipeline(asked, _filled(asked, weights), source)
    if weights != "pretrained":
        warn(
            f"{weights}: expected a last layer for the classes {', '.join(asked.spec.labels)}, got "
            "one for others; it is replaced by a fresh one, whose answers are random until it is "
            "trained"
        )
    return pipeline(asked, with_head(_filled(trained, weights), len(asked.spec.labels)))


def load_own(folder: str | Path, classes: int | Sequence[str] | None = None) -> Pipeline:
    """Loads what `Pipeline.save` wrote of a user's own net.

    Raises:
        ZooError: a file is missing or changed, or is no such one.
    """
    facts = run_json.read(Path(folder) / run_json.RUN)
    path = Path(folder).resolve() / own.MODEL
    read_checked(path)
    made = with_net(str(facts.get("name")), facts["net"], path, str(path.parent))
    if os.path.lexists(kept := path.with_name(own.EXAMPLES)):
        from zoo.wrapping.examples import read_examples

        made.examples = read_examples(files.read_npz(read_checked(kept), own.EXAMPLES), made)
    if classes is None:
        return made
    entry = with_classes(made.entry, classes)
    return pipeline(entry, with_head(made.net, len(entry.spec.labels)))


def found(name: str | Path) -> Pipeline:
    """Of a name, a run directory, or a folder of `Pipeline.save`."""
    return load_own(name) if own.is_saved(name) else load(*located(name))


def with_net(name: str, facts: Any, path: Path, source: str) -> Pipeline:
    """A user's own net of a `.keras` file, with what was written down of it."""
    from zoo.storage import keras_files
    from zoo.wrapping import supported

    refuse_other_backends()
    net = supported.ready(keras_files.load(path))
    return pipeline(own.entry_of(name, facts, net), net, source)


def _filled(entry: Entry, weights: str | Path) -> "keras.Model":
    net = entry.build()
    load_into(net, entry, weights)
    return net


def _has_head(asked: Entry, trained: Entry, weights: str | Path) -> bool:
    """Whether the last layer in some weights is for the classes that are asked for.

    A name and a run directory know their classes; of a file there is only their number.
    """
    if weights == "pretrained" or run_json.beside(weights_path(weights)) is not None:
        return asked.spec.labels == trained.spec.labels
    try:
        _filled(asked, weights)
    except OtherNet:
        return False
    return True


def refuse_other_backends() -> None:
    """Raises ZooError where Keras computes by anything but TensorFlow, which files are made by."""
    try:
        from keras.backend import backend

        found = backend()
    except ImportError as error:  # of the other backend, which is not installed
        found = str(error)
    if found != "tensorflow":
        raise ZooError(
            f"expected Keras on TensorFlow, got {found}: set KERAS_BACKEND=tensorflow (or "
            '"backend" in ~/.keras/keras.json) and start Python again'
        )


def pipeline(
    entry: Entry,
    net: "keras.Model | None",
    source: str | None = None,
    executor: Callable[[str, Any], np.ndarray] | None = None,
) -> Pipeline:
    """A net with the preprocessing of its entry, and where its weights came from."""
    return index.task_of(entry).pipeline(entry, net, source, executor)


def classes_of(weights: str | Path | None) -> list[str] | None:
    """The classes that a run directory was trained for, where these are not the entry's."""
    if weights is None or weights == "pretrained":
        return None
    return (run_json.beside(weights_path(weights)) or {}).get("labels")


def _trained_for(entry: Entry, weights: str | Path | None) -> Entry:
    """The entry as a run directory was trained, and what builds its net."""
    told = runs.as_trained(entry, weights)
    if told is entry:
        return entry
    made = with_shape(entry, told.spec.shape)
    if told.spec.labels != entry.spec.labels:
        made = with_classes(made, told.spec.labels)
    return dataclasses.replace(told, build=made.build, parameters=made.parameters)
