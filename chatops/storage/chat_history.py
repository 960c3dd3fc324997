"""The archive: what rooms have heard, in an SQLite file.  Belongs to the journal's thread."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import repeat
from typing import NamedTuple

from chatops.api.events import AdminDid
from chatops.chat.groups import Group
from chatops.chat.past import KEPT, Found, Selection
from chatops.storage import selecting
from chatops.system.files import identity, make_private, take_along

APPLICATION_ID = 0x63686174    # "chat": marks a file as ours, so that no other is written to
PATIENCE = 250                 # milliseconds to wait for another program's lock
TRIMMED = 500                  # lines deleted in one step, in a few milliseconds
AHEAD = 10_000                 # lines of a clock that was ahead, behind which older ones are found
PAGES = 200                    # given back to the disk after it
SEARCHED = 100_000             # of the newest lines of all rooms; a search is over in moments
GROUP = 200                    # bytes of a group besides its words
NOTICE = b"*** "               # what the server says itself begins so, and no nick can

_TABLES = """
CREATE TABLE IF NOT EXISTS said (id INTEGER PRIMARY KEY, at REAL NOT NULL, room TEXT NOT NULL,
                                 line TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS said_in_room ON said (room, id);
CREATE TABLE IF NOT EXISTS run (first INTEGER PRIMARY KEY, token TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS did (id INTEGER PRIMARY KEY, at REAL NOT NULL, uid INTEGER NOT NULL,
                                line TEXT NOT NULL, outcome TEXT NOT NULL, ok INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS cursor (id INTEGER PRIMARY KEY CHECK (id = 0), log TEXT NOT NULL,
                                   entry TEXT NOT NULL, numbers TEXT NOT NULL);
"""


# Of a line that was said since chatops has message ids: its number, which with the token of the
# run it was said in is its id; `user@host account` of who said it, whose nick is in the line; and
# where they are not as there, its words with their formatting, and its client tags.
_COLUMNS = {"number": "INTEGER", "source": "TEXT", "text": "TEXT", "tags": "TEXT"}
_INSERT = ("INSERT INTO said (at, room, line, number, source, text, tags) "
           "VALUES (?, ?, ?, ?, ?, ?, ?)")
Row = tuple[float, str, str, int | None, str | None, str | None, str | None]


NOTHING = (None, None, None, None)


class Chunk(NamedTuple):
    """Lines that a room has heard at one moment, notices among them.

    With `groups`, `parts` are what each of them is in plain words.
    """

    at: float
    room: str
    data: bytes
    groups: Sequence[Group] = ()
    parts: Sequence[bytes] = ()
    token: str = ""                # of this run of the server: begins the id of each message

    @property
    def size(self) -> int:
        """Bytes of memory, near enough."""
        return len(self.data) + GROUP * len(self.groups)

    def rows(self) -> Iterator[Row]:
        """What is kept of it."""
        if not self.groups:
            for line in self.data.split(b"\n"):
                if line and not line.startswith(NOTICE):
                    yield self.at, self.room, line.decode("utf-8", "replace"), *NOTHING
        for group, part in zip(self.groups, self.parts, strict=True):
            if group.kind in KEPT and part:
                yield from self._rows(group, part)

    def _rows(self, group: Group, part: bytes) -> Iterator[Row]:
        at, room, sender = self.at, self.room, group.sender
        source = f"{sender.user}@{sender.host} {sender.account}"
        number = group.number if self.token else None
        tags = group.tags.decode() or None
        lines = part.decode("utf-8", "replace").split("\n")
        lines.pop()                    # what follows the last newline
        words: Iterable[str | None] = repeat(None)
        if group.plain is not None:    # what is said with formatting is one line
            words = group.text.decode("utf-8", "replace").split("\n")
        for line, text in zip(lines, words, strict=False):
            yield at, room, line, number, source, text, tags
            if number is not None:
                number += 1


class ChatLine(NamedTuple):
    """One line that somebody said, as the room has heard it: `ada: hello`, `* ada waves`."""

    at: float
    line: str


class Cursor(NamedTuple):
    """How far the log that nodes share has been archived.

    `numbers` are of the last frame of each node and boot, the latest last: one that comes again
    after a restart is known by them.
    """

    log: str                   # what it is called: one that was begun anew has other entries
    entry: str                 # the last that has been read
    numbers: Mapping[tuple[str, str], int] = {}


class Keep(NamedTuple):
    """How much is kept at most; 0 is no such limit."""

    seconds: float = 0.0
    bytes: int = 0             # on disk


ALL = Keep()


class ChatHistory:
    """Lines by room, in the order in which they were said.

    Every method may raise `sqlite3.Error`, and may be called again after it: the file is
    opened when it is first needed, and once more after it could not be.  A file that is not
    ours, or is damaged, is left as it is.  One that has been moved away or deleted is written
    to no more, once nobody reads it: the next one of its name is.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._database: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None      # which one is open
        self._run = ""                 # the token of the last that was written
        self._left: tuple[int, int] | None = None      # which, while the next is not open yet
        self.moved: Callable[[], None] = lambda: None  # told when the next one is written

    def append(self, chunks: Iterable[Chunk], cursor: Cursor | None = None) -> None:
        """Keep what was said in these, and with it how far that is; all of it or, when that
        fails, nothing.
        """
        database = self._open()
        chunks = list(chunks)
        token = next((chunk.token for chunk in chunks if chunk.token), self._run)
        with database:
            if token != self._run:
                database.execute("INSERT OR REPLACE INTO run (first, token) "
                                 "SELECT ifnull(max(id), 0) + 1, ? FROM said", (token,))
            database.executemany(_INSERT, (row for chunk in chunks for row in chunk.rows()))
            if cursor is not None:
                _move(database, cursor)
        self._run = token

    def cursor(self) -> Cursor | None:
        """How far the nodes' log has been archived; None if it never was."""
        return cursor_in(self._open())

    def note(self, did: AdminDid) -> None:
        """Keep what an admin has done."""
        database = self._open()
        with database:
            database.execute("INSERT INTO did (at, uid, line, outcome, ok) "
                             "VALUES (?, ?, ?, ?, ?)",
                             (did.at, did.uid, did.line, did.outcome, did.ok))

    def trim(self, keep: Keep, now: float) -> bool:
        """Delete a little of what is more than may be kept; whether there is more of it."""
        database, most = self._open(), TRIMMED
        with database:
            if keep.seconds:
                database.execute("DELETE FROM did WHERE at < ?", (now - keep.seconds,))
                # What was said before a line that is too old is older still, whatever the
                # clock of its day made of that.
                gone = database.execute(
                    "DELETE FROM said WHERE id IN (SELECT id FROM said WHERE id <= ("
                    "SELECT max(id) FROM (SELECT id, at FROM said ORDER BY id LIMIT ?) "
                    "WHERE at < ?) ORDER BY id LIMIT ?)",
                    (AHEAD, now - keep.seconds, TRIMMED)).rowcount
            elif (size := self._size(database)) > keep.bytes:
                lines = sum(database.execute(
                    "SELECT (SELECT ifnull(max(id) - min(id) + 1, 0) FROM said), "
                    "(SELECT ifnull(max(id) - min(id) + 1, 0) FROM did)").fetchone())
                # Few of them, where they are long: no more than what is too much.
                most = min(TRIMMED, max(1, int(lines * (size - keep.bytes) / size)))
                gone = self._delete_oldest(database, most)
            else:
                gone = 0
            if gone:
                self._forget_runs(database)
        if gone:
            # A step of this statement frees one page, and only a script takes all of them.
            database.executescript(f"PRAGMA incremental_vacuum({PAGES})")
        return gone == most

    @staticmethod
    def _delete_oldest(database: sqlite3.Connection, most: int) -> int:
        """Of what was said and what admins did; how many.  Part of a transaction."""
        oldest = [is_said for (is_said,) in database.execute(
            "SELECT is_said FROM ("
            "SELECT * FROM (SELECT 1 AS is_said, at FROM said ORDER BY id LIMIT :most) UNION ALL "
            "SELECT * FROM (SELECT 0 AS is_said, at FROM did ORDER BY id LIMIT :most)) "
            "ORDER BY at LIMIT :most", {"most": most})]
        for table, count in ("said", sum(oldest)), ("did", len(oldest) - sum(oldest)):
            database.execute(f"DELETE FROM {table} WHERE id IN (SELECT id FROM {table} "
                             "ORDER BY id LIMIT ?)", (count,))
        return len(oldest)

    def _forget_runs(self, database: sqlite3.Connection) -> None:
        """Those of which no line is left.  Part of a transaction."""
        (oldest,) = database.execute("SELECT min(id) FROM said").fetchone()
        if oldest is not None:
            database.execute("DELETE FROM run WHERE first < (SELECT max(first) FROM run "
                             "WHERE first <= ?)", (oldest,))
            return
        database.execute("DELETE FROM run")    # the next line is number 1 again
        if self._run:
            database.execute("INSERT INTO run (first, token) VALUES (1, ?)", (self._run,))

    @staticmethod
    def _size(database: sqlite3.Connection) -> int:
        """Bytes of the pages that hold something."""
        pages, free, size = (database.execute(f"PRAGMA {name}").fetchone()[0]
                             for name in ("page_count", "freelist_count", "page_size"))
        return int((pages - free) * size)

    def last(self, room: str, count: int) -> list[ChatLine]:
        """The newest lines of a room, oldest first."""
        found = self._open().execute(
            "SELECT at, line FROM said WHERE room = ? ORDER BY id DESC LIMIT ?", (room, count))
        return [ChatLine(*row) for row in found][::-1]

    def search(self, room: str, text: str, count: int) -> list[ChatLine]:
        """The newest of a room that hold this text, who said it included; ASCII letters
        match in either case.
        """
        found = self._open().execute(
            "SELECT at, line FROM said WHERE room = ? AND line LIKE ? ESCAPE '\\' "
            "AND id > (SELECT max(id) FROM said) - ? ORDER BY id DESC LIMIT ?",
            (room, f"%{literal(text)}%", SEARCHED, count))
        return [ChatLine(*row) for row in found][::-1]

    def select(self, selection: Selection) -> Found:
        """Messages of a room, oldest first; None if what is referred to is not kept there."""
        return selecting.select(self._open(), selection)

    def newest(self, rooms: Sequence[str]) -> Mapping[str, float]:
        """When each of these last heard something, of those that have."""
        return selecting.newest(self._open(), rooms)

    def close(self) -> None:
        """Idempotent."""
        if self._database and self._file and identity(self._path) != self._file:
            try:
                self._leave(self._database)
            except sqlite3.Error:      # under its old name the next file throws the log away
                take_along(self._path, self._file, "-wal", "-shm")
        database, self._database = self._database, None
        if database is not None:
            database.close()

    def _open(self) -> sqlite3.Connection:
        if self._database is not None and identity(self._path) != self._file:
            self._leave(self._database)
            self._left = self._file
        if self._database is None:
            found = identity(self._path)       # the number of one that is gone may be given again
            make_private(self._path)
            database = sqlite3.connect(self._path, timeout=PATIENCE / 1000)
            try:
                _prepare(database)
            except BaseException:
                database.close()
                raise
            self._database, self._file = database, identity(self._path)
            if self._left not in (None, found):
                self.moved()
            self._left = None
        return self._database

    def _leave(self, database: sqlite3.Connection) -> None:
        """What its write-ahead log holds is put into the file first: that log has the old name,
        and is the next file's to throw away.  While somebody reads the file only a part of it
        can be, which would leave it damaged.
        """
        try:
            (read_by_others, *_), = database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
                raise
            read_by_others = False     # a file that is damaged has to be left as it is
        if read_by_others:
            raise sqlite3.OperationalError("the file was moved or deleted while somebody reads it")
        self._database, self._run = None, ""
        database.close()
        if identity(self._path) is None:
            for rest in "-wal", "-shm":        # whoever has the file open still may look into them
                with suppress(OSError):
                    os.unlink(self._path + rest)


def cursor_in(database: sqlite3.Connection) -> Cursor | None:
    """As `ChatHistory.cursor`; a file of an earlier version has none."""
    if not database.execute("SELECT 1 FROM sqlite_schema WHERE name = 'cursor'").fetchone():
        return None
    row = database.execute("SELECT log, entry, numbers FROM cursor").fetchone()
    if row is None:
        return None
    log, entry, numbers = row
    try:
        return Cursor(log, entry, {(node, boot): seq for node, boot, seq in json.loads(numbers)})
    except (TypeError, ValueError) as error:
        raise sqlite3.DatabaseError(f"its place in the nodes' log: {error}") from None


def _move(database: sqlite3.Connection, cursor: Cursor) -> None:
    """Part of a transaction."""
    numbers = json.dumps([[*whose, seq] for whose, seq in cursor.numbers.items()])
    database.execute("INSERT OR REPLACE INTO cursor (id, log, entry, numbers) "
                     "VALUES (0, ?, ?, ?)", (cursor.log, cursor.entry, numbers))


def _prepare(database: sqlite3.Connection) -> None:
    """Make an empty file ours; refuse one that another program has filled."""
    (owner,) = database.execute("PRAGMA application_id").fetchone()
    (tables,) = database.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if owner != APPLICATION_ID:
        if tables or owner:
            raise sqlite3.DatabaseError("the file is another program's database")
        database.execute("PRAGMA auto_vacuum = INCREMENTAL")   # must come before any table
        database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    database.execute("PRAGMA journal_mode = WAL")      # readers and the writer do not wait
    database.execute("PRAGMA synchronous = NORMAL")    # with it: a power cut may cost the newest
    database.executescript(_TABLES)
    there = {name for _, name, *_ in database.execute("PRAGMA table_info(said)")}
    for column, kind in _COLUMNS.items():
        if column not in there:        # a new file, or one of an earlier version
            database.execute(f"ALTER TABLE said ADD COLUMN {column} {kind}")


def literal(text: str) -> str:
    """For LIKE: its wildcards stand for themselves."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
