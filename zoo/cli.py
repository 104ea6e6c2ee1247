"""The command line: a thin layer over the package. What is heavy is imported when needed, after all
that can be refused without it has been."""

import io
import sys

import click

from zoo import index
from zoo.commands import own_model
from zoo.commands.console import (
    JSON,
    NAME,
    WEIGHTS,
    Commands,
    print_json,
    print_table,
    trained,
)
from zoo.commands.data import data
from zoo.commands.dev import dev
from zoo.commands.export import export
from zoo.commands.files import demo, publish, verify, web
from zoo.commands.run import run
from zoo.commands.train import train
from zoo.report import figures, results
from zoo.storage import weights
from zoo.storage.weights import located


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="keras-image-zoo")
def main():
    """Keras image models by name: use, train, measure, and export them for the phone.

    \b
    Begin with:   zoo list
                  zoo run dncnn_s25 noisy.png --out clean.png
                  zoo export cnn_fashion --to my_export

    What other libraries print goes nowhere, or into the file that $ZOO_LOG names.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # labels and paths may be in any script
            stream.reconfigure(errors="backslashreplace")


@main.command("list")
@click.argument("pattern", default="*")
@click.option("--task", help="Only names of this task, such as denoise.")
@JSON
def list_names(pattern, task, as_json):
    """List the names, with their tasks and measured figures.

    PATTERN is a shell pattern such as 'dncnn*'.
    """
    names = index.names(pattern, task)
    entries = [index.entry(name) for name in names]
    if as_json:
        return print_json([entry.as_dict() | _measured(entry) for entry in entries])
    rows = [
        (
            name,
            e.spec.task,
            f"{e.parameters:,}",
            figures.headline(e),
            e.summary,
        )
        for name, e in zip(names, entries, strict=True)
    ]
    print_table(("NAME", "TASK", "WEIGHTS", "MEASURED", "SUMMARY"), rows)


@main.command()
@NAME
@JSON
def show(name, as_json):
    """Show all that is known of NAME: its card, or its entry where it has no weights."""
    entry = index.entry(name)
    path = weights.pretrained_folder(entry) / weights.CARD
    if path.is_file() and not as_json:
        return click.echo(path.read_text(encoding="utf-8"), nl=False)
    print_json(entry.as_dict() | _measured(entry))


@main.command()
@NAME
@click.option("--data", help="A set, or folder:PATH [default: the entry's first benchmark].")
@click.option(
    "--degrade",
    metavar="KIND:STRENGTH",
    help="What is done to the pictures: noise:25, bicubic:3, jpeg:10 [default: the benchmark's].",
)
@WEIGHTS
@JSON
def evaluate(name, data, degrade, weights, as_json):
    """Measure NAME on a set of pictures by its task's protocol."""
    from zoo.data import sources

    own, typed = own_model.saved(name, weights), name
    if own is None:
        name, weights = located(name, weights)
    entry = own.entry if own else trained(name, weights)
    sources.refuse_missing(entry.test_set(data, degrade)[0])
    from zoo.loading import load
    from zoo.tasks.evaluate import evaluate

    row = evaluate(own or load(name, weights), data, degrade, progress=not as_json)
    if as_json:
        return print_json(row)
    what = " ".join(filter(None, (row["data"], row["degrade"])))
    called = row["name"] if entry.own or entry.base else typed
    click.echo(f"{called} on {what} ({row['count']} pictures): {figures.told(row['metrics'])}")
    click.echo(f"protocol: {row['protocol']}")


for command in (run, train, export, verify, publish, data, web, demo, dev):
    main.add_command(command)


def _measured(entry) -> dict:
    facts = weights.published(entry) or {}
    known = {key: facts.get(key) for key in ("files", "macs", "sha256")}
    return {"figures": results.rows(entry)} | known
