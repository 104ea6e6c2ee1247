"""`zoo train`: a name by its recipe, or by one that is changed in parts."""

import ast
import contextlib
import dataclasses
import shlex
import warnings
from pathlib import Path

import click

from zoo import index
from zoo.commands import own_model
from zoo.commands.console import NAME, print_table
from zoo.data import sources
from zoo.errors import ZooError, ZooWarning
from zoo.report.figures import told
from zoo.storage import files, keras_files, run_json, weights
from zoo.training import pictures, record, workers

MISTAKES = "mistakes.png"
_MOST_COLUMNS, _FEW = 20, 50


@click.command()
@NAME
@click.option("--run", metavar="DIR", help="The run directory [default: runs/NAME].")
@click.option("--from", "start", metavar="NAME|PATH", help="Weights to start from.")
@click.option("--data", help="A set, or folder:PATH, in place of the recipe's.")
@click.option("--size", type=click.IntRange(8), help="Side of the pictures (classify).")
@click.option("--channels", type=click.Choice(["1", "3"]), help="Grey or colour (classify).")
@click.option(
    "--steps",
    type=click.IntRange(0),
    help="How many optimizer steps; 0, where the last layer is fitted first: that alone.",
)
@click.option("--batch", type=click.IntRange(1), help="Pictures, or patches, a step.")
@click.option("--learning-rate", type=click.FloatRange(0, min_open=True), help="Its peak.")
@click.option(
    "--augment",
    multiple=True,
    metavar="WAY",
    help="mirror, crop, colour, dihedral, shift, rotate, scale, erase, mixup; several times, in "
    "this order.",
)
@click.option(
    "--classes",
    type=click.Choice(["auto", "own", "net"]),
    help="With --from: the pictures' own classes, or the net's [default: own, unless they are "
    "called as the net's].",
)
@click.option(
    "--holdout",
    type=click.FloatRange(0),
    help="Training pictures kept out for choices; below 1 the share of each class.",
)
@click.option("--precision", type=click.Choice(["float32", "mixed_bfloat16"]), help="Of the steps.")
@click.option("--every", type=click.IntRange(1), help="Steps between checkpoints.")
@click.option(
    "--seed", type=click.IntRange(0, 2**31 - 1), help="Of the first weights, batches and noise."
)
@click.option(
    "--set",
    "others",
    multiple=True,
    metavar="FIELD=VALUE",
    help="Any other field of the recipe, such as patch=48; `zoo show NAME --json` has them all.",
)
@click.option("--strict", is_flag=True, help="Refuse what would be left out with a warning.")
@click.option(
    "--quantize-aware",
    is_flag=True,
    help="Of a .keras file: train it as its int8 file will round, on --data.",
)
@own_model.options
def train(name, run, start, others, strict, quantize_aware, **changes):
    """Train NAME by its recipe into a run directory; options replace parts of the recipe.

    NAME may be a .keras file of your own, with --quantize-aware: it is fine-tuned to lose less in
    int8, and saved as a folder that every command takes.

    Stop it at any moment: the same command goes on from the last checkpoint.
    """
    if keras_files.is_one(name) or quantize_aware:
        return _tune(name, run, quantize_aware, start, others, changes)
    own_model.refuse_said(name, {k: changes.pop(k) for k in own_model.NAMES if k != "degrade"})
    from zoo.training.run import train

    changes = {key: value for key, value in changes.items() if value not in (None, ())}
    if (holdout := changes.get("holdout", 0.5)) == 0 or holdout >= 1:
        changes["holdout"] = int(holdout)
    if "channels" in changes:
        changes["channels"] = int(changes["channels"])
    changes |= dict(_field(index.entry(name).recipe, text) for text in others)
    begun = record.now()
    try:
        with warnings.catch_warnings():
            if strict:
                warnings.simplefilter("error", ZooWarning)
            folder = train(name, run, start, **changes)
    except ZooWarning as left_out:
        raise ZooError(f"{left_out}; without --strict they are left out") from None
    except KeyboardInterrupt:
        raise ZooError("stopped; the same command goes on from the last checkpoint") from None
    if workers.follows():
        return click.echo(f"all workers have ended; the chief wrote {folder}")
    facts = run_json.read(folder / weights.RUN)
    if facts["ended"] < begun:
        click.echo(
            f"{folder} was trained to its end before, and nothing was learnt now: to train on "
            "other pictures, choose another folder with --run"
        )
    _tell(facts, folder)
    click.echo("\n".join([f"{folder / weights.WEIGHTS}", *_next(name, facts, folder)]))


