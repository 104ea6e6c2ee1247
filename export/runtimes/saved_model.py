"""SavedModels in TensorFlow alone. Imports nothing of the zoo: `zoo.export.child` forbids it."""

import importlib.metadata
from collections.abc import Callable
from pathlib import Path

import numpy as np


def version() -> str:
    """Its name and version, and how `zoo.export.isolated` runs it."""
    return f"TensorFlow {importlib.metadata.version('tensorflow')}, fresh process"


def package():
    """What `open` needs."""
    import tensorflow

    return tensorflow


def open(path: Path, signature, threads: int | None = None) -> Callable[..., np.ndarray]:
    """A SavedModel in this process. Threads are for all that TensorFlow does in it."""
    tf = package()
    if threads:
        use_threads(threads)
    serve = _serve(path)

    def call(values) -> np.ndarray:
        given = values if isinstance(values, dict) else {signature.names[0]: values}
        made = serve(**{name: tf.constant(array) for name, array in given.items()})
        return _side_by_side([made[name].numpy() for name in signature.outputs])

    return call


def _side_by_side(outputs: list[np.ndarray]) -> np.ndarray:
    """As `zoo.tasks.functions.side_by_side`, which is of the zoo."""
    if len({array.shape[:-1] for array in outputs}) > 1:
        outputs = [array.reshape(len(array), -1) for array in outputs]
    return np.concatenate(outputs, axis=-1)


def ends(path: Path) -> list[dict[str, list[int | None]]]:
    """Of its inputs and of its outputs, name -> shape."""
    serve = _serve(path)
    sides = serve.structured_input_signature[1], serve.structured_outputs
    return [{name: tensor.shape.as_list() for name, tensor in side.items()} for side in sides]


def use_threads(threads: int) -> None:
    """Sets how many all of TensorFlow uses; before it has computed anything."""
    threading = package().config.threading
    threading.set_intra_op_parallelism_threads(threads)
    threading.set_inter_op_parallelism_threads(threads)


def _serve(path: Path):
    return package().saved_model.load(str(path)).signatures["serve"]
