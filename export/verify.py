"""Every exported file against the net that it came from, in another runtime than the net's."""

import dataclasses
import functools
import importlib.metadata
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from zoo import loading
from zoo.errors import ZooError, left_out, need
from zoo.export import cases as references
from zoo.export import checks, isolated, provenance, report
from zoo.export.artifacts import Artifact, artifacts, planned
from zoo.export.cases import Case
from zoo.export.compared import Row, compared
from zoo.export.describe import versions, weights_sha256
from zoo.export.figured import Judged, judged
from zoo.export.forms import FORMS, NET
from zoo.export.manifest import damage, digest, entry_of, manifest_of, read_manifest
from zoo.export.runtimes import openvino
from zoo.export.signature import Inputs
from zoo.index import Spec
from zoo.storage.weights import GOLDEN, weights_path
from zoo.tasks.functions import Function, Signature, functions
from zoo.tasks.pipeline import Pipeline
from zoo.wrapping import entry as own


def verify(
    folder: str | Path,
    pipeline: Pipeline,
    seed: int = 0,
    trust: bool = False,
    data: str | None = None,
    judge: Judged | None = None,
) -> dict[str, Any]:
    """Checks an export: what `export.json` says; each file's SHA-256 and results.

    Files run in processes of their own: SavedModels in one without zoo and Keras, TFLite files in
    LiteRT, those in float32 also in OpenVINO if it is installed, ONNX files in ONNX Runtime
    (without it their row fails, and says what installs it). Golden pictures are used where the
    pipeline has the published weights, and beside them the export's own; a classifier with rounded
    numbers is judged by these alone.

    Args:
        folder: written by `export`.
        pipeline: with the weights that were exported.
        seed: of the fresh pictures.
        trust: run also SavedModels that were not exported here by this user. They are programs,
            which can read and write any file that the user can; without it their row fails.
        data: pictures with classes (of what restores, clean ones) that files of rounded numbers are
            judged by, by the task's figure; by default the examples of `zoo.wrap`. Of weights that
            are not published this takes the place of the bound on their errors.
        judge: of such pictures, in place of `data`.

    Returns:
        The report as plain data: `name`, `passed`, `rows` (see `Row`), `weights`, `seed`,
        `golden` (whether published golden pictures were used), `net_missing` (""), `versions`.
        Broken files and missed bounds are rows that did not pass.

    Raises:
        ZooError: the folder is no export, or one of another name.
        MissingExtra: ai-edge-litert is not installed.
    """
    folder = Path(folder).resolve()
    manifest = manifest_of(pipeline.entry, folder)
    golden = {
        function.name: references.golden(pipeline, function) for function in functions(pipeline)
    }
    kept = _kept(folder, manifest, pipeline.spec, functions(pipeline))
    if pipeline.entry.own:
        for function in functions(pipeline):
            kept[function.name] = [
                references.weighed(case, function) for case in kept[function.name]
            ]
    trust = trust or provenance.is_known(digest(manifest))
    rows = [_same_weights(manifest, pipeline), checks.of_manifest(manifest, pipeline.entry)]
    for function in functions(pipeline):
        rows += _net_rows(function, golden[function.name] + kept[function.name])
    rows += checks.of_other_files(folder, manifest, pipeline.spec)
    drawn = functools.cache(functools.partial(references.fresh, pipeline, seed=seed))
    judge, free = judge or judged(pipeline, data), pipeline.source != "pretrained"
    written = artifacts(pipeline, manifest["formats"])
    for artifact in written:
        rounded = judge is not None and FORMS[artifact.form].quantized
        cases = golden[artifact.function.name] + kept[artifact.function.name]
        fresh = _unless_rounded(artifact, functools.partial(drawn, artifact.function))
        found = checks.of_artifact(
            folder, manifest, artifact, pipeline.spec, cases, fresh, trust, not (rounded and free)
        )
        rows += found
        if judge and rounded and found[0].passed:
            rows += _figures(judge, folder, artifact, written)
    about = {"seed": seed, "golden": any(golden.values()), "net_missing": ""}
    return _report(manifest, rows, about)


