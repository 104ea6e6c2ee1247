"""Cards and the README's table, printed from the index and the published figures."""

import dataclasses
from pathlib import Path

from zoo import files, index, results, weights
from zoo.index import OUTPUTS, Degradation, Entry

CODE_LICENCE, WEIGHTS_LICENCE = "MIT", "MIT, as far as the licence of the training data allows"
UNITS = {
    "psnr": "PSNR, dB",
    "ssim": "SSIM",
    "accuracy": "accuracy, %",
    "nll": "NLL, nats",
    "ece": "ECE, %",
    "frechet": "Frechet distance",
    "coverage": "coverage",
    "kernel": "kernel distance",
    "precision": "precision",
    "recall": "recall",
    "density": "density",
    "least_class": "rarest class",
    "novelty": "novelty",
    "elbo": "ELBO, nats",
    "active_units": "active units",
}
"""Metric -> its name and unit; the most telling ones first."""
_FORMATS = {
    "psnr": ".2f",
    "accuracy": ".2f",
    "nll": ".4g",
    "ece": ".2f",
    "active_units": ".0f",
    "kernel": ".2g",
    "ssim": ".4f",
}
_HEADLINES = {
    "recognition": ("accuracy", "nll", "ece"),
    "restoration": ("psnr", "ssim"),
    "generation": ("nll", "frechet", "coverage"),
}
"""Kind of task -> the metrics that tables of many names show."""
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
        _table(("", ""), _overview(entry, facts)),
        "## Figures\n\n" + _figures(entry, results.rows(entry)),
        "## The exported files\n\n" + _files(facts, results.numerics(entry)) + _refused(entry),
        *(["## How long they take\n\n" + _performance(performance)] if performance else []),
        "## Limits\n\n" + "\n".join(f"- {limit}" for limit in entry.limits),
        "## How it was made\n\n" + _making(entry, facts),
    ]
    return "\n\n".join(parts) + "\n"


def models_table(entries: list[Entry]) -> str:
    """The README's table of all published names, as Markdown."""
    rows = [
        (
            f"[`{index.short_name(entry)}`](zoo/pretrained/{entry.name}/{entry.tag}/{weights.CARD})",
            entry.summary,
            f"{entry.parameters:,}",
            headline(entry),
        )
        for entry in entries
        if weights.published(entry)
    ]
    return _table(("name", "what it does", "weights", "measured"), rows)


def figures_table(entries: list[Entry]) -> str:
    """The README's tables of all figures of record, as Markdown: a row a name and test set."""
    return "\n\n".join(
        _of_kind([e for e in entries if e.spec.kind == kind], kind) for kind in _HEADLINES
    )


def _of_kind(entries: list[Entry], kind: str) -> str:
    metrics = _HEADLINES[kind]
    rows = [(entry, row) for entry in entries for row in results.rows(entry)]
    shown = [label for label in _FIGURES if any(_cell(row, label, metrics) for _, row in rows)]
    lines = [
        (
            f"`{index.short_name(entry)}`",
            _what(row),
            *(_cell(row, label, metrics) for label in shown),
            _others(entry, row),
        )
        for entry, row in rows
    ]
    unit = " / ".join(UNITS[metric] for metric in metrics)
    heads = ("name", "test set", *shown, "published by others")
    return f"{kind.capitalize()}: {unit}\n\n" + _table(heads, lines)


def precisions_table(entries: list[Entry]) -> str:
    """The README's table of what each name's files score and weigh, as Markdown."""
    lines = []
    for entry in entries:
        measured = {row["artifact"]: row for row in _smallest(results.numerics(entry))}
        if measured:
            first = next(iter(measured.values()))
            net = f"{_number(first['net'], first['metric'])} {_unit(first['metric'])}"
            files = [_of_file(measured.get(form)) for form in _PRECISIONS]
            lines.append((f"`{index.short_name(entry)}`", _what(first), net, *files))
    return _table(("name", "test set", "the net", *_PRECISIONS), lines)


