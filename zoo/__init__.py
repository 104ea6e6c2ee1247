"""A zoo of Keras image models: a name, pretrained weights, measured figures, files for the phone.

>>> import zoo
>>> zoo.names(task="denoise")
>>> restored = zoo.load("dncnn_s25")("noisy.png")

Importing this loads neither TensorFlow nor Keras; `load` and `train` do, but `load` from a file
that another runtime runs.
"""

from zoo.errors import ZooError
from zoo.index import Entry, Recipe, Spec, entry, names, register

__all__ = ["Entry", "Recipe", "Spec", "ZooError", "entry", "load", "names", "register", "train"]
__version__ = "0.1.0"


def load(name: str, weights="pretrained", classes=None, runtime="keras"):
    """A name -> a callable `zoo.pipeline.Pipeline`; see `zoo.loading.load`."""
    from zoo import loading

    return loading.load(name, weights, classes, runtime)


def train(name: str, run=None, start=None, strategy=None, **changes):
    """A name -> a run directory; see `zoo.training.run.train`."""
    from zoo.training import run as training

    return training.train(name, run, start, strategy, **changes)
