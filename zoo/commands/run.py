"""`zoo run`: pictures in, labels or pictures out."""

import warnings
from pathlib import Path

import click

from zoo import index
from zoo.commands import own_model
from zoo.commands.console import JSON, NAME, WEIGHTS, print_json
from zoo.errors import ZooError, ZooWarning
from zoo.storage import runs
from zoo.storage.weights import located

FASTER = "; sooner by --runtime fastest, which makes a file at the first call and keeps it"


@click.command()
@NAME
@click.argument("pictures", nargs=-1)
@click.option("--out", help="File for the result, or folder (DIR/) for those of many pictures.")
@click.option("--overwrite", is_flag=True, help="Replace results that are there already.")
@click.option(
    "--scale", type=click.IntRange(1), help="By how much to enlarge [default: the first]."
)
@click.option(
    "--ensemble", is_flag=True, default=None, help="Mean over turned or moved pictures; slower."
)
@click.option(
    "--sigma",
    metavar="NUMBER|auto",
    callback=lambda context, option, text: _level(text),
    help="Of a net that is told the noise level: in grey levels of 0..255 [default: auto].",
)
@click.option(
    "--strength",
    type=click.FloatRange(0, min_open=True),
    help="Times that level: 1.5 where noise is left, 0.7 where detail is lost.",
)
@click.option(
    "--task",
    help="In place of NAME: of the nets for this task (denoise), that which a picture is for.",
)
@click.option(
    "--count", type=click.IntRange(1, 10_000), help="How many new pictures to make, on one sheet."
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    default=0,
    show_default=True,
    help="Of the new pictures.",
)
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
@click.option(
    "--max-pixels",
    type=click.IntRange(1),
    help="Take pictures of up to so many pixels, if you trust them [default: 89 million].",
)
@WEIGHTS
@JSON
def run(
    name, pictures, out, overwrite, scale, ensemble, sigma, strength, task, count, seed, label,
    runtime, max_pixels, weights, as_json,
):  # fmt: skip
    """Run NAME on PICTURES (files, folders, patterns): print labels, or write restored pictures.

    Without --out the result of photo.jpg is written to photo_NAME.png beside it. What cannot be
    read is named at the end, and the exit status is then 1.
    Without a NAME, by what a picture is like: zoo run --task denoise photo.jpg
    Of a net that makes pictures: zoo run dcgan_fashion --count 64 --out grid.png
    Which runtime answered is said on stderr.
    """
    from PIL import Image

    from zoo.commands import pictures as reading
    from zoo.export import serving

    if max_pixels:
        Image.MAX_IMAGE_PIXELS = max_pixels
    options = {"scale": scale, "ensemble": ensemble, "sigma": sigma, "strength": strength}
    given = {f"--{name}": value for name, value in options.items()}
    _refuse_idle(count, {"PICTURES": pictures, "--task": task} | given, label)
    if task is not None and weights != "pretrained":
        raise ZooError("expected --task, which chooses the net, or --weights, got both")
    answers: list[dict] = []
    jobs: dict[str, tuple] = {name: (pictures, {})}
    if task:
        jobs, answers = _chosen([name, *pictures], task, out)
    for name, (pictures, why) in jobs.items():
        own, place = own_model.saved(name, weights), weights
        if own is None:
            name, place = located(name, weights)
        entry = own.entry if own else runs.as_trained(index.entry(name), place)
        key = _of_keras(name, runtime) if own else serving.choice(entry, place, runtime)
        if count is not None:
            work = reading.sheet(entry, out, overwrite, count=count, seed=seed, label=label)
        else:
            work = reading.answers(entry, pictures, out, overwrite, options)
        if not as_json:
            _say_why(name, why)
        pipeline = own or serving.load(name, place, None, key)
        slow = not own and (runtime, key) == (serving.AUTO, serving.KERAS)
        found = _answers(work(pipeline), serving.version(key), FASTER if slow else "", as_json)
        answers += [answer | _reason(entry, answer, why) for answer in found]
    if as_json:
        print_json(answers)
    if failed := [answer for answer in answers if "error" in answer]:
        of = f"{len(failed)} of {len(answers)} pictures: " if len(answers) > 1 else ""
        raise ZooError(of + "\n".join(answer["error"] for answer in failed))


def _answers(work, runtime: str, sooner: str, as_json: bool) -> list[dict]:
    """What a net made of pictures; printed as it comes, unless all is to be JSON."""
    from zoo.commands import pictures as reading

    if not as_json:
        click.echo(runtime + sooner, err=True)
    answers = []
    for answer in work:
        answers.append(answer | {"runtime": runtime})
        if not as_json and "error" not in answer:
            click.echo(reading.line(answer))
    return answers


def _say_why(name: str, why: dict[str, str]) -> None:
    for picture, reason in why.items():
        click.echo(f"{picture}: {name}, for it is {reason}", err=True)


def _reason(entry, answer: dict, why: dict[str, str]) -> dict[str, str]:
    return {"name": entry.name, "why": why[answer["picture"]]} if why else {}


def _chosen(
    arguments: list[str], task: str, out: str | None
) -> tuple[dict[str, tuple[list[str], dict]], list[dict]]:
    """Name -> the pictures that it is for, and why, by picture; and of which nobody knows."""
    from zoo.commands import pictures as reading
    from zoo.tasks import advice

    paths = list(map(str, reading.pictures(arguments)))
    reading.named(list(map(Path, paths)), out, task)  # refuses one file for several
    advice.refuse(task)
    found: dict[str, tuple[list[str], dict]] = {}
    failed = []
    for path in paths:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ZooWarning)  # they come when the net reads it
                name, why = advice.choice(path, task)
        except ZooError as error:
            failed.append(reading.failure(path, error))
            continue
        pictures, reasons = found.setdefault(name, ([], {}))
        pictures.append(path)
        reasons[path] = why
    return found, failed


def _level(text: str | None) -> float | str | None:
    try:
        return text if text in (None, "auto") else float(text)
    except ValueError:
        raise click.BadParameter(f"expected a number, as 25, or auto, got {text}") from None


def _of_keras(name: str, runtime: str) -> str:
    if runtime not in ("auto", "keras"):
        raise ZooError(
            f"{name} holds a net of your own: expected --runtime keras, got {runtime}; export it, "
            "and run the files"
        )
    return "keras"


def _refuse_idle(count: int | None, of_pictures: dict, label: str | None) -> None:
    """Nothing that was asked for is left out in silence."""
    idle = [name for name, value in of_pictures.items() if value] if count is not None else []
    if idle or (count is None and label is not None):
        raise ZooError(
            f"expected --count without {idle[0]}" if idle else "expected --label with --count"
        )
