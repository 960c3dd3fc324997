"""The filter line: `bob`, `!bob`, `nick:bob`, `appq:>64K`, several words all at once.  Pure.

A word with a letter before its colon names a column; `127.0.0.1:5013` is a text like others.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from chatops.units import UnitError, parse_duration, parse_size
from tui.model.columns import CellContext, Column

Row = TypeVar("Row")
Test = Callable[[Any, CellContext], bool]

_COMPARE = {">": operator.gt, "<": operator.lt, ">=": operator.ge, "<=": operator.le,
            "=": operator.eq}
_COMPARISON = re.compile(r"(>=|<=|>|<|=)(.+)")
_HAS_FIGURE = re.compile(r"[0-9]|-")     # a cell without a number in it reads `-`
_SPECIAL = re.compile("[!:]")  # in a word that is more than a text to look for
# No other name is a column's; what could be the beginning of an IPv6 address is none.
_NAMED = re.compile(r"(?![0-9a-f]{1,4}:)([a-z][a-z/-]*):.*", re.IGNORECASE)
# What the text of a cell with a number in it is made of.
_FIGURES = frozenset("0123456789.,%-kmgtdhsu/")


_FORGOTTEN = re.compile(r"!?([a-z][a-z/-]*)([<>=].*[0-9].*)", re.IGNORECASE)


class FilterError(ValueError):
    """A word of a filter that cannot be meant so; one line that says why."""


class _FilterWord(NamedTuple):
    """What one word asks for, of any column or of one."""

    inverted: bool
    column: Column[Any] | None
    text: str
    compare: Callable[[Any, Any], bool] | None = None
    limit: float | None = None


def check(expression: str, columns: Sequence[Column[Any]]) -> None:
    """Raises `FilterError` for the first word that names no column, or compares with no number."""
    for word in expression.split():
        _read(word, columns)


def with_colon(expression: str, columns: Sequence[Column[Any]]) -> str:
    """`fd:>20` for the first word that looks like it but for its colon, "" if none does."""
    named = {name_of(column) for column in columns if column.name and column.right}
    for word in expression.split():
        found = _FORGOTTEN.fullmatch(word)
        if found is not None and found[1].casefold() in named:
            return f"{found[1]}:{found[2]}"
    return ""


def meant(expression: str, columns: Sequence[Column[Any]]) -> str:
    """The words of it that `check` has nothing against: those that hide rows."""
    return " ".join(word for word in expression.split() if _is_meant(word, columns))


def _is_meant(word: str, columns: Sequence[Column[Any]]) -> bool:
    try:
        _read(word, columns)
    except FilterError:
        return False
    return True


def apply(rows: Sequence[Row], expression: str, columns: Sequence[Column[Row]],
          context: CellContext) -> list[Row]:
    """The rows that every word of the expression lets through; a word that `check` objects to,
    or that has only been begun, lets all of them through.
    """
    kept = list(rows)
    context.texts.forget(2 * len(kept))
    for word in expression.split():
        try:
            test = _test(_read(word, columns), columns, context)
        except FilterError:
            continue
        kept = [row for row in kept if test(row, context)]
    return kept


def narrows(before: str, after: str) -> bool:
    """Whether `after` lets through only rows that `before` does too: words typed further."""
    old, new = before.split(), after.split()
    return bool(old) and len(old) <= len(new) and all(
        a == b or (a in b and not (_SPECIAL.search(a) or _SPECIAL.search(b)))
        for a, b in zip(old, new, strict=False))


def name_of(column: Column[Any]) -> str:
    """As it is written before a colon, where a blank would end the word."""
    return column.name.lower().replace(" ", "-")


def _read(word: str, columns: Sequence[Column[Any]]) -> _FilterWord:
    """Raises `FilterError`."""
    if word.startswith("!") and len(word) > 1:
        inner = _read(word[1:], columns)
        return inner._replace(inverted=not inner.inverted)
    name, colon, wanted = word.partition(":")
    named = next((c for c in columns if colon and c.name and name_of(c) == name.casefold()), None)
    if named is not None:
        return _read_wanted(named, wanted)
    if _NAMED.fullmatch(word):
        names = [name_of(c) for c in columns if c.name and c.name != "!"]
        raise FilterError(f"no column '{name}' here; there is {', '.join(names)}")
    return _FilterWord(False, None, word)


def _read_wanted(column: Column[Any], wanted: str) -> _FilterWord:
    """What stands behind a column's name.  Raises `FilterError`."""
    name, match = name_of(column), _COMPARISON.fullmatch(wanted)
    if not wanted.strip("<>="):
        raise FilterError(f"{name}: needs a figure, as in {name}:>64" if column.right else
                          f"{name}: needs a text, as in {name}:ab")
    if match is None:
        return _FilterWord(False, column, wanted)
    sign, figure = match.groups()
    limit = _figure(figure) if column.right else None
    if limit is None and (sign != "=" or (column.right and not _HAS_FIGURE.search(figure))):
        raise FilterError(f"{name}: '{figure}' is no number, size or time" if column.right else
                          f"{name} holds no numbers; {name}:{figure} looks for a text in it")
    return _FilterWord(False, column, figure, _COMPARE[sign], limit)


def _test(word: _FilterWord, columns: Sequence[Column[Any]], context: CellContext) -> Test:
    test = (_of_any(word.text, columns, context) if word.column is None else
            _of_column(word, word.column))
    return (lambda row, context: not test(row, context)) if word.inverted else test


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


def _of_column(word: _FilterWord, column: Column[Any]) -> Test:
    compare, limit, key = word.compare, word.limit, column.key
    needle, text = word.text.casefold(), column.text
    if compare is None:
        return lambda row, context: needle in text(row, context).casefold()

    def compares(row: object, context: CellContext) -> bool:
        value = key(row, context)
        return (limit is not None and isinstance(value, int | float) and compare(value, limit)
                ) or (compare is operator.eq and text(row, context).strip().casefold() == needle)

    return compares


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
