"""What each file of an export costs on a user's own pictures, beside the net."""

import dataclasses
import importlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.errors import ZooError
from zoo.export import benchmark, isolated, report, tflite_reader
from zoo.export.artifacts import Artifact, artifacts
from zoo.export.costs import Cost, interval, table
from zoo.export.figured import Judged, read
from zoo.export.forms import FORMS
from zoo.export.manifest import files_of, read_manifest
from zoo.export.on_pictures import Figures, UsersMetric
from zoo.export.quantize import WEIGHTED
from zoo.export.runtimes import RUNTIMES
from zoo.export.signature import static_side
from zoo.export.verify import verify
from zoo.metrics.metric import Metric
from zoo.storage.terminal import aligned
from zoo.tasks.pipeline import Pipeline

_ROUNDS = 3


@dataclass(frozen=True)
class Assessment:
    """What `assess` found.

    Attributes:
        report: what `zoo.verify` returns.
        metric: of the figures, or None.
        net: the net's own figure.
        costs: a row a form.
        judged: the pictures and what files give of them, for the page; None without pictures.
        worst: the form that is farthest from the net on them.
    """

    report: dict[str, Any]
    metric: Metric | None
    net: float | None
    costs: list[Cost]
    judged: Judged | None
    worst: tuple[str, Figures] | None

    @property
    def passed(self) -> bool:
        return all(cost.passed for cost in self.costs) and bool(self.report["passed"])

    def __str__(self) -> str:
        """The table, aligned; what failed and why; the net's own figure."""
        heads, rows = table(self.costs, self.metric)
        lines = aligned([heads, *rows])
        lines += [f"{cost.form}: {cost.reason}" for cost in self.costs if cost.reason]
        if self.metric and self.net is not None:
            lines.append(f"The net itself: {self.metric.named(self.net)}")
        return "\n".join(lines)


def assess(
    pipeline: Pipeline,
    folder: str | Path,
    data: str | None = None,
    metric: UsersMetric | None = None,
    allow: float | None = None,
    size: int | None = None,
) -> Assessment:
    """Verifies an export, measures each of its files on pictures, and times it.

    Args:
        pipeline: that was exported.
        folder: the export.
        data: a set, such as `folder:PATH` (one folder a class); by default the pipeline's examples
            are what files are judged by, and there are no figures.
        metric: the user's own, see `zoo.export.on_pictures.UsersMetric`.
        allow: by how much a file may be worse than the net, in the figure's unit (percentage
            points of accuracy, dB); by default as `zoo.verify`.
        size: side of the pictures of static files, as it was exported.

    Raises:
        ZooError: the export cannot be read; the set is not there or has none of the net's classes;
            the metric fails.
        MissingExtra: ai-edge-litert is not installed.
    """
    if allow is not None and not 0 <= allow < math.inf:
        raise ZooError(f"allow: expected a number from 0 on, got {allow}")
    folder = Path(folder).resolve()
    with isolated.shared_processes():
        judge = _judge(pipeline, data, metric, allow) if data else None
        bounding = judge if judge and judge.judges else None
        found = verify(folder, pipeline, judge=bounding)
        report.write(found, folder)
        manifest = read_manifest(folder)
        by_form: dict[str, list[Artifact]] = {}
        for artifact in artifacts(pipeline, manifest["formats"]):
            by_form.setdefault(artifact.form, []).append(artifact)
        measured = {form: _figures(judge, folder, some) for form, some in by_form.items()}
    timed = benchmark.times(pipeline, folder, size or static_side(pipeline.spec), rounds=_ROUNDS)
    costs = [
        _cost(folder, manifest, some, found["rows"], timed, judge, measured[form], allow)
        for form, some in by_form.items()
    ]
    on_pictures = {form: f for form, f in measured.items() if isinstance(f, Figures)}
    worst = max(on_pictures.items(), key=lambda pair: pair[1].mean_error, default=None)
    known = judge is not None and judge.has_figure
    return Assessment(
        found, judge.metric if judge and known else None, judge.net.value if judge else None,
        costs, judge, worst,
    )  # fmt: skip


