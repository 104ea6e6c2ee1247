"""The checks of an export, a row each: its files' bytes, and what they compute beside the net."""

import dataclasses
import textwrap
from collections.abc import Callable
from pathlib import Path

from zoo.errors import MissingExtra, ZooError, installed
from zoo.export import cases as making
from zoo.export import describe, isolated, metadata
from zoo.export.artifacts import Artifact
from zoo.export.cases import Case
from zoo.export.compared import Row, compared
from zoo.export.forms import FORMS
from zoo.export.isolated import Outcome
from zoo.export.manifest import (
    LABELS,
    damage,
    damage_of_labels,
    edited,
    files_of,
    inputs_of,
    labels_text,
)
from zoo.export.runtimes import RUNTIMES, SERVING
from zoo.export.signature import Inputs, misfit, takes, tensor
from zoo.index import Entry, Spec
from zoo.storage.weights import GOLDEN

UNTRUSTED = (
    "it was not run: a SavedModel is a program, which can read and write any file that you can, "
    "and this export was not made here; if you know who made it: zoo verify --trust, or trust=True"
)
_OF_FILES = ("weights", "formats", "artifacts", "files", "versions", "calibration")


def of_manifest(manifest: dict, entry: Entry) -> Row:
    """Of `export.json`: that nobody edited it, and that it says of the net what its entry does."""
    expected, reasons = describe.of_entry(entry), [edited(manifest)]
    for key in sorted(manifest.keys() - {"digest", *_OF_FILES} | expected.keys()):
        wanted, found = expected.get(key), manifest.get(key)
        if found != wanted:
            reasons.append(f"export.json says {key} {_short(found)}, expected {_short(wanted)}")
    reason = "; ".join(filter(None, reasons))
    return Row("export", "", "export.json", passed=not reason, reason=reason)


def of_other_files(folder: Path, manifest: dict, spec: Spec) -> list[Row]:
    """Of the labels and the golden."""
    rows = [_of_bytes(folder, manifest, "golden", GOLDEN)]
    if spec.labels and not spec.latent:
        wrong = damage_of_labels(folder, manifest, spec)
        rows.insert(0, Row("labels", "", "files", passed=not wrong, reason=wrong))
    return rows


def of_artifact(
    folder: Path,
    manifest: dict,
    artifact: Artifact,
    spec: Spec,
    cases: list[Case],
    fresh: Callable[[Inputs], list[Case]] = lambda inputs: [],
    trust: bool = False,
    bounded: bool = True,
) -> list[Row]:
    """Of one artifact: its bytes, its ends, and what it gives in each runtime for its form.

    Args:
        folder: of the export.
        manifest: of it.
        artifact: which of its files.
        spec: of the net, with the classes that it has.
        cases: what it is compared on, where they fit.
        fresh: what a file takes -> more of them.
        trust: run it even if it can do more than compute.
        bounded: whether its errors are; else something else judges it.
    """
    bytes_row = _of_bytes(folder, manifest, artifact.key, artifact.path)
    if bytes_row.passed and artifact.key not in manifest["artifacts"]:
        bytes_row = _failed(bytes_row, f"export.json does not list {artifact.path}")
    if not bytes_row.passed:
        return [bytes_row]  # a damaged file is not run: it could do anything
    runtimes, path = _runtimes(artifact.form), folder / artifact.path
    if runtimes[0] == "saved_model" and not trust:
        return [bytes_row, Row(artifact.key, "", "all", reason=UNTRUSTED)]
    inputs = inputs_of(manifest["artifacts"][artifact.key])
    cases = _fitting(artifact, inputs, cases, fresh)
    if not cases:
        return [bytes_row, Row(artifact.key, "", "all", reason=f"no {GOLDEN} that fits it")]
    rows = [bytes_row]
    for key in runtimes:
        outcome = _outcome(key, path, artifact, cases)
        if isinstance(outcome, Row):
            rows.append(outcome)
            continue
        if key == runtimes[0]:
            rows.append(_of_ends(manifest, artifact, spec, path, outcome.ends))
        version = RUNTIMES[key].engine.version()
        form, results = FORMS[artifact.form], outcome.results
        rows += compared(artifact.key, version, form, cases, results, bounded)
    return rows


