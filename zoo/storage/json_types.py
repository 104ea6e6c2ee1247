"""Whether a piece of JSON that came from elsewhere is of the types that were written."""

import types
import typing
from collections.abc import Iterable, Mapping
from typing import Any

from zoo.storage import terminal

_NAMES = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "an object",
    type(None): "null",
}


def flaw(value: Any, kind: Any, where: str = "it") -> str:
    """Why a value is not of a type, or "".

    Args:
        value: as `json.loads` gives it.
        kind: `str`, `int`, `bool`, `float` (may be whole), `list[X]` or `tuple[X, ...]`,
            `dict[str, X]`, a union, `object` for anything, or a `TypedDict`, whose fields are all
            that may be there.
        where: what the value is called in the message.
    """
    if kind is object:
        return ""
    if typing.is_typeddict(kind):
        return _wrong(value, dict, where) or _unlike(value, kind, where)
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        flaws = [flaw(value, one, where) for one in inner]
        return "" if "" in flaws else min(flaws, key=lambda why: why.startswith(f"{where}:"))
    if origin in (list, tuple):
        return _wrong(value, list, where) or fields_flaw(
            (item, inner[0], f"{where}[{n}]") for n, item in enumerate(value)
        )
    if origin is dict:
        return _wrong(value, dict, where) or fields_flaw(
            (item, inner[1], f"{where}[{key!a}]") for key, item in value.items()
        )
    return _wrong(value, kind, where)


def is_of(value: Any, kind: Any) -> bool:
    """Whether a value has no `flaw`."""
    return not flaw(value, kind)


def fields_flaw(fields: Iterable[tuple[Any, Any, str]]) -> str:
    """The first `flaw` of several, or ""."""
    return next(filter(None, (flaw(*field) for field in fields)), "")


def text_flaw(value: Any, where: str = "it") -> str:
    """Why some text in it, at any depth, must not reach a terminal, or ""."""
    if isinstance(value, str):
        return terminal.flaw(value, where)
    if isinstance(value, list):
        return next(filter(None, (text_flaw(v, f"{where}[{n}]") for n, v in enumerate(value))), "")
    if isinstance(value, dict):
        named = next(filter(None, (text_flaw(name, f"a name in {where}") for name in value)), "")
        return named or next(
            filter(None, (text_flaw(v, f"{where}.{name}") for name, v in value.items())), ""
        )
    return ""


def _unlike(value: Mapping[str, Any], kind: Any, where: str) -> str:
    if missing := sorted(kind.__required_keys__ - value.keys()):
        return f"{where} has no {missing[0]}"
    fields = typing.get_type_hints(kind)
    if unknown := sorted(value.keys() - fields.keys()):
        return f"{where} has {unknown[0]!a}, which is not expected"
    return fields_flaw((item, fields[key], f"{where}.{key}") for key, item in value.items())


def _wrong(value: Any, kind: Any, where: str) -> str:
    if type(value) is kind or (kind is float and type(value) is int):
        return ""
    return f"{where}: expected {_NAMES.get(kind, kind)}, got {_NAMES[type(value)]}"