def verify_alone(folder: str | Path, missing: str, trust: bool = False) -> dict[str, Any]:
    """Checks each file of an export where its net is not at hand.

    Its SHA-256, and its results on the export's own `golden.npz` against those that the net gave
    when it was exported; no fresh pictures. What somebody changed together with `export.json`,
    as the order of a classifier's labels, shows only beside the net.

    Args:
        folder: written by `export`.
        missing: why the net is not there, for the report.
        trust: as `verify` takes it.

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
    entry = entry_of(manifest)
    artifacts = planned(entry, manifest["formats"])
    trust = trust or provenance.is_known(digest(manifest))
    kept = _kept(folder, manifest, entry.spec, [artifact.function for artifact in artifacts])
    rows = [checks.of_manifest(manifest, entry)]
    rows += checks.of_other_files(folder, manifest, entry.spec)
    for artifact in artifacts:
        cases = kept[artifact.function.name]
        rows += checks.of_artifact(folder, manifest, artifact, entry.spec, cases, trust=trust)
    return _report(manifest, rows, {"seed": None, "golden": False, "net_missing": missing})


def verify_folder(
    folder: str | Path, seed: int = 0, trust: bool = False, data: str | None = None
) -> dict[str, Any]:
    """Verifies beside the net that an export says it came from, and writes `report.json`; one that
    is there is removed first. Weights in a file are read only where the export was made here by
    this user, or with `trust`, see `verify`.

    Where that is not to be had, or has other weights by now (another version of this package, a
    run that was trained again), the export is verified by what it keeps: see `verify_alone`.

    Raises:
        ZooError: as `verify` and `verify_alone`.
    """
    need("ai_edge_litert", "running a TFLite file")
    manifest = read_manifest(Path(folder))
    report.remove(folder)
    with isolated.shared_processes():
        pipeline, missing = _net_of(manifest, trust or provenance.is_known(digest(manifest)))
        if pipeline:
            result = verify(folder, pipeline, seed, trust, data)
        else:
            result = verify_alone(folder, missing, trust)
    report.write(result, folder)
    return result


def _report(manifest: dict[str, Any], rows: list[Row], about: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": manifest["name"],
        "passed": all(row.passed for row in rows),
        "weights": manifest["weights"],
        **about,
        "left_out": left_out(openvino.package),
        "rows": [dataclasses.asdict(row) for row in rows],
        "versions": versions(),
    }


def _net_of(manifest: dict[str, Any], trust: bool) -> tuple[Pipeline | None, str]:
    """The net that was exported; or None, and why."""
    source, exported = manifest["weights"]["source"], manifest["weights"]["sha256"]
    if source is None:
        return None, "the export does not say where its weights came from"
    if source != "pretrained" and not trust:
        return None, f"{source} was not read, for this export was not made here (--trust reads it)"
    if source != "pretrained" and not own.is_saved(source) and not weights_path(source).is_file():
        return None, f"{source}: expected a run directory or a file of weights; no such file"
    try:
        pipeline = _loaded(manifest, source)
    except ZooError as error:
        return None, str(error)
    actual = weights_sha256(pipeline.net)
    if actual != exported:
        return None, f"exported were weights {exported}, those of {source} are {actual} now"
    return pipeline, ""


def _loaded(manifest: dict[str, Any], source: str) -> Pipeline:
    """With the classes of the export: a file of weights does not know them."""
    if "net" in manifest:
        path = Path(source)
        if path.is_dir():
            return loading.load_own(path)
        return loading.with_net(manifest["name"], manifest["net"], path, source)
    name = manifest.get("base", manifest["name"])
    if source == "pretrained" or Path(source).is_dir():
        return loading.load(name, source)
    return loading.load(name, source, manifest.get("labels"))


def _kept(
    folder: Path, manifest: dict[str, Any], spec: Spec, signatures: Sequence[Signature]
) -> dict[str, list[Case]]:
    """By functions' names what the export's golden has; nothing, where that was changed."""
    recorded, named = manifest["files"].get(GOLDEN), {s.name: s for s in signatures}
    if recorded is None or damage(folder, GOLDEN, recorded):
        return {name: [] for name in named}
    data = (folder / GOLDEN).read_bytes()
    return {name: [references.kept(spec, s, data)] for name, s in named.items()}


def _unless_rounded(artifact: Artifact, fresh: Callable) -> Callable[[Inputs], list[Case]]:
    """No fresh pictures for a quantized classifier: these show nothing, and lie between
    all classes, where rounding decides (cnn_mnist in int8: 0.73 off, as accurate on digits)."""
    quantized = FORMS[artifact.form].quantized
    drop = quantized and artifact.function.outputs == ("probs",)
    return (lambda inputs: []) if drop else fresh


def _figures(
    judge: Judged, folder: Path, artifact: Artifact, written: list[Artifact[Function]]
) -> list[Row]:
    """Of a form, once, with the last of its files."""
    alike = [one for one in written if one.form == artifact.form]
    return [judge.row(folder, alike)] if artifact is alike[-1] else []


def _same_weights(manifest: dict[str, Any], pipeline: Pipeline) -> Row:
    exported, actual = manifest["weights"]["sha256"], weights_sha256(pipeline.net)
    reason = f"exported were weights {exported}, the net's are {actual}"
    same = exported == actual
    return Row("net", "", "weights", passed=same, reason="" if same else reason)


def _net_rows(function: Function, golden: list[Case]) -> list[Row]:
    runtime = f"Keras {importlib.metadata.version('keras')}"
    label = " ".join(filter(None, ("net", function.name)))
    results = [function.infer(case.values) for case in golden]
    return compared(label, runtime, NET, golden, results)
