"""`zoo data`: the sets on the command line. What is heavy is imported when needed."""

import click

from zoo import index
from zoo.commands.console import JSON, Commands, print_json, print_table
from zoo.errors import ZooError


@click.group(cls=Commands)
def data():
    """The sets of pictures that names are trained and measured on."""


@data.command("list")
@JSON
def list_data(as_json):
    """List the sets, who needs them, and where they are read from."""
    from zoo.data import sources

    rows = [(name, sources.origin(name), " ".join(who)) for name, who in _data_sets().items()]
    if as_json:
        return print_json([dict(zip(("set", "from", "names"), row, strict=True)) for row in rows])
    print_table(("SET", "FROM", "NAMES"), rows)


@data.command()
@click.argument("sets", nargs=-1)
def check(sets):
    """Read SETS (default: all) as far as they are on this machine; exit 1 if one is not right."""
    from zoo.data import sources

    asked = sets or tuple(_data_sets())
    here = [name for name in asked if sets or sources.available(name)]
    wrong = [name for name in here if not _read_set(name)]
    for name in asked:
        if name not in here:
            click.echo(f"{name}: not here; {sources.origin(name)}")
    if wrong:
        raise click.ClickException(f"not right: {', '.join(wrong)}")


@data.command()
@click.argument("sets", nargs=-1, required=True)
def prepare(sets):
    """Download SETS of tensorflow-datasets, or make them from files in $ZOO_DATA, once for all."""
    if wrong := [name for name in sets if not _read_set(name)]:
        raise click.ClickException(f"not prepared: {', '.join(wrong)}")


def _data_sets() -> dict[str, list[str]]:
    """Each set that a recipe or a benchmark names, and by which names it is needed."""
    found: dict[str, set[str]] = {}
    for name in index.names(fixtures=True):
        entry = index.entry(name)
        if entry.benchmarks:
            needed = "+".join(
                [r.data for r in entry.recipe.chain()] + [b.data for b in entry.benchmarks]
            )
            for part in needed.split("+"):
                found.setdefault(part, set()).add(entry.name)
    return {part: sorted(who) for part, who in sorted(found.items())}


def _read_set(name: str) -> bool:
    from zoo.data import sources

    try:
        pictures = sources.load(name, 3, "all" if name in sources.FACES else "train")
    except ZooError as error:
        click.echo(f"{name}: {error}")
        return False
    classes = f", {len(pictures.classes)} classes" if pictures.classes else ""
    click.echo(f"{name}: {len(pictures):,} pictures{classes}")
    return True
