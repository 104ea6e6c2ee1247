"""From a name to a pipeline: pixels in, labels or pictures out.

`zoo` imports `export` here, where a file is to run in the net's place, and in the command line;
nowhere else.
"""

import os
from pathlib import Path

from zoo import files, index
from zoo.classifier import Classifier
from zoo.errors import ZooError
from zoo.generator import Autoencoder, Generator
from zoo.heads import with_classes, with_head
from zoo.index import Entry
from zoo.pipeline import Pipeline
from zoo.restorer import Restorer
from zoo.weights import RUN, check, load_into, weights_path

PIPELINES = {
    "classify": Classifier,
    "denoise": Restorer,
    "restore": Restorer,
    "upscale": Restorer,
    "generate": Generator,
    "autoencode": Autoencoder,
}


def load(
    name: str, weights: object = "pretrained", classes=None, runtime: str = "keras"
) -> Pipeline:
    """Loads a net by name.

    Args:
        name: `family_variant` or `family_variant.tag`.
        weights: "pretrained"; a run directory or a `.h5` file; None for fresh weights. For another
            runtime than Keras also a folder that `zoo export` wrote.
        classes: of a classifier, the names of other classes, or how many: its last layer is then
            fresh, to be trained, and all others have the weights.
        runtime: what computes: "keras", or, only to predict, "litert", "onnx" or "openvino", from
            an exported file; "fastest" is the one of these that `zoo bench` found to be so, of
            those installed. TensorFlow is not imported then, but once: where no folder is given,
            the file is made and verified at the first call, and kept (`export.runtimes`).
            "auto" is what such a file runs in where there is one already, and else "keras".

    Raises:
        ZooError: unknown name or runtime; weights missing, changed, cut short, or of another net;
            classes for what is no classifier, or for another runtime than Keras; a file that is
            not right.
        MissingExtra: what the runtime takes is not installed.
    """
    entry = index.entry(name)
    if runtime == "auto":
        runtime = _at_hand(entry, weights, classes)
    if runtime != "keras":
        return _on_files(entry, weights, classes, runtime)
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


def _at_hand(entry: Entry, weights, classes) -> str:
    if weights is None or classes is not None:
        return "keras"  # which alone trains
    from export import runtimes

    return runtimes.at_hand(entry, weights)


def _on_files(entry: Entry, weights, classes, runtime: str) -> Pipeline:
    from export import runtimes  # what computes there is an exported file

    if weights is None or classes is not None:
        asked = "fresh weights" if weights is None else "other classes"
        raise ZooError(
            f"runtime={runtime!r} runs what was trained and exported, and {asked} came: load with "
            'runtime="keras", and train'
        )
    entry, source, through = runtimes.opened(entry, weights, runtime)
    return pipeline(entry, None, source, through)


def _trained_for(entry: Entry, weights) -> Entry:
    """The entry with the classes that a run directory was trained for."""
    if weights is None or weights == "pretrained":
        return entry
    record = weights_path(weights).with_name(RUN)
    labels = files.read_json(record).get("labels") if os.path.isfile(record) else None
    return with_classes(entry, labels) if labels else entry
