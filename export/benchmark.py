"""How long the files of a net take, and how much memory: each in a process of its own, in turns."""

import contextlib
import dataclasses
import importlib.metadata
import os
import platform
import tempfile
from pathlib import Path

import numpy as np

from zoo import index, loading
from zoo.errors import installed
from zoo.export import runtimes
from zoo.export.artifacts import Artifact, artifacts, key_of
from zoo.export.describe import stamp
from zoo.export.forms import FORMS, MEASURED_FORM
from zoo.export.manifest import files_of, read_manifest
from zoo.export.signature import static_shape, static_side
from zoo.export.timed_worker import RUNTIMES, Worker
from zoo.export.verified import export_verified, refuse
from zoo.images.probes import pictures
from zoo.tasks.functions import IMAGE, Function, Signature, drawn, functions, named, signature_of
from zoo.tasks.pipeline import Pipeline

NET = "net"
"""What the net itself, in Keras, is called among the artifacts."""

WARMUPS = 5
"""Runs before any counts."""


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
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "export"
        export_verified(pipeline, folder, size, formats)
        net = {"name": name, "weights": str(weights)}
        return times(pipeline, folder, size, threads, rounds, net)


def times(
    pipeline: Pipeline,
    folder: Path,
    size: int,
    threads: int = 1,
    rounds: int = 10,
    net: dict[str, str] | None = None,
) -> list[dict]:
    """Times the files of an export; as `bench`, of files that are there.

    Args:
        pipeline: that was exported.
        folder: the export.
        size: side of the pictures of its static files.
        threads: that a runtime may use.
        rounds: turns of each.
        net: `name` and `weights` of the net, to be timed in Keras, too.
    """
    manifest = read_manifest(folder)
    written = artifacts(pipeline, manifest["formats"])
    with tempfile.TemporaryDirectory() as scratch, contextlib.ExitStack() as running:
        jobs = []
        for function in functions(pipeline):
            given = Path(scratch) / f"{function.name or 'net'}.npz"
            np.savez(given, **_values(pipeline, function, size))  # type: ignore[arg-type]
            jobs += _jobs(function, written, folder, given, net)
        common = {"threads": threads, "warmups": WARMUPS}
        workers = [running.enter_context(Worker(job | common)) for job in jobs]
        for _ in range(rounds):
            for worker in workers:
                worker.turn()
        return _rows(pipeline, workers, manifest)


def ratio(times: list, first: list) -> float:
    """The median over rounds, an array of times each, of the ratio of their medians."""
    pairs = zip(map(np.median, times), map(np.median, first), strict=True)
    return float(np.median([one / other for one, other in pairs]))


def cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cpu_model() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = (line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())


def _jobs(
    function: Function, made: list[Artifact], folder: Path, given: Path, net: dict[str, str] | None
) -> list[dict]:
    """What is timed of a part, as `zoo.export.timed` takes it; not what takes RGB for its grey."""
    ends = dataclasses.asdict(Signature(function.name, function.inputs, function.outputs))
    about = {"part": ends, "input": str(given)}
    jobs = []
    mine = [
        a for a in made if (a.function.name, a.function.inputs) == (function.name, function.inputs)
    ]
    for artifact in mine:
        file = {"artifact": artifact.key, "path": str(folder / artifact.path)}
        jobs += [about | file | {"engine": engine} for engine in _engines(artifact)]
    itself = {"artifact": key_of(function, NET), "engine": "keras", "path": ""}
    return jobs if net is None else [*jobs, about | itself | net]


def _engines(artifact: Artifact) -> list[str]:
    first, *others = FORMS[artifact.form].runtimes
    if artifact.form != MEASURED_FORM:
        return [first]
    return [first, *(key for key in others if installed(runtimes.RUNTIMES[key].module))]


def _values(pipeline, function: Function, size: int) -> dict[str, np.ndarray]:
    def picture() -> np.ndarray:
        return pictures(np.random.default_rng(0), static_shape(function, IMAGE, size))

    return named(function, drawn(pipeline, function, picture, 1))


def _rows(pipeline, workers: list[Worker], manifest: dict) -> list[dict]:
    entry = pipeline.entry
    about = {"name": entry.name, "tag": entry.tag, "warmups": WARMUPS}
    about |= {"host": f"{cpu_model()}, {cores()} cores"} | stamp(pipeline)
    return [about | _row(worker, _reference(worker, workers), manifest) for worker in workers]


def _shapes(path: str) -> str:
    with np.load(path) as arrays:
        return ", ".join("x".join(map(str, array.shape)) for array in arrays.values())


def _reference(worker: Worker, workers: list[Worker]) -> Worker | None:
    """What a row is compared with: the float32 file of the same part, in LiteRT."""
    name = key_of(signature_of(worker.job["part"]), "float32_free")
    found = (w for w in workers if (w.job["artifact"], w.job["engine"]) == (name, "litert"))
    return next(found, None)


def _row(worker: Worker, reference: Worker | None, manifest: dict) -> dict:
    job, laps = worker.job, np.concatenate(worker.turns)
    runtime, package = RUNTIMES[job["engine"]]
    p5, median, p95 = np.percentile(laps, (5, 50, 95)).tolist()
    row = {
        "artifact": job["artifact"],
        "runtime": runtime,
        "version": importlib.metadata.version(package),
        "threads": job["threads"],
        "input": _shapes(job["input"]),
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
