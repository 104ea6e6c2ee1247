"""All figures of record of a name, in one run: the net, its files in every precision, a classical
method."""

import functools
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo import index
from zoo.errors import ZooError, installed
from zoo.export.artifacts import Artifact
from zoo.export.compared import beyond
from zoo.export.describe import stamp
from zoo.export.forms import FORMS, MEASURED_FORM
from zoo.export.manifest import files_of, read_manifest
from zoo.export.runtimes import RUNTIMES, Engine, litert
from zoo.export.verified import export_verified
from zoo.index import Entry
from zoo.metrics.baselines import LABELS, baseline
from zoo.report import figures, precisions, results
from zoo.tasks.evaluate import Evaluation
from zoo.tasks.functions import Infer, Values, coloured, groups
from zoo.tasks.pipeline import Pipeline

_AT_ONCE = 500  # pictures: memory stays bounded


@dataclass(frozen=True)
class Measured:
    """What `measure` found.

    Attributes:
        files: a row an artifact and runtime: `artifact`, its `form`, `bytes`, `runtime`, the
            largest `max_error` of its verification and whether that is `beyond` its bound, and of
            a TFLite file its `constants`.
        figures: a row a figure, as `zoo.report.results.rows` describes it.
    """

    files: list[dict]
    figures: list[dict]


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
        static_size: as `zoo.export.write.export` takes it.
        formats: as `zoo.export.write.export` takes them; `float32_free` is among them.
        only_files: the figures of the net, and of what it is compared with, stay those on record.

    Raises:
        ZooError: as `zoo.export.verified.export_verified`; a net that makes pictures has no
            ensemble;
            nothing is on record of these weights.
        MissingExtra: what a form takes is not installed.
    """
    if ensemble and "ensemble" not in index.task_of(pipeline.entry).options:
        raise ZooError(f"{pipeline.entry.name} makes new pictures: it has no self-ensemble")
    entry, made = pipeline.entry, stamp(pipeline)
    known = _on_record(entry, made, ensemble) if only_files else []
    with tempfile.TemporaryDirectory() as scratch:
        files = _verified(pipeline, Path(scratch) / "export", static_size, formats)
        evaluations = [Evaluation(pipeline, b.data, b.degrade) for b in entry.benchmarks]
        smallest = min(evaluations, key=_pixels, default=None)
        rows = [
            row
            for one in evaluations
            for row in (
                *([] if only_files else _of_net(one)),
                *(_of_ensemble(one) if ensemble else []),
                *_of_files(one, files, one is smallest),
            )
        ]
        return Measured(files.rows, known + [row | made for row in rows])


def missed(entry: Entry, files: list[dict], rows: list[dict]) -> list[str]:
    """A line for each file of a net that is farther from it than its bound: on made-up pictures,
    or in the task's figure."""
    return [
        f"{entry.name}: {row['artifact']} in {row['runtime']} is farther from the net on made-up "
        f"pictures than the bound of its verification: {row['max_error']:.1e}"
        for row in files
        if row.get("beyond")
    ] + [
        f"{entry.name}: {score.row['form']} in {score.row['runtime']} misses its bound on "
        f"{figures.what(score.row)}: {score.metric.named(score.row['value'])}, the net "
        f"{score.metric.phrase(score.net)}, difference {score.difference:+.4f}, bound "
        f"{score.bound:g}"
        for score in precisions.scores(entry, rows)
        if not score.held
    ]


def _verified(pipeline: Pipeline, folder: Path, static_size: int | None, formats) -> _Files:
    written, found = export_verified(pipeline, folder, static_size, formats)
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


def _on_record(entry: Entry, made: dict, but_ensemble: bool) -> list[dict]:
    """The recorded rows of all benchmarks but those of files, if they are of the same weights."""
    known = results.rows(entry)
    of = {row["weights"] for row in known}
    if len(figures.by_set(known)) < len(entry.benchmarks) or of != {made["weights"]}:
        raise ZooError(
            f"{entry.full_name}: the figures on record are of the weights {sorted(of)}, these are "
            f"{made['weights']}: measure the net, too, without --only-files"
        )
    again = {results.FILE} | ({results.ENSEMBLE} if but_ensemble else set())
    return [row for row in known if row["subject"] not in again]


