"""All figures of record of a name, in one run: the net, its files in every precision, a classical
method."""

import functools
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.errors import ZooError, installed
from zoo.export import tflite
from zoo.export.artifacts import Artifact, stamp
from zoo.export.checked import beyond, exported
from zoo.export.forms import FORMS, MEASURED_FORM
from zoo.export.manifest import files_of, read_manifest
from zoo.export.runtimes import RUNTIMES
from zoo.images.pixels import fit_channels
from zoo.index import Benchmark, Entry
from zoo.metrics.baselines import LABELS, baseline
from zoo.report import results
from zoo.tasks.evaluate import Trial
from zoo.tasks.pipeline import Pipeline

METRICS = {
    "classify": "accuracy",
    "denoise": "psnr",
    "restore": "psnr",
    "upscale": "psnr",
    "generate": "frechet",
    "autoencode": "psnr",
}
"""Task -> the figure that precisions are judged by. Of an autoencoder it is that of pictures made
again by both its files: the likelihood needs many draws of each picture."""

_AT_ONCE = 500  # pictures: memory stays bounded


@dataclass(frozen=True)
class Measured:
    """What `measure` found.

    Attributes:
        files: a row an artifact and runtime: `artifact`, its `form`, `bytes`, `runtime`, the
            largest `max_error` of its verification and whether that is `beyond` its bound, and of
            a TFLite file its `constants`.
        figures: for each benchmark a row, as `zoo.report.results.rows` describes it.
        numerics: a row a form, runtime and benchmark that it ran: `artifact` (the form), `runtime`,
            `data`, `degrade`, `count`, the `metric` and its `figure`, the `net`'s own in the same
            run, the `difference`, its `bound`, whether it is `held` (`yes`, `no`), `max_error`,
            `bytes` (of both files of an autoencoder), `weights` and `date`.
    """

    files: list[dict]
    figures: list[dict]
    numerics: list[dict]


@dataclass(frozen=True)
class _Files:
    """An export, verified: where it is, its artifacts, and the rows about them."""

    folder: Path
    artifacts: list[Artifact]
    rows: list[dict]

    def of(self, form: str) -> list[Artifact]:
        return [artifact for artifact in self.artifacts if artifact.form == form]


def measure(
    pipeline: Pipeline,
    ensemble: bool = False,
    static_size: int | None = None,
    formats="all",
    only_files: bool = False,
) -> Measured:
    """Exports to a scratch folder, verifies, and runs the benchmarks of the entry.

    The net, its float32 TFLite file and a classical method run all of them. The other forms run
    the one with the fewest pixels (of equals, the first) with as many pictures as it has; ONNX
    files in ONNX Runtime, the float32 file also in OpenVINO where that is installed. Left out are
    SavedModels, and static files where the size is free.

    Args:
        pipeline: from `zoo.load`.
        ensemble: also measure the self-ensemble (classifiers, restoration).
        static_size: as `zoo.export.artifacts.export` takes it.
        formats: as `zoo.export.artifacts.export` takes them; `float32_free` is among them.
        only_files: the figures of the net, and of what it is compared with, stay those on record.

    Raises:
        ZooError: as `zoo.export.checked.exported`; a net that makes pictures has no ensemble;
            nothing is on record of these weights.
        MissingExtra: what a form takes is not installed.
    """
    if ensemble and pipeline.spec.kind == "generation":
        raise ZooError(f"{pipeline.entry.name} makes new pictures: it has no self-ensemble")
    entry, made = pipeline.entry, stamp(pipeline)
    known = _on_record(entry, made) if only_files else [None] * len(entry.benchmarks)
    with tempfile.TemporaryDirectory() as scratch:
        files = _verified(pipeline, Path(scratch) / "export", static_size, formats)
        trials = [Trial(pipeline, b.data, b.degrade) for b in entry.benchmarks]
        figures = [
            (row or _row(trial, benchmark) | made)
            | (_row_of_ensemble(trial) if ensemble else {})
            | _row_of_file(trial, files)
            for trial, benchmark, row in zip(trials, entry.benchmarks, known, strict=True)
        ]
        numerics = [row | made for row in _numerics(entry, trials, figures, files)]
        return Measured(files.rows, figures, numerics)


