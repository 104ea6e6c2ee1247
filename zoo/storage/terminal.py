"""Text before it is shown: in columns, and without what would rule the terminal."""

import unicodedata
from collections.abc import Sequence

_CONTROL = {"Cc", "Cs", "Zl", "Zp"}
"""Of the categories of Unicode: control, half a surrogate pair, ends of lines and paragraphs."""
_BIDIRECTIONAL = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


def flaw(text: str, where: str) -> str:
    """Why a text must not reach a terminal, or "": it would rule it, or show something else."""
    for character in text:
        if kind := _trouble(character):
            return f"{where} has {kind}, {character!a}"
    return ""


def printable(text: str) -> str:
    """A text with escapes in place of all that must not reach a terminal, ends of lines too."""
    return "".join(ascii(c)[1:-1] if _trouble(c) else c for c in text)


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a table, whose columns are as wide as their widest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def _trouble(character: str) -> str:
    if unicodedata.category(character) in _CONTROL:
        return "a control character"
    if unicodedata.bidirectional(character) in _BIDIRECTIONAL:
        return "a character that turns the direction of text"
    return ""
