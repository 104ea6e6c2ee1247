"""How long files take. Milliseconds stand beside each other only where one host took them on one
day; ratios are of one run each."""

from zoo import index
from zoo.export.forms import FORMS, MEASURED_FORM
from zoo.report import figures, results
from zoo.schema import Entry
from zoo.tasks.functions import DECODER, ENCODER

_TIMED = tuple(name for name, form in FORMS.items() if form.suffix and not form.classifiers)
_RATIOS = tuple(name for name in _TIMED if name != MEASURED_FORM)
_HEADS = ("file", "runtime", "threads", "median, ms", "5 % to 95 %", f"to `{MEASURED_FORM}`",
          "load + first run, ms", "peak memory (bare), MiB")  # fmt: skip


def times_table(rows: list[dict]) -> str:
    """A card's tables of how long the files of one name take: one a host and day."""
    told = (
        "Each row in a process of its own, in turns: the ratios say more than the milliseconds, "
        f"and neither is a phone's. Again: `zoo dev bench {rows[0]['name']}`."
    )
    return "\n\n".join([*map(_sitting_table, _by_sitting(rows).values()), told])


def _sitting_table(rows: list[dict]) -> str:
    inputs = " or ".join(dict.fromkeys(row["input"] for row in rows))
    return f"{_sitting(rows[0])}; one input, {inputs}:\n\n{figures.table(_HEADS, map(_line, rows))}"


def _line(row: dict) -> tuple[str, ...]:
    return (
        f"`{row['artifact']}`",
        f"{row['runtime']} {row['version']}",
        str(row["threads"]),
        f"{row['median_ms']:.3g}",
        f"{row['p5_ms']:.3g} to {row['p95_ms']:.3g}",
        _ratio(row),
        f"{row['load_ms']:.3g} + {row['first_ms']:.3g}",
        f"{row['peak_mib']:.0f} ({row['bare_mib']:.0f})",
    )


def speeds_table(entries: list[Entry]) -> str:
    """The tables of how long each name's files take, as Markdown: one a host and day."""
    told = (
        f"`{MEASURED_FORM}`: median milliseconds of one input; the others: how many times as long, "
        "by ratios of one run, taken in turns."
    )
    rows = [row for entry in entries for row in results.performance(entry)]
    return "\n\n".join([told, *map(_speeds, _by_sitting(rows).values())])


def _speeds(rows: list[dict]) -> str:
    lines = [(*run, *_cells(timed), _gain(timed)) for run, timed in _by_run(rows).items()]
    heads = ("name", "one input", "threads", f"{MEASURED_FORM}, ms", *_RATIOS, "int8 is faster")
    return f"{_sitting(rows[0])}:\n\n{figures.table(heads, lines)}"


def ratio(entry: Entry, form: str) -> str:
    """How long a form of file takes beside its float32 file in LiteRT, such as `0.26`, or a dash;
    of an autoencoder, its decoder's."""
    timed = [row for row in results.performance(entry) if row["runtime"] == "LiteRT"]
    found = [row for row in timed if row["artifact"] in (form, f"{DECODER}_{form}")]
    return _ratio(found[0]) if found else "-"


def _sitting(row: dict) -> str:
    return f"{row['host']}, {row['date']}"


def _by_sitting(rows: list[dict]) -> dict[str, list[dict]]:
    """Host and day, the latest first -> its rows."""
    found: dict[str, list[dict]] = {}
    for row in sorted(rows, key=lambda row: row["date"], reverse=True):
        found.setdefault(_sitting(row), []).append(row)
    return found


def _by_run(rows: list[dict]) -> dict[tuple[str, ...], dict[str, dict]]:
    """Name, input and threads -> form of file -> its row."""
    found: dict[tuple[str, ...], dict[str, dict]] = {}
    for row in rows:
        if row["runtime"] in ("LiteRT", "ONNX Runtime"):
            function = next((f for f in (ENCODER, DECODER) if row["artifact"].startswith(f)), "")
            name = index.short_name(index.entry(f"{row['name']}.{row['tag']}"))
            run = f"`{name}` {function}".rstrip(), row["input"], str(row["threads"])
            found.setdefault(run, {})[row["artifact"].removeprefix(f"{function}_")] = row
    return found


def _cells(timed: dict[str, dict]) -> list[str]:
    reference = f"{timed[MEASURED_FORM]['median_ms']:.3g}" if MEASURED_FORM in timed else "-"
    return [reference, *(_ratio(timed.get(form, {})) for form in _RATIOS)]


def _ratio(row: dict) -> str:
    return f"{row['ratio']:.2f}" if "ratio" in row else "-"


def _gain(timed: dict[str, dict]) -> str:
    """Against the faster float32 file."""
    to_free = {form: row["ratio"] for form, row in timed.items() if "ratio" in row}
    if "int8" not in to_free:
        return "-"
    fastest = min(to_free[form] for form in ("float32_free", "float32_static") if form in to_free)
    return f"{fastest / to_free['int8']:.1f} times"