def named_metric(name: str) -> UsersMetric:
    """The function that `module:function` names, of the working directory or what is installed.

    Raises:
        ZooError: there is no such function, or it does not import.
    """
    module, _, function = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), function)
    except (Exception, SystemExit) as error:  # of a user's module: any kind
        raise ZooError(
            f"metric {name!r}: expected MODULE:FUNCTION, a Python function of (outputs, truth), "
            f"got {type(error).__name__}: {error}"
        ) from error
    if not callable(found):
        raise ZooError(f"metric {name!r}: expected a function, got a {type(found).__name__}")
    return found


def _judge(
    pipeline: Pipeline, data: str, metric: UsersMetric | None, allow: float | None
) -> Judged:
    pictures, spec = read(pipeline, data), pipeline.spec
    if metric is None and spec.task == "classify":
        pictures.labels_among(spec.labels)  # refuses what has none of them
    known = metric is not None or bool(spec.labels) or spec.restores or bool(spec.latent)
    return Judged(pipeline, pictures, metric, known, allow)


def _figures(judge: Judged | None, folder: Path, files: list[Artifact]) -> Figures | str | None:
    """Of one form; why there are none, where it does not run; None where pictures do not fit it."""
    fits = judge is not None and not (
        FORMS[files[-1].form].static and judge.pipeline.spec.free_size
    )
    if judge is None or not fits:
        return None
    try:
        return judge.of(folder, files)
    except ZooError as error:
        return str(error)


def _cost(
    folder: Path,
    manifest: dict[str, Any],
    files: list[Artifact],
    rows: list[dict[str, Any]],
    timed: list[dict[str, Any]],
    judge: Judged | None,
    found: Figures | str | None,
    allow: float | None,
) -> Cost:
    form, keys = files[-1].form, [artifact.key for artifact in files]
    runtime = RUNTIMES[FORMS[form].runtimes[0]]
    mine = [row for row in rows if row["artifact"] in keys]
    reasons = [f"{row['input']}: {row['reason']}" for row in mine if not row["passed"]]
    held = [f["bytes"] for one in files for f in files_of(manifest, one.path).values()]
    cost = Cost(
        form,
        runtime.engine.version() if mine else runtime.label,
        sum(held),
        median_ms=_milliseconds(timed, keys, runtime.label),
        in_float="; ".join(filter(None, (_in_float(folder, manifest, one) for one in files))),
        passed=not reasons,
        reason="; ".join(dict.fromkeys(reasons)),
    )
    if isinstance(found, str):
        return dataclasses.replace(cost, passed=False, reason=cost.reason or found)
    if found is None or judge is None:
        return cost
    cost = dataclasses.replace(cost, max_error=found.max_error, mean_error=found.mean_error)
    return _beside_the_net(cost, found, judge, allow)


def _beside_the_net(cost: Cost, found: Figures, judge: Judged, allow: float | None) -> Cost:
    net = judge.net
    if found.value is None or net.value is None:
        return cost
    difference = found.value - net.value
    cost = dataclasses.replace(cost, figure=found.value, difference=difference)
    if found.scores is not None and net.scores is not None:
        low, high = interval(net.scores, found.scores)
        cost = dataclasses.replace(cost, low=low, high=high)
    if allow is not None and judge.worse(found.value) > allow:
        reason = cost.reason or judge.missed(found.value, allow)
        return dataclasses.replace(cost, passed=False, reason=reason)
    return cost


def _milliseconds(timed: list[dict[str, Any]], keys: list[str], runtime: str) -> float | None:
    mine = [r["median_ms"] for r in timed if r["artifact"] in keys and r["runtime"] == runtime]
    return sum(mine) if mine else None


def _in_float(folder: Path, manifest: dict[str, Any], artifact: Artifact) -> str:
    """What a file of rounded numbers left in float32, and why."""
    if not FORMS[artifact.form].calibrated:
        return ""
    chosen = manifest["artifacts"][artifact.key].get("in_float", [])
    data = (folder / artifact.path).read_bytes()
    count = len(tflite_reader.in_float(data, WEIGHTED))
    total = sum(step.kind in WEIGHTED for step in tflite_reader.operations(data))
    if not count:
        return ""
    others = count - len(chosen)
    why = [f"{', '.join(chosen)} (chosen)"] if chosen else []
    if others > 0:
        why.append(f"{others} at the ends, where rounding costs most")
    return f"{count} of {total} layers: {'; '.join(why)}"
