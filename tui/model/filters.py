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
# What the text of a cell with a number in it is made of.
_FIGURES = frozenset("0123456789.,%-kmgtdhsu/")


def apply(rows: Sequence[Row], expression: str, columns: Sequence[Column[Row]],
          context: CellContext) -> list[Row]:
    """The rows that every word of the expression lets through."""
    kept = list(rows)
    for word in expression.split():
        test = _test(word, columns)
        kept = [row for row in kept if test(row, context)]
    return kept


def _test(word: str, columns: Sequence[Column[Any]]) -> Test:
    if word.startswith("!") and len(word) > 1:
        inner = _test(word[1:], columns)
        return lambda row, context: not inner(row, context)
    name, colon, wanted = word.partition(":")
    if colon and wanted:
        named = [c for c in columns if c.name == name.upper()]
        if named:
            return _of_column(named[0], wanted)
    return _of_any(word, columns)


def _of_any(word: str, columns: Sequence[Column[Any]]) -> Test:
    """Any column; those that hold figures are looked at only when the word could be one."""
    needle = word.casefold()
    # Names first: most rows that are found are found there, and marks are dear to work out.
    texts = [c.text for c in sorted(columns, key=lambda c: c.gap == 0) if not c.right]
    if _FIGURES.issuperset(needle):
        texts += [c.text for c in columns if c.right]

    def found(row: object, context: CellContext) -> bool:
        for text in texts:  # noqa: SIM110 - ten thousand rows: a generator each costs half
            if needle in text(row, context).casefold():
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
