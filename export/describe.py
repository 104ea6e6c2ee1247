"""What `export.json` says of a pipeline and the files that were made of it."""

import datetime
import functools
import hashlib
import importlib.metadata
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

from zoo.export import calibration as calibrating
from zoo.export import tflite_reader
from zoo.export.artifacts import Artifact
from zoo.export.forms import FORMS
from zoo.export.manifest import facts_of_file
from zoo.export.signature import SERVE, describe, static_inputs
from zoo.index import Entry
from zoo.report.card import CODE_LICENCE, weights_licence
from zoo.storage.runs import OWN
from zoo.tasks.functions import Input
from zoo.version import __version__
from zoo.wrapping import entry as own

_PACKAGES = ("tensorflow", "keras", "numpy", "ai-edge-litert")


def described(
    pipeline,
    artifacts: list[Artifact],
    folder: Path,
    static_size: int,
    calibration: str | None,
    in_float: dict[str, list[str]],
) -> dict:
    """What `export.json` holds of a pipeline whose files lie in a folder.

    `in_float` has the layers that were chosen to stay in float32, by artifacts' keys.
    """
    ends = functools.cache(describe)  # which traces the net
    about = of_entry(pipeline.entry) | {
        "weights": {"source": pipeline.source, "sha256": weights_sha256(pipeline.net)},
        "formats": sorted({a.form for a in artifacts}, key=list(FORMS).index),
        "artifacts": {
            a.key: _about(a, folder, static_size, ends)
            | ({"in_float": in_float[a.key]} if in_float.get(a.key) else {})
            for a in artifacts
        },
        "files": _all_files(folder),
        "versions": versions(),
    }
    if any(FORMS[a.form].calibrated for a in artifacts):
        about["calibration"] = calibration or calibrating.source(pipeline)
    return about


def of_entry(entry: Entry) -> dict:
    """What `export.json` says of an entry, whichever files were made of it."""
    spec = entry.spec
    about: dict[str, Any] = {
        "name": entry.full_name,
        "task": spec.task,
        "licence": {
            "code": CODE_LICENCE,
            "weights": OWN if entry.own else weights_licence(entry),
            "training data": entry.data_licence,
        },
        "signature": SERVE,
    }
    if spec.restores:
        about |= {"degrade": list(spec.degrade), "scale": spec.scales[0]}
        about |= {"scales": list(spec.scales), "receptive_radius": spec.receptive_radius}
        about |= {"border": spec.border, "luma": spec.luma}
        about |= {"multiple": spec.multiple} if spec.multiple > 1 else {}
    if entry.base:
        about |= {"base": entry.base, "shape": list(spec.shape)}
    if entry.own:
        about["net"] = own.facts_of_entry(entry)
    if spec.latent:
        about["latent"] = spec.latent
    if spec.labels:
        about["labels"] = list(spec.labels)
    if spec.task == "classify" and spec.background != 1:
        about["background"] = spec.background
    return about


def weights_sha256(net) -> str:
    """SHA-256 of the bytes of a net's weights, in the net's order; whichever file they were in."""
    digest = hashlib.sha256()
    for array in net.get_weights():
        digest.update(array.tobytes())
    return digest.hexdigest()


def stamp(pipeline) -> dict[str, str]:
    """Of which weights a figure is, and of which day."""
    return {"weights": weights_sha256(pipeline.net)[:12], "date": today()}


def today() -> str:
    """The date, in UTC."""
    return datetime.datetime.now(datetime.timezone.utc).date().isoformat()


def versions() -> dict[str, str]:
    """Of the zoo, Python and the packages that an export depends on."""
    found = {package: importlib.metadata.version(package) for package in _PACKAGES}
    return {"zoo": __version__, "python": platform.python_version()} | found


def _about(artifact: Artifact, folder: Path, static_size: int, ends: Callable) -> dict:
    function = artifact.function
    static = FORMS[artifact.form].static
    inputs = static_inputs(function, static_size) if static else function.inputs
    data = (folder / artifact.path).read_bytes() if artifact.lite else None
    if data:  # whose batch may be one
        batch = tflite_reader.input_shape(data)[0]
        inputs = tuple(Input(one.name, (batch, *one.shape[1:])) for one in inputs)
    about: dict[str, Any] = {"part": function.name, "form": artifact.form, "path": artifact.path}
    return about | inside(artifact, ends(function, inputs), data)


def inside(artifact: Artifact, ends: dict, data: bytes | None) -> dict:
    """What is said of an artifact's inside.

    Args:
        artifact: which.
        ends: its `inputs` and `outputs`, in float32.
        data: of a TFLite file.
    """
    if not data:
        return ends
    if artifact.form.endswith("uint8"):
        taken, given = tflite_reader.quantized_ends(data)
        outputs = [ends["outputs"][0] | given]
        ends = {"inputs": [ends["inputs"][0] | taken], "outputs": outputs}
    return ends | {"constants": tflite_reader.census(data)}


def _all_files(folder: Path) -> dict[str, dict]:
    paths = sorted(p for p in folder.rglob("*") if p.is_file())
    return {p.relative_to(folder).as_posix(): facts_of_file(p) for p in paths}
