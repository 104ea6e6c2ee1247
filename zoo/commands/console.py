"""How errors, tables and JSON reach the terminal from every command, and how all else does not."""

import faulthandler
import functools
import io
import json
import logging
import os
import sys
import warnings
from collections.abc import Callable

import click

from zoo import index
from zoo.errors import ZooError, ZooWarning
from zoo.export.forms import FORMS
from zoo.storage import runs, weights
from zoo.storage.terminal import aligned, printable

LOG = "ZOO_LOG"
"""The environment variable that names the file for what other libraries print."""


def _here(context: click.Context, parameter: click.Parameter, name: str) -> str:
    from zoo.storage.fetched import local

    return str(local(name))


NAME = click.argument("name", callback=_here)
WEIGHTS = click.option(
    "--weights",
    default="pretrained",
    metavar="PATH",
    help="A run directory or .h5 file in place of the pretrained weights.",
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")


class Commands(click.Group):
    """Turns the zoo's errors into one line and exit status 1; lists commands as written."""

    def list_commands(self, context):
        return list(self.commands)

    def invoke(self, context):
        try:
            return super().invoke(context)
        except ZooError as error:
            raise click.ClickException(printable_lines(error)) from error


def own_output() -> None:
    """From here on the terminal is for what this process gives to `sys.stdout` and `sys.stderr`.

    What libraries write to the descriptors themselves, as C++ does, what they log, and warnings go
    to the file that `$ZOO_LOG` names, or nowhere. Tracebacks reach the terminal, also of a crash.
    For a process that is a command, at its start; it is not undone.

    Raises:
        ZooError: that file cannot be written.
    """
    path = os.environ.get(LOG) or os.devnull
    try:
        # a named pipe that nobody reads is an error, and no reason to wait for ever
        waits = getattr(os, "O_NONBLOCK", 0)
        log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | waits)
        if waits:
            os.set_blocking(log, True)
    except OSError as error:
        raise ZooError(f"{LOG}={path} cannot be written: {error.strerror}") from error
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        stream = getattr(sys, name)
        closed = stream is None  # then what is said to it goes nowhere
        own = open(os.devnull, "w") if closed else _beside(stream, descriptor)  # noqa: SIM115
        setattr(sys, name, own)
        os.dup2(log, descriptor)
    logging.basicConfig(stream=os.fdopen(log, "w", 1, "utf-8", "backslashreplace", closefd=False))
    logging.captureWarnings(True)
    warnings.showwarning = functools.partial(_warning, warnings.showwarning)
    faulthandler.enable(sys.stderr)


def _warning(otherwise: Callable, message, category, *where, **more) -> None:
    """The zoo's own are for the user: they say what an answer leaves out."""
    if issubclass(category, ZooWarning):
        click.echo(f"Warning: {printable_lines(message)}", err=True)
    else:
        otherwise(message, category, *where, **more)


def printable_lines(message) -> str:
    """What a message says: names from files in it cannot rule the terminal."""
    return "\n".join(map(printable, str(message).split("\n")))


def _beside(stream: io.TextIOWrapper, descriptor: int) -> io.TextIOWrapper:
    """The same stream through a descriptor of its own."""
    stream.flush()
    own = os.dup(descriptor)
    return os.fdopen(own, "w", 1, stream.encoding, stream.errors, closefd=False)


def print_json(data) -> None:
    click.echo(json.dumps(data, indent=1, ensure_ascii=False))


def print_table(heads, rows) -> None:
    for line in aligned([[_cell(value) for value in row] for row in (heads, *rows)]):
        click.echo(line)


def _cell(value) -> str:
    return (
        f"{value:.4g}"
        if isinstance(value, float)
        else "-"
        if value is None
        else printable(str(value))
    )


def formats_option(default: str | None, said: str):
    """`--format`, several times: names of forms, "all", or the default."""
    return click.option(
        "--format",
        "--formats",
        "formats",
        multiple=True,
        metavar="FORM",
        callback=lambda context, option, forms: "all" if "all" in forms else forms or default,
        help=f"{', '.join(FORMS)}; several times, or all [default: {said}].",
    )


def trained(name: str, path="pretrained"):
    """The entry of a name, as its weights were trained; refuses those that are not there without
    importing TensorFlow."""
    entry = index.entry(name)
    weights.check(entry, path)
    return runs.as_trained(entry, path)
