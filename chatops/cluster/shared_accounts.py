"""Accounts of all nodes as one: what is changed here all are told, and what others tell holds here.

One portion is under way at a time: it is read from the engine, compared with the file on the
thread that owns that, and what the file had newer is written, unless somebody has written there
meanwhile; then those are compared once more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from chatops.accounts.store import AccountError, AccountStore
from chatops.api import events
from chatops.cluster.frames import AccountsChanged, BadFrame, Codec, Item
from chatops.cluster.kept_accounts import Exchanged, KeptChange, exchange
from chatops.cluster.link import Link
from chatops.server.logins import Logins
from chatops.server.state import ServerState
from chatops.units import they_were

PORTION = 100                  # accounts at once: some milliseconds of the file's thread
AT_A_LOOK = 1000               # names of which others are told, of all that a file has for them


class _Reading:
    """All that the engine keeps, read once: how far, and the names that were there."""

    def __init__(self) -> None:
        self.cursor = b"0"
        self.names: set[str] = set()


class SharedAccounts:
    """Belongs to the reactor's thread; the file is looked at on the thread `auth`."""

    def __init__(self, state: ServerState, logins: Logins, link: Link, codec: Codec,
                 send: Callable[[Item], None]) -> None:
        """`send` tells the other nodes."""
        self._state = state
        self._logins = logins
        self._link = link
        self._codec = codec
        self._send = send
        self._round = 0                # another each time that the link comes up or is lost
        self._busy = False
        self._wanted: dict[str, None] = {}     # folded names that are to be compared
        self._reading: _Reading | None = None
        self._faults = 0               # what could not be read or told, so far
        self._again = False            # something was not compared that should have been
        logins.on_change(self.look)

    def joined(self) -> None:
        """The engine is there: compare everything."""
        self._round += 1
        self._busy = False
        self._read_all()

    def parted(self) -> None:
        """Nothing can be asked; what is under way will not be answered."""
        self._round += 1
        self._busy = True
        self._wanted.clear()
        self._reading = None

    def missed(self) -> None:
        """What another node has told was lost."""
        self._read_all()

    def changed_elsewhere(self, names: Sequence[str]) -> None:
        """Another node has written these."""
        self._want(names)

    def renewed(self) -> None:
        """From time to time: whether another process has changed the file."""
        if self._again:
            self._again = False
            self._read_all()
        self.look()

    def look(self) -> None:
        """Whether something was done in the file that the others have not been told."""
        def looked(names: list[str] | AccountError) -> None:
            if isinstance(names, AccountError):
                self._fault(names)
            else:
                self._want(names)

        self._logins.later(lambda store: store.pending(AT_A_LOOK) or None, looked)

    # -- one portion after another

    def _read_all(self) -> None:
        self._reading = _Reading()
        self._next()

    def _want(self, names: Iterable[str]) -> None:
        self._wanted.update(dict.fromkeys(names))
        self._next()

    def _next(self) -> None:
        if self._busy or self._link.state != "up":
            return
        if self._wanted:
            names = [name for name, _ in zip(self._wanted, range(PORTION), strict=False)]
            for name in names:
                del self._wanted[name]
            self._ask(self._link.keys.accounts_of(names), lambda values: self._found(
                {name: value or b"" for name, value in zip(names, values, strict=True)}))
        elif (reading := self._reading) is not None:
            self._ask(self._link.keys.accounts_from(reading.cursor, PORTION),
                      lambda answer: self._read(reading, answer))

    def _ask(self, command: bytes, told: Callable[[Any], None]) -> None:
        self._busy = True
        self._link.ask(command, told)

    def _read(self, reading: _Reading, answer: Any) -> None:
        reading.cursor, pairs = answer
        kept = {name.decode(errors="replace"): value
                for name, value in zip(pairs[::2], pairs[1::2], strict=True)}
        reading.names.update(kept)
        ended = reading.cursor == b"0"
        if ended and self._reading is reading:         # else it has begun anew
            self._reading = None
        self._found(kept, reading.names if ended else None)

    def _found(self, kept: dict[str, bytes], all_kept: set[str] | None = None) -> None:
        """What the engine keeps of these; and, at the end of a reading, the names of all."""
        now = self._round

        def compare(store: AccountStore) -> tuple[Exchanged, list[str]]:
            rest = [] if all_kept is None else [
                name for name in store.known() if name not in all_kept]
            return exchange(store, self._codec, kept), rest

        def compared(result: tuple[Exchanged, list[str]] | AccountError) -> None:
            if isinstance(result, AccountError):
                self._fault(result)
                self._again = True
                self._go_on(now)
                return
            exchanged, rest = result
            self._settled(exchanged)
            if now == self._round:
                self._wanted.update(dict.fromkeys(rest))
                self._write(exchanged.changes)

        self._logins.later(compare, compared)

    def _settled(self, exchanged: Exchanged) -> None:
        """What holds here now."""
        for error in exchanged.bad:
            self._fault(error)
        for name in exchanged.lost:
            self._state.say(events.Warned(
                self._state.hub.at, f"the account {name} of this node was another's before, on "
                                    "another node, and is that one's now"))
        if exchanged.adopted:
            self._logins.settled([record.name for record in exchanged.adopted if record.lives],
                                 exchanged.lost)

    def _write(self, changes: list[KeptChange]) -> None:
        now = self._round

        def written(refused: list[bytes]) -> None:
            again = {name.decode() for name in refused}
            self._wanted.update(dict.fromkeys(again))
            told = [change.name for change in changes if change.name not in again]
            if told:
                self._send(AccountsChanged(tuple(told)))
            self._go_on(now)

        if changes:
            self._ask(self._link.keys.change_accounts(changes), written)
        else:
            self._go_on(now)

    def _go_on(self, now: int) -> None:
        if now == self._round:
            self._busy = False
            self._next()

    def _fault(self, error: AccountError | BadFrame) -> None:
        """Say so the first time, then at each doubling."""
        self._faults += 1
        if self._faults & (self._faults - 1) == 0:
            self._state.say(events.Warned(self._state.hub.at, "of the cluster "
                                          f"{they_were(self._faults, 'account')} not read or "
                                          f"told: {error}"))