def _rows(found: dict, subject: str, **of_file: str) -> list[dict]:
    """What `evaluate` returned, a row a figure."""
    keys = ("name", "tag", "data", "degrade", "count", "protocol")
    about = {key: found[key] for key in keys if found[key] is not None}
    return [
        about | {"subject": of, **of_file, "metric": metric, "value": value}
        for of, metrics in ((subject, found["metrics"]), (results.FLOOR, found.get("floor", {})))
        for metric, value in metrics.items()
    ]


def _of_net(evaluation: Evaluation) -> list[dict]:
    """The figures of one benchmark: of the net, and of a classical method."""
    rows = _rows(_with_headline(evaluation), results.NET)
    if damage := evaluation.damage:
        classical = evaluation.row(lambda values: baseline(values, damage), progress=True)
        rows += _rows(classical, f"{results.BASELINE}:{LABELS[damage.kind]}")
    return rows


def _of_ensemble(evaluation: Evaluation) -> list[dict]:
    pipeline, damage = evaluation.pipeline, evaluation.damage
    infer = pipeline.undo(damage) if damage else pipeline.infer
    turned = functools.partial(infer, ensemble=True)
    return _rows(evaluation.row(turned, progress=True), results.ENSEMBLE)


def _of_files(evaluation: Evaluation, files: _Files, smallest: bool) -> list[dict]:
    """What each form makes of the smallest benchmark; the measured form, of all."""
    return [
        row
        for form, engine in _runs(evaluation.pipeline.entry, files)
        if smallest or (form, engine) == (MEASURED_FORM, litert)
        for row in _of_form(evaluation, files, form, engine)
    ]


def _of_form(evaluation: Evaluation, files: _Files, form: str, engine: Engine) -> list[dict]:
    """The figures of a form's files in the net's place."""
    calls = [_opened(files, artifact, engine) for artifact in files.of(form)]
    found = _with_headline(evaluation, calls)
    return _rows(found, results.FILE, form=form, runtime=engine.version())


def _with_headline(evaluation: Evaluation, calls: Sequence[Infer] = ()) -> dict:
    """What `evaluate` returns, of the net or, of an autoencoder, the last of its two files; and
    with it the metric that precisions are judged by, of both."""
    task = index.task_of(evaluation.pipeline.entry)
    infer = task.in_place(evaluation, calls[-1]) if calls else None
    found = evaluation.row(infer, progress=True)
    if task.headline in found["metrics"]:
        return found
    more = {task.headline: task.figure(evaluation, calls)}
    return found | {"metrics": found["metrics"] | more}


def _runs(entry: Entry, files: _Files) -> list[tuple[str, Engine]]:
    """The forms that are measured, each with what runs it."""
    found = []
    for form in dict.fromkeys(artifact.form for artifact in files.artifacts):
        about = FORMS[form]
        if not about.precision or (about.static and entry.spec.free_size):
            continue
        first, *others = (RUNTIMES[key] for key in about.runtimes)
        found.append((form, first.engine))
        if form == MEASURED_FORM:
            found += [(form, other.engine) for other in others if installed(other.module)]
    return found


def _opened(files: _Files, artifact: Artifact, engine: Engine) -> Infer:
    """An artifact, to be called with as many inputs as one likes."""
    call = engine.open(files.folder / artifact.path, artifact.function)

    def infer(values: Values) -> np.ndarray:
        values = coloured(values, artifact.function)
        return np.concatenate([call(some) for some in groups(values, _AT_ONCE)])

    return infer


def _pixels(evaluation: Evaluation) -> int:
    return sum(image.shape[0] * image.shape[1] for image in evaluation.pictures.images)
