"""The command line: a thin layer over the package. What is heavy is imported when needed, after all
that can be refused without it has been."""

import functools
import io
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from zoo import files, index, weights
from zoo.console import (
    JSON,
    NAME,
    WEIGHTS,
    Commands,
    formats_option,
    print_json,
    print_table,
    trained,
)
from zoo.data.commands import data
from zoo.dev import dev
from zoo.errors import ZooError
from zoo.report import figures, results

FASTER = "; sooner by --runtime fastest, which makes a file at the first call and keeps it"


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
@click.option(
    "--superseded",
    is_flag=True,
    help="All: also the earlier trainings, without weights, that names went on from.",
)
@JSON
def list_names(pattern, task, superseded, as_json):
    """List the names, with their tasks and measured figures.

    PATTERN is a shell pattern such as 'dncnn*'.
    """
    names = index.names(pattern, task, superseded)
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
@click.argument("pictures", nargs=-1)
@click.option("--out", type=click.Path(path_type=Path), help="File, or folder, for the result.")
@click.option("--scale", type=int, help="By how much to enlarge [default: the net's first].")
@click.option("--ensemble", is_flag=True, help="Mean over turned or moved pictures; slower.")
@click.option("--count", type=int, help="How many new pictures to make, on one sheet.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the new pictures.")
@click.option("--label", help="Of which class to make them.")
@click.option(
    "--runtime",
    default="auto",
    show_default=True,
    metavar="RUNTIME",
    help="keras; litert, onnx, openvino or fastest (of these three), which run an exported file, "
    "the one of an export folder that --weights names, or one that is made at the first call and "
    "kept; or auto: such a file where there is one, else keras.",
)
@WEIGHTS
@JSON
def run(name, pictures, out, scale, ensemble, count, seed, label, runtime, weights, as_json):
    """Run NAME on PICTURES (files): print labels, or write the restored picture.

    Without --out the result of photo.jpg is written to photo_NAME.png beside it.
    Of a net that makes pictures: zoo run dcgan_fashion --count 64 --out grid.png
    Which runtime answered is said on stderr.
    """
    from zoo.export import serving

    entry = index.entry(name)
    key = serving.choice(entry, weights, runtime)
    if count is not None:
        work = _sheet(entry, out, count=count, seed=seed, label=label)
    else:
        work = _answers(entry, pictures, out, scale, ensemble, progress=not as_json)
    pipeline = serving.load(name, weights, None, key)
    said = serving.version(key)
    if as_json:
        return print_json([answer | {"runtime": said} for answer in work(pipeline)])
    sooner = FASTER if (runtime, key) == (serving.AUTO, serving.KERAS) else ""
    click.echo(said + sooner, err=True)
    for answer in work(pipeline):
        click.echo(_line(answer))


@main.command()
@NAME
@click.option("--run", metavar="DIR", help="The run directory [default: runs/NAME].")
@click.option("--from", "start", metavar="NAME|PATH", help="Weights to start from.")
@click.option("--data", help="A set, or folder:PATH, in place of the recipe's.")
@click.option("--steps", type=click.IntRange(1), help="How many optimizer steps.")
@click.option("--batch", type=click.IntRange(1), help="Pictures, or patches, a step.")
@click.option("--patch", type=click.IntRange(1), help="Side of the patches, in pixels.")
@click.option("--learning-rate", type=click.FloatRange(0, min_open=True), help="Its peak.")
@click.option(
    "--augment",
    multiple=True,
    metavar="WAY",
    help="mirror, dihedral, shift, rotate, scale, erase, mixup; several times, in this order.",
)
@click.option("--holdout", type=click.IntRange(0), help="Training pictures kept out for choices.")
@click.option("--precision", type=click.Choice(["float32", "mixed_bfloat16"]), help="Of the steps.")
@click.option("--fixed-norm", is_flag=True, default=None, help="Keep the normalisation's averages.")
@click.option("--rounded", is_flag=True, default=None, help="Round as an int8 file (restorers).")
@click.option("--penalty", type=click.FloatRange(0), help="Of a critic's slope (generators).")
@click.option("--every", type=click.IntRange(1), help="Steps between checkpoints.")
@click.option("--seed", type=int, help="Of the first weights, the batches and the noise.")
def train(name, run, start, **changes):
    """Train NAME by its recipe into a run directory; options replace parts of the recipe.

    Stop it at any moment: the same command goes on from the last checkpoint.
    """
    from zoo.training.run import train

    changes = {key: value for key, value in changes.items() if value not in (None, ())}
    folder = train(name, run, start, **changes)
    click.echo(f"{folder / weights.WEIGHTS}\nTo measure it: zoo evaluate {name} --weights {folder}")


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

    entry = trained(name, weights)
    sources.refuse_missing(entry.trial(data, degrade)[0])
    from zoo.loading import load
    from zoo.tasks.evaluate import evaluate

    row = evaluate(load(name, weights), data, degrade, progress=not as_json)
    if as_json:
        return print_json(row)
    shown = ", ".join(f"{key} {value:.4f}" for key, value in row["metrics"].items())
    what = " ".join(filter(None, (row["data"], row["degrade"])))
    click.echo(f"{name} on {what} ({row['count']} pictures): {shown}")
    click.echo(f"protocol: {row['protocol']}")


