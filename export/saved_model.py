"""SavedModels: written by Keras' ExportArchive, run in a process that has neither zoo nor Keras."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from export import fresh
from export.signature import SERVE, Shape
from zoo.errors import ZooError
from zoo.parts import Ends, Part


def write(part: Part, folder: Path, shape: Shape) -> None:
    """Writes a part of a pipeline as a SavedModel with one endpoint, `serve`.

    Args:
        part: what is exported, with its preprocessing.
        folder: the SavedModel.
        shape: of the input, `None` where free.

    Raises:
        OSError: the folder cannot be written.
    """
    import keras
    import tensorflow as tf

    archive = keras.export.ExportArchive()
    archive.track(part.net)
    archive.add_endpoint(SERVE, part.serve, [tf.TensorSpec(shape, tf.float32, name=part.input)])
    try:
        archive.write_out(str(folder), verbose=False)
    except tf.errors.OpError as error:  # how TensorFlow reports a full disk
        raise OSError(error.message) from error


def run(folder: Path, part: Ends, inputs: list[np.ndarray]) -> tuple[list[np.ndarray], str]:
    """Runs a SavedModel in a fresh process in which `zoo`, `export` and `keras` cannot be imported.

    Args:
        folder: the SavedModel.
        part: what was exported.
        inputs: float32 `[b, ...]`; shapes may differ.

    Returns:
        A result for each input, as `part.infer` gives it, and the runtime with its version.

    Raises:
        ZooError: the process failed; the message ends with its last words.
    """
    with tempfile.TemporaryDirectory() as scratch:
        given, taken = Path(scratch) / "inputs.npz", Path(scratch) / "outputs.npz"
        np.savez(given, *inputs)
        _run_fresh(folder, given, taken, part.input, *part.outputs)
        with np.load(taken) as arrays:
            results = [arrays[f"arr_{i}"] for i in range(len(inputs))]
            return results, f"TensorFlow {arrays['version']}, fresh process"


def _run_fresh(folder: Path, *arguments) -> None:
    command = [sys.executable, "-I", fresh.__file__, str(folder), *map(str, arguments)]
    # On the CPU, as the other runtimes: a GPU's TF32 alone would exceed the bounds.
    quiet = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    done = subprocess.run(command, env=quiet, cwd="/", capture_output=True, text=True)
    if done.returncode:
        words = done.stderr.strip().splitlines() or ["(it said nothing)"]
        raise ZooError(
            f"{folder} does not run in a process of its own (exit status {done.returncode}): "
            f"{words[-1]}; export it again"
        )
