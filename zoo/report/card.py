"""The model cards, printed from the index and the published figures."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from zoo import files, index, weights
from zoo.data.degradation import Degradation
from zoo.index import OUTPUTS, Entry
from zoo.report import figures, results, tables

CODE_LICENCE, WEIGHTS_LICENCE = "MIT", "MIT, as far as the licence of the training data allows"
_DRAWN = {
    "restoration": "Input, classical method, this net, original, and the difference; below, parts",
    "generation": "What this net makes",
    "recognition": "What it takes each class for, in percent, and the mistakes it was most sure of",
}


def card(entry: Entry, facts: dict) -> str:
    """The model card, as Markdown.

    Args:
        entry: from the index; its figures are those in `zoo/results`.
        facts: its published `run.json`.
    """
    performance = results.performance(entry)
    parts = [
        f"# {entry.full_name}\n\n{entry.summary[0].upper()}{entry.summary[1:]}.",
        f"![{_DRAWN[entry.spec.kind]}]({weights.STRIP})",
        figures.table(("", ""), _overview(entry, facts)),
        "## Figures\n\n" + _figures(entry, results.rows(entry)),
        "## The exported files\n\n" + _files(facts, results.numerics(entry)) + _refused(entry),
        *(["## How long they take\n\n" + _performance(performance)] if performance else []),
        "## Limits\n\n" + "\n".join(f"- {limit}" for limit in entry.limits),
        "## How it was made\n\n" + _making(entry, facts),
    ]
    return "\n\n".join(parts) + "\n"


def refresh(*readmes: Path) -> None:
    """Writes all cards and the READMEs' tables anew from the index and the figures."""
    entries = [index.entry(name) for name in index.names()]
    for entry in entries:
        if facts := weights.published(entry):
            files.write_text(weights.pretrained_folder(entry) / weights.CARD, card(entry, facts))
    for readme in readmes:
        files.write_text(readme, tables.with_tables(readme.read_text(encoding="utf-8"), entries))


def _overview(entry: Entry, facts: dict) -> list[tuple[str, str]]:
    spec, macs = entry.spec, facts["macs"]
    size = "any size" if spec.free_size else "x".join(str(side) for side in spec.shape[:2])
    colour = {1: "grey", 3: "colour", "Y": "luma Y (BT.601)"}[spec.channels]
    low, high = spec.value_range
    return [
        ("task", spec.task),
        *([("made for", ", ".join(map(_damage, spec.degradations)))] if spec.restores else []),
        ("paper", entry.paper),
        ("pictures", f"{size}, {colour}, pixels in [0, 1] (in the net as {low:g}..{high:g})"),
        ("input and output", _functions(entry)),
        *([("labels", ", ".join(spec.labels))] if spec.labels else []),
        ("weights", f"{entry.parameters:,} (float32)"),
        ("MACs", f"{macs['count'] / 1e6:,.1f} million at {macs['size'][0]}x{macs['size'][1]}"),
        ("licence of the code", CODE_LICENCE),
        ("licence of the weights", WEIGHTS_LICENCE),
        ("licence of the training data", entry.data_licence),
    ]


def _functions(entry: Entry) -> str:
    spec = entry.spec
    if spec.restores:
        scale = f", {spec.scales[0]} times as large" if spec.scales[0] > 1 else ", as large"
        return f"`image` to `{OUTPUTS[spec.task]}`{scale}"
    latent = f"`latent` of {spec.code} numbers"
    return {
        "classify": f"`image` to `probs` of {len(spec.labels)} classes",
        "generate": f"{latent}{', the last a class as one-hot,' * bool(spec.labels)} to `image`",
        "autoencode": f"`image` to `mean` and `logvar`; {latent} to `image`",
    }[spec.task]