@main.command()
@NAME
@click.option("--to", "folder", required=True, type=click.Path(path_type=Path))
@click.option(
    "--size",
    type=click.IntRange(1),
    help="Side of the static variant's picture, for nets that take any size [default: 256, of one "
    "that enlarges as much less].",
)
@formats_option(default=None, said="the first three")
@click.option(
    "--calibration",
    metavar="SET",
    help="Pictures that int8 ranges are measured on, as folder:PATH [default: the recipe's].",
)
@WEIGHTS
def export(name, folder, size, formats, calibration, weights):
    """Write NAME as SavedModel, TFLite and ONNX files into a folder."""
    from zoo.data import sources
    from zoo.export.artifacts import export, refuse, refuse_target
    from zoo.loading import load

    refuse_target(folder)
    refuse(trained(name, weights), formats)
    if calibration:
        sources.refuse_missing(calibration)
    export(load(name, weights), folder, size, formats, calibration)
    for path in sorted(folder.iterdir()):
        click.echo(path)
    click.echo(f"To check the files: zoo verify {folder}")


@main.command()
@click.argument("folder", type=click.Path(path_type=Path))
@JSON
def verify(folder, as_json):
    """Check the files that `zoo export` wrote against the net; exit 1 if one is wrong."""
    from zoo.export.report import text
    from zoo.export.verify import verify_folder

    report = verify_folder(folder)
    print_json(report) if as_json else click.echo(text(report))
    if not report["passed"]:
        raise click.exceptions.Exit(1)


main.add_command(data)
main.add_command(dev)


@main.command()
@click.argument("names", nargs=-1)
@click.option("--to", "folder", default="site", show_default=True, type=click.Path(path_type=Path))
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535))
@click.option("--npm", type=click.Path(path_type=Path), help="The node_modules with LiteRT.js.")
@click.option("--build-only", is_flag=True, help="Write the site and do not serve it.")
def web(names, folder, port, npm, build_only):
    """Build a site that runs NAMES (default: all with weights) in the browser, and serve it."""
    from zoo.export.webserver import NPM, build, serve

    click.echo(build(folder, names, npm or NPM))
    if not build_only:
        serve(folder, port)


@main.command()
@click.argument("names", nargs=-1)
@click.option("--to", "folder", default="demo", show_default=True, type=click.Path(path_type=Path))
@click.option("--all", "every", is_flag=True, help="All names with weights; takes longer.")
def demo(names, folder, every):
    """Run NAMES (default: one of each family) on pictures that are in the package, export, verify,
    and write a page; exit 1 if anything failed.
    """
    if names and every:
        raise ZooError(f"--all and {names[0]} came: name some, or ask for all")
    from zoo.export.demo import demo

    page, passed = demo(folder, names, every)
    click.echo(f"Open {page.resolve().as_uri()}")
    if not passed:
        raise click.ClickException("not all is right; the page says what failed")


