"""The README's tables, printed from the index and the published figures."""

import re

from zoo import index, weights
from zoo.export.forms import FORMS
from zoo.index import Entry
from zoo.report import figures, results
from zoo.tasks.parts import DECODER, ENCODER


def models_table(entries: list[Entry]) -> str:
    """The README's table of all published names, as Markdown."""
    rows = [
        (
            f"[`{index.short_name(entry)}`](zoo/pretrained/{entry.name}/{entry.tag}/{weights.CARD})",
            entry.summary,
            f"{entry.parameters:,}",
            figures.headline(entry),
        )
        for entry in entries
        if weights.published(entry)
    ]
    return figures.table(("name", "what it does", "weights", "measured"), rows)


def figures_table(entries: list[Entry]) -> str:
    """The README's tables of all figures of record, as Markdown: a row a name and test set."""
    return "\n\n".join(
        _of_kind([e for e in entries if e.spec.kind == kind], kind) for kind in figures.HEADLINES
    )


def _of_kind(entries: list[Entry], kind: str) -> str:
    metrics = figures.HEADLINES[kind]
    rows = [(entry, row) for entry in entries for row in results.rows(entry)]
    shown = figures.columns([row for _, row in rows], metrics)
    lines = [
        (
            f"`{index.short_name(entry)}`",
            figures.what(row),
            *(figures.cell(row, label, metrics) for label in shown),
            figures.by_others(entry, row),
        )
        for entry, row in rows
    ]
    unit = " / ".join(figures.UNITS[metric] for metric in metrics)
    heads = ("name", "test set", *shown, "published by others")
    return f"{kind.capitalize()}: {unit}\n\n" + figures.table(heads, lines)


def precisions_table(entries: list[Entry]) -> str:
    """The README's table of what each name's files score and weigh, as Markdown."""
    lines = []
    for entry in entries:
        measured = {row["artifact"]: row for row in figures.smallest(results.numerics(entry))}
        if measured:
            first = next(iter(measured.values()))
            net = f"{figures.number(first['net'], first['metric'])} {figures.unit(first['metric'])}"
            files = [_of_file(measured.get(form)) for form in _PRECISIONS]
            lines.append((f"`{index.short_name(entry)}`", figures.what(first), net, *files))
    return figures.table(("name", "test set", "the net", *_PRECISIONS), lines)


_TIMED = tuple(name for name, form in FORMS.items() if form.suffix and not form.classifiers)
_PRECISIONS = tuple(name for name in _TIMED if not FORMS[name].static)


def _of_file(row: dict | None) -> str:
    """Such as `36.73, 0.12 MB`."""
    if row is None:
        return "-"
    figure = figures.number(row["figure"], row["metric"])
    return f"{figure}{figures.missed(row)}, {row['bytes'] / 1e6:.2f} MB"


def speeds_table(entries: list[Entry]) -> str:
    """The README's table of how long each name's files take, as Markdown."""
    lines = [
        (f"`{index.short_name(entry)}`{part}", *run, *_times(timed), _gain(timed))
        for entry in entries
        for (part, *run), timed in _timed(entry).items()
    ]
    return figures.table(("name", "one input", "threads", *_TIMED, "int8 is faster"), lines)


def _timed(entry: Entry) -> dict[tuple[str, str, str], dict[str, dict]]:
    """Part, input and threads -> form of file -> its row of the results."""
    found = {}
    for row in results.performance(entry):
        part = next((p for p in (ENCODER, DECODER) if row["artifact"].startswith(p)), "")
        run = f" {part}".rstrip(), row["input"], str(row["threads"])
        if row["runtime"] in ("LiteRT", "ONNX Runtime"):
            found.setdefault(run, {})[row["artifact"].removeprefix(f"{part}_")] = row
    return found


def _times(timed: dict[str, dict]) -> list[str]:
    return [f"{timed[form]['median_ms']:.3g}" if form in timed else "-" for form in _TIMED]


def _gain(timed: dict[str, dict]) -> str:
    """Against the faster float32 file."""
    to_free = {form: row["ratio"] for form, row in timed.items() if "ratio" in row}
    if "int8" not in to_free:
        return "-"
    fastest = min(to_free[form] for form in ("float32_free", "float32_static") if form in to_free)
    return f"{fastest / to_free['int8']:.1f} times"


def with_tables(readme: str, entries: list[Entry]) -> str:
    """The README's text with the tables between its marks and the pictures' tags replaced."""
    for entry in entries:
        strip = f"zoo/pretrained/{entry.name}/%s/{weights.STRIP}"
        readme = re.sub(strip % "[^/]+", strip % index.entry(entry.name).tag, readme)
    for mark, print_table in _TABLES.items():
        begin, end = f"<!-- {mark}: begin -->", f"<!-- {mark}: end -->"
        before, rest = readme.split(begin)
        readme = f"{before}{begin}\n{print_table(entries)}\n{end}{rest.split(end)[1]}"
    return readme


_TABLES = {
    "models": models_table,
    "figures": figures_table,
    "precisions": precisions_table,
    "speeds": speeds_table,
}
"""Mark in the README -> what prints the table there."""
