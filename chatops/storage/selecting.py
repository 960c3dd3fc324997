"""Messages of an archive by their ids and times, as IRC's CHATHISTORY asks for them.

A place in the archive is a row's id: rows are in the order in which things were said, so that a
moment is found by bisection, and two messages of one moment still have an order.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import NamedTuple, cast

from chatops.chat.groups import Sender
from chatops.chat.past import Found, PastKind, PastMessage, Reference, Selection

_WHAT = "SELECT id, at, line, msgid, kind, source, account, text, tags FROM said WHERE room = ?"
_BEHIND = {"talk": 2, "action": 3, "notice": 3}    # characters of a line besides nick and text
_NAMELESS = "row"              # begins the id of a message that was kept without one


class _Edge(NamedTuple):
    """A place: the last row before what is referred to, and the first one after it."""

    before: int
    after: int


def select(database: sqlite3.Connection, selection: Selection) -> Found:
    """Oldest first; None if one of the messages that are referred to is not kept in the room."""
    edges = []
    for reference in (selection.first, selection.second):
        edge = _edge(database, selection.room, reference) if reference is not None else None
        if reference is not None and edge is None:
            return None
        edges.append(edge)
    return [_message(row) for row in _rows(database, selection, *edges)]


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
          second: _Edge | None) -> list[tuple[object, ...]]:
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


_END = (1 << 63) - 1


def _first(database: sqlite3.Connection, room: str, limit: int, *, since: int = 0,
           until: int = _END) -> list[tuple[object, ...]]:
    return database.execute(f"{_WHAT} AND id BETWEEN ? AND ? ORDER BY id LIMIT ?",
                            (room, since, until, limit)).fetchall()


def _last(database: sqlite3.Connection, room: str, limit: int, *, since: int = 0,
          until: int = _END) -> list[tuple[object, ...]]:
    return database.execute(f"{_WHAT} AND id BETWEEN ? AND ? ORDER BY id DESC LIMIT ?",
                            (room, since, until, limit)).fetchall()[::-1]


def _around(database: sqlite3.Connection, room: str, limit: int, before: int
            ) -> list[tuple[object, ...]]:
    """Half of them before it, and where there are fewer on one side more on the other."""
    older = _last(database, room, limit, until=before)
    newer = _first(database, room, limit, since=before + 1)
    behind = max(limit // 2, limit - len(newer))
    kept = older[-behind:] if behind else []
    return kept + newer[:limit - len(kept)]


def _edge(database: sqlite3.Connection, room: str, reference: Reference) -> _Edge | None:
    if not reference.msgid:
        return _Edge(_first_at(database, reference.at) - 1, _first_at(database, reference.at + 1))
    # Of a long line each piece that was sent has an id of its own.
    whole = reference.msgid.partition("-")[0]
    number = whole.removeprefix(_NAMELESS)
    if number != whole and number.isascii() and number.isdecimal() and len(number) < 19:
        found = database.execute("SELECT id FROM said WHERE id = ? AND room = ? AND msgid IS NULL",
                                 (int(number), room)).fetchone()
    else:
        found = database.execute("SELECT id FROM said WHERE msgid = ? AND room = ?",
                                 (whole, room)).fetchone()
    return _Edge(found[0] - 1, found[0] + 1) if found is not None else None


def _first_at(database: sqlite3.Connection, at: int) -> int:
    """The first row that was said at this millisecond or later, or one more than there are."""
    low: int
    high: int
    low, high = database.execute("SELECT min(id), max(id) + 1 FROM said").fetchone()
    low, high = low or 0, high or 0
    while low < high:
        middle, when = database.execute("SELECT id, at FROM said WHERE id >= ? ORDER BY id LIMIT 1",
                                        ((low + high) // 2,)).fetchone()
        if int(when * 1000) < at:
            low = middle + 1
        elif middle > (low + high) // 2:       # nothing is left between there and here
            high = (low + high) // 2
        else:
            high = middle
    return low


def _message(row: tuple[object, ...]) -> PastMessage:
    id, at, line, msgid, kind, source, account, text, tags = row  # noqa: A001
    assert isinstance(line, str)
    if kind in _BEHIND and isinstance(source, str):
        known = cast(PastKind, kind)
        nick, _, rest = source.partition("!")
        user, _, host = rest.rpartition("@")
        sender = Sender(0, nick, user, host, str(account or ""))
        text = line[len(nick) + _BEHIND[known]:] if text is None else text
    else:                              # kept by an earlier version
        known, nick, text = _parsed(line)
        sender = Sender(0, nick)
    return PastMessage(float(cast(float, at)), str(msgid or f"{_NAMELESS}{id}"), known, sender,
                       str(text), str(tags or ""))


def _parsed(line: str) -> tuple[PastKind, str, str]:
    """What kind of thing a plain line tells of, by whom, and the words; no nick has a space."""
    if line.startswith("* "):
        nick, _, text = line[2:].partition(" ")
        return "action", nick, text
    if line.startswith("-"):
        nick, found, text = line[1:].partition("- ")
        if found and " " not in nick:
            return "notice", nick, text
    nick, _, text = line.partition(": ")
    return "talk", nick, text
