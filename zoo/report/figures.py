"""How a figure is printed: its name, unit and digits, and those that stand beside it."""

from zoo.index import Entry
from zoo.report import results

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
HEADLINES = {
    "recognition": ("accuracy", "nll", "ece"),
    "restoration": ("psnr", "ssim"),
    "generation": ("nll", "frechet", "coverage"),
}
"""Kind of task -> the metrics that tables of many names show."""
COLUMNS = {
    "this net": "",
    "its TFLite file": "file_",
    "self-ensemble": "ensemble_",
    "a classical method": "baseline_",
    "real beside real": "floor_",
}
"""What a figure is of -> the prefix of its columns in the results."""


def headline(entry: Entry) -> str:
    """The first figure of record in one phrase, such as `28.98 dB on BSD68, noise:25`."""
    rows = results.rows(entry)
    if not rows:
        return "not published" if entry.pretrained else "no weights here"
    metric = next(m for m in HEADLINES[entry.spec.kind] if m in rows[0])
    return f"{number(rows[0][metric], metric)} {unit(metric)} on {what(rows[0])}"


def what(row: dict) -> str:
    """On which set it was measured, such as `BSD68, noise:25`."""
    return ", ".join(filter(None, (row["data"], row.get("degrade"))))


def columns(rows: list[dict], metrics: tuple[str, ...]) -> list[str]:
    """Those of `COLUMNS` that a row has something for."""
    return [label for label in COLUMNS if any(cell(row, label, metrics) for row in rows)]


def cell(row: dict, label: str, metrics: tuple[str, ...]) -> str:
    """Such as `29.10 / 0.8227`, a dash for what is not known, or nothing."""
    prefix = COLUMNS[label]
    if not any(prefix + metric in row for metric in metrics):
        return ""
    found = [number(row[prefix + m], m) if prefix + m in row else "-" for m in metrics]
    name = f" ({row['baseline']})" if prefix == "baseline_" else ""
    return " / ".join(found) + name


def by_others(entry: Entry, row: dict) -> str:
    """Such as `28.57 BM3D; 29.23 paper (DnCNN-S)`."""
    return "; ".join(
        " / ".join(number(value, metric) for metric, value in found.items()) + f" {label}"
        for label, found in _published(entry, row).items()
    )


def one_by_others(entry: Entry, row: dict, metric: str) -> str:
    """Of one metric: such as `86.76 VAE; 84.78 IWAE-50`."""
    rows = _published(entry, row).items()
    return "; ".join(f"{number(f[metric], metric)} {label}" for label, f in rows if metric in f)


def _published(entry: Entry, row: dict) -> dict:
    here = row["data"], row.get("degrade")
    return next(b.published for b in entry.benchmarks if (b.data, b.degrade) == here)


def smallest(numerics: list[dict]) -> list[dict]:
    """The rows of the set that all forms ran."""
    sets = [(row["data"], row.get("degrade")) for row in numerics]
    most = max(sets, key=sets.count, default=None)
    return [row for row, of in zip(numerics, sets, strict=True) if of == most]


def missed(row: dict) -> str:
    """What stands behind the figure of a file that is farther from its net than its bound."""
    return ", **missed**" if row["held"] == "no" else ""


def unit(metric: str) -> str:
    """Such as `dB`; of what has no unit, its name."""
    return UNITS[metric].partition(", ")[2] or UNITS[metric]


def number(value: float, metric: str) -> str:
    """With as many digits as the metric is worth."""
    return f"{value:{_FORMATS.get(metric, '.3f')}}"


def table(heads, rows) -> str:
    """As Markdown."""
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
