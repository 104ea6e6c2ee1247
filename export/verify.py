"""Every exported file against the net that it came from, in another runtime than the net's."""

import dataclasses
import importlib.metadata
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import zoo
from export import onnx_file, references, report, saved_model, tflite
from export.artifacts import (
    FORMS,
    LABELS,
    QUICK,
    Artifact,
    artifacts,
    facts_of_file,
    read_manifest,
    versions,
    weights_sha256,
)
from export.references import Case
from export.signature import Shape
from zoo.errors import MissingExtra, ZooError
from zoo.parts import Part, parts
from zoo.pipeline import Pipeline

# Largest absolute error allowed, where white, or certainty, is 1. Runtimes sum in other orders:
# a DnCNN of 17 layers, trained for 2,500 steps, differs by up to 5e-7 in LiteRT and by nothing in
# TensorFlow. 1e-5 is twenty times that, and a 400th of a grey level; a wrong file misses by more.
BOUNDS = {"net": 1e-5, "saved_model": 1e-5, "float32_free": 1e-5, "float32_static": 1e-5}
# Of smaller numbers the bound says that a file is this net's, not how good it is: that is measured
# on test sets. Errors on fresh pictures, trained nets, the largest seen: float16 0.0011, dynamic
# range 0.029, int8 and uint8 0.034 (cnn_fashion); int8 0.134 (srcnn_x2, where a picture is whiter
# than those that the ranges were measured on); ONNX 3.8e-6 (srcnn_x2). Bounds lie above these.
BOUNDS |= {"onnx": 1e-5, "float16": 5e-3, "dynamic_range": 0.05, "int8": 0.2, "uint8": 0.1}


@dataclass(frozen=True)
class Row:
    """One check.

    Attributes:
        artifact: `net`, or the key of an `export.artifacts.Artifact`.
        runtime: with its version; "" for a look at the files.
        input: such as `golden 28x28 x8`, `fresh 37x52 x3` or `files`.
        max_error: largest absolute difference from the reference, None where there is no result.
        snr_db: of the result, None also where it equals the reference bit by bit.
        bound: on `max_error`.
        passed: whether the check held.
        reason: why not, or "".
    """

    artifact: str
    runtime: str
    input: str
    max_error: float | None = None
    snr_db: float | None = None
    bound: float | None = None
    passed: bool = False
    reason: str = ""


def verify(folder, pipeline: Pipeline, seed: int = 0) -> dict:
    """Checks each file of an export: its SHA-256, and its results on golden and fresh pictures.

    SavedModels run in a fresh process without zoo and Keras, TFLite files in LiteRT, ONNX files
    in ONNX Runtime (without it their row fails, and says what installs it). Golden pictures are
    used where the pipeline has the published weights.

    Args:
        folder: written by `export`.
        pipeline: with the weights that were exported.
        seed: of the fresh pictures.

    Returns:
        The report as plain data: `name`, `passed`, `rows` (see `Row`), `weights`, `seed`,
        `golden` (whether golden pictures were used), `versions`.
        Broken files and missed bounds are rows that did not pass.

    Raises:
        ZooError: the folder is no export, or one of another name.
        MissingExtra: ai-edge-litert is not installed.
    """
    folder = Path(folder).resolve()
    manifest = read_manifest(folder)
    name = pipeline.entry.full_name
    if manifest["name"] != name:
        raise ZooError(f"{folder} is an export of {manifest['name']}, not of {name}")
    golden = {part.name: references.golden(pipeline, part) for part in parts(pipeline)}
    rows = [_same_weights(manifest, pipeline)]
    for part in parts(pipeline):
        rows += _net_rows(part, golden[part.name])
    if pipeline.spec.kind == "recognition":
        rows.append(_files_row(folder, manifest, "labels", LABELS))
    for artifact in artifacts(pipeline, _formats(manifest, folder)):
        rows += _artifact_rows(folder, manifest, artifact, pipeline, golden, seed)
    return {
        "name": name,
        "passed": all(row.passed for row in rows),
        "weights": manifest["weights"],
        "seed": seed,
        "golden": any(golden.values()),
        "rows": [dataclasses.asdict(row) for row in rows],
        "versions": versions(),
    }


def verify_folder(folder, seed: int = 0) -> dict:
    """Loads the net that an export says it came from, verifies, and writes `report.json`.

    Raises:
        ZooError: as `verify`; or the export does not say which weights, or they are not there.
    """
    manifest = read_manifest(Path(folder))
    source = manifest["weights"].get("source")
    if source is None:
        raise ZooError(
            f"{folder} does not say where its weights came from: load the net yourself and call "
            "export.verify.verify(folder, pipeline)"
        )
    result = verify(folder, zoo.load(manifest["name"], source), seed)
    report.write(result, folder)
    return result


