"""What exported files score beside their net: on which set, and within which bound."""

from dataclasses import dataclass

from zoo import index
from zoo.export.forms import FORMS
from zoo.metrics.metric import Metric, metric_of
from zoo.report import figures, results
from zoo.schema import Entry
from zoo.storage import weights

_COMPARED = tuple(
    name for name, f in FORMS.items() if f.suffix and not f.classifiers and not f.static
)


@dataclass(frozen=True)
class Score:
    """A file's figure beside its net's own, in the metric that precisions are judged by.

    Attributes:
        row: the file's, as `zoo.report.results.rows` gives it.
        net: the net's value on the same set.
    """

    row: dict
    net: float

    @property
    def metric(self) -> Metric:
        return metric_of(self.row["metric"])

    @property
    def difference(self) -> float:
        return round(self.row["value"] - self.net, 6)

    @property
    def bound(self) -> float:
        return self.metric.bound(FORMS[self.row["form"]].precision, self.net)

    @property
    def held(self) -> bool:
        return abs(self.difference) <= self.bound

    def __str__(self) -> str:
        return self.metric.number(self.row["value"])

    @property
    def beside(self) -> str:
        """Such as `-0.170 (0.05), **missed**`."""
        shown = round(self.difference, 3) + 0.0  # no minus before nothing
        return f"{shown:+.3f} ({self.bound:.2g}){self.missed}"

    @property
    def missed(self) -> str:
        return "" if self.held else ", **missed**"


def scores(entry: Entry, rows: list[dict]) -> list[Score]:
    """Of each file, runtime and set in figures of record, where the task's metric has bounds."""
    judged = [row for row in rows if row["metric"] == index.task_of(entry).headline]
    net = {results.of_set(row): row["value"] for row in judged if row["subject"] == results.NET}
    return [
        Score(row, net[results.of_set(row)])
        for row in judged
        if row["subject"] == results.FILE and row["metric"] in FORMS[row["form"]].loss
    ]


def compared(entry: Entry, rows: list[dict]) -> dict[tuple[str, str], Score]:
    """Form and runtime -> its score on the set that all forms ran."""
    sets: dict[tuple, dict[tuple[str, str], Score]] = {}
    for score in scores(entry, rows):
        key = score.row["form"], score.row["runtime"]
        sets.setdefault(results.of_set(score.row), {})[key] = score
    return max(sets.values(), key=len, default={})


def files_table(entry: Entry, facts: dict, rows: list[dict]) -> str:
    """A row a file and runtime, with the figure of record that its form reached there.

    Args:
        entry: whose files these are.
        facts: its published `run.json`.
        rows: its figures of record.
    """
    found = compared(entry, rows)
    lines = [
        (
            f"`{row['artifact']}`",
            f"{row['bytes'] / 1e6:.2f} MB",
            ", ".join(row.get("constants", {})),
            row["runtime"],
            f"{row['max_error']:.1e}" + ", **beyond its bound**" * row.get("beyond", False),
            *(_scored(found.get((row.get("form"), row["runtime"]))) if found else ()),
        )
        for row in facts["files"]
    ]
    heads = ("file", "size", "constants", "checked in", "largest error against the net")
    if not found:
        return figures.table(heads, lines)
    first = next(iter(found.values()))
    told = (
        f"{first.metric.label} is that of the files on {figures.what(first.row)} "
        f"({first.row['count']} pictures); the net's own in the same run is "
        f"{first.metric.number(first.net)}. A file may differ from it by its bound."
    )
    scored = (*heads, first.metric.title, "difference (bound)")
    return f"{figures.table(scored, lines)}\n\n{told}"


def _scored(score: Score | None) -> tuple[str, str]:
    return (str(score), score.beside) if score else ("-", "-")


def precisions_table(entries: list[Entry]) -> str:
    """The table of what each name's files score and weigh, as Markdown."""
    lines = [_line(e, found) for e in entries if (found := compared(e, results.rows(e)))]
    return figures.table(("name", "test set", "the net", *_COMPARED), lines)


def _line(entry: Entry, found: dict[tuple[str, str], Score]) -> tuple[str, ...]:
    first = next(iter(found.values()))
    by_form = {form: score for (form, _), score in reversed(found.items())}
    cells = [
        f"{by_form[form]}{by_form[form].missed}, {size(entry, form)}" if form in by_form else "-"
        for form in _COMPARED
    ]
    net = first.metric.phrase(first.net)
    return f"`{index.short_name(entry)}`", figures.what(first.row), net, *cells


def size(entry: Entry, form: str) -> str:
    """Of all files of a form, for an autoencoder has two: such as `2.23 MB`, or a dash."""
    files = (weights.published(entry) or {}).get("files", ())
    sizes = {file["artifact"]: file["bytes"] for file in files if file.get("form") == form}
    return f"{sum(sizes.values()) / 1e6:.2f} MB" if sizes else "-"
