"""A process that times one file, and how it is spoken to."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from zoo import loading
from zoo.errors import ZooError
from zoo.export import runtimes

RUNTIMES = {key: (one.label, one.package) for key, one in runtimes.RUNTIMES.items()} | {
    "keras": ("Keras", "keras")
}
"""Engine of `zoo.export.timed` -> the runtime's name and its package."""


PAUSE, TURN = 0.1, 200
"""Seconds of rest between turns, for threads that spin a while after their work; milliseconds that
a turn should take."""
_LEAST, _MOST = 3, 100  # runs of a turn


class Worker:
    """A process of `zoo.export.timed`.

    Attributes:
        job: what it was told.
        loaded: what it said after loading.
        turns: an array of milliseconds each.
        peak: its memory, in MiB.
    """

    def __init__(self, job: dict):
        self.job, self.peak = job, 0.0
        self.turns: list[np.ndarray] = []

    def __enter__(self):
        self._words = tempfile.TemporaryFile("w+")  # not a pipe, which could fill up
        command = [sys.executable, "-m", "zoo.export.timed", json.dumps(self.job)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._words,
            text=True, env=_environment(),
        )  # fmt: skip
        try:
            self.loaded = self._answer()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error) -> None:
        self._process.kill()
        self._process.communicate()
        self._words.close()

    def turn(self) -> None:
        """As many runs as take about `TURN` ms."""
        time.sleep(PAUSE)
        laps = int(np.clip(TURN / self.loaded["warm_ms"], _LEAST, _MOST))
        with contextlib.suppress(BrokenPipeError):  # the answer says why
            print(laps, file=self._process.stdin, flush=True)
        answer = self._answer()
        self.turns.append(np.array(answer["laps_ms"]))
        self.peak = answer["peak_mib"]

    def _answer(self) -> dict:
        line = next(iter(self._process.stdout or ()), "")
        if line:
            return json.loads(line)
        status = self._process.wait()
        self._words.seek(0)
        said = self._words.read().strip().splitlines() or ["(it said nothing)"]
        runtime, _ = RUNTIMES[self.job["engine"]]
        raise ZooError(
            f"{self.job['artifact']} does not run in {runtime}, in a process of its own (exit "
            f"status {status}): {said[-1]}"
        )


def _environment() -> dict:
    """Of a process that finds these packages wherever it is started, and no GPU."""
    here = str(Path(loading.__file__).parents[1])
    path = os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH"))))
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    return os.environ | quiet | {"PYTHONPATH": path}