def missed(name: str, files: list[dict], numerics: list[dict]) -> list[str]:
    """A line for each file of a net that is farther from it than its bound: on made-up pictures,
    or in the task's figure."""
    return [
        f"{name}: {row['artifact']} in {row['runtime']} is farther from the net on made-up "
        f"pictures than the bound of its verification: {row['max_error']:.1e}"
        for row in files
        if row.get("beyond")
    ] + [
        f"{name}: {row['artifact']} in {row['runtime']} misses its bound on {row['data']}: "
        f"{row['metric']} {row['figure']:.4f}, the net {row['net']:.4f}, "
        f"difference {row['difference']:+.4f}, bound {row['bound']:g}"
        for row in numerics
        if row["held"] == "no"
    ]


def _verified(pipeline: Pipeline, folder: Path, static_size: int | None, formats) -> _Files:
    written, found = exported(pipeline, folder, static_size, formats)
    manifest = read_manifest(folder)
    rows = [row for a in written for row in _summaries(a, manifest, found["rows"])]
    return _Files(folder, written, rows)


def _summaries(artifact: Artifact, manifest: dict, rows: list[dict]) -> list[dict]:
    """A row a runtime that the artifact was checked in."""
    size = sum(facts["bytes"] for facts in files_of(manifest, artifact.path).values())
    about = {"artifact": artifact.key, "form": artifact.form, "bytes": size}
    constants = manifest["artifacts"][artifact.key].get("constants")
    about |= {"constants": constants} if constants else {}
    mine = [row for row in rows if row["artifact"] == artifact.key and row["runtime"]]
    return [about | _worst(runtime, mine) for runtime in dict.fromkeys(r["runtime"] for r in mine)]


def _worst(runtime: str, rows: list[dict]) -> dict:
    mine = [row for row in rows if row["runtime"] == runtime]
    worst = max(row["max_error"] for row in mine)
    return {"runtime": runtime, "max_error": worst, "beyond": any(map(beyond, mine))}


def _on_record(entry: Entry, made: dict) -> list[dict]:
    """The recorded rows of all benchmarks, if they are of the same weights."""
    known = results.rows(entry)
    of = {row["weights"] for row in known}
    if len(known) < len(entry.benchmarks) or of != {made["weights"]}:
        raise ZooError(
            f"{entry.full_name}: the figures on record are of the weights {sorted(of)}, these are "
            f"{made['weights']}: measure the net, too, without --only-files"
        )
    return known


def _row(trial: Trial, benchmark: Benchmark) -> dict:
    """The figures of one benchmark: of the net, and of a classical method."""
    damage = trial.damage
    row = _figures(trial) | _paper(benchmark)
    if damage:
        row |= _figures(trial, lambda values: baseline(values, damage), "baseline_")
        row |= {"baseline": LABELS[damage.kind]}
    return row


def _row_of_ensemble(trial: Trial) -> dict:
    scale = {"scale": trial.damage.scale} if trial.damage else {}
    turned = functools.partial(trial.pipeline.infer, ensemble=True, **scale)
    return _figures(trial, turned, "ensemble_")


def _row_of_file(trial: Trial, files: _Files) -> dict:
    last = files.of(MEASURED_FORM)[-1]  # of an autoencoder, the decoder
    return _figures(trial, _enlarging(trial, _opened(files, last, tflite)), "file_")


def _figures(trial: Trial, infer=None, prefix: str = "") -> dict:
    found = trial.row(infer, progress=True)
    floor = {f"floor_{key}": value for key, value in found.pop("floor", {}).items()}
    return found | {prefix + key: v for key, v in found.pop("metrics").items()} | floor


