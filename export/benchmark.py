"""How long the files of a net take, and how much memory: each in a process of its own, in turns."""

import contextlib
import dataclasses
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from zoo import index, loading
from zoo.errors import ZooError, installed
from zoo.export import golden, runtimes
from zoo.export.artifacts import Artifact, stamp
from zoo.export.checked import exported, refuse
from zoo.export.forms import FORMS, MEASURED_FORM
from zoo.export.manifest import files_of, key_of, read_manifest
from zoo.export.signature import static_shape, static_side
from zoo.tasks.parts import LATENT, Ends, Part, parts

RUNTIMES = {key: (one.label, one.package) for key, one in runtimes.RUNTIMES.items()} | {
    "keras": ("Keras", "keras")
}
"""Engine of `zoo.export.timed` -> the runtime's name and its package."""

NET = "net"
"""What the net itself, in Keras, is called among the artifacts."""

WARMUPS, PAUSE, TURN = 5, 0.1, 200
"""Runs before any counts; seconds of rest between turns, for threads that spin a while after their
work; milliseconds that a turn should take."""
_LEAST, _MOST = 3, 100  # runs of a turn


def bench(
    name: str,
    weights="pretrained",
    formats="all",
    threads: int = 1,
    rounds: int = 10,
    size: int | None = None,
) -> list[dict]:
    """Times each file of a net, and the net in Keras, on one input.

    Turns go round, file after file, so that what else the machine does hits all alike. Files take
    and give float32, as in LiteRT, whatever they hold.

    Args:
        name: as in the index.
        weights: as `zoo.load` takes them.
        formats: some of `zoo.export.forms.FORMS`, or `"all"` that fit the net.
        threads: that a runtime may use.
        rounds: turns of each; a turn is 3 to 100 runs, as many as take about 0.2 s.
        size: side of the picture, where the net takes any; by default as `export` has it.

    Returns:
        A row an artifact and runtime, as `results/performance.csv` has it: `artifact`, `runtime`,
        its `version`, `threads`, `input`; of the runs `median_ms`, `average_ms`, `p5_ms`, `p95_ms`,
        `min_ms`, `max_ms`, `std_ms`, and the `ratio` of their medians to those of `float32_free` in
        LiteRT, the median over the rounds; `load_ms` (the file, not the runtime), `first_ms` (the
        first run); `peak_mib`, the most memory of the process, and `bare_mib`, before it imported
        the runtime; `bytes` of the file, `runs`, `warmups`, `host`, `weights`, `date`.

    Raises:
        ZooError: no such name or format; a file is not right; a file does not run, with the
            process's last words.
        MissingExtra: what a form takes is not installed.
    """
    refuse(index.entry(name), formats)
    pipeline = loading.load(name, weights)
    size = size or static_side(pipeline.spec)
    with tempfile.TemporaryDirectory() as scratch, contextlib.ExitStack() as running:
        folder = Path(scratch) / "export"
        made, _ = exported(pipeline, folder, size, formats)
        jobs = [job for part in parts(pipeline) for job in _jobs(part, made, folder)]
        for part in parts(pipeline):
            np.save(_input(folder, part), _values(pipeline, part, size))
        common = {"name": name, "weights": str(weights), "threads": threads, "warmups": WARMUPS}
        workers = [running.enter_context(_Worker(job | common)) for job in jobs]
        for _ in range(rounds):
            for worker in workers:
                worker.turn()
        return _rows(pipeline, workers, read_manifest(folder))


def ratio(times: list, first: list) -> float:
    """The median over rounds, an array of times each, of the ratio of their medians."""
    pairs = zip(map(np.median, times), map(np.median, first), strict=True)
    return float(np.median([one / other for one, other in pairs]))


def cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def cpu_model() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = (line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())


