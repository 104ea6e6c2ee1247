"""From a name to a pipeline: pixels in, labels or pictures out."""

from pathlib import Path

from zoo import index
from zoo.classifier import Classifier
from zoo.generator import Autoencoder, Generator
from zoo.index import Entry
from zoo.pipeline import Pipeline
from zoo.restorer import Restorer
from zoo.weights import load_into

PIPELINES = {
    "classify": Classifier,
    "denoise": Restorer,
    "restore": Restorer,
    "upscale": Restorer,
    "generate": Generator,
    "autoencode": Autoencoder,
}


def load(name: str, weights: object = "pretrained") -> Pipeline:
    """Loads a net by name.

    Args:
        name: `family_variant` or `family_variant.tag`.
        weights: "pretrained"; a run directory or a `.h5` file; None for fresh weights.

    Raises:
        ZooError: unknown name; weights missing, changed, cut short, or of another net.
    """
    entry = index.entry(name)
    net = entry.build()
    if weights is None:
        return pipeline(entry, net)
    load_into(net, entry, weights)
    source = weights if weights == "pretrained" else str(Path(weights).resolve())
    return pipeline(entry, net, source)


def pipeline(entry: Entry, net, source: str | None = None) -> Pipeline:
    """A net with the preprocessing of its entry, and where its weights came from."""
    return PIPELINES[entry.spec.task](entry, net, source)
