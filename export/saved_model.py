"""SavedModels: written by Keras' ExportArchive, run in a process that has neither zoo nor Keras."""

import contextlib
import contextvars
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from zoo.errors import ZooError
from zoo.export import fresh
from zoo.export.signature import SERVE, Shape
from zoo.tasks.parts import Ends, Part


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


@contextlib.contextmanager
def one_process() -> Iterator[None]:
    """Within it all SavedModels run in the same fresh process, whose start takes seconds.

    It starts here, beside what the caller does before the first of them; after a failure the next
    one has another. In other threads it does not count.
    """
    if _shared.get():
        yield
        return
    shared = _Process()
    token = _shared.set(shared)
    try:
        yield
    finally:
        _shared.reset(token)
        shared.close()


def run(folder: Path, part: Ends, inputs: list[np.ndarray]) -> tuple[list[np.ndarray], str]:
    """Runs a SavedModel in a fresh process in which `zoo` and `keras` cannot be imported.

    Args:
        folder: the SavedModel.
        part: what was exported.
        inputs: float32 `[b, ...]`; shapes may differ.

    Returns:
        A result for each input, as `part.infer` gives it, and the runtime with its version.

    Raises:
        ZooError: the process failed; the message ends with its last words.
    """
    with one_process(), tempfile.TemporaryDirectory() as scratch:
        given, taken = Path(scratch) / "inputs.npz", Path(scratch) / "outputs.npz"
        np.savez(given, *inputs)
        _shared.get().run(folder, [str(given), str(taken), part.input, part.outputs])
        with np.load(taken) as arrays:
            results = [arrays[f"arr_{i}"] for i in range(len(inputs))]
            return results, f"TensorFlow {arrays['version']}, fresh process"


class _Process:
    """Runs one SavedModel after the other; begins anew where one failed."""

    def __init__(self):
        self._start()

    def _start(self) -> None:
        # On the CPU, as the other runtimes: a GPU's TF32 alone would exceed the bounds.
        quiet = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
        pipe, self._words = subprocess.PIPE, tempfile.TemporaryFile()  # noqa: SIM115
        self._running = subprocess.Popen(
            [sys.executable, "-I", fresh.__file__],
            stdin=pipe, stdout=pipe, stderr=self._words, env=quiet, cwd="/", text=True,
        )  # fmt: skip

    def run(self, folder: Path, job: list) -> None:
        if self._running.poll() is not None:
            self.close()
            self._start()
        with contextlib.suppress(BrokenPipeError):  # the answer, or that there is none, says why
            print(json.dumps([str(folder), *job]), file=self._running.stdin, flush=True)
        if not self._running.stdout.readline():
            raise ZooError(
                f"{folder} does not run in a process of its own (exit status "
                f"{self._running.wait()}): {self._last_words()}; export it again"
            )

    def close(self) -> None:
        self._running.kill()
        self._running.communicate()
        self._words.close()

    def _last_words(self) -> str:
        self._words.seek(0)
        lines = self._words.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else "(it said nothing)"


_shared: contextvars.ContextVar[_Process | None] = contextvars.ContextVar("shared", default=None)
