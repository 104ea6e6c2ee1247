"""The figures of record: `results/*.csv`, one row a name, set and degradation.

`zoo measure` and `zoo publish` write them; cards, tables and `zoo list` are printed from them.
"""

import csv
import io
from pathlib import Path

from zoo import files
from zoo.errors import ZooError
from zoo.index import Entry

RESULTS = Path(__file__).parent / "results"
_KEY = ("name", "tag", "data", "degrade")
_ABOUT = ("count", "protocol")
_METRICS = {
    "recognition": ("accuracy", "nll", "ece"),
    "restoration": ("psnr", "ssim"),
    "generation": ("nll", "elbo", "active_units", "psnr", "frechet", "kernel", "precision",
                   "recall", "density", "coverage", "least_class", "novelty"),
}  # fmt: skip
_METHODS = {
    "recognition": ("", "file_", "paper_"),
    "restoration": ("", "file_", "ensemble_", "baseline_", "paper_"),
    "generation": ("", "file_", "floor_", "paper_"),
}
_TEXTS = (*_KEY, "protocol", "baseline", "paper", "weights", "date")


def rows(entry: Entry) -> list[dict]:
    """What was measured of an entry, in the order of its benchmarks; empty if nothing was.

    A row has `name`, `tag`, `data`, `degrade`, `count`, `protocol`, and the task's metrics: of the
    net (`psnr`), of its exported file (`file_psnr`), with self-ensemble (`ensemble_psnr`), of a
    classical method (`baseline_psnr`; `baseline` names it), of real pictures beside other real ones
    (`floor_frechet`) and published (`paper_psnr`; `paper`).
    What was not measured is left out.
    """
    mine = [row for row in _read(_path(entry)) if _of(row) == (entry.name, entry.tag)]
    order = [(b.data, b.degrade or "") for b in entry.benchmarks]
    kept = [row for row in mine if _set(row) in order]
    return sorted(kept, key=lambda row: order.index(_set(row)))


def record(entry: Entry, measured: list[dict]) -> Path:
    """Puts an entry's rows in the place of those that were there; returns the file."""
    path = _path(entry)
    others = [row for row in _read(path) if _of(row) != (entry.name, entry.tag)]
    _write(path, sorted(others + measured, key=_of))
    return path


def _set(row: dict) -> tuple[str, str]:
    return row["data"], row.get("degrade", "")


def _of(row: dict) -> tuple[str, str]:
    return row["name"], row["tag"]


def _path(entry: Entry) -> Path:
    return RESULTS / f"{entry.spec.kind}.csv"


def columns(kind: str) -> tuple[str, ...]:
    """The columns of `results/KIND.csv`."""
    figures = [method + metric for method in _METHODS[kind] for metric in _METRICS[kind]]
    return (*_KEY, *_ABOUT, *figures, "baseline", "paper", "weights", "date")


def _read(path: Path) -> list[dict]:
    if not path.is_file():
        return []
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return [_values(row) for row in csv.DictReader(file)]
    except (OSError, ValueError) as error:
        raise ZooError(f"{path} cannot be read: {error}; `zoo measure` writes it anew") from error


def _values(row: dict[str, str]) -> dict:
    def value(key, text):
        return text if key in _TEXTS else int(text) if key == "count" else float(text)

    return {key: value(key, text) for key, text in row.items() if text}


def _write(path: Path, all_rows: list[dict]) -> None:
    text = io.StringIO()
    table = csv.DictWriter(text, columns(path.stem), lineterminator="\n")
    table.writeheader()
    for row in all_rows:
        table.writerow({k: round(v, 5) if isinstance(v, float) else v for k, v in row.items()})
    files.write_text(path, text.getvalue())