def compare(row: Row, case: Case, result: np.ndarray) -> Row:
    """Fills in a row: is a result near enough to a reference that can judge?"""
    if result.shape != case.expected.shape:
        expected = list(case.expected.shape)
        return dataclasses.replace(row, reason=f"shape {list(result.shape)}, expected {expected}")
    if not np.isfinite(result).all():
        return dataclasses.replace(row, reason="the result is not finite")
    error = float(np.abs(result - case.expected).max())
    missed = "" if error <= row.bound else f"misses its bound by a factor {error / row.bound:.3g}"
    reason = case.flaw or missed
    snr = _snr(case.expected, result)
    return dataclasses.replace(row, max_error=error, snr_db=snr, passed=not reason, reason=reason)


def _artifact_rows(
    folder: Path, manifest: dict, artifact: Artifact, pipeline: Pipeline, golden: dict, seed: int
) -> list[Row]:
    files = _files_row(folder, manifest, artifact.key, artifact.path)
    if files.passed and artifact.key not in manifest["artifacts"]:
        files = _unlisted(files, artifact.path)
    if not files.passed:
        return [files]  # a damaged file is not run: it could do anything
    part, key = artifact.part, artifact.key
    shape = manifest["artifacts"][key]["input"]["shape"]
    cases = [case for case in golden[part.name] if _fits(case, shape)]
    cases += references.fresh(pipeline, part, shape, seed)
    runner = {"saved_model": saved_model, "onnx": onnx_file}.get(artifact.form, tflite)
    try:
        results, runtime = runner.run(folder / artifact.path, part, [c.values for c in cases])
    except ZooError as error:
        if isinstance(error, MissingExtra) and runner is not onnx_file:
            raise
        return [files, Row(key, "", "all", reason=str(error))]
    blanks = [Row(key, runtime, case.label, bound=BOUNDS[artifact.form]) for case in cases]
    return [files, *map(compare, blanks, cases, results)]


def _formats(manifest: dict, folder: Path) -> list[str]:
    """Those that the export says it has; before there were others it did not say."""
    formats = manifest.get("formats", list(QUICK))
    if not formats or not set(formats) <= set(FORMS):
        raise ZooError(f"{folder}: export.json was changed: its formats are {formats!r}")
    return formats


def _files_row(folder: Path, manifest: dict, key: str, path: str) -> Row:
    mine = {p: facts for p, facts in manifest["files"].items() if Path(p).parts[0] == path}
    damage = [d for p, facts in mine.items() if (d := _damage(folder / p, facts))]
    row = Row(key, "", "files", passed=not damage, reason="; ".join(damage))
    return row if mine else _unlisted(row, path)


def _unlisted(row: Row, path: str) -> Row:
    return dataclasses.replace(row, passed=False, reason=f"export.json does not list {path}")


def _damage(path: Path, recorded: dict) -> str:
    if not path.is_file():
        return f"{path.name} is missing"
    actual = facts_of_file(path)
    if actual["bytes"] != recorded["bytes"]:
        return f"{path.name} has {actual['bytes']} bytes, export.json says {recorded['bytes']}"
    if actual["sha256"] != recorded["sha256"]:
        return (
            f"{path.name} was changed: its SHA-256 is {actual['sha256']}, export.json says "
            f"{recorded['sha256']}"
        )
    return ""


def _same_weights(manifest: dict, pipeline: Pipeline) -> Row:
    exported, actual = manifest["weights"]["sha256"], weights_sha256(pipeline.net)
    reason = f"exported were weights {exported}, the net's are {actual}"
    same = exported == actual
    return Row("net", "", "weights", passed=same, reason="" if same else reason)


def _net_rows(part: Part, golden: list[Case]) -> list[Row]:
    runtime = f"Keras {importlib.metadata.version('keras')}"
    label = " ".join(filter(None, ("net", part.name)))
    blanks = [Row(label, runtime, case.label, bound=BOUNDS["net"]) for case in golden]
    return list(map(compare, blanks, golden, [part.infer(case.values) for case in golden]))


def _fits(case: Case, shape: Shape) -> bool:
    pairs = zip(shape[1:], case.values.shape[1:], strict=True)
    return all(wanted in (None, side) for wanted, side in pairs)


def _snr(expected: np.ndarray, result: np.ndarray) -> float | None:
    noise = np.square(result - expected, dtype=np.float64).sum()
    signal = np.square(expected, dtype=np.float64).sum()
    return float(10 * np.log10(signal / noise)) if noise and signal else None