_PRECISIONS = ("float32_free", "float16", "dynamic_range", "int8", "onnx")


def _of_file(row: dict | None) -> str:
    """Such as `36.73, 0.12 MB`."""
    if row is None:
        return "-"
    return f"{_number(row['figure'], row['metric'])}{_missed(row)}, {row['bytes'] / 1e6:.2f} MB"


def headline(entry: Entry) -> str:
    """The first figure of record in one phrase, such as `28.98 dB on BSD68, noise:25`."""
    rows = results.rows(entry)
    if not rows:
        return "not published" if entry.pretrained else "no weights here"
    metric = next(m for m in _HEADLINES[entry.spec.kind] if m in rows[0])
    return f"{_number(rows[0][metric], metric)} {_unit(metric)} on {_what(rows[0])}"


def _unit(metric: str) -> str:
    """Such as `dB`; of what has no unit, its name."""
    return UNITS[metric].partition(", ")[2] or UNITS[metric]


def refresh(*readmes: Path) -> None:
    """Writes all cards and the READMEs' tables anew from the index and the figures."""
    entries = [index.entry(name) for name in index.names()]
    for entry in entries:
        if facts := weights.published(entry):
            files.write_text(weights.pretrained_folder(entry) / weights.CARD, card(entry, facts))
    for readme in readmes:
        files.write_text(readme, with_tables(readme.read_text(encoding="utf-8"), entries))


def with_tables(readme: str, entries: list[Entry]) -> str:
    """The README's text with the tables between its marks replaced."""
    for mark, print_table in _TABLES.items():
        begin, end = f"<!-- {mark}: begin -->", f"<!-- {mark}: end -->"
        before, rest = readme.split(begin)
        readme = f"{before}{begin}\n{print_table(entries)}\n{end}{rest.split(end)[1]}"
    return readme


_TABLES = {"models": models_table, "figures": figures_table, "precisions": precisions_table}
"""Mark in the README -> what prints the table there."""


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
    metrics = _HEADLINES[entry.spec.kind]
    shown = [label for label in _FIGURES if any(_cell(row, label, metrics) for row in rows)]
    lines = [
        (
            _what(row),
            str(row["count"]),
            *(_cell(row, label, metrics) for label in shown),
            _others(entry, row),
        )
        for row in rows
    ]
    unit = " / ".join(UNITS[metric] for metric in metrics)
    heads = ("test set", "pictures", *shown, "published by others")
    return _table(heads, lines) + f"\n\nEach cell: {unit}."


def _metric_rows(entry: Entry, rows: list[dict]) -> str:
    """A row a metric."""
    lines = [
        (
            _what(row),
            UNITS[m],
            *(_cell(row, label, (m,)) for label in _GENERATION),
            _other(entry, row, m),
        )
        for row in rows
        for m in UNITS
        if m in row
    ]
    return _table(("test set", "figure", *_GENERATION, "published by others"), lines)


_FIGURES = {
    "this net": "",
    "its TFLite file": "file_",
    "self-ensemble": "ensemble_",
    "a classical method": "baseline_",
    "real beside real": "floor_",
}
"""What a figure is of -> the prefix of its columns in the results."""
_GENERATION = ("this net", "its TFLite file", "real beside real")


def _what(row: dict) -> str:
    return ", ".join(filter(None, (row["data"], row.get("degrade"))))


def _cell(row: dict, label: str, metrics: tuple[str, ...]) -> str:
    """Such as `29.10 / 0.8227`, a dash for what is not known, or nothing."""
    prefix = _FIGURES[label]
    if not any(prefix + metric in row for metric in metrics):
        return ""
    found = [_number(row[prefix + m], m) if prefix + m in row else "-" for m in metrics]
    name = f" ({row['baseline']})" if prefix == "baseline_" else ""
    return " / ".join(found) + name


