"""Cards and the README's table, printed from the index and the published figures."""

from pathlib import Path

from zoo import files, index, weights
from zoo.index import Entry

BEGIN, END = "<!-- models: begin -->", "<!-- models: end -->"
CODE_LICENCE, WEIGHTS_LICENCE = "MIT", "MIT, as far as the licence of the training data allows"
UNITS = {"psnr": "PSNR, dB", "ssim": "SSIM", "accuracy": "accuracy, %", "nll": "NLL, nats"}
_DIGITS = {"psnr": 2, "ssim": 4, "accuracy": 2, "nll": 4}


def card(entry: Entry, facts: dict) -> str:
    """The model card, as Markdown, of an entry and its published `run.json`."""
    parts = [
        f"# {entry.full_name}\n\n{entry.summary[0].upper()}{entry.summary[1:]}.",
        _table(("", ""), _overview(entry, facts)),
        "## Figures\n\n" + _figures(entry, facts),
        "## The exported files\n\n" + _files(facts),
        "## Limits\n\n" + "\n".join(f"- {limit}" for limit in entry.limits),
        "## How it was made\n\n" + _making(entry, facts),
    ]
    return "\n\n".join(parts) + "\n"


def table(entries: list[Entry]) -> str:
    """The README's table of all published names, as Markdown."""
    rows = []
    for entry in entries:
        facts = weights.published(entry)
        if facts is None:
            continue
        where = f"zoo/pretrained/{entry.name}/{entry.tag}/{weights.CARD}"
        rows.append(
            (
                f"[`{entry.name}`]({where})",
                entry.spec.task,
                f"{entry.parameters:,}",
                headline(entry, facts),
                _published_headline(entry),
                _file_headline(facts),
            )
        )
    heads = ("name", "task", "weights", "measured", "published", "its TFLite file")
    return _table(heads, rows)


def headline(entry: Entry, facts: dict | None) -> str:
    """The first figure of record in one phrase, such as `28.98 dB on BSD68`."""
    if not facts:
        return "not published" if entry.pretrained else "no weights (tests)"
    row = facts["figures"][0]
    return f"{_short(row['metrics'])} on {row['data']}"


def refresh(readme: Path) -> None:
    """Writes all cards and the README's table anew from the index and the figures."""
    entries = [index.entry(name) for name in index.names()]
    for entry in entries:
        if facts := weights.published(entry):
            files.write_text(weights.pretrained_folder(entry) / weights.CARD, card(entry, facts))
    files.write_text(readme, with_table(readme.read_text(encoding="utf-8"), entries))


def with_table(readme: str, entries: list[Entry]) -> str:
    """The README's text with the table between its marks replaced."""
    before, rest = readme.split(BEGIN)
    return f"{before}{BEGIN}\n{table(entries)}\n{END}{rest.split(END)[1]}"


def _overview(entry: Entry, facts: dict) -> list[tuple[str, str]]:
    spec, macs = entry.spec, facts["macs"]
    size = "any size" if spec.free_size else "x".join(str(side) for side in spec.shape[:2])
    colour = "grey" if spec.shape[-1] == 1 else "colour"
    low, high = spec.value_range
    out = f"`{spec.output}`: " + (
        "pixels in [0, 1], same shape" if spec.restores else f"{len(spec.labels)} probabilities"
    )
    return [
        ("task", spec.task + (f", sigma {spec.sigma:g} of 0..255" if spec.sigma else "")),
        ("paper", entry.paper),
        ("input", f"`image`: {size}, {colour}, pixels in [0, 1] (to the net as {low:g}..{high:g})"),
        ("output", out),
        *([("labels", ", ".join(spec.labels))] if spec.labels else []),
        ("weights", f"{entry.parameters:,} (float32)"),
        ("MACs", f"{macs['count'] / 1e6:,.1f} million at {macs['size'][0]}x{macs['size'][1]}"),
        ("licence of the code", CODE_LICENCE),
        ("licence of the weights", WEIGHTS_LICENCE),
        ("licence of the training data", entry.data_licence),
    ]


def _figures(entry: Entry, facts: dict) -> str:
    published = {b.data: b.published for b in entry.benchmarks}
    blocks = []
    for row in facts["figures"]:
        metrics = list(row["metrics"])
        rows = [("**this net**", *(f"**{_number(row['metrics'], m)}**" for m in metrics))]
        for label, values in published.get(row["data"], {}).items():
            rows.append((f"{label}, as published", *(_number(values, m) for m in metrics)))
        heads = (f"{row['data']}, {row['count']} pictures", *(UNITS[m] for m in metrics))
        command = f"`zoo evaluate {entry.name} --data {row['data']}`"
        blocks.append(f"{_table(heads, rows)}\n\nProtocol: {row['protocol']}. {command}")
    return "\n\n".join(blocks)


def _files(facts: dict) -> str:
    rows = [
        (
            f"`{row['artifact']}`",
            f"{row['bytes'] / 1e6:.2f} MB",
            row["runtime"],
            f"{row['max_error']:.1e}",
            f"{_short(row['metrics'])} on {row['data']}" if row.get("metrics") else "",
        )
        for row in facts["files"]
    ]
    heads = ("file", "size", "checked in", "largest error against the net", "on the test set")
    return _table(heads, rows)


def _making(entry: Entry, facts: dict) -> str:
    recipe = ", ".join(f"{key} {value}" for key, value in facts["recipe"].items() if value)
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    lines = [
        f"- command: `{facts['command']}`" + (f", from {facts['start']}" if facts["start"] else ""),
        f"- recipe: {recipe}",
        f"- time: {facts['seconds'] / 60:.0f} minutes, {facts['started']} to {facts['ended']}",
        f"- machine: {facts['host']}; {versions}",
        f"- SHA-256 of `{weights.WEIGHTS}`: `{facts['sha256'][weights.WEIGHTS]}`",
    ]
    return "\n".join(lines) + "\n\nOn pictures held out of the training set:\n\n" + _curve(facts)


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


def _published_headline(entry: Entry) -> str:
    if not entry.benchmarks:
        return ""
    published = entry.benchmarks[0].published
    return "; ".join(f"{_short(values)} {label}" for label, values in published.items())


def _file_headline(facts: dict) -> str:
    measured = [row for row in facts["files"] if row.get("metrics")]
    return _short(measured[0]["metrics"]) if measured else ""


def _short(metrics: dict) -> str:
    first = next(iter(metrics))
    unit = UNITS[first].partition(", ")[2]
    return f"{_number(metrics, first)} {unit}".strip()


def _number(metrics: dict, metric: str) -> str:
    return f"{metrics[metric]:.{_DIGITS[metric]}f}" if metric in metrics else ""


def _table(heads, rows) -> str:
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


if __name__ == "__main__":
    refresh(Path("README.md"))
