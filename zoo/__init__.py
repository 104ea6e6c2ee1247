"""A zoo of Keras image models: a name, pretrained weights, measured figures, files for the phone.

>>> import zoo
>>> zoo.names(task="denoise")
>>> restored = zoo.load("dncnn_s25")("noisy.png")

Importing this loads neither TensorFlow nor Keras; `load` and `train` do, but `load` from a file
that another runtime runs.
"""

from zoo.errors import ZooError
from zoo.index import Entry, Recipe, Spec, entry, names, register
from zoo.version import __version__ as __version__

__all__ = ["Entry", "Recipe", "Spec", "ZooError", "entry", "load", "names", "register", "train"]


def load(name: str, weights="pretrained", classes=None, runtime: str = "keras"):
    """Loads a net with the preprocessing of its weights: pixels in, labels or pictures out.

    Args:
        name: `family_variant` or `family_variant.tag`.
        weights: "pretrained"; a run directory or a `.h5` file; None for fresh weights. For another
            runtime than Keras also a folder that `zoo export` wrote.
        classes: of a classifier, the names of other classes, or how many: its last layer is then
            fresh, to be trained, and all others have the weights.
        runtime: what computes: "keras", or, only to predict, "litert", "onnx" or "openvino", from
            an exported file; "fastest" is the one of these that `zoo dev bench` found to be so, of
            those installed. TensorFlow is not imported then, but once: where no folder is given,
            the file is made and verified at the first call, and kept (`zoo.export.serving`).
            "auto" is what such a file runs in where there is one already, and else "keras".

    Returns:
        A callable `zoo.tasks.pipeline.Pipeline`.

    Raises:
        ZooError: unknown name or runtime; weights missing, changed, cut short, or of another net;
            classes for what is no classifier, or for another runtime than Keras; a file that is
            not right.
        MissingExtra: what the runtime takes is not installed.
    """
    if runtime == "keras":
        from zoo import loading

        return loading.load(name, weights, classes)
    from zoo.export import serving

    return serving.load(name, weights, classes, runtime)


def train(name: str, run=None, start=None, strategy=None, **changes):
    """A name -> a run directory; see `zoo.training.run.train`."""
    from zoo.training import run as training

    return training.train(name, run, start, strategy, **changes)
