"""The tables of the README and of `docs/figures.md`, from the index and the figures of record."""

import re
from dataclasses import dataclass

from zoo import index
from zoo.export.forms import MEASURED_FORM
from zoo.metrics.metric import METRICS, metric_of
from zoo.report import figures, precisions, results, times
from zoo.schema import Entry
from zoo.storage import weights

_MODELS = ("task", "name", "what it does", "measured", "published", "its file, float32", "in int8",
           "int8's time")  # fmt: skip


def models_table(entries: list[Entry]) -> str:
    """The README's table of all published names, by task, as Markdown."""
    published = sorted(filter(weights.published, entries), key=lambda entry: entry.spec.task)
    rows = [entry for of_kind in _by_kind(published) for entry in of_kind]
    return figures.table(_MODELS, map(_model, rows))


def _model(entry: Entry) -> tuple[str, ...]:
    card = f"zoo/pretrained/{entry.name}/{entry.tag}/{weights.CARD}"
    return (
        entry.spec.task,
        f"[`{index.short_name(entry)}`]({card})",
        entry.summary,
        figures.headline(entry),
        figures.published(entry),
        precisions.size(entry, MEASURED_FORM),
        precisions.size(entry, "int8"),
        times.ratio(entry, "int8"),
    )


def figures_table(entries: list[Entry]) -> str:
    """The tables of all figures of record, as Markdown: a row a name and test set."""
    return "\n\n".join(map(_of_kind, _by_kind(entries)))


def _by_kind(entries: list[Entry]) -> list[list[Entry]]:
    """Recognition, restoration, generation, and then what else there is."""
    kinds = dict.fromkeys([*figures.HEADLINES, *(index.task_of(e).kind for e in entries)])
    groups = ([e for e in entries if index.task_of(e).kind == kind] for kind in kinds)
    return list(filter(None, groups))


def _of_kind(entries: list[Entry]) -> str:
    kind, metrics = index.task_of(entries[0]).kind, figures.headlines(entries[0])
    lines = [
        _Line((f"`{index.short_name(entry)}`", figures.what(rows[0])), entry, rows, metrics)
        for entry in entries
        for rows in figures.by_set(results.rows(entry)).values()
    ]
    text = _table(("name", "test set"), lines)
    return f"{kind.capitalize()}: {figures.heading(metrics)}\n\n{text}"


def of_name(entry: Entry, rows: list[dict]) -> str:
    """A card's table of all figures of record: a row a test set, or, where there are more than
    stand in one cell, a row a metric."""
    sets, headlines = figures.by_set(rows).values(), figures.headlines(entry)
    measured = {row["metric"] for row in rows if row["subject"] == results.NET}
    if measured <= set(headlines):
        lines = [
            _Line((figures.what(of_set[0]), str(of_set[0]["count"])), entry, of_set, headlines)
            for of_set in sets
        ]
        text = _table(("test set", "pictures"), lines)
        return f"{text}\n\nEach cell: {figures.heading(headlines)}."
    ordered = [name for name in METRICS if name in measured] + sorted(measured - METRICS.keys())
    lines = [
        _Line((figures.what(of_set[0]), metric_of(name).heading), entry, of_set, (name,))
        for of_set in sets
        for name in ordered
        if figures.find(of_set, results.NET, name)
    ]
    return _table(("test set", "figure"), lines)


@dataclass(frozen=True)
class _Line:
    """What stands first in a line, and the figures of one set that follow."""

    first: tuple[str, str]
    entry: Entry
    rows: list[dict]
    metrics: tuple[str, ...]


def _table(heads: tuple[str, str], lines: list[_Line]) -> str:
    """A column a subject that something is known of, and what others published."""
    known = [row for line in lines for row in line.rows if row["metric"] in line.metrics]
    shown = figures.subjects(known)
    cells = [
        (
            *line.first,
            *(figures.cell(line.rows, subject, line.metrics) for subject in shown),
            figures.by_others(line.entry, line.rows[0], line.metrics),
        )
        for line in lines
    ]
    return figures.table((*heads, *shown.values(), "published by others"), cells)


def with_tables(text: str, entries: list[Entry]) -> str:
    """A page's text with the tables between its marks and the pictures' tags replaced."""
    for entry in entries:
        strip = f"zoo/pretrained/{entry.name}/%s/{weights.PREVIEW}"
        text = re.sub(strip % "[^/]+", strip % index.entry(entry.name).tag, text)
    for mark in re.findall(r"<!-- (\w+): begin -->", text):
        begin, end = f"<!-- {mark}: begin -->", f"<!-- {mark}: end -->"
        before, rest = text.split(begin)
        text = f"{before}{begin}\n{_TABLES[mark](entries)}\n{end}{rest.split(end)[1]}"
    return text


_TABLES = {
    "models": models_table,
    "figures": figures_table,
    "precisions": precisions.precisions_table,
    "speeds": times.speeds_table,
}
"""Mark in a page -> what prints the table there."""
