"""What a file of accounts has for other nodes, and what becomes of what they have.

Each version of an account is given its time once, by the node in whose file it was made, when the
others are first told: then it is the same everywhere, however clocks are set later.  Called within
a transaction of the store.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

from chatops.accounts.record import AccountRecord, merged

TICK = 1e-6                    # seconds between a version and the next, where clocks say less
REMEMBERED = 90 * 86_400.0     # seconds that a removal is; who is away for longer undoes it


class Settled(NamedTuple):
    """What holds after a merge."""

    news: list[AccountRecord]      # what the others have not got
    adopted: list[AccountRecord]   # what this file had not got
    lost: list[str]                # accounts of this file whose names were others' before


class EngineClock(NamedTuple):
    """This machine's wall clock, and the seconds that it is ahead of the engine's."""

    now: float
    skew: float

    def dated(self, at: float, after: float) -> float:
        """A moment of this machine as the engine's, not in its future, and after another."""
        return max(min(at, self.now) - self.skew, after + TICK)


def settle(database: sqlite3.Connection, found: Iterable[AccountRecord],
           clock: EngineClock) -> Settled:
    """Have that hold in this file which holds where it and these others are known."""
    settled = Settled([], [], [])
    for theirs in found:
        folded = theirs.name.lower()
        _date(database, folded, clock)
        ours = _record(database, folded)
        best = merged(ours, theirs)
        if not best.lives and best.removed_at < clock.now - clock.skew - REMEMBERED:
            best = AccountRecord(folded)
        if best != ours:
            # With the same password it was in a copy of this file, and has the same owner.
            anew = best.born_at != ours.born_at and best.hash != ours.hash
            _put(database, folded, best, anew=anew)
            if anew and ours.lives and best.lives:
                settled.lost.append(ours.name)
            settled.adopted.append(best)
        if best != theirs:
            settled.news.append(best)
    return settled


def pending(database: sqlite3.Connection, most: int) -> list[str]:
    """Names, as they are compared, of which others have not been told what was done here."""
    rows = database.execute(
        "SELECT folded FROM account WHERE pending_at != 0 UNION"
        " SELECT folded FROM removed WHERE pending_at != 0 LIMIT ?", (most,))
    return [folded for (folded,) in rows]


def known(database: sqlite3.Connection) -> list[str]:
    """Names, as they are compared, of which others may have to know."""
    rows = database.execute("SELECT folded FROM account UNION SELECT folded FROM removed")
    return [folded for (folded,) in rows]


def remember_removal(database: sqlite3.Connection, folded: str, at: float) -> None:
    """This account is about to be removed, at this moment of this machine.  If others have never
    heard of it, they need not hear that it has gone.
    """
    database.execute(
        "INSERT INTO removed (folded, removed_at, pending_at)"
        " SELECT folded, born_at, ? FROM account WHERE folded = ? AND born_at != 0"
        " ON CONFLICT (folded) DO UPDATE SET removed_at = excluded.removed_at,"
        " pending_at = excluded.pending_at", (at, folded))


def _date(database: sqlite3.Connection, folded: str, clock: EngineClock) -> None:
    """Give what was done here its times."""
    removed_at = 0.0
    for removed_at, at in database.execute(
            "SELECT removed_at, pending_at FROM removed WHERE folded = ?", (folded,)).fetchall():
        if at:
            removed_at = clock.dated(at, removed_at)
            database.execute("UPDATE removed SET removed_at = ?, pending_at = 0 WHERE folded = ?",
                             (removed_at, folded))
    for made, born, changed, at in database.execute(
            "SELECT made_at, born_at, changed_at, pending_at FROM account"
            " WHERE folded = ? AND pending_at != 0", (folded,)).fetchall():
        born_at = born or clock.dated(made, removed_at)
        changed_at = max(clock.dated(at, changed), born_at)
        database.execute("UPDATE account SET born_at = ?, changed_at = ?, pending_at = 0"
                         " WHERE folded = ?", (born_at, changed_at, folded))


def _record(database: sqlite3.Connection, folded: str) -> AccountRecord:
    """What this file knows of a name; all of it has its times."""
    row = database.execute("SELECT removed_at FROM removed WHERE folded = ?", (folded,)).fetchone()
    removed_at = float(row[0]) if row else 0.0
    row = database.execute("SELECT name, born_at, changed_at, hash, admin FROM account"
                           " WHERE folded = ?", (folded,)).fetchone()
    if row is None:
        return AccountRecord(folded, removed_at)
    name, born_at, changed_at, hashed, admin = row
    certificates = database.execute("SELECT fingerprint FROM certificate WHERE folded = ?"
                                    " ORDER BY fingerprint", (folded,))
    return AccountRecord(str(name), removed_at, float(born_at), float(changed_at), str(hashed),
                         bool(admin), tuple([one for (one,) in certificates]))


def _put(database: sqlite3.Connection, folded: str, record: AccountRecord, *, anew: bool) -> None:
    """Have the file say this; `anew` where it is another owner's now."""
    database.execute("DELETE FROM removed WHERE folded = ?", (folded,))
    if record.removed_at:
        database.execute("INSERT INTO removed (folded, removed_at) VALUES (?, ?)",
                         (folded, record.removed_at))
    if anew:
        database.execute("DELETE FROM account WHERE folded = ?", (folded,))
    if not record.lives:
        return
    database.execute(
        "INSERT INTO account (folded, name, hash, admin, made_at, born_at, changed_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (folded) DO UPDATE SET"
        " name = excluded.name, hash = excluded.hash, admin = excluded.admin,"
        " born_at = excluded.born_at, changed_at = excluded.changed_at, pending_at = 0",
        (folded, record.name, record.hash, int(record.admin), record.born_at, record.born_at,
         record.changed_at))
    database.execute("DELETE FROM certificate WHERE folded = ?", (folded,))
    database.executemany("INSERT INTO certificate (fingerprint, folded) VALUES (?, ?)",
                         [(one, folded) for one in record.certificates])
