"""An export that is checked before anything is measured of it."""

from pathlib import Path

from zoo.errors import ZooError, need
from zoo.export import artifacts, report
from zoo.export.artifacts import Artifact
from zoo.export.forms import FORMS
from zoo.export.verify import verify
from zoo.index import Entry


def refuse(entry: Entry, formats=None) -> None:
    """Raises as `exported` where that is seen without the net; takes no TensorFlow."""
    if "onnx" in artifacts.refuse(entry, formats):
        need("onnxruntime", "running an ONNX file")


def exported(
    pipeline, folder: Path, static_size: int | None = None, formats=None
) -> tuple[list[Artifact], dict]:
    """Exports and verifies.

    What computes in float32 has to be right. Rounded numbers may miss their bounds on made-up
    pictures, unlike any that their ranges were measured on: the rows of the report say so, and a
    test set says what it means.

    Returns:
        The artifacts, and what `verify` returns.

    Raises:
        ZooError: a check did not pass; the message is the whole table.
        MissingExtra: what a form takes is not installed.
    """
    artifacts.export(pipeline, folder, static_size, formats)
    written, found = artifacts.artifacts(pipeline, formats), verify(folder, pipeline)
    rounded = {artifact.key for artifact in written if FORMS[artifact.form].rounded}
    failed = [row for row in found["rows"] if not row["passed"]]
    if any(row["artifact"] not in rounded or not beyond(row) for row in failed):
        raise ZooError("the exported files are not right:\n" + report.text(found))
    return written, found


def beyond(row: dict) -> bool:
    """Whether a check ran, and its result was farther from the net's than its bound."""
    error = row[row["judged_by"]]
    return error is not None and error > row["bound"]
