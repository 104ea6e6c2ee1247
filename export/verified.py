"""Export and verification in one, for what is measured and shipped."""

from pathlib import Path
from typing import Any

from zoo.errors import ZooError, need
from zoo.export import report
from zoo.export.artifacts import Artifact, Formats, artifacts
from zoo.export.compared import beyond
from zoo.export.forms import FORMS
from zoo.export.manifest import read_manifest
from zoo.export.verify import verify
from zoo.export.write import export
from zoo.export.write import refuse as refuse_export
from zoo.index import Entry
from zoo.tasks.functions import Function
from zoo.tasks.pipeline import Pipeline


def refuse(entry: Entry, formats: Formats = None) -> None:
    """Raises as `export_verified` where that is seen without the net; takes no TensorFlow."""
    if "onnx" in refuse_export(entry, formats):
        need("onnxruntime", "running an ONNX file")


def export_verified(
    pipeline: Pipeline, folder: Path, static_size: int | None = None, formats: Formats = None
) -> tuple[list[Artifact[Function]], dict[str, Any]]:
    """Exports and verifies, before anything is measured of the files.

    What computes in float32 has to be right. Rounded numbers may miss their bounds on made-up
    pictures, unlike any that their ranges were measured on: the rows of the report say so, and a
    test set says what it means.

    Returns:
        The artifacts, and what `verify` returns.

    Raises:
        ZooError: a check did not pass; the message is the whole table.
        MissingExtra: what a form takes is not installed.
    """
    export(pipeline, folder, static_size, formats)
    written = artifacts(pipeline, read_manifest(folder)["formats"])
    found = verify(folder, pipeline)
    quantized = {artifact.key for artifact in written if FORMS[artifact.form].quantized}
    failed = [row for row in found["rows"] if not row["passed"]]
    if any(row["artifact"] not in quantized or not beyond(row) for row in failed):
        raise ZooError("the exported files are not right:\n" + report.text(found))
    return written, found