def _jobs(part: Part, made: list[Artifact], folder: Path) -> list[dict]:
    """What is timed of a part, as `zoo.export.timed` takes it; not what takes RGB for its grey."""
    ends = {f.name: getattr(part, f.name) for f in dataclasses.fields(Ends)}
    about = {"part": ends, "input": str(_input(folder, part))}
    jobs = []
    mine = [a for a in made if (a.part.name, a.part.shape) == (part.name, part.shape)]
    for artifact in mine:
        file = {"artifact": artifact.key, "path": str(folder / artifact.path)}
        jobs += [about | file | {"engine": engine} for engine in _engines(artifact)]
    return [*jobs, about | {"artifact": key_of(part, NET), "engine": "keras", "path": ""}]


def _engines(artifact: Artifact) -> list[str]:
    first, *others = FORMS[artifact.form].runtimes
    if artifact.form != MEASURED_FORM:
        return [first]
    return [first, *(key for key in others if installed(runtimes.RUNTIMES[key].module))]


def _input(folder: Path, part: Part) -> Path:
    return folder.with_name(f"{part.name or 'net'}.npy")


def _values(pipeline, part: Part, size: int) -> np.ndarray:
    if part.input == LATENT:
        return pipeline.codes(1)
    return golden.pictures(np.random.default_rng(0), static_shape(part, size))


class _Worker:
    """A process of `zoo.export.timed`.

    Attributes:
        job: what it was told.
        loaded: what it said after loading.
        turns: an array of milliseconds each.
        peak: its memory, in MiB.
    """

    def __init__(self, job: dict):
        self.job, self.turns, self.peak = job, [], 0.0

    def __enter__(self):
        self._words = tempfile.TemporaryFile("w+")  # not a pipe, which could fill up
        command = [sys.executable, "-m", "zoo.export.timed", json.dumps(self.job)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": self._words}
        self._process = subprocess.Popen(command, text=True, env=_environment(), **pipes)
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
        time.sleep(PAUSE)
        laps = int(np.clip(TURN / self.loaded["warm_ms"], _LEAST, _MOST))
        with contextlib.suppress(BrokenPipeError):  # the answer says why
            self._process.stdin.write(f"{laps}\n")
            self._process.stdin.flush()
        answer = self._answer()
        self.turns.append(np.array(answer["laps_ms"]))
        self.peak = answer["peak_mib"]

    def _answer(self) -> dict:
        line = self._process.stdout.readline()
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


def _rows(pipeline, workers: list[_Worker], manifest: dict) -> list[dict]:
    entry = pipeline.entry
    about = {"name": entry.name, "tag": entry.tag, "warmups": WARMUPS}
    about |= {"host": f"{cpu_model()}, {cores()} cores"} | stamp(pipeline)
    return [about | _row(worker, _reference(worker, workers), manifest) for worker in workers]


def _reference(worker: _Worker, workers: list[_Worker]) -> _Worker | None:
    """What a row is compared with: the float32 file of the same part, in LiteRT."""
    name = key_of(Ends(**worker.job["part"]), "float32_free")
    found = (w for w in workers if (w.job["artifact"], w.job["engine"]) == (name, "litert"))
    return next(found, None)


def _row(worker: _Worker, reference: _Worker | None, manifest: dict) -> dict:
    job, laps = worker.job, np.concatenate(worker.turns)
    runtime, package = RUNTIMES[job["engine"]]
    p5, median, p95 = np.percentile(laps, (5, 50, 95)).tolist()
    row = {
        "artifact": job["artifact"],
        "runtime": runtime,
        "version": importlib.metadata.version(package),
        "threads": job["threads"],
        "input": "x".join(map(str, np.load(job["input"], mmap_mode="r").shape)),
        "median_ms": median,
        "average_ms": float(laps.mean()),
        "p5_ms": p5,
        "p95_ms": p95,
        "min_ms": float(laps.min()),
        "max_ms": float(laps.max()),
        "std_ms": float(laps.std()),
        "first_ms": worker.loaded["first_ms"],
        "load_ms": worker.loaded["load_ms"],
        "peak_mib": worker.peak,
        "bare_mib": worker.loaded["bare_mib"],
        "runs": len(laps),
    }
    row |= {"ratio": ratio(worker.turns, reference.turns)} if reference else {}
    held = files_of(manifest, Path(job["path"]).name).values()
    return row | ({"bytes": sum(facts["bytes"] for facts in held)} if held else {})
