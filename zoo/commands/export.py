"""`zoo export`: a name, a run or a Keras model of one's own to files, checked and measured."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo.commands import own_model
from zoo.commands.console import WEIGHTS, formats_option, printable_lines, trained
from zoo.errors import ZooError
from zoo.schema import Entry
from zoo.storage import keras_files
from zoo.storage.weights import located

if TYPE_CHECKING:
    from zoo.tasks.pipeline import Pipeline


@click.command()
@click.argument("name")
@click.option("--to", "folder", required=True, type=click.Path(path_type=Path))
@click.option(
    "--size",
    type=click.IntRange(1),
    help="Side of the static variant's picture, for nets that take any size [default: 256, of one "
    "that enlarges as much less]; of a .keras classifier that takes any, of all pictures.",
)
@formats_option(default=None, said="the first three")
@click.option(
    "--calibration",
    metavar="SET",
    help="Pictures that int8 ranges are measured on, as folder:PATH [default: the recipe's].",
)
@click.option(
    "--data",
    metavar="SET",
    help="Pictures that each file is measured on, as folder:PATH, one folder a class (of what "
    "restores, clean ones). Writes report.html, too; exit 1 if a file is beyond its bound.",
)
@click.option(
    "--metric",
    metavar="MODULE:FUNCTION",
    help="A Python function of (outputs, truth) in place of accuracy or PSNR; with --data.",
)
@click.option(
    "--allow",
    type=click.FloatRange(0),
    help="By how much a file may be worse than the net: percentage points, or dB; with --data "
    "[default: as `zoo verify`, .5 points and .15 dB of int8].",
)
@click.option(
    "--keep-float",
    metavar="LAYER,...",
    default="",
    help="Layers that int8, uint8 and dynamic_range files leave in float32.",
)
@click.option(
    "--mixed",
    type=click.Choice(["auto"]),
    help="Leave the fewest layers in float32 with which an int8 file keeps its bound.",
)
@own_model.options
@WEIGHTS
def export(name, folder, size, formats, calibration, data, metric, allow, weights, **more):
    """Write NAME as SavedModel, TFLite and ONNX files into a folder.

    NAME is a name of the zoo, a run directory, or a .keras file of your own, whose files are also
    verified.
    """
    from zoo.data import sources
    from zoo.export.write import export, refuse_target

    more["keep_float"] = [x.strip() for x in more["keep_float"].split(",") if x.strip()]
    if (metric or allow is not None) and not data:
        raise ZooError(
            "--metric and --allow judge files on pictures: name some, --data folder:PATH"
        )
    if allow is not None and allow != allow:
        raise ZooError("--allow: expected a number, got nan")
    refuse_target(folder)
    for pictures in filter(None, (calibration, data)):
        sources.refuse_missing(pictures)
    function, own = _metric(metric), keras_files.is_one(name)
    if own:
        picture = size if more["task"] in (None, "classify") else None
        pipeline = own_model.wrapped(name, more, size=picture, examples=calibration or data)
        calibration = None
    else:
        own_model.refuse_said(name, more)
        saved = own_model.saved(name, weights)
        pipeline = saved or _of_the_zoo(name, weights, size, formats, more)
        _refuse_size(size, pipeline.entry)
    static = size if pipeline.spec.free_size else None
    export(pipeline, folder, static, formats, calibration, more["keep_float"], more["mixed"])
    if own or data:
        _assess(pipeline, folder, data, function, allow, static)
    else:
        for path in sorted(folder.iterdir()):
            click.echo(path)
        click.echo(f"To check the files: zoo verify {folder}")


def _metric(name: str | None) -> Any:
    if name is None:
        return None
    import sys

    from zoo.export.assess import named_metric

    sys.path.insert(0, "")
    return named_metric(name)


def _of_the_zoo(
    name: str, weights: str, size: int | None, formats: Any, more: dict[str, Any]
) -> "Pipeline":
    from zoo.export.write import refuse
    from zoo.loading import load

    name, path = located(name, weights)
    entry = trained(name, path)
    _refuse_size(size, entry)
    refuse(entry, formats, more["keep_float"], more["mixed"])
    return load(name, path)


def _refuse_size(size: int | None, entry: Entry) -> None:
    if size and not entry.spec.free_size and entry.spec.size != (size, size):
        height, width = entry.spec.size
        raise ZooError(f"--size {size}: {entry.name} takes {height}x{width} in every file")


def _assess(pipeline, folder, data, metric, allow, size) -> None:
    from zoo.export import assess, assess_page

    found = assess.assess(pipeline, folder, data, metric, allow, size)
    page = assess_page.write(found, folder, data)
    click.echo(printable_lines(str(found)))
    click.echo(f"The page: {page}; the checks: zoo verify {folder}")
    if not found.passed:
        raise click.exceptions.Exit(1)
