"""Runs files in processes of their own: one that crashes, or never ends, fails alone.

SavedModels have a process in which neither zoo nor Keras can be imported; all others share one.
"""

import contextlib
import contextvars
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from zoo.errors import ZooError
from zoo.export import child
from zoo.export.runtimes import RUNTIMES
from zoo.storage import files
from zoo.storage.terminal import printable
from zoo.tasks.functions import Signature, Values, named

LIMIT = 900
"""Seconds that a file may take for all of its inputs."""

_ALONE = "saved_model"
_FORBIDDEN = ("zoo", "keras")


class Outcome(NamedTuple):
    """What a file is and gives.

    Attributes:
        ends: of its inputs and of its outputs, name -> shape, as the file itself has them.
        results: for each input, as `Function.infer` gives it.
    """

    ends: list[dict[str, list[int | None]]]
    results: list[np.ndarray]


@contextlib.contextmanager
def shared_processes() -> "Iterator[dict[bool, _Process]]":
    """Within it all files run in the same two processes; that of TensorFlow takes seconds to start.

    It starts here, beside what the caller does before the first of them; after a crash the next
    file has another. In other threads it does not count.
    """
    if shared := _shared.get():
        yield shared
        return
    processes = {True: _Process(_FORBIDDEN), False: _Process(())}
    processes[True].start()
    token = _shared.set(processes)
    try:
        yield processes
    finally:
        _shared.reset(token)
        for process in processes.values():
            process.close()


def run(key: str, path: Path, signature: Signature, inputs: list[Values]) -> Outcome:
    """Runs a file on the CPU in another process.

    Args:
        key: of `zoo.export.runtimes.RUNTIMES`.
        path: the file, or the SavedModel's folder.
        signature: what was exported.
        inputs: each as the signature takes it, float32; shapes may differ.

    Raises:
        ZooError: it does not run there, ends the process, or takes longer than `LIMIT`.
    """
    with shared_processes() as processes, files.scratch() as scratch:
        values, results = scratch / "values.npz", scratch / "results.npz"
        given = [named(signature, one) for one in inputs]
        arrays = {f"{i}:{name}": a for i, one in enumerate(given) for name, a in one.items()}
        np.savez(values, **arrays)  # type: ignore[arg-type]
        ends = {"inputs": signature.names, "outputs": signature.outputs}
        job = {"runtime": key, "file": str(path), "signature": ends}
        job |= {"values": str(values), "results": str(results)}
        answer = processes[key == _ALONE].answer(job)
        if answer["error"]:
            raise _failed(key, path, answer["error"])
        with np.load(results) as arrays:
            return Outcome(answer["ends"], [arrays[str(i)] for i in range(len(inputs))])


def _failed(key: str, path: Path, why: str) -> ZooError:
    own = why.startswith(str(path))  # in the words of the runtime's module
    text = why if own else f"{path} does not run in {RUNTIMES[key].label}: {why}; export it again"
    return ZooError(printable(text))  # a file may bring its own names into an error


class _Process:
    """Does one job after the other; begins anew where one ended it."""

    def __init__(self, forbidden: tuple[str, ...]):
        self._forbidden = forbidden
        self._running: subprocess.Popen[str] | None = None

    def start(self) -> "subprocess.Popen[str]":
        # On the CPU, as the other runtimes: a GPU's TF32 alone would exceed the bounds.
        quiet = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
        options = {"path": list(map(os.path.abspath, sys.path)), "forbidden": self._forbidden}
        with files.scratch():  # which says what to do where there is no room for it
            pipe, self._words = subprocess.PIPE, tempfile.TemporaryFile()  # noqa: SIM115
        self._running = subprocess.Popen(
            [sys.executable, "-I", child.__file__, json.dumps(options)],
            stdin=pipe, stdout=pipe, stderr=self._words, env=quiet, cwd="/", text=True,
        )  # fmt: skip
        return self._running

    def answer(self, job: dict) -> dict:
        running = self._running
        if running is None or running.poll() is not None:
            self.close()
            running = self.start()
        with contextlib.suppress(BrokenPipeError):  # the answer, or that there is none, says why
            print(json.dumps(job), file=running.stdin, flush=True)
        clock = threading.Timer(LIMIT, running.kill)
        clock.start()
        line = next(iter(running.stdout or ()), "")
        late = not clock.is_alive()
        clock.cancel()
        if line:
            return json.loads(line)
        return {"error": f"it took longer than {LIMIT} s" if late else self._ending(running)}

    def close(self) -> None:
        if self._running is None:
            return
        self._running.kill()
        self._running.communicate()
        self._words.close()
        self._running = None

    def _ending(self, running: "subprocess.Popen[str]") -> str:
        """How the process ended, and its last words."""
        status = running.wait()
        how = signal.Signals(-status).name if status < 0 else f"exit status {status}"
        self._words.seek(0)
        lines = self._words.read().decode(errors="replace").strip().splitlines()
        return f"it ended the process ({how}): {lines[-1] if lines else '(it said nothing)'}"


_shared: contextvars.ContextVar[dict[bool, _Process] | None] = contextvars.ContextVar(
    "shared", default=None
)
