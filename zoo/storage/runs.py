"""A run directory that was trained on other pictures than its name says: a net of one's own.

It is called as its folder, and has classes, size and licences of its own, in Python and in files.
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from zoo import index
from zoo.data.sets import LICENCES
from zoo.schema import Entry
from zoo.storage import files, run_json
from zoo.storage.weights import weights_path

OWN, OF_YOUR_DATA = "your own", "of your data"
"""Licences: of weights that began from nothing, and of pictures in a folder."""
_LIMIT = "always names one of its classes, also for pictures of anything else"


def as_trained(entry: Entry, weights: str | Path | None) -> Entry:
    """The entry as the `run.json` beside some weights has it: with the classes and the size that it
    was trained for, and, of other pictures, with a name of its own.

    Its builder is still the entry's: nothing here takes Keras.
    """
    if weights is None or weights == "pretrained":
        return entry
    path = weights_path(weights).resolve()
    facts = run_json.beside(path) or {}
    labels, shape = tuple(facts.get("labels") or entry.spec.labels), _shape(entry, facts)
    licence = facts.get("licence") or _licence(entry, facts)
    if licence:
        name = facts.get("called") or path.parent.name
        degrade = tuple(facts.get("degrade") or facts.get("recipe", {}).get("degrade", ()))
        return own(entry, _name(name, entry), labels, shape, licence, degrade)
    spec = dataclasses.replace(entry.spec, labels=labels, shape=shape)
    return entry if spec == entry.spec else dataclasses.replace(entry, spec=spec, benchmarks=())


def own(
    entry: Entry,
    name: str,
    labels: tuple[str, ...],
    shape: Any,
    licence: dict[str, str],
    degrade: Sequence[str] = (),
) -> Entry:
    """The entry of a net of one's own, made of one of the index.

    Args:
        entry: of the index.
        name: its own.
        labels: its classes.
        shape: of its pictures, `(h, w, c)`.
        licence: of its `weights` and its `training data`, as an export says them.
        degrade: what it undoes; by default what the entry does.
    """
    undone = tuple(degrade) or entry.spec.degrade
    spec = dataclasses.replace(entry.spec, labels=labels, shape=tuple(shape), degrade=undone)
    made = dataclasses.replace(
        entry, name=name, tag="", base=entry.index_name, spec=spec, pretrained=False, origin=None,
        weights_licence=licence["weights"], data_licence=licence["training data"],
    )  # fmt: skip
    if spec != entry.spec:
        made = dataclasses.replace(made, benchmarks=())
    if undone != entry.spec.degrade:
        return dataclasses.replace(made, summary=f"undoes {', '.join(undone)}", limits=())
    if spec.latent:
        return dataclasses.replace(made, summary="makes pictures like your own", limits=())
    if labels == entry.spec.labels:
        return made
    summary = f"tells {len(labels)} classes of your own apart"
    return dataclasses.replace(made, summary=summary, limits=(_LIMIT,))


def facts_of(entry: Entry) -> dict[str, Any]:
    """What `own` is told of an entry, beside its name and labels; nothing of one of the index."""
    if not entry.base:
        return {}
    licence = {"weights": entry.weights_licence, "training data": entry.data_licence}
    facts = {"shape": list(entry.spec.shape), "licence": licence}
    return facts | ({"degrade": list(entry.spec.degrade)} if entry.spec.restores else {})


def _shape(entry: Entry, facts: dict[str, Any]) -> tuple[int | None, int | None, Any]:
    if "shape" in facts:
        return tuple(facts["shape"])
    recipe, (height, width, channels) = facts.get("recipe", {}), entry.spec.shape
    size = recipe.get("size")
    return size or height, size or width, recipe.get("channels") or channels


def _licence(entry: Entry, facts: dict[str, Any]) -> dict[str, str]:
    """Of a training on other pictures than the entry's, or damaged otherwise, or of one that began
    from such; else nothing."""
    named = [(_of(one, entry), one) for one in (facts, *run_json.earlier(facts))]
    if not any("licence" in one or _on_others(known, one) for known, one in named):
        return {}
    told = dict.fromkeys(licence for each in named for licence in _data_licences(*each))
    return {"weights": _of_weights(*named[-1]), "training data": "; before that: ".join(told)}


def _of(facts: dict[str, Any], entry: Entry) -> Entry:
    name = facts.get("name", "")
    return index.entry(name) if index.is_name(name) else entry


def _of_weights(entry: Entry, first: dict[str, Any]) -> str:
    """By the first of their trainings."""
    if "licence" in first:
        return first["licence"]["weights"]
    fresh = _on_others(entry, first) and first["recipe"].get("start") is None
    return OWN if fresh else entry.weights_licence


def _data_licences(entry: Entry, facts: dict[str, Any]) -> list[str]:
    """Of the pictures of one training."""
    if "licence" in facts:
        return [facts["licence"]["training data"]]
    data = facts.get("recipe", {}).get("data", entry.recipe.data)
    if data in _usual(entry):
        return [entry.data_licence]
    parts = [data] if data.startswith("folder:") else data.split("+")
    return [
        OF_YOUR_DATA if part.startswith("folder:") else LICENCES.get(part, f"that of {part}")
        for part in parts
    ]


def _usual(entry: Entry) -> set[str]:
    """The sets that a name's own cycles are trained on."""
    return {recipe.data for recipe in entry.recipe.chain()}


def _on_others(entry: Entry, facts: dict[str, Any]) -> bool:
    recipe = facts.get("recipe", {})
    return recipe.get("data", entry.recipe.data) not in _usual(entry) or bool(recipe.get("degrade"))


def _name(said: str, entry: Entry) -> str:
    """As files can be called; never one of the index."""
    name = files.plain_name(said)
    return f"{entry.name}_own" if not name or index.is_name(name) else name
