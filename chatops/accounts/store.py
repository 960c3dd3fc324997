"""The file of accounts.  Belongs to one thread at a time; other processes may write it too."""

from __future__ import annotations

import os
import re
import sqlite3
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple, TypeVar

from chatops.accounts import merging
from chatops.accounts.record import AccountRecord
from chatops.accounts.schema import prepare
from chatops.system.errors import ChatopsError
from chatops.system.files import check_place, identity, make_private

PATIENCE = 2000                # milliseconds to wait for another process's lock
NAME = re.compile(r"[A-Za-z_\[\]{}|\\^`][A-Za-z0-9_\[\]{}|\\^`-]{0,31}")

T = TypeVar("T")


class AccountError(ChatopsError):
    """What was asked of the accounts cannot be done; one line that says why."""


class AccountsUnusable(AccountError):  # noqa: N818  (it is how they are)
    """The file cannot be read or written, is damaged, is gone, or is not one of ours."""


class Account(NamedTuple):
    """One account.  Times are seconds since the epoch, 0 for never."""

    name: str
    hash: str
    admin: bool
    made_at: float
    seen_at: float


class AccountStore:
    """Accounts by name, without regard to the case of ASCII letters.

    Every method may raise `AccountError`: for what is asked, and, as `AccountsUnusable`, for
    the file.  That is opened when it is first needed, once more after it could not be, and when
    another has taken its place.  One that is gone or empty is not made anew: that would give
    everybody's name to whoever comes first.
    """

    def __init__(self, path: str, *, wall: Callable[[], float] = time.time) -> None:
        self._path = path
        self._wall = wall
        self._database: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None      # which one was opened last
        self._version: int | None = None       # of the file, when somebody last asked

    def find(self, name: str) -> Account | None:
        """The account of this name."""
        return self._one("SELECT name, hash, admin, made_at, seen_at FROM account"
                         " WHERE folded = ?", fold(name))

    def check(self, name: str) -> None:
        """That there is an account of this name."""
        if self.find(name) is None:
            raise AccountError(f"there is no account {name}")

    def find_certificate(self, fingerprint: str) -> Account | None:
        """The account that this certificate (SHA-256 of its DER form, in hexadecimal) is of; the
        older of two that were given it on two nodes.
        """
        return self._one("SELECT name, hash, admin, made_at, seen_at FROM account"
                         " JOIN certificate USING (folded) WHERE fingerprint = ?"
                         " ORDER BY born_at, folded LIMIT 1", fingerprint.lower())

    def written(self) -> bool:
        """Whether another process may have written the file since this was asked last."""
        before, (version,) = self._version, self._run("PRAGMA data_version")[0]
        self._version = int(str(version))
        return self._version != before

    def all(self) -> list[Account]:
        """Every account, by name."""
        rows = self._run("SELECT name, hash, admin, made_at, seen_at FROM account"
                         " ORDER BY folded")
        return [_account(row) for row in rows]

    def add(self, name: str, hash: str, *, admin: bool = False) -> None:  # noqa: A002
        """Make an account.  A name that is taken, in whatever case, or is none, is refused."""
        if NAME.fullmatch(name) is None:
            raise AccountError(f"'{name}' is no name for an account: letters, digits, _ and -, "
                               "at most 32, and no digit first")
        now = self._wall()
        changed = self._change(
            "INSERT OR IGNORE INTO account (folded, name, hash, admin, made_at, pending_at)"
            " VALUES (?, ?, ?, ?, ?, ?)", fold(name), name, hash, int(admin), now, now)
        if not changed:
            raise AccountError(f"there is an account {name} already")

    def set_hash(self, name: str, hash: str) -> None:  # noqa: A002
        """Give an account another password."""
        self._must("UPDATE account SET hash = ?, pending_at = ? WHERE folded = ?",
                   name, hash, self._wall(), fold(name))

    def set_admin(self, name: str, admin: bool) -> None:
        """Make it an operator of the server, or no longer."""
        self._must("UPDATE account SET admin = ?, pending_at = ? WHERE folded = ?",
                   name, int(admin), self._wall(), fold(name))

    def add_certificate(self, name: str, fingerprint: str) -> None:
        """Let this certificate log in to the account, and to no other."""
        self.check(name)
        owner = self.find_certificate(fingerprint)
        if owner is not None and fold(owner.name) != fold(name):
            raise AccountError(f"that certificate is of the account {owner.name}")
        def add(database: sqlite3.Connection) -> None:
            database.execute("INSERT OR IGNORE INTO certificate (fingerprint, folded)"
                             " VALUES (?, ?)", (fingerprint.lower(), fold(name)))
            database.execute("UPDATE account SET pending_at = ? WHERE folded = ?",
                             (self._wall(), fold(name)))

        self._transact(add)

    def certificates(self, name: str = "") -> list[tuple[str, str]]:
        """Fingerprints and whose they are: of all accounts, or of one."""
        rows = self._run("SELECT fingerprint, name FROM certificate JOIN account USING (folded)"
                         " WHERE ? IN (folded, '') ORDER BY folded, fingerprint", fold(name))
        return [(str(fingerprint), str(owner)) for fingerprint, owner in rows]

    def remove_certificate(self, fingerprint: str) -> None:
        """Let nobody log in with this certificate any more."""
        def remove(database: sqlite3.Connection) -> int:
            database.execute(
                "UPDATE account SET pending_at = ? WHERE folded IN"
                " (SELECT folded FROM certificate WHERE fingerprint = ?)",
                (self._wall(), fingerprint.lower()))
            return database.execute("DELETE FROM certificate WHERE fingerprint = ?",
                                    (fingerprint.lower(),)).rowcount

        if not self._transact(remove):
            raise AccountError(f"no account has the certificate {fingerprint}")

    def remove(self, name: str) -> None:
        """Forget an account and its certificates."""
        def remove(database: sqlite3.Connection) -> int:
            merging.remember_removal(database, fold(name), self._wall())
            return database.execute("DELETE FROM account WHERE folded = ?",
                                    (fold(name),)).rowcount

        if not self._transact(remove):
            raise AccountError(f"there is no account {name}")

    def seen(self, name: str) -> None:
        """It has just logged in."""
        self._change("UPDATE account SET seen_at = ? WHERE folded = ?", self._wall(), fold(name))

    # -- for other nodes (`chatops.accounts.merging`)

    def pending(self, most: int) -> list[str]:
        """Names, folded, of which others have not been told what was done here."""
        return self._read(lambda database: merging.pending(database, most))

    def known(self) -> list[str]:
        """Names, folded, of which others may have to know: of accounts, and of removed ones."""
        return self._read(merging.known)

    def settle(self, found: Iterable[AccountRecord], skew: float) -> merging.Settled:
        """Have that hold here which holds where this file and these others are known.  This
        machine's clock is so many seconds ahead of the engine's.
        """
        return self._transact(lambda database: merging.settle(
            database, found, merging.EngineClock(self._wall(), skew)))

    def close(self) -> None:
        """Close the file.  Idempotent; the next call opens it again."""
        if self._database is not None:
            self._database.close()
            self._database = self._version = None

    # -- inside

    def _one(self, query: str, *values: object) -> Account | None:
        rows = self._run(query, *values)
        return _account(rows[0]) if rows else None

    def _run(self, query: str, *values: object) -> list[tuple[object, ...]]:
        return self._read(lambda database: database.execute(query, values).fetchall())

    def _change(self, query: str, *values: object) -> int:
        return self._transact(lambda database: database.execute(query, values).rowcount)

    def _read(self, look: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return look(self._open())
        except sqlite3.Error as error:
            raise self._failed(error) from error

    def _transact(self, change: Callable[[sqlite3.Connection], T]) -> T:
        """All of it or nothing, and nobody else's between."""
        try:
            database = self._open()
            database.execute("BEGIN IMMEDIATE")
            with database:
                return change(database)
        except sqlite3.Error as error:
            raise self._failed(error) from error

    def _must(self, query: str, name: str, *values: object) -> None:
        if not self._change(query, *values):
            raise AccountError(f"there is no account {name}")

    def _failed(self, error: sqlite3.Error) -> AccountError:
        self.close()
        return AccountsUnusable(f"the accounts in {self._path} cannot be used: {error}")

    def _check_still_there(self) -> None:
        try:
            size = os.path.getsize(self._path)
        except OSError:
            raise sqlite3.OperationalError("the file was moved away or deleted") from None
        if not size:                   # cut off, or another is being copied there
            raise sqlite3.OperationalError("the file is empty now")

    def _check_place(self) -> None:
        """SQLite would say the same of everything."""
        try:
            check_place(Path(self._path))
        except OSError as error:
            raise sqlite3.OperationalError(error.strerror) from None

    def _open(self) -> sqlite3.Connection:
        found = identity(self._path)
        if self._database is not None:
            if found == self._file:
                return self._database
            self.close()
        if self._file is not None:
            self._check_still_there()
        self._check_place()
        make_private(self._path)
        database = sqlite3.connect(self._path, timeout=PATIENCE / 1000, check_same_thread=False)
        try:
            prepare(database)
        except sqlite3.Error:
            database.close()
            raise
        self._database, self._file = database, identity(self._path)
        return database


def fold(name: str) -> str:
    """A name as it is compared.  Names are ASCII, so this is `CASEMAPPING=ascii`."""
    return name.lower()


def _account(row: tuple[object, ...]) -> Account:
    name, hashed, admin, made_at, seen_at = row
    return Account(str(name), str(hashed), bool(admin), _time(made_at), _time(seen_at))


def _time(value: object) -> float:
    """Whatever stands in the file: somebody else may have written it."""
    return float(value) if isinstance(value, int | float) else 0.0
