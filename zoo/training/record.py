"""What a run directory says of its training, in `run.json`, and whether it is the one asked for."""

import dataclasses
import importlib.metadata
import os
import platform
import shlex
import sys
from datetime import datetime, timezone
from pathlib import Path

from zoo import index
from zoo.errors import ZooError
from zoo.schema import Entry, Recipe
from zoo.storage import run_json, weights

PACKAGES = ("tensorflow", "keras", "numpy", "tensorflow-datasets", "pillow")
_OF_A_DONOR = (
    "name", "cycle", "recipe", "origin", "licence", "host", "seconds", "sha256", "start"
)  # fmt: skip


def of(entry: Entry, cycle: int | None) -> dict:
    """What is known of a training as it begins: of what, by which command, with which versions."""
    return {
        "name": entry.full_name,
        **({"cycle": cycle} if cycle else {}),
        "recipe": _plain(entry.recipe),
        "command": shlex.join([_program(), *sys.argv[1:]]),
        "versions": {"python": platform.python_version()} | _versions(),
        "host": f"{platform.system()} {platform.machine()}, {_processors()} processors",
        "started": now(),
    }


def of_donor(path: Path) -> dict:
    """How the weights that a training starts from were made: the chain can be repeated.

    Raises:
        ZooError: the file of weights is damaged or not there.
    """
    weights.read_checked(path)
    known = run_json.beside(path)
    if known is None:
        return {}
    return {"start": {key: known[key] for key in _OF_A_DONOR if key in known}}


def difference(known: dict, entry: Entry) -> str:
    """The first thing in which a `run.json` is not of this training, or ""."""
    there = {"name": known["name"]} | _plain(_recorded(known, entry))
    asked = {"name": entry.full_name} | _plain(entry.recipe)
    found = [
        f"{k}: {there[k]!r} there, {asked[k]!r} asked for" for k in asked if there[k] != asked[k]
    ]
    return found[0] if found else ""


def finished(run: Path) -> tuple[dict, Entry]:
    """What a run directory says of itself, and the entry that it was trained for.

    Raises:
        ZooError: it is none, is not finished, or was trained by another recipe than the index has.
    """
    facts = run_json.beside(run / weights.WEIGHTS) or {}
    if "name" not in facts or not {"recipe", "origin"} & facts.keys():
        raise ZooError(
            f"{run} is no run directory: it holds no {weights.RUN} as `zoo train` writes it"
        )
    entry = index.entry(facts["name"])
    if weights.WEIGHTS not in facts.get("sha256", {}):
        raise ZooError(f"{run} is not finished: run its command again, {facts.get('command')!r}")
    if "origin" in facts and entry.origin is not None:
        return facts, entry
    if chain(facts, entry) != entry.recipe.chain():
        raise ZooError(
            f"{run} was trained by another recipe than the index has for {entry.full_name}: "
            "train it again, or register what was changed under a tag of its own"
        )
    return facts, entry


def chain(facts: dict, entry: Entry) -> list[Recipe]:
    """The recipes of an entry's cycles, first to last, as a `run.json` has them."""
    cycles = [
        facts,
        *(one for one in run_json.earlier(facts) if one.get("name") == entry.full_name),
    ]
    return [_recorded(one, entry) for one in reversed(cycles)]


def now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def _plain(recipe: Recipe) -> dict:
    fields = dataclasses.asdict(recipe)
    del fields["cycles"]
    return fields


def _recorded(facts: dict, entry: Entry) -> Recipe:
    """The recipe in a `run.json`; fields that came later have their usual values."""
    known = {f.name for f in dataclasses.fields(entry.recipe)} - {"cycles"}
    fields = {key: value for key, value in facts.get("recipe", {}).items() if key in known}
    usual = {k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()}
    required = {
        f.name for f in dataclasses.fields(entry.recipe) if f.default is dataclasses.MISSING
    }
    if missing := required - usual.keys():
        raise ZooError(f"a recipe was changed: expected {', '.join(sorted(missing))} in it")
    return type(entry.recipe)(**usual)


def _program() -> str:
    name = Path(sys.argv[0]).name
    return "zoo" if name == "__main__.py" else name  # python -m zoo


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
