"""The figures of record, `results/*.csv`, which cards, tables and `zoo list` are printed from.

`KIND.csv` has a row a name, set and degradation; `numerics.csv` one more for each precision and
runtime: both are written by `zoo dev measure` and `zoo dev publish`. `performance.csv` has a row a
name, file, runtime and number of threads, written by `zoo dev bench`.
"""

import csv
import functools
import io
from pathlib import Path

from zoo import files
from zoo.errors import ZooError
from zoo.index import Entry

RESULTS = Path(__file__).parents[1] / "results"
_KEY = ("name", "tag", "data", "degrade")
_ABOUT = ("count", "protocol")
_METRICS = {
    "recognition": ("accuracy", "nll", "ece"),
    "restoration": ("psnr", "ssim"),
    "generation": ("nll", "elbo", "active_units", "psnr", "frechet", "kernel", "precision",
                   "recall", "density", "coverage", "least_class", "novelty"),
}  # fmt: skip
_METHODS = {
    "recognition": ("", "file_", "ensemble_", "paper_"),
    "restoration": ("", "file_", "ensemble_", "baseline_", "paper_"),
    "generation": ("", "file_", "floor_", "paper_"),
}
NUMERICS, PERFORMANCE = "numerics", "performance"
_RUN = ("name", "tag", "artifact", "runtime", "threads")
_COLUMNS = {
    NUMERICS: ("name", "tag", "artifact", "runtime", "data", "degrade", "count", "metric", "figure",
               "net", "difference", "bound", "held", "max_error", "bytes", "weights", "date"),
    PERFORMANCE: (*_RUN, "version", "input", "median_ms", "ratio", "average_ms", "p5_ms", "p95_ms",
                  "min_ms", "max_ms", "std_ms", "first_ms", "load_ms", "peak_mib", "bare_mib",
                  "bytes", "runs", "warmups", "host", "weights", "date"),
}  # fmt: skip
_TEXTS = {*_KEY, "protocol", "baseline", "paper", "weights", "date", "artifact", "runtime",
          "version", "metric", "held", "input", "host"}  # fmt: skip
_WHOLE = {"count", "bytes", "threads", "runs", "warmups"}


def rows(entry: Entry) -> list[dict]:
    """What was measured of an entry, in the order of its benchmarks; empty if nothing was.

    A row has `name`, `tag`, `data`, `degrade`, `count`, `protocol`, and the task's metrics: of the
    net (`psnr`), of its exported file (`file_psnr`), with self-ensemble (`ensemble_psnr`), of a
    classical method (`baseline_psnr`; `baseline` names it), of real pictures beside other real ones
    (`floor_frechet`) and published (`paper_psnr`; `paper`).
    What was not measured is left out.
    """
    order = [(b.data, b.degrade or "") for b in entry.benchmarks]
    kept = [row for row in _rows_of(entry, entry.spec.kind) if _set(row) in order]
    return sorted(kept, key=lambda row: order.index(_set(row)))


def numerics(entry: Entry) -> list[dict]:
    """How each precision of an entry's files measured: see `zoo.export.measure.Measured`."""
    return _rows_of(entry, NUMERICS)


def performance(entry: Entry) -> list[dict]:
    """How fast an entry's files were: see `zoo.export.benchmark.bench`."""
    return _rows_of(entry, PERFORMANCE)


def record(entry: Entry, figures: list[dict], precisions: list[dict] = ()) -> Path:
    """Puts an entry's rows, as `rows` and `numerics` give them, in the place of those that were
    there; returns the file of the figures."""
    _replace_all(entry, NUMERICS, precisions)
    return _replace_all(entry, entry.spec.kind, figures)


def forget(entry: Entry) -> None:
    """Takes all rows of an entry out."""
    for table in (entry.spec.kind, NUMERICS, PERFORMANCE):
        _replace_all(entry, table, [])


def record_performance(measured: list[dict]) -> Path:
    """Puts rows in the place of those of the same name, file, runtime and number of threads."""
    new = {_run(row) for row in measured}
    return _replace(PERFORMANCE, measured, lambda row: _run(row) in new)


def columns(table: str) -> tuple[str, ...]:
    """The columns of `results/TABLE.csv`."""
    if table in _COLUMNS:
        return _COLUMNS[table]
    figures = [method + metric for method in _METHODS[table] for metric in _METRICS[table]]
    return (*_KEY, *_ABOUT, *figures, "baseline", "paper", "weights", "date")


def _set(row: dict) -> tuple[str, str]:
    return row["data"], row.get("degrade", "")


def _of(row: dict) -> tuple[str, str]:
    return row["name"], row["tag"]


def _is_of(entry: Entry, row: dict) -> bool:
    return _of(row) == (entry.name, entry.tag)


def _rows_of(entry: Entry, table: str) -> list[dict]:
    return [row for row in _read(_path(table)) if _is_of(entry, row)]


def _run(row: dict) -> tuple:
    return tuple(row[key] for key in _RUN)


def _path(table: str) -> Path:
    return RESULTS / f"{table}.csv"


def _replace_all(entry: Entry, table: str, new: list[dict]) -> Path:
    return _replace(table, new, functools.partial(_is_of, entry))


def _replace(table: str, new: list[dict], old) -> Path:
    path = _path(table)
    others = [row for row in _read(path) if not old(row)]
    _write(path, sorted([*others, *new], key=_of))
    return path


def _read(path: Path) -> list[dict]:
    if not path.is_file():
        return []
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return [_values(row) for row in csv.DictReader(file)]
    except (OSError, ValueError) as error:
        by = "zoo dev bench" if path.stem == PERFORMANCE else "zoo dev measure"
        raise ZooError(f"{path} cannot be read: {error}; `{by}` writes it anew") from error


def _values(row: dict[str, str]) -> dict:
    def value(key, text):
        return text if key in _TEXTS else int(text) if key in _WHOLE else float(text)

    return {key: value(key, text) for key, text in row.items() if text}


def _write(path: Path, all_rows: list[dict]) -> None:
    text = io.StringIO()
    table = csv.DictWriter(text, columns(path.stem), lineterminator="\n")
    table.writeheader()
    for row in all_rows:
        table.writerow({k: f"{v:.7g}" if isinstance(v, float) else v for k, v in row.items()})
    files.write_text(path, text.getvalue())