def _others(entry: Entry, row: dict) -> str:
    """Such as `28.57 BM3D; 29.23 paper (DnCNN-S)`."""
    return "; ".join(
        " / ".join(_number(value, metric) for metric, value in figures.items()) + f" {label}"
        for label, figures in _published(entry, row).items()
    )


def _other(entry: Entry, row: dict, metric: str) -> str:
    """Of one metric: such as `86.76 VAE; 84.78 IWAE-50`."""
    rows = _published(entry, row).items()
    return "; ".join(f"{_number(f[metric], metric)} {label}" for label, f in rows if metric in f)


def _published(entry: Entry, row: dict) -> dict:
    here = row["data"], row.get("degrade")
    return next(b.published for b in entry.benchmarks if (b.data, b.degrade) == here)


def _files(facts: dict, numerics: list[dict]) -> str:
    """A row a file and runtime, with the figure of record that its form reached there."""
    first = _smallest(numerics)
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
        return _table(heads, lines)
    unit = UNITS[first[0]["metric"]]
    net = _number(first[0]["net"], first[0]["metric"])
    told = (
        f"{unit.partition(', ')[0]} is that of the files on {_what(first[0])} "
        f"({first[0]['count']} pictures); the net's own in the same run is {net}. A file may "
        "differ from it by its bound."
    )
    return f"{_table((*heads, unit, 'difference (bound)'), lines)}\n\n{told}"


def _refused(entry: Entry) -> str:
    """A line for each reason why there are no files of some forms."""
    whys = dict.fromkeys(entry.refused.values())
    forms = {why: [f"`{f}`" for f, w in entry.refused.items() if w == why] for why in whys}
    return "".join(f"\n\nNo {', '.join(some)} file: {why}." for why, some in forms.items())


def _smallest(numerics: list[dict]) -> list[dict]:
    """Of the set that all forms ran."""
    sets = [(row["data"], row.get("degrade")) for row in numerics]
    most = max(sets, key=sets.count, default=None)
    return [row for row, of in zip(numerics, sets, strict=True) if of == most]


def _numeric(row: dict | None) -> tuple[str, str]:
    """The figure, and such as `-0.170 (0.05), **missed**`."""
    if row is None:
        return "-", "-"
    figure = _number(row["figure"], row["metric"])
    difference = round(row["difference"], 3) + 0.0  # no minus before nothing
    return figure, f"{difference:+.3f} ({row['bound']:g}){_missed(row)}"


def _missed(row: dict) -> str:
    return ", **missed**" if row["held"] == "no" else ""


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
        f"milliseconds, and neither is a phone's. Again: `zoo bench {rows[0]['name']}`."
    )
    return f"{_table(heads, lines)}\n\n{told}"


def _making(entry: Entry, facts: dict) -> str:
    usual = {f.name: f.default for f in dataclasses.fields(index.Recipe)}
    special = {k: v for k, v in facts["recipe"].items() if v and v != usual[k]}
    recipe = ", ".join(f"{key} {value}" for key, value in special.items())
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    lines = [
        f"- command: `{facts['command']}`",
        f"- recipe: {recipe}",
        *_calibration(facts),
        f"- time: {facts['seconds'] / 60:.0f} minutes, {facts['started']} to {facts['ended']}",
        f"- machine: {facts['host']}; {versions}",
        f"- SHA-256 of `{weights.WEIGHTS}`: `{facts['sha256'][weights.WEIGHTS]}`",
    ]
    return "\n".join(lines) + "\n\nOn pictures held out of the training set:\n\n" + _curve(facts)


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
    heads = ("step", "loss", *(UNITS[m.removeprefix("held_out_")] for m in metrics))
    return _table(
        heads,
        [(f"{r['step']}", f"{r['loss']:.4g}", *(f"{r[m]:.4g}" for m in metrics)) for r in shown],
    )


def _number(value: float, metric: str) -> str:
    return f"{value:{_FORMATS.get(metric, '.3f')}}"


def _table(heads, rows) -> str:
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


if __name__ == "__main__":
    refresh(Path("README.md"), Path("README.zh.md"))
