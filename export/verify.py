"""Every exported file against the net that it came from, in another runtime than the net's."""

import dataclasses
import functools
import importlib.metadata
from collections.abc import Callable
from pathlib import Path

import numpy as np

from zoo import index, loading
from zoo.errors import MissingExtra, ZooError, installed, left_out, need
from zoo.export import onnx_file, openvino_file, references, report, saved_model
from zoo.export.artifacts import (
    LABELS,
    Artifact,
    artifacts,
    versions,
    weights_sha256,
)
from zoo.export.forms import FORMS, NET, QUICK
from zoo.export.manifest import damage, files_of, read_manifest
from zoo.export.references import Case
from zoo.export.rows import Row, compared
from zoo.export.runtimes import RUNTIMES
from zoo.export.signature import Shape
from zoo.index import Spec
from zoo.tasks.parts import Ends, Part, parts
from zoo.tasks.pipeline import Pipeline
from zoo.weights import GOLDEN


def verify(folder, pipeline: Pipeline, seed: int = 0) -> dict:
    """Checks each file of an export: its SHA-256, and its results on golden and fresh pictures.

    SavedModels run in a fresh process without zoo and Keras, TFLite files in LiteRT, those in
    float32 also in OpenVINO if it is installed, ONNX files in ONNX Runtime (without it their row
    fails, and says what installs it). Golden pictures are used where the pipeline has the
    published weights, and beside them the export's own; a classifier with rounded numbers is judged
    by these alone.

    Args:
        folder: written by `export`.
        pipeline: with the weights that were exported.
        seed: of the fresh pictures.

    Returns:
        The report as plain data: `name`, `passed`, `rows` (see `Row`), `weights`, `seed`,
        `golden` (whether published golden pictures were used), `net_missing` (""), `versions`.
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
    kept = _kept(folder, manifest, pipeline.spec, parts(pipeline))
    rows = [_same_weights(manifest, pipeline)]
    for part in parts(pipeline):
        rows += _net_rows(part, golden[part.name] + kept[part.name])
    rows += _other_files(folder, manifest, pipeline.spec)
    drawn = functools.cache(functools.partial(references.fresh, pipeline, seed=seed))
    for artifact in artifacts(pipeline, _formats(manifest, folder)):
        cases = golden[artifact.part.name] + kept[artifact.part.name]
        fresh = functools.partial(drawn, artifact.part)
        rows += _artifact_rows(folder, manifest, artifact, cases, _unless_rounded(artifact, fresh))
    about = {"seed": seed, "golden": any(golden.values()), "net_missing": ""}
    return _report(manifest, rows, about)


def verify_alone(folder, missing: str) -> dict:
    """Checks each file of an export where its net is not at hand.

    Its SHA-256, and its results on the export's own `golden.npz` against those that the net gave
    when it was exported; no fresh pictures. What somebody changed together with `export.json`
    shows only beside the net.

    Args:
        folder: written by `export`.
        missing: why the net is not there, for the report.

    Returns:
        The report as of `verify`; `net_missing` says what came.

    Raises:
        ZooError: the folder is no export, keeps no golden, or is of an unknown name.
        MissingExtra: ai-edge-litert is not installed.
    """
    folder = Path(folder).resolve()
    manifest = read_manifest(folder)
    if GOLDEN not in manifest["files"]:
        raise ZooError(
            f"the net that {folder} came from is not here: {missing}; and it keeps no {GOLDEN} to "
            "be judged by: load the net yourself and call verify(folder, pipeline) of "
            "zoo.export.verify"
        )
    entry = index.entry(manifest["name"])
    listed = _listed(folder, manifest, entry.name)
    kept = _kept(folder, manifest, entry.spec, [artifact.part for artifact in listed])
    rows = _other_files(folder, manifest, entry.spec)
    for artifact in listed:
        rows += _artifact_rows(folder, manifest, artifact, kept[artifact.part.name])
    return _report(manifest, rows, {"seed": None, "golden": False, "net_missing": missing})


def verify_folder(folder, seed: int = 0) -> dict:
    """Verifies beside the net that an export says it came from, and writes `report.json`.

    Where that is not to be had, or has other weights by now (another version of this package, a
    run that was trained again), the export is verified by what it keeps: see `verify_alone`.

    Raises:
        ZooError: as `verify` and `verify_alone`.
    """
    manifest = read_manifest(Path(folder))
    need("ai_edge_litert", "running a TFLite file")
    pipeline, missing = _net_of(manifest)
    result = verify(folder, pipeline, seed) if pipeline else verify_alone(folder, missing)
    report.write(result, folder)
    return result


def _report(manifest: dict, rows: list[Row], about: dict) -> dict:
    return {
        "name": manifest["name"],
        "passed": all(row.passed for row in rows),
        "weights": manifest["weights"],
        **about,
        "left_out": left_out(openvino_file.package),
        "rows": [dataclasses.asdict(row) for row in rows],
        "versions": versions(),
    }


def _net_of(manifest: dict) -> tuple[Pipeline | None, str]:
    """The net that was exported; or None, and why."""
    source, exported = (manifest["weights"].get(key) for key in ("source", "sha256"))
    if source is None:
        return None, "the export does not say where its weights came from"
    try:
        pipeline = loading.load(manifest["name"], source)
    except ZooError as error:
        return None, str(error)
    actual = weights_sha256(pipeline.net)
    if actual != exported:
        return None, f"exported were weights {exported}, those of {source} are {actual} now"
    return pipeline, ""


def _listed(folder: Path, manifest: dict, name: str) -> list[Artifact]:
    """The artifacts as the export itself describes them."""
    try:
        found = [
            Artifact(name, _ends(about), about["form"]) for about in manifest["artifacts"].values()
        ]
    except (AttributeError, KeyError, TypeError) as error:
        raise ZooError(f"{folder}: export.json was changed: no {error}; export again") from error
    if {artifact.form for artifact in found} != set(_formats(manifest, folder)):
        raise ZooError(f"{folder}: export.json was changed: its formats are not its artifacts'")
    return found


def _ends(about: dict) -> Ends:
    given, made = about["input"], about["outputs"]
    names = tuple(output["name"] for output in made)
    return Ends(about["part"], given["name"], tuple(given["shape"]), names)


def _kept(folder: Path, manifest: dict, spec: Spec, some: list[Ends]) -> dict[str, list[Case]]:
    """By parts' names what the export's golden has for them; nothing, where that was changed."""
    recorded = manifest["files"].get(GOLDEN)
    if recorded is None or damage(folder / GOLDEN, recorded):
        return {part.name: [] for part in some}
    data = (folder / GOLDEN).read_bytes()
    return {name: [references.kept(spec, p, data)] for name, p in {p.name: p for p in some}.items()}


def _other_files(folder: Path, manifest: dict, spec: Spec) -> list[Row]:
    rows = []
    if spec.kind == "recognition":
        rows.append(_files_row(folder, manifest, "labels", LABELS))
    if GOLDEN in manifest["files"]:  # exports of old have none
        rows.append(_files_row(folder, manifest, "golden", GOLDEN))
    return rows


def _none(shape: Shape) -> list[Case]:
    return []


def _unless_rounded(artifact: Artifact, fresh: Callable) -> Callable[[Shape], list[Case]]:
    """No fresh pictures for a classifier with rounded numbers: these show nothing, and lie between
    all classes, where rounding decides (cnn_mnist in int8: 0.73 off, as accurate on digits)."""
    rounded = FORMS[artifact.form].rounded
    return _none if rounded and artifact.part.outputs == ("probs",) else fresh


def _artifact_rows(
    folder: Path,
    manifest: dict,
    artifact: Artifact,
    cases: list[Case],
    fresh: Callable[[Shape], list[Case]] = _none,
) -> list[Row]:
    files = _files_row(folder, manifest, artifact.key, artifact.path)
    if files.passed and artifact.key not in manifest["artifacts"]:
        files = _unlisted(files, artifact.path)
    if not files.passed:
        return [files]  # a damaged file is not run: it could do anything
    shape = tuple(manifest["artifacts"][artifact.key]["input"]["shape"])
    cases = references.fitting(cases, shape) + fresh(shape)
    if not cases:
        return [files, Row(artifact.key, "", "all", reason=f"no {GOLDEN} that fits it")]
    path = folder / artifact.path
    return [
        files,
        *(row for r in _runners(artifact.form) for row in _rows_in(r, path, artifact, cases)),
    ]


def _runners(form: str) -> list:
    """Each gives rows of its own. OpenVINO, which shares no code with LiteRT, where it is there."""
    first, *others = (RUNTIMES[key] for key in FORMS[form].runtimes)
    return [first.engine, *(other.engine for other in others if installed(other.module))]


def _rows_in(runner, path: Path, artifact: Artifact, cases: list[Case]) -> list[Row]:
    try:
        results, runtime = _run(runner, path, artifact.part, [case.values for case in cases])
    except ZooError as error:
        if isinstance(error, MissingExtra) and runner is not onnx_file:
            raise
        return [Row(artifact.key, "", "all", reason=str(error))]
    return compared(artifact.key, runtime, FORMS[artifact.form], cases, results)


def _run(runner, path: Path, part: Ends, inputs: list) -> tuple[list[np.ndarray], str]:
    if runner is saved_model:
        return saved_model.run(path, part, inputs)
    return list(map(runner.opened(path, part), inputs)), runner.runtime()


def _formats(manifest: dict, folder: Path) -> list[str]:
    """Those that the export says it has; before there were others it did not say."""
    formats = manifest.get("formats", list(QUICK))
    if not formats or not set(formats) <= set(FORMS):
        raise ZooError(f"{folder}: export.json was changed: its formats are {formats!r}")
    return formats


def _files_row(folder: Path, manifest: dict, key: str, path: str) -> Row:
    mine = files_of(manifest, path)
    wrong = [w for p, facts in mine.items() if (w := damage(folder / p, facts))]
    row = Row(key, "", "files", passed=not wrong, reason="; ".join(wrong))
    return row if mine else _unlisted(row, path)


def _unlisted(row: Row, path: str) -> Row:
    return dataclasses.replace(row, passed=False, reason=f"export.json does not list {path}")


def _same_weights(manifest: dict, pipeline: Pipeline) -> Row:
    exported, actual = manifest["weights"]["sha256"], weights_sha256(pipeline.net)
    reason = f"exported were weights {exported}, the net's are {actual}"
    same = exported == actual
    return Row("net", "", "weights", passed=same, reason="" if same else reason)


def _net_rows(part: Part, golden: list[Case]) -> list[Row]:
    runtime = f"Keras {importlib.metadata.version('keras')}"
    label = " ".join(filter(None, ("net", part.name)))
    results = [part.infer(case.values) for case in golden]
    return compared(label, runtime, NET, golden, results)