def _fitting(artifact: Artifact, inputs: Inputs, cases: list[Case], fresh: Callable) -> list[Case]:
    """Those that fit what the manifest says of a file's inputs, if that can be of its function."""
    if not takes(artifact.function, inputs):
        return []
    return making.fitting(cases, artifact.function, inputs) + fresh(inputs)


def _runtimes(form: str) -> list[str]:
    """Each gives rows of its own. OpenVINO, which shares no code with LiteRT, where it is there."""
    first, *others = FORMS[form].runtimes
    return [first, *(key for key in others if installed(RUNTIMES[key].module))]


def _outcome(key: str, path: Path, artifact: Artifact, cases: list[Case]) -> Outcome | Row:
    try:
        if key in SERVING:
            RUNTIMES[key].engine.package()
        return isolated.run(key, path, artifact.function, [case.values for case in cases])
    except ZooError as error:
        if isinstance(error, MissingExtra) and key != "onnx":
            raise
        return Row(artifact.key, "", "all", reason=str(error))


def _of_ends(manifest: dict, artifact: Artifact, spec: Spec, path: Path, ends: list[dict]) -> Row:
    """Whether the file is of its function, and `export.json` says of it what it has."""
    row = Row(artifact.key, "", "signature", passed=True)
    if why := misfit(artifact.function, spec.labels, ends):
        return _failed(row, why)
    about = manifest["artifacts"][artifact.key]
    chosen = "part", "form", "path", "in_float"  # of the last `constants` say how many
    said = {key: value for key, value in about.items() if key not in chosen}
    try:
        found = _inside(artifact, spec, path, ends, said)
    except Exception as error:  # of reading a file that somebody made up: any kind
        return _failed(row, f"{path.name} cannot be looked into: {error!r}")
    wrong = [key for key in sorted(said.keys() | found.keys()) if said.get(key) != found.get(key)]
    if wrong:
        key = wrong[0]
        there, here = _short(said.get(key)), _short(found.get(key))
        return _failed(row, f"export.json says {key} {there}, the file {here}")
    return row


def _inside(artifact: Artifact, spec: Spec, path: Path, ends: list[dict], said: dict) -> dict:
    """What `export.json` is to say of a file's inside."""
    inputs, outputs = ends
    data = path.read_bytes() if artifact.lite else None
    labelled = data is not None and FORMS[artifact.form].mediapipe
    if labelled and metadata.labels(data or b"", LABELS) != labels_text(spec):
        raise ZooError("the classes inside it are others, or in another order")
    names = artifact.function.outputs
    shapes = {name: outputs[name] for name in names}
    for name, tensor_said in zip(names, said["outputs"], strict=False):
        shapes[name] = _as_said(shapes[name], tensor_said["shape"])
    taken = [tensor(name, inputs[name]) for name in artifact.function.names]
    given = [tensor(name, shape) for name, shape in shapes.items()]
    return describe.inside(artifact, {"inputs": taken, "outputs": given}, data)


def _as_said(shape: list, said: list) -> list:
    """A file's shape, where it does not say otherwise: files forget that a batch is free, and
    runtimes what they did not work out; what it gives is compared anyway."""
    if len(shape) != len(said):
        return shape
    first, *sides = zip(shape, said, strict=True)
    batch = None if first == (1, None) else first[0]
    return [batch, *(wanted if side is None else side for side, wanted in sides)]


def _of_bytes(folder: Path, manifest: dict, key: str, path: str) -> Row:
    recorded = files_of(manifest, path)
    wrong = [w for p, facts in recorded.items() if (w := damage(folder, p, facts))]
    row = Row(key, "", "files", passed=not wrong, reason="; ".join(wrong))
    return row if recorded else _failed(row, f"export.json does not list {path}")


def _short(value) -> str:
    return textwrap.shorten(repr(value), 200, placeholder=" ...")


def _failed(row: Row, reason: str) -> Row:
    return dataclasses.replace(row, passed=False, reason=reason)
