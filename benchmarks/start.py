"""From nothing to a first answer: a fresh Python process that loads a name's file and runs it once.

    python benchmarks/start.py cnn_fashion [--runtime litert] [--processes 10]

Printed are, over the processes, the wall time from the start of Python to its end, the same of a
Python that imports NumPy alone, and the most memory that a process held (Linux).
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
import numpy as np

import zoo
from zoo.export import runtimes
from zoo.export.write import export
from zoo.tasks.functions import signatures

FIRST_ANSWER = """
import sys
import numpy as np, zoo
name, folder, runtime, given = sys.argv[1:]
zoo.load(name, folder, runtime=runtime).infer(np.load(given))
assert "tensorflow" not in sys.modules
print(open("/proc/self/status").read())
"""
NUMPY = 'import numpy; print(open("/proc/self/status").read())'


def timed(code: str, *arguments) -> tuple[float, float]:
    """Seconds, and MiB."""
    started = time.perf_counter()
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    took = time.perf_counter() - started
    # not `getrusage`, which counts what the process was forked from
    held = next(line for line in done.stdout.splitlines() if line.startswith("VmHWM"))
    return took, int(held.split()[1]) / 1024


@click.command()
@click.argument("name")
@click.option(
    "--runtime", default="litert", show_default=True, type=click.Choice(list(runtimes.SERVING))
)
@click.option("--processes", default=10, show_default=True)
def main(name, runtime, processes):
    pipeline = zoo.load(name)
    (taken,) = signatures(pipeline.spec)
    with tempfile.TemporaryDirectory() as scratch:
        folder = export(pipeline, Path(scratch) / "files", formats=runtimes.SERVING[runtime].form)
        given = Path(scratch) / "input.npy"
        shape = [side or (1 if n == 0 else 256) for n, side in enumerate(taken.shape)]
        np.save(given, np.random.default_rng(0).random(shape, np.float32))
        rows = [
            (timed(FIRST_ANSWER, name, folder, runtime, given), timed(NUMPY))
            for _ in range(processes)
        ]
    seconds, mib = np.array(rows).transpose(2, 1, 0)
    for label, took, held in zip((f"{name}, {runtime}", "numpy alone"), seconds, mib, strict=True):
        click.echo(
            f"{label}: median {np.median(took):.3f} s, min {took.min():.3f}; {held.max():.0f} MiB"
        )


if __name__ == "__main__":
    main()