def _damage(degradation: Degradation) -> str:
    """A degradation in words."""
    low, high = f"{degradation.low:g}", f"{degradation.high:g}"
    strength = low if low == high else f"{low} to {high}"
    return {
        "noise": f"Gaussian noise, sigma {strength} (of 255)",
        "bicubic": f"bicubic reduction, {strength} times",
        "jpeg": f"JPEG, quality {strength}",
    }[degradation.kind]


def _figures(entry: Entry, rows: list[dict]) -> str:
    table = (_metric_rows if entry.spec.kind == "generation" else _set_rows)(entry, rows)
    degrade = f" --degrade {rows[0]['degrade']}" if "degrade" in rows[0] else ""
    command = f"zoo evaluate {index.short_name(entry)} --data {rows[0]['data']}{degrade}"
    protocols = dict.fromkeys(f"- {row['data']}: {row['protocol']}" for row in rows)
    again = f"The first row again: `{command}`. Protocols:"
    return "\n\n".join([table, again, "\n".join(protocols)])


def _set_rows(entry: Entry, rows: list[dict]) -> str:
    """A row a test set."""
    metrics = figures.HEADLINES[entry.spec.kind]
    shown = figures.columns(rows, metrics)
    lines = [
        (
            figures.what(row),
            str(row["count"]),
            *(figures.cell(row, label, metrics) for label in shown),
            figures.by_others(entry, row),
        )
        for row in rows
    ]
    unit = " / ".join(figures.UNITS[metric] for metric in metrics)
    heads = ("test set", "pictures", *shown, "published by others")
    return figures.table(heads, lines) + f"\n\nEach cell: {unit}."


def _metric_rows(entry: Entry, rows: list[dict]) -> str:
    """A row a metric."""
    lines = [
        (
            figures.what(row),
            figures.UNITS[m],
            *(figures.cell(row, label, (m,)) for label in _GENERATION),
            figures.one_by_others(entry, row, m),
        )
        for row in rows
        for m in figures.UNITS
        if m in row
    ]
    return figures.table(("test set", "figure", *_GENERATION, "published by others"), lines)


_GENERATION = ("this net", "its TFLite file", "real beside real")


def _files(facts: dict, numerics: list[dict]) -> str:
    """A row a file and runtime, with the figure of record that its form reached there."""
    first = figures.smallest(numerics)
    found = {(row["artifact"], row["runtime"]): row for row in first}
    lines = [
        (
            f"`{row['artifact']}`",
            f"{row['bytes'] / 1e6:.2f} MB",
            ", ".join(row.get("constants", {})),
            row["runtime"],
            f"{row['max_error']:.1e}" + ", **beyond its bound**" * row.get("beyond", False),
            *(_numeric(found.get((row.get("form"), row["runtime"]))) if first else ()),
        )
        for row in facts["files"]
    ]
    heads = "file", "size", "constants", "checked in", "largest error against the net"
    if not first:
        return figures.table(heads, lines)
    unit = figures.UNITS[first[0]["metric"]]
    net = figures.number(first[0]["net"], first[0]["metric"])
    told = (
        f"{unit.partition(', ')[0]} is that of the files on {figures.what(first[0])} "
        f"({first[0]['count']} pictures); the net's own in the same run is {net}. A file may "
        "differ from it by its bound."
    )
    return f"{figures.table((*heads, unit, 'difference (bound)'), lines)}\n\n{told}"


def _refused(entry: Entry) -> str:
    """A line for each reason why there are no files of some forms."""
    whys = dict.fromkeys(entry.refused.values())
    forms = {why: [f"`{f}`" for f, w in entry.refused.items() if w == why] for why in whys}
    return "".join(f"\n\nNo {', '.join(some)} file: {why}." for why, some in forms.items())


def _numeric(row: dict | None) -> tuple[str, str]:
    """The figure, and such as `-0.170 (0.05), **missed**`."""
    if row is None:
        return "-", "-"
    figure = figures.number(row["figure"], row["metric"])
    difference = round(row["difference"], 3) + 0.0  # no minus before nothing
    return figure, f"{difference:+.3f} ({row['bound']:g}){figures.missed(row)}"


