"""The figures of record, `results/*.csv`, which cards, tables and `zoo list` are printed from.

`figures.csv` has a row a figure, and `protocols.csv` how those of a name on a set were measured:
`zoo dev measure` and `zoo dev publish` write both. `performance.csv` has a row a name, file,
runtime and number of threads, written by `zoo dev bench`. What others published is in
`Entry.benchmarks`.
"""

import csv
import functools
import io
from collections.abc import Callable
from pathlib import Path

from zoo.errors import ZooError
from zoo.schema import Entry
from zoo.storage import files

RESULTS = Path(__file__).parents[1] / "results"
NET, FILE, ENSEMBLE, BASELINE, FLOOR = "net", "file", "ensemble", "baseline", "floor"
"""What a figure is of: the net, an exported file in its place, the net's mean over turned or moved
pictures, `baseline:METHOD`, and real pictures beside other real ones."""

FIGURES, PROTOCOLS, PERFORMANCE = "figures", "protocols", "performance"
_SET = ("name", "tag", "data", "degrade")
_RUN = ("name", "tag", "artifact", "runtime", "threads")
COLUMNS = {
    FIGURES: (*_SET, "subject", "form", "runtime", "metric", "value", "count", "weights", "date"),
    PROTOCOLS: (*_SET, "protocol"),
    PERFORMANCE: (*_RUN, "version", "input", "median_ms", "ratio", "average_ms", "p5_ms", "p95_ms",
                  "min_ms", "max_ms", "std_ms", "first_ms", "load_ms", "peak_mib", "bare_mib",
                  "bytes", "runs", "warmups", "host", "weights", "date"),
}  # fmt: skip
"""Table -> its columns."""
_WHOLE = {"count", "bytes", "threads", "runs", "warmups"}
_REAL = {"value", "ratio"}


def rows(entry: Entry) -> list[dict]:
    """What was measured of an entry, a row a figure, in the order of its benchmarks.

    A row has `name`, `tag`, `data` and, where pictures are damaged first, `degrade`; the `subject`,
    and of a file its `form` and `runtime`; the `metric` and its `value`; the `count` of pictures,
    the `protocol`, and the `weights` and `date`.
    """
    told = {_set(row): row["protocol"] for row in _rows_of(entry, PROTOCOLS)}
    order = [(b.data, b.degrade) for b in entry.benchmarks]
    kept = [row for row in _rows_of(entry, FIGURES) if of_set(row) in order]
    full = [row | {"protocol": told[_set(row)]} for row in kept]
    return sorted(full, key=lambda row: order.index(of_set(row)))


def of_set(row: dict) -> tuple[str, str | None]:
    """On what a figure was measured: a set, and what was done to its pictures."""
    return row["data"], row.get("degrade")


def performance(entry: Entry) -> list[dict]:
    """How fast an entry's files were: see `zoo.export.benchmark.bench`."""
    return _rows_of(entry, PERFORMANCE)


def record(entry: Entry, figures: list[dict]) -> Path:
    """Puts an entry's rows, as `rows` gives them, in the place of those that were there; returns
    the file of the figures."""
    protocols = {_set(row): _part(row, PROTOCOLS) for row in figures}
    is_of = functools.partial(_is_of, entry)
    _replace(PROTOCOLS, list(protocols.values()), is_of)
    return _replace(FIGURES, [_part(row, FIGURES) for row in figures], is_of)


def record_performance(measured: list[dict]) -> Path:
    """Puts rows in the place of those of the same name, file, runtime and number of threads."""
    new = {_run(row) for row in measured}
    return _replace(PERFORMANCE, measured, lambda row: _run(row) in new)


def _set(row: dict) -> tuple:
    return tuple(row.get(key) for key in _SET)


def _run(row: dict) -> tuple:
    return tuple(row[key] for key in _RUN)


def _of(row: dict) -> tuple[str, str]:
    return row["name"], row["tag"]


def _part(row: dict, table: str) -> dict:
    """What a table keeps of a row."""
    return {key: row[key] for key in COLUMNS[table] if key in row}


def _is_of(entry: Entry, row: dict) -> bool:
    return _of(row) == (entry.name, entry.tag)


def _rows_of(entry: Entry, table: str) -> list[dict]:
    return [row for row in _read(_path(table)) if _is_of(entry, row)]


def _path(table: str) -> Path:
    return RESULTS / f"{table}.csv"


def _replace(table: str, new: list[dict], old: Callable[[dict], bool]) -> Path:
    path = _path(table)
    others = [row for row in _read(path) if not old(row)]
    _write(path, COLUMNS[table], sorted([*others, *new], key=_of))
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
    return {key: _value(key, text) for key, text in row.items() if text}


def _value(key: str, text: str) -> str | int | float:
    real = key in _REAL or key.endswith(("_ms", "_mib"))
    return int(text) if key in _WHOLE else float(text) if real else text


def _write(path: Path, columns: tuple[str, ...], all_rows: list[dict]) -> None:
    text = io.StringIO()
    table = csv.DictWriter(text, columns, lineterminator="\n")
    table.writeheader()
    for row in all_rows:
        table.writerow({k: f"{v:.9g}" if isinstance(v, float) else v for k, v in row.items()})
    files.write_text(path, text.getvalue())
