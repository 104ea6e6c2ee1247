"""How figures are printed: a cell a subject, the metrics that stand for a kind of task."""

from zoo import index
from zoo.export.forms import MEASURED_FORM
from zoo.metrics.metric import metric_of
from zoo.report import results
from zoo.schema import Entry

HEADLINES = {
    "recognition": ("accuracy", "nll", "ece"),
    "restoration": ("psnr", "ssim"),
    "generation": ("nll", "frechet", "coverage"),
}
"""Kind of task -> the metrics that tables of many names show; of others, the task's headline."""
_SUBJECTS = {
    results.NET: "this net",
    results.FILE: "its TFLite file",
    results.ENSEMBLE: "self-ensemble",
    results.BASELINE: "a classical method",
    results.FLOOR: "real beside real",
}


def headline(entry: Entry) -> str:
    """The first figure of record in one phrase, such as `28.98 dB on BSD68, noise:25`."""
    if row := _first(entry):
        return f"{metric_of(row['metric']).phrase(row['value'])} on {what(row)}"
    if entry.origin is not None:
        return "not measured here"
    return "not published" if entry.pretrained else "no weights here"


def published(entry: Entry) -> str:
    """What others published beside `headline`, the net's own paper if it did: `29.23 paper`."""
    row = _first(entry)
    return by_others(entry, row, (row["metric"],)).rpartition("; ")[2] if row else ""


def _first(entry: Entry) -> dict | None:
    """The net's first figure of record."""
    for rows in by_set(results.rows(entry)).values():
        found = (find(rows, results.NET, metric) for metric in headlines(entry))
        return next(filter(None, found))
    return None


def headlines(entry: Entry) -> tuple[str, ...]:
    """The metrics that tables of many names show of an entry."""
    task = index.task_of(entry)
    return HEADLINES.get(task.kind, (task.headline,))


def by_set(rows: list[dict]) -> dict[tuple, list[dict]]:
    """Set and degradation -> the rows of figures that were measured on it."""
    found: dict[tuple, list[dict]] = {}
    for row in rows:
        found.setdefault(results.of_set(row), []).append(row)
    return found


def what(row: dict) -> str:
    """On which set it was measured, such as `BSD68, noise:25`."""
    return ", ".join(filter(None, results.of_set(row)))


def find(rows: list[dict], subject: str, metric: str) -> dict | None:
    """The figure of a subject on one set; of files, of that which runs all sets."""
    return next(
        (
            row
            for row in rows
            if row["subject"].partition(":")[0] == subject
            and row["metric"] == metric
            and row.get("form") in (None, MEASURED_FORM)
        ),
        None,
    )


def subjects(rows: list[dict]) -> dict[str, str]:
    """Those that something was measured of -> what heads their column."""
    known = {row["subject"].partition(":")[0] for row in rows}
    return {subject: head for subject, head in _SUBJECTS.items() if subject in known}


def cell(rows: list[dict], subject: str, metrics: tuple[str, ...]) -> str:
    """Of one set, such as `29.10 / 0.8227`, a dash for what is not known, or nothing."""
    found = [find(rows, subject, metric) for metric in metrics]
    if not any(found):
        return ""
    text = " / ".join(metric_of(r["metric"]).number(r["value"]) if r else "-" for r in found)
    method = next(filter(None, found))["subject"].partition(":")[2]
    return f"{text} ({method})" if method else text


def by_others(entry: Entry, row: dict, metrics: tuple[str, ...]) -> str:
    """What others published for the set of a row, such as `28.57 BM3D; 29.23 paper (DnCNN-S)`."""
    here = results.of_set(row)
    published = next(b.published for b in entry.benchmarks if (b.data, b.degrade) == here)
    told = (
        (" / ".join(metric_of(m).number(v) for m, v in found.items() if m in metrics), label)
        for label, found in published.items()
    )
    return "; ".join(f"{numbers} {label}" for numbers, label in told if numbers)


def heading(metrics: tuple[str, ...]) -> str:
    """Such as `PSNR, dB ↑ / SSIM ↑`."""
    return " / ".join(metric_of(metric).heading for metric in metrics)


def told(metrics: dict[str, float]) -> str:
    """What `evaluate` measured in one line, such as `PSNR 28.98 dB, SSIM 0.8190`."""
    return ", ".join(metric_of(name).named(value) for name, value in metrics.items())


def table(heads, rows) -> str:
    """As Markdown."""
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