_TUNED = {"steps": "count", "batch": "batch", "learning_rate": "learning_rate", "seed": "seed"}
"""Options of the command that tuning has, as `zoo.training.tuning.tune` calls them."""


def _tune(name: str, run, quantize_aware: bool, start, others, changes: dict) -> None:
    if not (keras_files.is_one(name) and quantize_aware and changes["data"]):
        raise ZooError(
            "a .keras file of your own is trained by Keras' fit, and to lose less in int8 here: "
            f"zoo train FILE.keras --quantize-aware --data folder:PATH; got {name}"
        )
    known = {*_TUNED, "data", *own_model.NAMES}
    idle = [k for k, v in changes.items() if v not in (None, ()) and k not in known]
    idle += [k for k, v in (("from", start), ("set", others)) if v]
    if idle:
        raise ZooError(f"--{idle[0].replace('_', '-')}: a .keras file is tuned without it")
    sources.refuse_missing(changes["data"])
    folder = Path(run or Path("runs") / Path(name).stem)
    if folder.exists():
        raise ZooError(f"{folder} is there already: choose another folder with --run")
    files.refuse_unwritable(folder)
    pipeline = own_model.wrapped(name, changes, examples=changes["data"])
    from zoo.training.tuning import tune

    given = {key: changes[k] for k, key in _TUNED.items() if changes[k] is not None}
    for what, figures in tune(pipeline, changes["data"], **given).items():
        click.echo(f"{_WHAT[what]}: {told(figures)}")
    pipeline.save(folder)
    click.echo(f"{folder}\nNext: zoo export {folder} --to DIR --format int8 --data folder:PATH")


_WHAT = {
    "net": "the net as it came, held out",
    "before": "as its int8 file rounds, before",
    "after": "as its int8 file rounds, after",
}


def _tell(facts: dict, run) -> None:
    """How it ended, and what was found on the pictures held out."""
    steps = facts.get("steps", facts["recipe"]["steps"])
    taken = (facts.get("curve") or [{}])[-1].get("step", 0)
    if taken < steps:
        click.echo(f"ended after {taken:g} of {steps} steps: the held-out loss fell no further")
    if not (held_out := facts.get("held_out")):
        return
    labels = facts.get("labels") or index.entry(facts["name"]).spec.labels
    click.echo(
        f"held out: {held_out['count']} pictures, {held_out['accuracy']:.1f} % right; "
        f"the mistakes are in {run / MISTAKES}"
    )
    if held_out["count"] < _FEW:
        click.echo("so few say little: measure it on photographs that are not in the folder")
    if len(labels) <= _MOST_COLUMNS:
        pairs = zip(labels, held_out["confusion"], strict=True)
        print_table(("taken for", *labels), [(f"of {label}", *counts) for label, counts in pairs])


def _next(name: str, facts: dict, run) -> list[str]:
    """The commands that come next, as they are typed."""
    folder, made = (shlex.quote(str(path)) for path in (run, run / "files"))
    data = facts["recipe"]["data"]
    own = data.startswith("folder:") or not index.entry(name).benchmarks
    tested = f" --data {shlex.quote(data)}" if sources.has_part(data, "test") else ""
    measured = f"To measure it: zoo evaluate {folder}"
    measured += tested or (" --data folder:PATH" if own else "")
    if not facts.get("held_out"):
        return [measured]
    return [
        measured,
        f"To use it: zoo run {folder} {_picture(run)}",
        f"For the phone: zoo export {folder} --format int8 --to {made}{tested}",
        f"To check that: zoo verify {made}",
    ]


def _picture(run: Path) -> str:
    """One that is there."""
    known = pictures.listed(run)
    return shlex.quote(known[0]) if known and Path(known[0]).is_file() else "PICTURE"


def _field(recipe, text: str) -> tuple[str, object]:
    """`FIELD=VALUE` with the value as a recipe has it."""
    name, _, value = text.partition("=")
    if name not in (known := {field.name for field in dataclasses.fields(recipe)} - {"cycles"}):
        raise ZooError(f"--set {text}: expected one of {', '.join(sorted(known))}")
    with contextlib.suppress(ValueError, SyntaxError):  # a word without quotes
        value = ast.literal_eval(value.capitalize() if value in ("true", "false") else value)
    usual = getattr(recipe, name, None)
    if isinstance(usual, float) and type(value) is int:
        value = float(value)
    if usual is not None and not isinstance(value, type(usual)):
        raise ZooError(f"--set {text}: expected a value such as {name}={usual}")
    return name, value
