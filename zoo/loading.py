"""From a name to a pipeline in Keras: pixels in, labels or pictures out."""

import os
from pathlib import Path

from zoo import files, index
from zoo.index import Entry
from zoo.tasks.classifier import Classifier
from zoo.tasks.generator import Autoencoder, Generator
from zoo.tasks.heads import with_classes, with_head
from zoo.tasks.pipeline import Pipeline
from zoo.tasks.restorer import Restorer
from zoo.weights import RUN, check, load_into, weights_path

PIPELINES = {
    "classify": Classifier,
    "denoise": Restorer,
    "restore": Restorer,
    "upscale": Restorer,
    "generate": Generator,
    "autoencode": Autoencoder,
}


def load(name: str, weights: object = "pretrained", classes=None) -> Pipeline:
    """Loads a net by name, to run in Keras; see `zoo.load`."""
    entry = index.entry(name)
    if weights is not None:
        check(entry, weights)
    entry = _trained_for(entry, weights)
    net = entry.build()
    source = None
    if weights is not None:
        load_into(net, entry, weights)
        source = weights if weights == "pretrained" else str(Path(weights).resolve())
    if classes is None:
        return pipeline(entry, net, source)
    entry = with_classes(entry, classes)
    return pipeline(entry, with_head(net, len(entry.spec.labels)))


def pipeline(entry: Entry, net, source: str | None = None, through=None) -> Pipeline:
    """A net with the preprocessing of its entry, and where its weights came from."""
    return PIPELINES[entry.spec.task](entry, net, source, through)


def _trained_for(entry: Entry, weights) -> Entry:
    """The entry with the classes that a run directory was trained for."""
    if weights is None or weights == "pretrained":
        return entry
    record = weights_path(weights).with_name(RUN)
    labels = files.read_json(record).get("labels") if os.path.isfile(record) else None
    return with_classes(entry, labels) if labels else entry
