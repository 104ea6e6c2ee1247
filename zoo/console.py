"""How errors, tables and JSON reach the terminal from every command, and how all else does not."""

import faulthandler
import io
import json
import logging
import os
import sys

import click

from zoo import index, weights
from zoo.errors import ZooError
from zoo.export.forms import FORMS

LOG = "ZOO_LOG"
"""The environment variable that names the file for what other libraries print."""

NAME = click.argument("name")
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
            raise click.ClickException(str(error)) from error


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
    faulthandler.enable(sys.stderr)


def _beside(stream: io.TextIOWrapper, descriptor: int) -> io.TextIOWrapper:
    """The same stream through a descriptor of its own."""
    stream.flush()
    own = os.dup(descriptor)
    return os.fdopen(own, "w", 1, stream.encoding, stream.errors, closefd=False)


def print_json(data) -> None:
    click.echo(json.dumps(data, indent=1, ensure_ascii=False))


def print_table(heads, rows) -> None:
    lines = [[_cell(value) for value in line] for line in (heads, *rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        click.echo("  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip())


def _cell(value) -> str:
    return f"{value:.4g}" if isinstance(value, float) else "-" if value is None else str(value)


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
    """The entry of a name; refuses weights that are not there without importing TensorFlow."""
    entry = index.entry(name)
    weights.check(entry, path)
    return entry
