"""All figures of record of a name, in one run: the net, its exported file, a classical method."""

import datetime
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from export import report, tflite
from export.artifacts import Artifact, artifacts, export, read_manifest, weights_sha256
from export.verify import verify
from zoo.baselines import LABELS, baseline
from zoo.errors import ZooError
from zoo.evaluate import evaluate
from zoo.index import Benchmark, Degradation
from zoo.parts import Part
from zoo.pipeline import Pipeline

MEASURED_FORM = "float32_free"


@dataclass(frozen=True)
class Measured:
    """What `measure` found.

    Attributes:
        files: for each artifact `artifact`, `bytes`, `runtime` and the largest `max_error`.
        figures: for each benchmark a row, as `zoo.results.rows` describes it.
    """

    files: list[dict]
    figures: list[dict]


def measure(pipeline: Pipeline, ensemble: bool = False, static_size: int = 256) -> Measured:
    """Exports to a scratch folder, verifies, and runs every benchmark of the entry.

    Args:
        pipeline: from `zoo.load`.
        ensemble: also measure the mean over eight turned pictures (restoration).
        static_size: side of the pictures that the static file of a net of free size takes.

    Raises:
        ZooError: a check of the files did not pass; the message is the whole table.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = export(pipeline, Path(scratch) / "export", static_size)
        found = verify(folder, pipeline)
        if not found["passed"]:
            raise ZooError("the exported files are not right:\n" + report.text(found))
        manifest = read_manifest(folder)
        written = artifacts(pipeline)
        file = next(a for a in reversed(written) if a.form == MEASURED_FORM)
        return Measured(
            [_summary(artifact, manifest, found["rows"]) for artifact in written],
            [_row(pipeline, b, folder, file, ensemble) for b in pipeline.entry.benchmarks],
        )


def _row(pipeline, benchmark: Benchmark, folder: Path, file: Artifact, ensemble: bool) -> dict:
    def figures(infer=None, prefix=""):
        found = evaluate(pipeline, benchmark.data, benchmark.degrade, infer, progress=True)
        floor = {f"floor_{key}": value for key, value in found.pop("floor", {}).items()}
        return found | {prefix + key: v for key, v in found.pop("metrics").items()} | floor

    on_file = _on_file(pipeline, folder / file.path, file.part, benchmark)
    row = figures() | figures(on_file, "file_") | _paper(benchmark)
    if pipeline.spec.restores:
        damage = Degradation.parse(benchmark.degrade)
        row |= figures(lambda values: baseline(values, damage), "baseline_")
        row |= {"baseline": LABELS[damage.kind]}
        if ensemble:
            scale = damage.scale
            row |= figures(lambda v: pipeline.infer(v, scale, ensemble=True), "ensemble_")
    today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    return row | {"weights": weights_sha256(pipeline.net)[:12], "date": today}


def _on_file(pipeline: Pipeline, path: Path, part: Part, benchmark: Benchmark):
    """The exported file in the net's place. It enlarges by the first scale only; by another,
    the picture is enlarged before it comes."""
    spec = pipeline.spec
    scale = Degradation.parse(benchmark.degrade).scale if benchmark.degrade else spec.scales[0]

    def infer(values: np.ndarray) -> np.ndarray:
        if scale != spec.scales[0]:
            values = np.asarray(spec.encode(values, scale))
        return tflite.run(path, part, [values])[0][0]

    return infer


def _paper(benchmark: Benchmark) -> dict:
    """The last of the published figures: the paper's own."""
    if not benchmark.published:
        return {}
    label, figures = list(benchmark.published.items())[-1]
    return {"paper": label} | {f"paper_{key}": value for key, value in figures.items()}


def _summary(artifact: Artifact, manifest: dict, rows: list[dict]) -> dict:
    sizes = [f["bytes"] for p, f in manifest["files"].items() if Path(p).parts[0] == artifact.path]
    measured = [row for row in rows if row["artifact"] == artifact.key and row["runtime"]]
    worst = max(row["max_error"] for row in measured)
    about = {"artifact": artifact.key, "bytes": sum(sizes)}
    return about | {"runtime": measured[0]["runtime"], "max_error": worst}