def _performance(rows: list[dict]) -> str:
    lines = [
        (
            f"`{row['artifact']}`",
            f"{row['runtime']} {row['version']}",
            str(row["threads"]),
            f"{row['median_ms']:.3g}",
            f"{row['p5_ms']:.3g} to {row['p95_ms']:.3g}",
            f"{row['ratio']:.2f}" if "ratio" in row else "-",
            f"{row['load_ms']:.3g} + {row['first_ms']:.3g}",
            f"{row['peak_mib']:.0f} ({row['bare_mib']:.0f})",
        )
        for row in rows
    ]
    heads = ("file", "runtime", "threads", "median, ms", "5 % to 95 %", "to `float32_free`",
             "load + first run, ms", "peak memory (bare), MiB")  # fmt: skip
    hosts = " and ".join(dict.fromkeys(f"{row['host']}, {row['date']}" for row in rows))
    told = (
        f"One input, {' or '.join(dict.fromkeys(row['input'] for row in rows))}. One run on this "
        f"host, {hosts}, each row in a process of its own, in turns: the ratios say more than the "
        f"milliseconds, and neither is a phone's. Again: `zoo dev bench {rows[0]['name']}`."
    )
    return f"{figures.table(heads, lines)}\n\n{told}"


def _making(entry: Entry, facts: dict) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    lines = [
        f"- command: `zoo train {index.short_name(entry)}`",
        f"- recipe: {_recipe(facts)}",
        *(f"- went on from `{b['name']}`, recipe: {_recipe(b)}" for b in _beginnings(facts)),
        *_calibration(facts),
        f"- time: {_time(facts)}",
        f"- machine: {facts['host']}; {versions}",
        f"- SHA-256 of `{weights.WEIGHTS}`: `{facts['sha256'][weights.WEIGHTS]}`",
    ]
    return "\n".join(lines) + "\n\nOn pictures held out of the training set:\n\n" + _curve(facts)


def _recipe(facts: dict) -> str:
    """What differs from the usual."""
    usual = {f.name: f.default for f in dataclasses.fields(index.Recipe)}
    special = {k: v for k, v in facts["recipe"].items() if v and v != usual[k]}
    return ", ".join(f"{key} {value}" for key, value in special.items())


def _beginnings(facts: dict) -> Iterator[dict]:
    """The trainings that its weights had been through, the last one first."""
    while facts := facts.get("start"):
        yield facts


def _time(facts: dict) -> str:
    beginnings = list(_beginnings(facts))
    told = f"{_minutes(facts)}, {facts['started']} to {facts['ended']}"
    if not beginnings or any("seconds" not in beginning for beginning in beginnings):
        return told
    return f"{told}; {_minutes(facts, *beginnings)} with all that it went on from"


def _minutes(*trainings: dict) -> str:
    return f"{sum(training['seconds'] for training in trainings) / 60:.0f} minutes"


def _calibration(facts: dict) -> list[str]:
    if not (found := facts.get("calibration")):
        return []
    return [
        f"- calibration: logits divided by {found['temperature']}, fitted on {found['count']:,} "
        f"held-out pictures (expected calibration error {found['before']} % before, "
        f"{found['after']} % after), in the weights"
    ]


def _curve(facts: dict, most: int = 10) -> str:
    rows = facts["curve"]
    shown = rows[:: max(1, len(rows) // most)]
    shown = shown if shown[-1] is rows[-1] else [*shown, rows[-1]]
    metrics = [key for key in rows[0] if key.startswith("held_out_")]
    heads = ("step", "loss", *(figures.UNITS[m.removeprefix("held_out_")] for m in metrics))
    return figures.table(
        heads,
        [(f"{r['step']}", f"{r['loss']:.4g}", *(f"{r[m]:.4g}" for m in metrics)) for r in shown],
    )
