"""The model cards, printed from the index and the figures of record."""

import dataclasses
from pathlib import Path

from zoo import index
from zoo.data.degradation import Degradation
from zoo.metrics.metric import metric_of
from zoo.report import figures, precisions, results, tables, times
from zoo.schema import Entry
from zoo.storage import files, weights
from zoo.storage.run_json import earlier

CODE_LICENCE, WEIGHTS_LICENCE = "MIT", "MIT, as far as the licence of the training data allows"
_MOST_LABELS = 50
_HELD_OUT = "On pictures held out of the training set"
_FEWER = " (of few a Frechet distance is larger: compare these with each other alone)"
_CARD = """\
# {name}

{summary}.

![{drawn}]({preview})

{shown}{overview}

## Figures

{figures}

## The exported files

{files}

## How long they take

{times}

## Limits

{limits}

## How it was made

{making}
"""


def card(entry: Entry, facts: dict) -> str:
    """The model card, as Markdown.

    Args:
        entry: from the index; its figures are those in `zoo/results`.
        facts: its published `run.json`.
    """
    rows, timed = results.rows(entry), results.performance(entry)
    drawn = index.task_of(entry).caption(entry.spec)
    return _CARD.format(
        name=entry.full_name,
        summary=entry.summary[0].upper() + entry.summary[1:],
        drawn=drawn,
        shown=f"*{drawn}.*\n\n" if drawn else "",
        preview=weights.PREVIEW,
        overview=figures.table(("", ""), _overview(entry, facts)),
        figures=_figures(entry, rows) if rows else "It has no benchmark.",
        files=precisions.files_table(entry, facts, rows) + _refused(entry),
        times=times.times_table(timed) if timed else "Not timed yet.",
        limits="\n".join(f"- {limit}" for limit in entry.limits),
        making=_making(entry, facts),
    )


_CARD_OF_RUN = """\
# {name}

{summary}.

{overview}

Load it: `zoo.load(FOLDER)`, or by the address of this folder, `zoo.load("https://HOST/FOLDER#sha256=...")`
with the SHA-256 of `run.json`.

## Limits

{limits}

## How it was made

{making}
"""


def of_run(entry: Entry, facts: dict) -> str:
    """The card of a training that is given away, as Markdown.

    Args:
        entry: as it was trained.
        facts: its `run.json`, with `macs`.
    """
    limits = entry.limits or ("nobody has said any",)
    return _CARD_OF_RUN.format(
        name=entry.full_name,
        summary=entry.summary[0].upper() + entry.summary[1:],
        overview=figures.table(("", ""), _overview(entry, facts)),
        limits="\n".join(f"- {limit}" for limit in limits),
        making=_making_of_run(facts),
    )


def _making_of_run(facts: dict) -> str:
    if "recipe" not in facts:
        return "Nothing was written down."
    curve = _curve(facts) if facts.get("curve") else _held_out(facts)
    return "\n".join(_training(facts)) + "\n\n" + curve


def _held_out(facts: dict) -> str:
    """Where the last layer alone was fitted."""
    found = facts.get("held_out")
    told = f"{found['accuracy']:.1f} % of {found['count']} are right" if found else "none were"
    return f"{_HELD_OUT}: {told}."


def refresh(*pages: Path) -> None:
    """Writes all cards and the tables of pages anew from the index and the figures."""
    entries = [index.entry(name) for name in index.names()]
    for entry in entries:
        if facts := weights.published(entry):
            files.write_text(weights.pretrained_folder(entry) / weights.CARD, card(entry, facts))
    for page in pages:
        files.write_text(page, tables.with_tables(page.read_text(encoding="utf-8"), entries))


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
        ("input and output", index.task_of(entry).described(spec)),
        *([("labels", _labels(spec.labels))] if spec.labels else []),
        ("weights", f"{entry.parameters:,} (float32{_kept(entry)})"),
        ("MACs", f"{macs['count'] / 1e6:,.1f} million at {macs['size'][0]}x{macs['size'][1]}"),
        ("licence of the code", CODE_LICENCE),
        ("licence of the weights", weights_licence(entry)),
        ("licence of the training data", entry.data_licence),
    ]


def weights_licence(entry: Entry) -> str:
    """Of the weights of a name, or of a user's own."""
    return entry.weights_licence or WEIGHTS_LICENCE


def _kept(entry: Entry) -> str:
    kept = entry.recipe.kept_in
    return "" if kept == "float32" else f", their kernels rounded to {kept}"


def _labels(labels: tuple[str, ...]) -> str:
    """All, or the first and the last of many."""
    if len(labels) <= _MOST_LABELS:
        return ", ".join(labels)
    return f"{len(labels):,}: {', '.join(labels[:5])}, ... {labels[-1]}; `labels.txt` of an export"


def _damage(degradation: Degradation) -> str:
    """A degradation in words."""
    low, high = f"{degradation.low:g}", f"{degradation.high:g}"
    strength = low if low == high else f"{low} to {high}"
    return {
        "noise": f"Gaussian noise, sigma {strength} (of 255)",
        "bicubic": f"bicubic reduction, {strength} times",
        "jpeg": f"JPEG, quality {strength}",
        "camera": f"a camera's noise, of sigma {strength} (of 255) at middle grey, and its JPEG",
    }[degradation.kind]


