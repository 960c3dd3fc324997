"""Reading a history's file from outside, while a server writes to it or not.

It is opened to be read only, and with SQLite's write-ahead log neither waits for the other.
That log grows for as long as somebody is in the middle of reading, so what may take long (whoever
looks at it in a pager) is read in pieces.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from chatops.api.events import AdminDid
from chatops.storage.chat_history import APPLICATION_ID, ChatLine, Cursor, cursor_in, literal
from chatops.system.errors import ChatopsError

PATIENCE = 2.0                 # seconds to wait for another program's lock
PIECE = 1000                   # rows that are read at once
ROOMS = 1000                   # of which the newest lines are looked up, those heard last


class HistoryFileError(ChatopsError):
    """There is no history that can be read; one line."""


class HistoryEntry(NamedTuple):
    """One line that somebody said; `at` is in seconds since the Unix epoch."""

    at: float
    room: str
    line: str


@contextmanager
def reading(path: str) -> Iterator[sqlite3.Connection]:
    """The file, open.  Raises `HistoryFileError`, also for what goes wrong within."""
    if not Path(path).is_file():       # SQLite would say the same of everything
        what = "it is no file" if Path(path).exists() else "there is no such file"
        raise HistoryFileError(f"{path}: {what}")
    try:
        uri = f"{Path(path).absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=PATIENCE)) as database:
            (owner,) = database.execute("PRAGMA application_id").fetchone()
            if owner != APPLICATION_ID:
                raise HistoryFileError(f"{path}: not a history of chatops")
            yield database
    except sqlite3.Error as error:
        raise HistoryFileError(f"{path}: {error}") from None


def entries(database: sqlite3.Connection, *, room: str = "", since: float = 0.0,
            text: str = "") -> Iterator[HistoryEntry]:
    """What was said, the oldest first: in one room, from a moment on, with this in it (ASCII
    letters match in either case); all that were not named.  A room's are those of
    when it was closed, too (`Room.kept_as`).
    """
    for row in _in_pieces(
            database, "said", "at, room, line", "at >= ? AND (? IN ('', room) "
            "OR room LIKE ? ESCAPE '\\') AND line LIKE ? ESCAPE '\\'",
            (since, room, f"{literal(room)} %", f"%{literal(text)}%")):
        yield HistoryEntry(*row)


def actions(database: sqlite3.Connection, *, since: float = 0.0, text: str = ""
            ) -> Iterator[AdminDid]:
    """What admins have done, the oldest first: from a moment on, with this in the command."""
    for at, line, outcome, ok, uid in _in_pieces(
            database, "did", "at, line, outcome, ok, uid",
            "at >= ? AND line LIKE ? ESCAPE '\\'", (since, f"%{literal(text)}%")):
        yield AdminDid(at, line, outcome, bool(ok), uid)


def _in_pieces(database: sqlite3.Connection, table: str, columns: str, which: str,
               values: tuple[object, ...]) -> Iterator[tuple[Any, ...]]:
    """Those rows that there are now; between two pieces the file is not held."""
    (until,) = database.execute(f"SELECT ifnull(max(id), 0) FROM {table}").fetchone()
    after = 0
    while rows := database.execute(
            f"SELECT id, {columns} FROM {table} WHERE {which} AND id > ? AND id <= ? "
            "ORDER BY id LIMIT ?", (*values, after, until, PIECE)).fetchall():
        for row in rows:
            yield row[1:]
        after = rows[-1][0]


def newest(path: str, count: int) -> dict[str, list[ChatLine]]:
    """The last so many lines of each room.  Raises `HistoryFileError`."""
    with reading(path) as database:
        rooms = database.execute("SELECT room FROM said GROUP BY room ORDER BY max(id) DESC "
                                 "LIMIT ?", (ROOMS,)).fetchall()
        return {room: [ChatLine(*row) for row in database.execute(
            "SELECT at, line FROM said WHERE room = ? ORDER BY id DESC LIMIT ?",
            (room, count))][::-1] for (room,) in reversed(rooms)}


def cursor(path: str) -> Cursor | None:
    """How far the nodes' log has been archived.  Raises `HistoryFileError`."""
    with reading(path) as database:
        return cursor_in(database)
