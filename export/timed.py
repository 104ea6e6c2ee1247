"""Times a file, or a net in Keras, in a process of its own that holds nothing else.

    python -m zoo.export.timed '{"engine": "litert", "path": ..., "input": "values.npz", ...}'

It says in a line of JSON how long loading took; then, for each number that it reads, how long each
of so many runs did. Times are in milliseconds, memory in MiB. Of the zoo, only what the engine
needs is imported.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from zoo.export.runtimes import RUNTIMES, saved_model
from zoo.tasks.functions import signature_of, unnamed


def peak_mib() -> float:
    """The most memory that this process has had.

    Linux counts for `getrusage` also what the process was forked from; its own table does not.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(n for n in status.read_text().splitlines() if n.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    import resource

    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def opener(job: dict) -> Callable:
    """Imports the runtime of a job; gives what opens the file there."""
    if job["engine"] == "keras":
        return _keras(job)
    engine = RUNTIMES[job["engine"]].engine
    engine.package()
    return lambda: engine.open(Path(job["path"]), signature_of(job["part"]), job["threads"])


def _keras(job: dict) -> Callable:
    saved_model.use_threads(job["threads"])
    from zoo.loading import load
    from zoo.tasks.functions import functions

    def opened():
        found = functions(load(job["name"], job["weights"]))
        return next(function.infer for function in found if function.name == job["part"]["name"])

    return opened


def main(job: dict, lines, say: Callable) -> None:
    with np.load(job["input"]) as arrays:
        values, bare = unnamed(dict(arrays)), peak_mib()
    opened = opener(job)
    run, load = _timed(opened)
    first = _timed(run, values)[1]
    warm = [_timed(run, values)[1] for _ in range(job["warmups"])]
    say({"load_ms": load, "first_ms": first, "warm_ms": min(warm), "bare_mib": bare})
    for line in lines:
        laps = [_timed(run, values)[1] for _ in range(int(line))]
        say({"laps_ms": laps, "peak_mib": peak_mib()})


def _timed(call: Callable, *arguments):
    begin = time.perf_counter()
    result = call(*arguments)
    return result, 1e3 * (time.perf_counter() - begin)


if __name__ == "__main__":
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print does not get between the answers
    main(
        json.loads(sys.argv[1]), sys.stdin, lambda a: print(json.dumps(a), file=answers, flush=True)
    )
