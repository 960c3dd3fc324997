"""The tables of a file of accounts, and how a file of before gets those that it lacks."""

from __future__ import annotations

import sqlite3
from contextlib import closing

APPLICATION_ID = 0x63686163    # "chac": marks a file as ours, so that no other is written to
VERSION = 1                    # PRAGMA user_version; 0 had nothing for other nodes

_TABLES = """
CREATE TABLE IF NOT EXISTS account (
    folded TEXT PRIMARY KEY, name TEXT NOT NULL, hash TEXT NOT NULL,
    admin INTEGER NOT NULL DEFAULT 0, made_at REAL NOT NULL, seen_at REAL NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS certificate (
    fingerprint TEXT PRIMARY KEY, folded TEXT NOT NULL
        REFERENCES account (folded) ON DELETE CASCADE
) WITHOUT ROWID;
"""

# Times of `born_at`, `changed_at` and `removed_at` are the engine's, 0 while other nodes have not
# been told; `pending_at` is this machine's time of a change that they have not been told of, or 0.
# Two nodes may have given one certificate to two accounts, so it is no key any more.
_FOR_NODES = (
    "ALTER TABLE account ADD COLUMN born_at REAL NOT NULL DEFAULT 0",
    "ALTER TABLE account ADD COLUMN changed_at REAL NOT NULL DEFAULT 0",
    "ALTER TABLE account ADD COLUMN pending_at REAL NOT NULL DEFAULT 0",
    "UPDATE account SET pending_at = max(made_at, 1.0)",
    "CREATE INDEX account_pending ON account (folded) WHERE pending_at != 0",
    "CREATE TABLE removed (folded TEXT PRIMARY KEY, removed_at REAL NOT NULL,"
    " pending_at REAL NOT NULL DEFAULT 0) WITHOUT ROWID",
    "CREATE INDEX removed_pending ON removed (folded) WHERE pending_at != 0",
    "CREATE TABLE certificate_of (fingerprint TEXT NOT NULL, folded TEXT NOT NULL"
    " REFERENCES account (folded) ON DELETE CASCADE, PRIMARY KEY (fingerprint, folded))"
    " WITHOUT ROWID",
    "INSERT INTO certificate_of SELECT fingerprint, folded FROM certificate",
    "DROP TABLE certificate",
    "ALTER TABLE certificate_of RENAME TO certificate",
    "CREATE INDEX certificate_owner ON certificate (folded)",
    f"PRAGMA user_version = {VERSION}",
)


def prepare(database: sqlite3.Connection) -> None:
    """Make the tables in a new file, and those that a file of before lacks; refuse one that is
    another program's.
    """
    database.execute("PRAGMA foreign_keys = ON")
    # One look: between two, another process (`account add` beside a server that starts) may have
    # made the tables.
    database.execute("BEGIN")
    mark, version = _pragma(database, "application_id"), _pragma(database, "user_version")
    (tables,) = database.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    database.rollback()
    if mark != APPLICATION_ID and (mark or tables):
        raise sqlite3.DatabaseError("it is another program's database")
    if version > VERSION:
        raise sqlite3.DatabaseError("a newer version of chatops has written it")
    if mark != APPLICATION_ID:
        database.executescript(
            f"BEGIN IMMEDIATE; PRAGMA application_id = {APPLICATION_ID};{_TABLES} COMMIT;")
    if version < VERSION:
        _bring_up(database)


def _bring_up(database: sqlite3.Connection) -> None:
    database.execute("BEGIN IMMEDIATE")
    with database:
        if _pragma(database, "user_version") < VERSION:    # else another process was faster
            for statement in _FOR_NODES:
                database.execute(statement)


def _pragma(database: sqlite3.Connection, name: str) -> int:
    with closing(database.execute(f"PRAGMA {name}")) as cursor:
        (value,) = cursor.fetchone()
    return int(value)
