"""Who talks waits for readers that have kept up until now, so that a flood costs nobody his place.

Outboxes are bounded, and whoever lets his fill up is sent away.  Readers whose queue was empty a
moment ago have done nothing wrong, though: more was said at once than any of them could take.
When such a queue is half full, the clients in its rooms are not read until it is empty again,
so that what they send waits in their own kernels and presses back on them.

It is a courtesy of a second, and not for those who do not read: a queue that has waited for longer
holds nobody up, nor does one that a client has filled with answers to its own questions.  Who stops
and comes back in time, again and again, has that second once in a minute; and a room waits for a
few of them, however many come in turn or under new names.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from chatops.server.patience import Patience
from chatops.server.state import ClientConnection, ServerState

PATIENCE = 1.0                 # seconds that a queue may have been filling, and that talk waits
                               # for one reader in all of a window;
READERS = 3                    # a room waits for so many such readers in it
WINDOW = 60.0                  # seconds


@dataclass(slots=True, eq=False)
class Hold:
    """A room whose members are not read, for the sake of these, since then."""

    readers: set[ClientConnection]
    began: float


class Backpressure:
    """Belongs to the reactor's thread."""

    def __init__(self, state: ServerState) -> None:
        self._state = state
        self._holds: dict[str, Hold] = {}                  # by room
        state.held_rooms = self._holds.keys()
        self._waited: dict[ClientConnection, float] = {}   # for whom, and since when,
        self._held_for: dict[ClientConnection, set[str]] = {}      # and in which rooms
        self._readers: Patience[ClientConnection] = Patience(PATIENCE, WINDOW)
        self._rooms: Patience[str] = Patience(READERS * PATIENCE, WINDOW)
        self._waiting: dict[ClientConnection, None] = {}   # not read because of them
        self._late: deque[ClientConnection] = deque()
        self._goes_on = False          # in the next turn, with those
        self.read_on: Callable[[ClientConnection], None] = lambda _: None

    # -- readers

    def half_full(self, reader: ClientConnection) -> None:
        """So much waits for it that a few turns more like this one would fill its outbox."""
        outbox, now = reader.outbox, self._state.reactor.now
        assert outbox is not None
        own = reader.bytes_direct - reader.own_before
        left = self._readers.left(now, reader)
        if now - outbox.since > PATIENCE or 2 * own > outbox.size or not left:
            return
        for room in reader.session.rooms:
            hold = self._holds.get(room)
            if hold is not None:
                hold.readers.add(reader)
            elif longest := self._rooms.left(now, room):
                self._holds[room] = hold = Hold({reader}, now)
                self._state.reactor.call_later(min(PATIENCE, longest),
                                               partial(self._let_go, room, hold))
            if hold is not None:
                self._held_for.setdefault(reader, set()).add(room)
        if reader in self._held_for and reader not in self._waited:
            self._waited[reader] = now
            self._state.reactor.call_later(left, partial(self._long_enough, reader, now))
        self._state.context.pressed = bool(self._holds)

    def over(self, reader: ClientConnection) -> None:
        """Nothing waits for it any more, or it is gone."""
        for room in self._held_for.pop(reader, ()):
            hold = self._holds[room]
            hold.readers.discard(reader)
            if not hold.readers:
                self._let_go(room, hold)
        self._spend(reader)
        if not reader.is_open:
            self._readers.forget(reader)

    def _long_enough(self, reader: ClientConnection, since: float) -> None:
        """What it has left is spent, if it is waited for ever since."""
        if self._waited.get(reader) == since:
            self.over(reader)

    def _let_go(self, room: str, hold: Hold) -> None:
        """The members of the room are read again, unless another of their rooms is held."""
        if self._holds.get(room) is not hold:
            return
        del self._holds[room]
        now = self._state.reactor.now
        self._rooms.spend(now, room, now - hold.began)
        for reader in hold.readers:
            rooms = self._held_for[reader]
            rooms.discard(room)
            if not rooms:
                del self._held_for[reader]
                self._spend(reader)
        self._state.context.pressed = bool(self._holds)
        waiting, self._waiting = self._waiting, {}
        for talker in waiting:
            self._defer(talker)

    def _spend(self, reader: ClientConnection) -> None:
        """It is waited for no longer.  Harmless if it was not."""
        since = self._waited.pop(reader, None)
        if since is not None:
            now = self._state.reactor.now
            self._readers.spend(now, reader, now - since)

    # -- talkers

    def waits(self, talker: ClientConnection) -> bool:
        """Whether it is not to be read now: then it is paused, and `read_on` when that is over."""
        if self._holds.keys().isdisjoint(talker.session.rooms):
            return False
        talker.pause()
        self._state.partials.stop(talker)      # it is we who keep it waiting
        self._waiting[talker] = None
        return True

    def comes_too_late(self, talker: ClientConnection) -> bool:
        """Whether this turn has heard enough, so that what was held of it waits for another: it
        is read on then, in the order of asking and at least one in a turn.
        """
        if self._state.context.intake_left > 0 and not self._late:
            return False
        self._defer(talker)
        return True

    def _defer(self, talker: ClientConnection) -> None:
        self._late.append(talker)
        self._go_on()

    def _go_on(self) -> None:
        if self._late and not self._goes_on:
            self._goes_on = True
            self._state.reactor.call_soon(self._next_turn)

    def _next_turn(self) -> None:
        self._goes_on = False
        try:
            while self._late:
                self.read_on(self._late.popleft())
                if self._state.context.intake_left <= 0:
                    break
        finally:                       # one that fails must not keep the others waiting for ever
            self._go_on()
