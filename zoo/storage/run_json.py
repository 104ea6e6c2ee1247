"""`run.json`: what a run directory, or the folder of a published name, says of itself."""

import dataclasses
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict, get_type_hints

from zoo import index
from zoo.errors import ZooError
from zoo.schema import Recipe
from zoo.storage import files
from zoo.storage.json_types import fields_flaw

RUN = "run.json"


class RunFacts(TypedDict, total=False):
    """What may stand in it; each may be absent, and others are ignored."""

    name: str
    called: str
    cycle: int
    recipe: dict[str, object]
    command: str
    versions: dict[str, str]
    host: str
    started: str
    ended: str
    seconds: float
    steps: int
    replicas: int
    curve: list[dict[str, float]]
    sha256: dict[str, str]
    labels: list[str]
    labels_sha256: str
    net: dict[str, object]
    pictures: dict[str, object]
    calibration: dict[str, object]
    macs: dict[str, object]
    files: list[dict[str, object]]
    start: dict[str, object]
    shape: list[int | None]
    degrade: list[str]
    licence: dict[str, str]
    origin: dict[str, str]
    head: dict[str, object]
    held_out: dict[str, object]


_FIELDS = get_type_hints(RunFacts)


def read(path: Path) -> dict:
    """Reads a `run.json`.

    Raises:
        ZooError: it is no file that can be read, or a field is not of its type.
    """
    facts = files.read_json(path)
    _check(path, facts)
    return facts


def beside(path: Path) -> dict | None:
    """What the `run.json` beside a file says, or None where there is none.

    A folder, a loop or a link to nothing of that name is none that can be read, and raises.
    """
    recorded = path.with_name(RUN)
    return read(recorded) if os.path.lexists(recorded) else None


def earlier(facts: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The trainings that its weights had been through, the last one first."""
    if start := facts.get("start"):
        yield start
        yield from earlier(start)


def of_labels(labels: Sequence[str]) -> dict[str, Any]:
    """The fields that say what classes a net tells apart, in the order of its outputs."""
    return {"labels": list(labels), "labels_sha256": _digest(labels)}


def _digest(labels: Sequence[str]) -> str:
    return files.sha256("\n".join(labels).encode("utf-8", "surrogatepass"))


def _check(path: Path, facts: dict, where: str = "") -> None:
    _refuse(path, facts, _FIELDS, where)
    recorded = facts.get("labels_sha256")
    if recorded is not None and recorded != _digest(facts.get("labels", [])):
        raise ZooError(
            f"{path} was changed: its labels are not those that the net was trained for, or in "
            "another order; put them back, or train again"
        )
    if "recipe" in facts:
        kinds = {f.name: f.type for f in dataclasses.fields(_recipe_of(facts))}
        _refuse(path, facts["recipe"], kinds, f"{where}recipe.")
    if "start" in facts:
        _check(path, facts["start"], f"{where}start.")


def _recipe_of(facts: dict) -> type[Recipe]:
    """The options that the task of a name has; those of all tasks where the name is unknown."""
    try:
        return type(index.entry(facts.get("name", "")).recipe)
    except ZooError:
        return Recipe


def _refuse(path: Path, facts: dict, kinds: Mapping[str, Any], where: str) -> None:
    known = ((facts[key], kinds[key], where + key) for key in kinds.keys() & facts.keys())
    if why := fields_flaw(known):
        raise ZooError(f"{path} was changed: {why}; train again")
