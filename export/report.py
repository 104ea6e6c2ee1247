"""The verification's outcome: `report.json` beside the files, and a table for people."""

from pathlib import Path
from typing import Any

from zoo.errors import ZooError
from zoo.export.describe import today
from zoo.export.manifest import PAGE, REPORT
from zoo.storage import files
from zoo.storage.terminal import aligned

COLUMNS = ("artifact", "runtime", "input", "max_error", "rms_error", "snr_db", "bound", "passed")


def write(report: dict[str, Any], folder: str | Path) -> Path:
    """Writes what `verify` returned, with today's date (UTC), as `report.json` into the export.

    Raises:
        ZooError: the file cannot be written.
    """
    path = Path(folder) / REPORT
    files.write_json(path, {"date": today()} | report)
    return path


def remove(folder) -> None:
    """Removes the report of an earlier verification: whatever ends this one, it does not stand."""
    for path in (Path(folder) / REPORT, Path(folder) / PAGE):
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise ZooError(f"{path} cannot be replaced: {error.strerror}") from error


def text(report: dict) -> str:
    """The rows of a report in aligned columns, why any failed below, and the verdict."""
    lines = aligned([COLUMNS, *(cells(row) for row in report["rows"])])
    failed = [row for row in report["rows"] if not row["passed"]]
    why = [f"{row['artifact']}, {row['input']}: {row['reason']}" for row in failed]
    good, total = len(report["rows"]) - len(failed), len(report["rows"])
    verdict = f"{report['name']}: {good} of {total} checks passed"
    if report["left_out"]:
        why.append(f"Left out: {report['left_out']}")
    if report["net_missing"]:
        why.append(
            f"The net itself was not there: {report['net_missing']}. So the files were judged by "
            "what it gave when it was exported, on no fresh pictures."
        )
    return "\n".join([*lines, *why, verdict])


_BOUNDS = {"max_error": "{:.0e}", "rms_error": "{:.0e} (rms)", "loss": "{:.2g} of it"}


def cells(row: dict) -> list[str]:
    """A row of a report as text, one cell for each of `COLUMNS`."""
    errors = dict.fromkeys(("max_error", "rms_error"), "{:.1e}")
    bound = _BOUNDS[row["error_metric"]]
    formats = errors | {"snr_db": "{:.1f}", "bound": bound}
    if row["max_error"] == 0:
        row = row | {"snr_db": "exact"}
        formats["snr_db"] = "{}"
    values = [_cell(row[column], formats.get(column, "{}")) for column in COLUMNS[:-1]]
    return [*values, "yes" if row["passed"] else "NO"]


def _cell(value, form: str) -> str:
    return "-" if value in (None, "") else form.format(value)
