"""What the commands have in common: how errors, tables and JSON reach the terminal."""

import json

import click

from zoo.errors import ZooError

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


def print_json(data) -> None:
    click.echo(json.dumps(data, indent=1, ensure_ascii=False))


def print_table(heads, rows) -> None:
    lines = [[_cell(value) for value in line] for line in (heads, *rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        click.echo("  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip())


def _cell(value) -> str:
    return f"{value:.4g}" if isinstance(value, float) else "-" if value is None else str(value)