def _numerics(entry: Entry, trials: list[Trial], figures: list[dict], files: _Files) -> list[dict]:
    """What each form makes of the smallest benchmark; the measured form, of all."""
    if not trials:
        return []
    smallest = min(trials, key=_pixels)
    rows = []
    for trial, row in zip(trials, figures, strict=True):
        metric = METRICS[entry.spec.task]
        net = row[metric] if metric in row else trial.reconstruction()
        about = {key: row[key] for key in ("name", "tag", "data", "degrade", "count")}
        about |= {"metric": metric, "net": net}
        for form, engine in _runs(entry, files):
            if trial is smallest or (form == MEASURED_FORM and engine is tflite):
                rows.append(about | _compared(trial, row, files, form, engine, net))
    return rows


def _runs(entry: Entry, files: _Files) -> list[tuple]:
    """The forms that are measured, each with what runs it."""
    found = []
    for form in dict.fromkeys(artifact.form for artifact in files.artifacts):
        about = FORMS[form]
        if not about.loss or (about.static and entry.spec.free_size):
            continue
        first, *others = (RUNTIMES[key] for key in about.runtimes)
        found.append((form, first.engine))
        if form == MEASURED_FORM:
            found += [(form, other.engine) for other in others if installed(other.module)]
    return found


def _compared(trial: Trial, row: dict, files: _Files, form: str, engine, net: float) -> dict:
    metric = METRICS[trial.pipeline.spec.task]
    known = row.get(f"file_{metric}") if (form, engine) == (MEASURED_FORM, tflite) else None
    figure = _figure(trial, files, form, engine) if known is None else known
    mine = files.of(form)
    runtime = engine.runtime()
    keys = {artifact.key for artifact in mine}
    about = [r for r in files.rows if r["artifact"] in keys and r["runtime"] == runtime]
    difference, bound = round(figure - net, 6), FORMS[form].loss[metric]
    return {
        "artifact": form,
        "runtime": runtime,
        "figure": figure,
        "difference": difference,
        "bound": bound,
        "held": "yes" if abs(difference) <= bound else "no",
        "max_error": max(r["max_error"] for r in about),
        "bytes": sum(r["bytes"] for r in about),
    }


def _figure(trial: Trial, files: _Files, form: str, engine) -> float:
    """The task's figure of a form's files in the net's place."""
    calls = [_opened(files, artifact, engine) for artifact in files.of(form)]
    if trial.pipeline.spec.task == "autoencode":
        encode, decode = calls
        latent = trial.pipeline.spec.latent
        return trial.reconstruction(lambda values: decode(encode(values)[:, :latent]))
    row = trial.row(_enlarging(trial, calls[0]), progress=True)
    return row["metrics"][METRICS[trial.pipeline.spec.task]]


def _opened(files: _Files, artifact: Artifact, engine) -> Callable[[np.ndarray], np.ndarray]:
    """An artifact, to be called with as many inputs as one likes."""
    call = engine.opened(files.folder / artifact.path, artifact.part)

    def infer(values: np.ndarray) -> np.ndarray:
        values = fit_channels(values, artifact.part.shape[-1])  # one for RGB gets grey as colour
        groups = range(0, len(values), _AT_ONCE)
        return np.concatenate([call(values[i : i + _AT_ONCE]) for i in groups])

    return infer


def _enlarging(trial: Trial, call: Callable) -> Callable:
    """A file in the net's place. It enlarges by the first scale only; by another, the picture is
    enlarged before it comes."""
    spec, damage = trial.pipeline.spec, trial.damage
    if not damage or damage.scale == spec.scales[0]:
        return call
    return lambda values: call(np.asarray(spec.encode(values, damage.scale)))


def _pixels(trial: Trial) -> int:
    return sum(image.shape[0] * image.shape[1] for image in trial.pictures.images)


def _paper(benchmark: Benchmark) -> dict:
    """The last of the published figures: the paper's own."""
    if not benchmark.published:
        return {}
    label, figures = list(benchmark.published.items())[-1]
    return {"paper": label} | {f"paper_{key}": value for key, value in figures.items()}
