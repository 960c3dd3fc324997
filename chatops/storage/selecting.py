"""Messages of an archive by their ids and times, as IRC's CHATHISTORY asks for them.

A place in the archive is a row's id: rows are in the order in which things were said, so that a
moment is found by bisection, and two messages of one moment still have an order.
"""

from __future__ import annotations

import sqlite3
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from chatops.chat.groups import Sender
from chatops.chat.past import Found, PastKind, PastMessage, Reference, Selection

_WHAT = "SELECT id, at, line, number, source, text, tags FROM said WHERE room = ?"
_END = (1 << 63) - 1           # no row is as far
_NAMELESS = "row"              # begins the id of a message that was kept without one


class _Edge(NamedTuple):
    """A place: the last row before what is referred to, and the first one after it."""

    before: int
    after: int


class _Runs:
    """The runs of a server that wrote to an archive, each with the first of its rows."""

    def __init__(self, runs: Sequence[tuple[int, str]]) -> None:
        self._runs = runs
        self._firsts = [first for first, _ in runs]

    def msgid(self, row: int, number: int | None) -> str:
        """What a message was called."""
        at = bisect_right(self._firsts, row) - 1
        if number is None or at < 0:
            return f"{_NAMELESS}{row}"
        return f"{self._runs[at][1]}{number:x}"

    def numbered(self, msgid: str) -> tuple[int, int, int] | None:
        """The number in this id, and between which rows it is; the second is no more."""
        for (first, token), after in zip(self._runs, [*self._firsts, _END][1:], strict=True):
            digits = msgid.removeprefix(token)
            if digits != msgid and digits.isalnum() and digits.isascii() and len(digits) < 16:
                try:
                    return int(digits, 16), first, after
                except ValueError:
                    continue
        return None


def select(database: sqlite3.Connection, selection: Selection) -> Found:
    """Oldest first; None if one of the messages that are referred to is not kept in the room."""
    runs = _Runs(database.execute("SELECT first, token FROM run ORDER BY first").fetchall())
    edges = []
    for reference in (selection.first, selection.second):
        edge = _edge(database, runs, selection.room, reference) if reference is not None else None
        if reference is not None and edge is None:
            return None
        edges.append(edge)
    return [_message(runs, row) for row in _rows(database, selection, *edges)]


def newest(database: sqlite3.Connection, rooms: Sequence[str]) -> Mapping[str, float]:
    """When each of these last heard something, of those that have."""
    found = {}
    for room in rooms:
        row = database.execute("SELECT at FROM said WHERE room = ? ORDER BY id DESC LIMIT 1",
                               (room,)).fetchone()
        if row is not None:
            found[room] = float(row[0])
    return found


def _rows(database: sqlite3.Connection, selection: Selection, first: _Edge | None,
          second: _Edge | None) -> list[tuple[Any, ...]]:
    room, limit = selection.room, selection.limit
    if first is None:                  # the latest, without an end
        return _last(database, room, limit)
    match selection.how:
        case "latest":
            return _last(database, room, limit, since=first.after)
        case "before":
            return _last(database, room, limit, until=first.before)
        case "after":
            return _first(database, room, limit, since=first.after)
        case "around":
            return _around(database, room, limit, first.before)
    assert second is not None
    if first.before <= second.before:
        return _first(database, room, limit, since=first.after, until=second.before)
    return _last(database, room, limit, since=second.after, until=first.before)


def _first(database: sqlite3.Connection, room: str, limit: int, *, since: int = 0,
           until: int = _END) -> list[tuple[Any, ...]]:
    return database.execute(f"{_WHAT} AND id BETWEEN ? AND ? ORDER BY id LIMIT ?",
                            (room, since, until, limit)).fetchall()


def _last(database: sqlite3.Connection, room: str, limit: int, *, since: int = 0,
          until: int = _END) -> list[tuple[Any, ...]]:
    return database.execute(f"{_WHAT} AND id BETWEEN ? AND ? ORDER BY id DESC LIMIT ?",
                            (room, since, until, limit)).fetchall()[::-1]


def _around(database: sqlite3.Connection, room: str, limit: int, before: int
            ) -> list[tuple[Any, ...]]:
    """Half of them before it, and where there are fewer on one side more on the other."""
    older = _last(database, room, limit, until=before)
    newer = _first(database, room, limit, since=before + 1)
    behind = max(limit // 2, limit - len(newer))
    kept = older[-behind:] if behind else []
    return kept + newer[:limit - len(kept)]


def _edge(database: sqlite3.Connection, runs: _Runs, room: str, reference: Reference
          ) -> _Edge | None:
    if not reference.msgid:
        return _Edge(_first_at(database, reference.at) - 1, _first_at(database, reference.at + 1))
    # Of a long line each piece that was sent has an id of its own.
    whole = reference.msgid.partition("-")[0]
    digits = whole.removeprefix(_NAMELESS)
    if digits != whole and digits.isascii() and digits.isdecimal() and len(digits) < 19:
        row = database.execute("SELECT id FROM said WHERE id = ? AND room = ? AND number IS NULL",
                               (int(digits), room)).fetchone()
        return _Edge(row[0] - 1, row[0] + 1) if row is not None else None
    wanted = runs.numbered(whole)
    if wanted is None:
        return None
    number, low, high = wanted
    found = _reached(database, "number", low, high, lambda value: value >= number, room)
    return _Edge(found[0] - 1, found[0] + 1) if found and found[1] == number else None


def _first_at(database: sqlite3.Connection, at: int) -> int:
    """The first row that was said at this millisecond or later, or one more than there are."""
    low, high = database.execute(
        "SELECT ifnull(min(id), 0), ifnull(max(id) + 1, 0) FROM said").fetchone()
    found = _reached(database, "at", low, high, lambda value: int(value * 1000) >= at)
    return found[0] if found is not None else int(high)


def _reached(database: sqlite3.Connection, column: str, low: int, high: int,
             reached: Callable[[float], bool], room: str = "") -> tuple[int, float] | None:
    """The first row of these, of one room or of all, whose value has `reached` something, and
    that value: it grows from row to row, so that this takes as many steps as a number has bits.
    """
    where = "room = ? AND" if room else "? = '' AND"
    found = None
    while low < high:
        middle = (low + high) // 2
        row = database.execute(
            f"SELECT id, {column} FROM said WHERE {where} {column} IS NOT NULL "
            "AND id >= ? AND id < ? ORDER BY id LIMIT 1", (room, middle, high)).fetchone()
        if row is None:
            high = middle
        elif reached(row[1]):
            found, high = row, middle
        else:
            low = row[0] + 1
    return found


def _message(runs: _Runs, row: tuple[Any, ...]) -> PastMessage:
    id, at, line, number, source, text, tags = row  # noqa: A001
    kind, nick, words = _parsed(line)
    who, _, account = (source or "@ ").partition(" ")
    user, _, host = who.rpartition("@")
    return PastMessage(at, runs.msgid(id, number), kind, Sender(0, nick, user, host, account),
                       words if text is None else text, tags or "")


def _parsed(line: str) -> tuple[PastKind, str, str]:
    """What kind of thing a plain line tells of, by whom, and the words.  No nick has a space or
    a colon, or begins with `*` or `-`.
    """
    if line.startswith("* "):
        nick, _, text = line[2:].partition(" ")
        return "action", nick, text
    if line.startswith("-"):
        nick, _, text = line[1:].partition("- ")
        return "notice", nick, text
    nick, _, text = line.partition(": ")
    return "talk", nick, text
