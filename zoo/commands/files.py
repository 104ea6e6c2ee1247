"""`zoo verify`, `web` and `demo`: files that were exported, checked and shown."""

from pathlib import Path

import click

from zoo.commands.console import JSON, print_json
from zoo.errors import ZooError


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--trust",
    is_flag=True,
    help="Of an export that you did not make here: run its SavedModel, a program that can read and "
    "write any file that you can, and read the weights that it names.",
)
@JSON
def verify(folder, trust, as_json):
    """Check the files that `zoo export` wrote against the net; exit 1 if one is wrong."""
    from zoo.export.report import text
    from zoo.export.verify import verify_folder

    report = verify_folder(folder, trust=trust)
    print_json(report) if as_json else click.echo(text(report))
    if not report["passed"]:
        raise click.exceptions.Exit(1)


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--to", "folder", required=True, metavar="DIR", type=click.Path(path_type=Path))
@click.option("--no-pictures", is_flag=True, help="Leave out the training pictures.")
def publish(run, folder, no_pictures):
    """Write RUN, a training or a folder of Pipeline.save, as a folder to give away or to serve."""
    from zoo.export.release import PICTURES, release

    digest = release(run, folder, pictures=not no_pictures)
    size = sum(path.stat().st_size for path in folder.iterdir())
    click.echo(f"{folder}: {size / 1e6:.1f} MB; zoo.load({str(folder)!r})")
    if any((folder / name).is_file() for name in PICTURES):
        click.echo("Some training pictures are in it, to calibrate int8 files on: --no-pictures")
    click.echo(f'On a server: zoo.load("https://HOST/{folder.name}#sha256={digest}")')


@click.command()
@click.argument("names", nargs=-1)
@click.option("--to", "folder", default="site", show_default=True, type=click.Path(path_type=Path))
@click.option(
    "--run",
    "runs",
    multiple=True,
    metavar="DIR",
    help="A net of your own: a run directory, or what Pipeline.save wrote; several times.",
)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535))
@click.option("--fetch", is_flag=True, help="Get LiteRT.js before, where it is not here: 12 MB.")
@click.option("--build-only", is_flag=True, help="Write the site and do not serve it.")
def web(names, folder, runs, port, fetch, build_only):
    """Build a site that runs NAMES (default: all with weights, or the --run alone) in the browser,
    and serve it.
    """
    from zoo.export import litert_js
    from zoo.export.site import build
    from zoo.export.webserver import serve

    if fetch:
        litert_js.fetch()
    click.echo(build(folder, names, runs))
    if not build_only:
        serve(folder, port)


@click.command()
@click.argument("names", nargs=-1)
@click.option("--to", "folder", default="demo", show_default=True, type=click.Path(path_type=Path))
@click.option("--all", "every", is_flag=True, help="All names with weights; takes longer.")
def demo(names, folder, every):
    """Run NAMES (default: one of each family) on pictures that are in the package, export, verify,
    and write a page; exit 1 if anything failed.
    """
    if names and every:
        raise ZooError(f"expected names or --all, got both, --all and {names[0]}")
    from zoo.export.demo import demo

    page, passed = demo(folder, names, every)
    click.echo(f"Open {page.resolve().as_uri()}")
    if not passed:
        raise click.ClickException("not all is right; the page says what failed")
