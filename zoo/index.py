"""The index: every name, and every task, as they are registered. It imports no Keras."""

import difflib
import fnmatch
import functools
import importlib
import importlib.metadata
import pkgutil
from typing import Any, Protocol, TypeVar

from zoo.errors import ZooError
from zoo.recipe import Recipe, in_cycles
from zoo.schema import Benchmark, Entry, FeatureExtractor, Origin
from zoo.spec import Spec

__all__ = [
    "Benchmark", "Entry", "FeatureExtractor", "Origin", "Recipe", "Spec", "entry",
    "first_of_families", "in_cycles", "is_name", "names", "register", "register_task",
    "short_name", "task", "task_of", "tasks",
]  # fmt: skip


class _Named(Protocol):
    name: str


T = TypeVar("T", bound=_Named)
_FIXTURE = "_tiny"
_entries: dict[str, Entry] = {}
_tasks: dict[str, Any] = {}


def register(entry: Entry) -> Entry:
    """Adds an entry.

    Raises:
        ZooError: the name is taken or not of its family; nobody registered its task.
    """
    if entry.name != entry.family and not entry.name.startswith(entry.family + "_"):
        raise ZooError(f"the name {entry.name!r} must begin with its family, {entry.family!r}")
    if entry.spec.task not in _tasks:
        raise ZooError(f"{entry.name}: task {entry.spec.task!r} is none of {sorted(_tasks)}")
    if entry.full_name in _entries:
        raise ZooError(f"the name {entry.full_name!r} is registered twice")
    _entries[entry.full_name] = entry
    return entry


def register_task(task: T) -> T:
    """Adds a `zoo.tasks.task.Task` under its name. Raises ZooError where that is taken."""
    if task.name in _tasks:
        raise ZooError(f"the task {task.name!r} is registered twice")
    _tasks[task.name] = task
    return task


def task(name: str) -> Any:
    """The `zoo.tasks.task.Task` of this name.

    Raises:
        ZooError: no such task; the message names those there are.
    """
    if name not in tasks():
        raise ZooError(f"unknown task {name!r}; there are {', '.join(tasks())}")
    return _tasks[name]


def task_of(entry: Entry) -> Any:
    """The `zoo.tasks.task.Task` of an entry."""
    _import_families()
    return _tasks[entry.spec.task]


def tasks() -> list[str]:
    """The names of all tasks, sorted."""
    _import_families()
    return sorted(_tasks)


def names(pattern: str = "*", task: str | None = None, fixtures: bool = False) -> list[str]:
    """The names that match a shell pattern, sorted.

    Args:
        pattern: such as `"dncnn*"`.
        task: only names of this task, such as `"denoise"`.
        fixtures: also the tests' small nets without weights, `*_tiny`, which otherwise only a
            pattern that ends so names.

    Raises:
        ZooError: the task is unknown.
    """
    if task is not None and task not in tasks():
        raise ZooError(f"unknown task {task!r}; there are {', '.join(tasks())}")
    fixtures = fixtures or pattern.endswith(_FIXTURE)
    found = [
        short_name(e)
        for e in _registered().values()
        if task in (None, e.spec.task) and (fixtures or not e.name.endswith(_FIXTURE))
    ]
    return sorted(name for name in found if fnmatch.fnmatchcase(name, pattern))


def first_of_families() -> list[Entry]:
    """Of each family the first name that it registers with published weights."""
    first: dict[str, Entry] = {}
    for one in _registered().values():
        if one.pretrained:
            first.setdefault(one.family, one)
    return list(first.values())


def short_name(of: Entry) -> str:
    """The shortest name that finds an entry: without the tag, if it is the first of its name."""
    return of.name if entry(of.name) is of else of.full_name


def entry(name: str) -> Entry:
    """The entry of `family_variant` or `family_variant.tag`.

    Raises:
        ZooError: no such name; the message suggests the nearest ones.
    """
    if found := _found(name):
        return found[0]
    known = sorted(_registered()) + names()
    near = difflib.get_close_matches(str(name), known, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else "`zoo list` shows all names"
    raise ZooError(f"unknown name {name!r}: {hint}")


def is_name(text: str) -> bool:
    """Whether `entry` finds one of this name."""
    return bool(_found(text))


def _found(name: str) -> list[Entry]:
    return [e for e in _registered().values() if name in (e.name, e.full_name)]


@functools.cache
def _import_families() -> None:
    from zoo import models
    from zoo import tasks as tasks_of_the_zoo

    for room in (tasks_of_the_zoo, models):
        for module in pkgutil.iter_modules(room.__path__):
            importlib.import_module(f"{room.__name__}.{module.name}")
    for plugin in importlib.metadata.entry_points(group="zoo.models"):
        plugin.load()


def _registered() -> dict[str, Entry]:
    _import_families()
    return _entries
