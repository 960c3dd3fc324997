"""Which columns of a table are shown, in which order and how wide: `id nick:20 appq`.  Pure.

A choice is a tuple of such words.  `+room` and `-peer` change the one that stands; a width is
in cells, and a column that has one does not grow, and stays when others give way.  What the
screen leaves no room for still gives way, in the usual order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

from tui.model.columns import BAR, Column, place

WIDEST = 200                   # cells
KEPT = 100                     # more than any `keep`: these give way when no others are left

Row = TypeVar("Row")


class ChoiceError(ValueError):
    """No such column or width; one line that says why."""


def choose(columns: Sequence[Column[Row]], words: Sequence[str]) -> tuple[Column[Row], ...]:
    """The columns of a choice; () are all of them, as they are.  Raises `ChoiceError`.

    The signs at the left, that say what colours say too, are always there.
    """
    if not words:
        return tuple(columns)
    named = {column.name: column for column in columns}
    signs = tuple(column for column in columns if not column.is_named)
    chosen = []
    for word in words:
        name, width = _split(word, named)
        chosen.append(_sized(named[name], width) if width else named[name])
    return signs + tuple(chosen)


def change(columns: Sequence[Column[Any]], now: Sequence[str],
           words: Sequence[str]) -> tuple[str, ...]:
    """The choice that these words make of the one that stands.  Raises `ChoiceError`."""
    named = {column.name: column for column in columns if column.is_named}
    if not any(word[:1] in ("+", "-") for word in words):
        wanted: dict[str, str] = {}
        for word in words:
            wanted[_split(word, named)[0]] = _written(*_split(word, named))
        return tuple(wanted.values())
    standing = {word.partition(":")[0]: word for word in now or named}
    for word in words:
        name, width = _split(word.lstrip("+-"), named)
        if word.startswith("-"):
            standing.pop(name, None)
        else:
            standing[name] = _written(name, width)
    if not standing:
        raise ChoiceError("a table without columns would be empty")
    return tuple(standing.values())


def left_out(columns: Sequence[Column[Any]], words: Sequence[str], width: int) -> list[str]:
    """Which of a choice's columns find no room in `width` cells, by name."""
    placed = {at.column.name for at in place(choose(columns, words), width)}
    return [name for name in (word.partition(":")[0] for word in words) if name not in placed]


def names(columns: Sequence[Column[Any]]) -> list[str]:
    """What can be chosen."""
    return [column.name for column in columns if column.is_named]


def _split(word: str, named: dict[str, Column[Any]]) -> tuple[str, int]:
    name, colon, text = word.partition(":")
    name = name.upper()
    if name not in named:
        raise ChoiceError(f"no column '{name.lower()}' here; there is "
                          f"{', '.join(named).lower()}")
    if not colon:
        return name, 0
    digits = text.lstrip("0")[:4] if text.isascii() and text.isdecimal() else ""
    if not 0 < int(digits or "0") <= WIDEST:
        raise ChoiceError(f"'{text}' is no width; one is 1 to {WIDEST} cells")
    return name, int(digits)


def _written(name: str, width: int) -> str:
    return f"{name}:{width}" if width else name


def _sized(column: Column[Row], width: int) -> Column[Row]:
    """Exactly so wide, with a bar in it where that leaves room for one, and kept for long."""
    column = replace(column, keep=column.keep + KEPT)
    if column.share is not None and width >= column.width + BAR:
        return replace(column, grow=width - column.width - BAR)
    return replace(column, width=width, grow=0, share=None)