def _sheet(entry, out: Path | None, **asked) -> Callable:
    """Of a pipeline, pictures that it makes, on one sheet; refuses at once what cannot be made."""
    from zoo.loading import pipeline

    if entry.spec.kind != "generation":
        raise ZooError(f"{entry.name} makes no new pictures: name one that does")
    pipeline(entry, None).codes(**asked)
    return functools.partial(_make, _writable(out or Path(f"{entry.name}.png")), asked)


def _make(target: Path, asked: dict, pipeline) -> Iterator[dict]:
    from zoo.images.sheet import grid

    _save(grid(pipeline.sample(**asked)), target)
    yield {"result": str(target)}


def _answers(entry, pictures, out: Path | None, scale, ensemble: bool, progress: bool) -> Callable:
    """Of a pipeline, what it makes of each picture; refuses at once what it cannot be asked."""
    from zoo.images.pixels import refuse_unreadable

    if entry.spec.task == "generate" or not pictures:
        what = "--count COUNT" if entry.spec.kind == "generation" else "PICTURES, files"
        raise ZooError(f"{entry.name}: nothing to do: expected {what}")
    options = _options(entry, scale, ensemble)
    paths = [Path(picture) for picture in pictures]
    for path in paths:
        refuse_unreadable(path)
    if entry.spec.kind == "recognition":
        return functools.partial(_recognise, paths, options)
    if entry.spec.restores:
        options["progress"] = progress
    targets = [_writable(_target(path, out, entry.name, len(paths))) for path in paths]
    return functools.partial(_picture, list(zip(paths, targets, strict=True)), options)


def _options(entry, scale: int | None, ensemble: bool) -> dict:
    from zoo.loading import pipeline

    spec = entry.spec
    options = {"scale": scale, "ensemble": ensemble or None}
    options = {key: value for key, value in options.items() if value is not None}
    known = {"restoration": {"scale", "ensemble"}, "recognition": {"ensemble"}}
    if wrong := sorted(options.keys() - known.get(spec.kind, set())):
        raise ZooError(f"{entry.name} is for {spec.task}: it takes no {', '.join(wrong)}")
    if spec.restores:
        pipeline(entry, None).known(scale)
    return options


def _recognise(paths: list[Path], options: dict, pipeline) -> Iterator[dict]:
    for path in paths:
        labels = [one._asdict() for one in pipeline(path, **options)]
        yield {"picture": str(path), "labels": labels}


def _picture(pairs: list[tuple[Path, Path]], options: dict, pipeline) -> Iterator[dict]:
    for path, target in pairs:
        _save(pipeline(path, **options), target)
        yield {"picture": str(path), "result": str(target)}


def _line(answer: dict) -> str:
    if "result" in answer:
        return answer["result"]
    best = [f"{row['label']} {row['probability']:.1%}" for row in answer["labels"][:3]]
    return f"{answer['picture']}: {', '.join(best)}"


def _target(picture: Path, out: Path | None, name: str, count: int) -> Path:
    default = f"{picture.stem}_{name}.png"
    if out is None:
        return picture.with_name(default)
    if count > 1 and out.is_file():
        raise ZooError(f"{count} pictures came, and --out {out} is one file: name a folder")
    return out / default if count > 1 or out.is_dir() else out


def _writable(target: Path) -> Path:
    _format(target)
    files.refuse_unwritable(target)
    return target


def _format(target: Path) -> str:
    from PIL import Image

    kind = Image.registered_extensions().get(target.suffix.lower())
    if kind in Image.SAVE:
        return kind
    raise ZooError(f"--out {target}: no picture format has this ending; use .png")


def _save(image, target: Path) -> None:
    kind = _format(target)
    try:
        data = io.BytesIO()
        image.save(data, format=kind)
    except OSError as error:  # as of JPEG, which has no alpha
        raise ZooError(f"--out {target}: {error}; use .png") from error
    with files.whole(target) as partial:
        partial.write_bytes(data.getvalue())


def _measured(entry) -> dict:
    facts = weights.published(entry) or {}
    known = {key: facts.get(key) for key in ("files", "macs", "sha256")}
    return {"figures": results.rows(entry)} | known
