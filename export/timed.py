"""Times a file, or a net in Keras, in a process of its own that holds nothing else.

    python -m zoo.export.timed '{"engine": "litert", "path": ..., "input": "values.npy", ...}'

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

from zoo.tasks.parts import Ends


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


def litert(job: dict) -> Callable:
    from zoo.export import tflite

    return _file(tflite, job)


def onnx(job: dict) -> Callable:
    from zoo.export import onnx_file

    return _file(onnx_file, job)


def openvino(job: dict) -> Callable:
    from zoo.export import openvino_file

    return _file(openvino_file, job)


def saved_model(job: dict) -> Callable:
    tf, part = _tensorflow(job["threads"]), Ends(**job["part"])

    def opened():
        serve = tf.saved_model.load(job["path"]).signatures["serve"]
        return lambda values: [made.numpy() for made in serve(**{part.input: values}).values()]

    return opened


def keras(job: dict) -> Callable:
    _tensorflow(job["threads"])
    from zoo.loading import load
    from zoo.tasks.parts import parts

    def opened():
        made = parts(load(job["name"], job["weights"]))
        return next(part.infer for part in made if part.name == job["part"]["name"])

    return opened


def _file(module, job: dict) -> Callable:
    module.package()
    return lambda: module.opened(Path(job["path"]), Ends(**job["part"]), job["threads"])


def _tensorflow(threads: int):
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    return tf


ENGINES = {
    "litert": litert,
    "onnx": onnx,
    "openvino": openvino,
    "saved_model": saved_model,
    "keras": keras,
}
"""Name -> a function of the job that imports the runtime, and gives one that opens the file."""


def main(job: dict, lines, say: Callable) -> None:
    values, bare = np.load(job["input"]), peak_mib()
    opened = ENGINES[job["engine"]](job)
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
