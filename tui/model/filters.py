"""The filter line: `bob`, `!bob`, `nick:bob`, `appq:>64K`, several words all at once.  Pure."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from chatops.units import UnitError, parse_duration, parse_size
from tui.model.columns import CellContext, Column

Row = TypeVar("Row")
Test = Callable[[Any, CellContext], bool]

_COMPARE = {">": operator.gt, "<": operator.lt, ">=": operator.ge, "<=": operator.le,
            "=": operator.eq}
_COMPARISON = re.compile(r"(>=|<=|>|<|=)(.+)")
_SPECIAL = re.compile("[!:]")  # in a word that is more than a text to look for
# What the text of a cell with a number in it is made of.
_FIGURES = frozenset("0123456789.,%-kmgtdhsu/")


def apply(rows: Sequence[Row], expression: str, columns: Sequence[Column[Row]],
          context: CellContext) -> list[Row]:
    """The rows that every word of the expression lets through."""
    kept = list(rows)
    context.texts.forget(2 * len(kept))
    for word in expression.split():
        test = _test(word, columns, context)
        kept = [row for row in kept if test(row, context)]
    return kept


def narrows(before: str, after: str) -> bool:
    """Whether `after` lets through only rows that `before` does too: words typed further."""
    old, new = before.split(), after.split()
    return bool(old) and len(old) <= len(new) and all(
        a == b or (a in b and not (_SPECIAL.search(a) or _SPECIAL.search(b)))
        for a, b in zip(old, new, strict=False))


def _test(word: str, columns: Sequence[Column[Any]], context: CellContext) -> Test:
    if word.startswith("!") and len(word) > 1:
        inner = _test(word[1:], columns, context)
        return lambda row, context: not inner(row, context)
    name, colon, wanted = word.partition(":")
    if colon and wanted:
        named = [c for c in columns if c.name == name.upper()]
        if named:
            return _of_column(named[0], wanted)
    return _of_any(word, columns, context)


def _of_any(word: str, columns: Sequence[Column[Any]], context: CellContext) -> Test:
    """Any column; those that hold figures are looked at only when the word could be one, and
    marks, which are dear to work out, when it is short enough and no number.
    """
    needle = word.casefold()
    is_figure = _FIGURES.issuperset(needle)
    fixed = [[c.text for c in columns if c.fixed and c.right == figures]
             for figures in (False, True)]
    finders = [context.texts.finder(which, fixed[which], needle, context)
               for which in range(1 + is_figure)]
    cells = [c.text for c in columns if not c.fixed and (is_figure or not c.right)
             and (c.gap or (len(needle) <= c.width and not needle.isdigit()))]

    def found(row: object, context: CellContext) -> bool:
        for find in finders:
            if find(row):
                return True
        for cell in cells:  # noqa: SIM110
            if needle in cell(row, context).casefold():
                return True
        return False

    return found


def _of_column(column: Column[Any], wanted: str) -> Test:
    match = _COMPARISON.fullmatch(wanted)
    if match is not None and (limit := _figure(match[2])) is not None:
        compare, key = _COMPARE[match[1]], column.key

        def compares(row: object, context: CellContext) -> bool:
            value = key(row, context)
            return isinstance(value, int | float) and bool(compare(value, limit))

        return compares
    needle, text = wanted.removeprefix("=").casefold(), column.text
    if wanted.startswith("="):
        return lambda row, context: text(row, context).strip().casefold() == needle
    return lambda row, context: needle in text(row, context).casefold()


def _figure(text: str) -> float | None:
    """A number, a size (`64K`) or a time (`3m` is three minutes, `3M` a size)."""
    readers: tuple[Callable[[str], float], ...] = (
        (parse_duration, parse_size) if text[-1:].islower() else (parse_size, parse_duration))
    for read in readers:
        try:
            return read(text)
        except UnitError:
            continue
    return None