def _figures(entry: Entry, rows: list[dict]) -> str:
    first = rows[0]
    degrade = f" --degrade {first['degrade']}" if "degrade" in first else ""
    command = f"zoo evaluate {index.short_name(entry)} --data {first['data']}{degrade}"
    told = {results.of_set(row): f"- {row['data']}: {row['protocol']}" for row in rows}
    again = f"The first row again: `{command}`. Protocols:"
    return "\n\n".join([tables.of_name(entry, rows), again, "\n".join(told.values())])


def _refused(entry: Entry) -> str:
    """A line for each reason why there are no files of some forms."""
    whys = dict.fromkeys(entry.refused.values())
    forms = {why: [f"`{f}`" for f, w in entry.refused.items() if w == why] for why in whys}
    return "".join(f"\n\nNo {', '.join(some)} file: {why}." for why, some in forms.items())


def _making(entry: Entry, facts: dict) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    if entry.origin is not None:
        return _converting(entry, facts, versions)
    lines = [
        f"- command: `zoo train {index.short_name(entry)}`{_elsewhere(facts)}",
        *_training(facts),
        f"- machine: {facts['host']}; {versions}",
        f"- SHA-256 of `{weights.WEIGHTS}`: `{facts['sha256'][weights.WEIGHTS]}`",
    ]
    return "\n".join(lines) + "\n\n" + _curve(facts)


def _training(facts: dict) -> list[str]:
    return [
        f"- recipe: {_recipe(facts)}",
        *(f"- went on from `{_cycle(b)}`{_where(b, facts)}, {_made(b)}" for b in earlier(facts)),
        *_pictures(facts),
        *_calibration(facts),
        f"- time: {_time(facts)}",
    ]


def _converting(entry: Entry, facts: dict, versions: str) -> str:
    """Of weights that were trained elsewhere."""
    assert entry.origin is not None
    return "\n".join(
        [
            "The weights were converted, not trained here.",
            "",
            f"- {entry.origin.notice}; `{weights.LICENCE}` and `{weights.NOTICE}` lie beside them",
            f"- from: {facts['origin']['package']}, a file of SHA-256 "
            f"`{facts['origin']['sha256']}`",
            f"- command: `zoo dev convert {index.short_name(entry)} FILE`, {facts['ended']}",
            f"- machine: {facts['host']}; {versions}",
            f"- SHA-256 of `{weights.WEIGHTS}`: `{facts['sha256'][weights.WEIGHTS]}`",
            "",
            f"Fine-tuned by `zoo train {index.short_name(entry)} --data folder:PATH`.",
        ]
    )


def _made(facts: dict) -> str:
    """How a training before was made, or whose weights these were."""
    if "recipe" in facts:
        return f"recipe: {_recipe(facts)}"
    return f"whose weights are those of {facts['origin']['package']}"


def _where(before: dict, facts: dict) -> str:
    """Where a training before was made, unless on the same machine; of what is given away nothing
    is said of machines."""
    if before.get("host") == facts.get("host") or "host" not in facts:
        return ""
    return f" (on {before['host']})" if "host" in before else " (machine not recorded)"


def _cycle(facts: dict) -> str:
    """A training as a recipe's `start` names it."""
    name = index.short_name(index.entry(facts["name"]))
    return f"{name}@{facts['cycle']}" if "cycle" in facts else name


def _recipe(facts: dict) -> str:
    """What differs from the usual."""
    recipe = index.entry(facts["name"]).recipe
    usual = {f.name: f.default for f in dataclasses.fields(recipe)}
    special = {k: v for k, v in facts["recipe"].items() if v and v != usual[k]}
    return ", ".join(f"{key} {value}" for key, value in special.items())


def _time(facts: dict) -> str:
    beginnings = list(earlier(facts))
    told = f"{_minutes(facts)}, {facts['ended'][:10]}"
    if not beginnings or any("seconds" not in beginning for beginning in beginnings):
        return told
    return f"{told}; {_minutes(facts, *beginnings)} with all that it went on from"


def _minutes(*trainings: dict) -> str:
    return f"{sum(training['seconds'] for training in trainings) / 60:.0f} minutes"


def _elsewhere(facts: dict) -> str:
    """Of weights from another program that trains by the recipe."""
    command = facts["command"]
    return "" if command.startswith("zoo ") else f"; these weights: `benchmarks/{command}`"


def _pictures(facts: dict) -> list[str]:
    if not (found := facts.get("pictures")):
        return []
    return [
        f"- pictures: {found['count']:,}, with those held out; SHA-256 of their pixels "
        f"`{found['sha256']}`"
    ]


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
    heads = ("step", "loss", *(metric_of(m.removeprefix("held_out_")).title for m in metrics))
    fewer = _FEWER * ("held_out_frechet" in metrics)
    return f"{_HELD_OUT}{fewer}:\n\n" + figures.table(
        heads,
        [(f"{r['step']}", f"{r['loss']:.4g}", *(f"{r[m]:.4g}" for m in metrics)) for r in shown],
    )
