"""`zoo dev`: what maintainers type. It writes into a checkout, never into an installed package, and
prints what it measured before it writes."""

import contextlib
from pathlib import Path

import click

from zoo import index
from zoo.commands.console import (
    JSON,
    NAME,
    WEIGHTS,
    Commands,
    formats_option,
    print_json,
    print_table,
    trained,
)
from zoo.errors import ZooError, need
from zoo.metrics.metric import metric_of
from zoo.report import figures, results
from zoo.storage import files, weights

ROOT = Path(__file__).parents[2]
IN_CHECKOUT = (ROOT / "setup.cfg").is_file()


@click.group(cls=Commands)
def dev():
    """For maintainers, in a checkout: measure, publish, time, and renew the cards."""


@dev.command()
@click.argument("run", type=click.Path(path_type=Path))
def publish(run):
    """Measure a finished RUN directory and put it among the package's pretrained weights."""
    from zoo.training.record import finished

    entry = finished(run)[1]
    _refuse_measuring(entry)
    files.refuse_unwritable(weights.pretrained_folder(entry))
    from zoo.export.measure import measure
    from zoo.training.publish import publish

    folder = publish(run, lambda pipeline: _printed(measure(pipeline)))
    click.echo(folder)
    _say_missed(index.entry(f"{folder.parent.name}.{folder.name}"))
    click.echo("Now renew the tables: zoo dev cards")


@dev.command()
@NAME
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--run", type=click.Path(path_type=Path), help="[default: runs/NAME]")
def convert(name, file, run):
    """Place the weights in FILE, which others trained, in NAME: a RUN directory to be published."""
    entry = index.entry(name)
    need("skimage", "a calibration sample of photographs")
    from zoo.training.convert import convert

    folder = convert(entry, file, run or Path("runs") / entry.name)
    click.echo(f"{folder}\nNow publish it: zoo dev publish {folder}")


@dev.command()
@click.argument("names", nargs=-1, required=True)
@click.option("--ensemble", is_flag=True, help="Also with the mean over turned or moved pictures.")
@click.option("--only-files", is_flag=True, help="The net's own figures stay those on record.")
@click.option("--strict", is_flag=True, help="Exit 1 where a precision misses its bound.")
def measure(names, ensemble, only_files, strict):
    """Measure pretrained NAMES, their files and a classical method on all their benchmarks.

    Files in other precisions than float32 run the smallest of these. The figures go into
    zoo/results/figures.csv, from which cards and tables are printed.
    """
    for name in names:
        _refuse_measuring(trained(name))
    from zoo.export.measure import measure
    from zoo.loading import load
    from zoo.training.publish import record

    missed = []
    for name in names:
        pipeline = load(name)
        found = _printed(measure(pipeline, ensemble, only_files=only_files))
        with _writing("these figures"):
            click.echo(record(pipeline, found))
        missed += _say_missed(pipeline.entry)
    click.echo("Now renew the tables: zoo dev cards")
    if missed and strict:
        raise click.exceptions.Exit(1)


@dev.command()
@NAME
@formats_option(default="all", said="all")
@click.option(
    "--threads", default=1, show_default=True, type=click.IntRange(1), help="Of a runtime."
)
@click.option(
    "--rounds", default=10, show_default=True, type=click.IntRange(1), help="Turns of each file."
)
@click.option(
    "--size",
    type=click.IntRange(1),
    help="Side of the picture, for nets that take any size [default: as `zoo export`].",
)
@WEIGHTS
@JSON
def bench(name, formats, threads, rounds, size, weights, as_json):
    """Time the files of NAME, and the net in Keras, each in a process of its own, in turns.

    In a checkout the figures of pretrained weights go into zoo/results/performance.csv.
    """
    from zoo.export.benchmark import bench

    rows = bench(name, weights, formats, threads=threads, rounds=rounds, size=size)
    print_json(rows) if as_json else _show(rows)
    if weights != "pretrained":
        return click.echo("not written: these are times of other weights", err=True)
    if not IN_CHECKOUT:
        return click.echo(f"not written: {ROOT} is no checkout", err=True)
    with _writing("these times"):
        results.record_performance(rows)


@dev.command()
def cards():
    """Renew the cards and the pages' tables from the index and the figures of record."""
    _refuse_installed()
    from zoo.report import card

    card.refresh(*(ROOT / page for page in ("README.md", "README.zh.md", "docs/figures.md")))


def _show(rows: list[dict]) -> None:
    columns = ("artifact", "runtime", "median_ms", "ratio", "p5_ms", "p95_ms", "first_ms",
               "load_ms", "peak_mib", "bare_mib", "bytes")  # fmt: skip
    print_table([c.upper() for c in columns], [[row.get(c) for c in columns] for row in rows])
    click.echo(f"{rows[0]['host']}, {rows[0]['threads']} threads, input {rows[0]['input']}")


def _printed(measured):
    """What `zoo.export.measure.measure` found, once it is on the terminal."""
    rows = [
        (
            figures.what(row),
            *(row.get(key) for key in ("subject", "form", "runtime")),
            metric_of(row["metric"]).title,
            metric_of(row["metric"]).number(row["value"]),
        )
        for row in measured.figures
    ]
    print_table(("SET", "OF", "FORM", "RUNTIME", "METRIC", "VALUE"), rows)
    return measured


@contextlib.contextmanager
def _writing(what: str):
    """What has been printed is written; where it cannot be, the error says what was not."""
    try:
        yield
    except ZooError as error:
        raise ZooError(f"{what} were not written: {error}") from error


def _refuse_installed() -> None:
    """What is of record belongs to the repository: an installed package is not to be changed."""
    if not IN_CHECKOUT:
        raise ZooError(
            f"{ROOT} is no checkout: expected the repository, installed with `pip install -e .`"
        )


def _refuse_measuring(entry) -> None:
    _refuse_installed()
    from zoo.data import sources
    from zoo.export import verified

    verified.refuse(entry, "all")
    if entry.spec.restores:
        need("skimage", "measuring beside a classical method")
    for benchmark in entry.benchmarks:
        sources.refuse_missing(benchmark.data)


def _say_missed(entry) -> list[str]:
    """Names the files that miss their bounds."""
    from zoo.export.measure import missed

    files = (weights.published(entry) or {}).get("files", [])
    lines = missed(entry, files, results.rows(entry))
    for line in lines:
        click.echo(line)
    return lines
