"""Weights that were trained elsewhere -> a run directory, which `zoo dev publish` takes.

The entry says whose they are (`Entry.origin`). What is read is the state dictionary of PyTorch's
usual EfficientNet.
"""

import re
import shutil
import time
from pathlib import Path

import keras
import numpy as np

from zoo.data import calibration, photographs
from zoo.errors import ZooError
from zoo.schema import Entry
from zoo.storage import files, torch_files, weights
from zoo.training import record

LICENCE = Path(__file__).parents[1] / "data" / "licences" / "Apache-2.0.txt"
_PLACES = {"expand_norm": "bn0", "depthwise_norm": "bn1", "project_norm": "bn2"}
_WHOLE = {"stem_conv": "_conv_stem", "stem_norm": "_bn0", "head_conv": "_conv_head",
          "head_norm": "_bn1", "probs": "_fc"}  # fmt: skip
_NUMBERS = {"kernel": "weight", "gamma": "weight", "beta": "bias", "bias": "bias",
            "moving_mean": "running_mean", "moving_variance": "running_var"}  # fmt: skip
_COUNTS = "num_batches_tracked"


def convert(entry: Entry, path: Path, run: Path) -> Path:
    """Places the weights of a file in an entry's net.

    Args:
        entry: with an `origin`.
        path: the file that its origin names.
        run: the run directory that is made: weights, a calibration sample of scikit-image's
            photographs, the licence and its notice.

    Returns:
        The run directory.

    Raises:
        ZooError: it is another file; a weight is missing in it, is left over, or of another shape;
            the entry has no origin; the run directory is there.
        MissingExtra: scikit-image is not installed.
    """
    if entry.origin is None:
        raise ZooError(f"{entry.full_name} is trained here: `zoo train {entry.name}`")
    if run.exists():
        raise ZooError(f"{run} is there: choose another folder with --run, or remove it")
    digest = files.sha256(files.read_bytes(path))
    if digest != entry.origin.sha256:
        raise ZooError(f"{path}: expected SHA-256 {entry.origin.sha256}, got {digest}")
    started, facts = time.monotonic(), record.of(entry, None)
    del facts["recipe"]  # of fine-tuning
    net = entry.build()
    place(net, torch_files.read(path))
    pictures = photographs.views(entry.spec.size)
    with files.whole(run) as partial:
        partial.mkdir()
        shutil.copy(LICENCE, partial / weights.LICENCE)
        (partial / weights.NOTICE).write_text(entry.origin.notice + "\n", encoding="utf-8")
        hashed = {weights.WEIGHTS: weights.save(net, partial / weights.WEIGHTS)}
        sample = partial / weights.CALIBRATION
        hashed[weights.CALIBRATION] = calibration.write(sample, pictures, entry.spec)
        for name in (weights.LICENCE, weights.NOTICE):
            hashed[name] = files.sha256((partial / name).read_bytes())
        facts |= {"ended": record.now(), "seconds": round(time.monotonic() - started)}
        facts |= {"origin": {"package": entry.origin.package, "sha256": digest}, "sha256": hashed}
        files.write_json(partial / weights.RUN, facts)
    return run


def place(net: keras.Model, tensors: dict[str, np.ndarray]) -> None:
    """Sets all weights of a net, and leaves none over.

    Raises:
        ZooError: one is missing, of another shape, or has no place.
    """
    left = {name: array for name, array in tensors.items() if not name.endswith(_COUNTS)}
    for layer in net.layers:
        for variable in layer.weights:
            name = f"{_called(layer.name)}.{_NUMBERS[variable.name]}"
            if name not in left:
                raise ZooError(f"expected a tensor {name}, got {', '.join(left) or 'none more'}")
            array = _turned(layer, left.pop(name))
            if array.shape != tuple(variable.shape):
                raise ZooError(f"{name}: expected {tuple(variable.shape)}, got {array.shape}")
            variable.assign(array)
    if left:
        raise ZooError(f"expected no other tensors, got {', '.join(left)}")


def _called(layer: str) -> str:
    """What PyTorch's net calls a layer."""
    if layer in _WHOLE:
        return _WHOLE[layer]
    if not (found := re.fullmatch(r"block(\d+)_(\w+)", layer)):
        raise ZooError(f"expected a layer of an EfficientNet-Lite, got {layer}")
    return f"_blocks.{int(found[1]) - 1}._{_PLACES.get(found[2], found[2])}"


def _turned(layer: keras.layers.Layer, array: np.ndarray) -> np.ndarray:
    """Inputs and outputs come last in Keras."""
    if array.ndim == 2:
        return array.T
    if array.ndim != 4:
        return array
    depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
    return array.transpose((2, 3, 0, 1) if depthwise else (2, 3, 1, 0))
