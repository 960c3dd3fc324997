"""The selector that an observed program gets in place of its own.

It does what the wrapped one does, and is the safe point: between two turns, on the loop's own
thread, it runs what the observer wants done there.  The waker that interrupts a sleep for
that is in the kernel's set but not in the program's map, so a loop that runs `while
selector.get_map()` still comes to its end.

It keeps no reference to what the program has let go of: a turn remembers descriptors and
labels, not the keys with their transports and protocols.
"""

from __future__ import annotations

import selectors
import socket
import sys
from _thread import get_ident
from collections import Counter, deque
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any

from chatops.api.words import MapChange
from chatops.loop import private
from chatops.loop.meter import LATELY, CallMeter
from chatops.loop.naming import format_call_site
from chatops.loop.observed import MASK_HISTORY, ObservedSelector
from chatops.loop.records import Event, TurnRecord
from chatops.loop.timed import TimedEvents
from chatops.watch import registry
from chatops.watch.owner import Owner
from chatops.watch.registry import resume
from chatops.watch.turn_log import (
    CHANGES,
    COSTS,
    FIRED,
    NO_TURN,
    OFFS,
    READY_KEPT,
    REPEATS,
    TIMEOUT,
    WAITED,
    WORKED,
    TurnLog,
)

# Runs at the safe point; true when the loop must take a turn for what it did.
Call = Callable[[], bool | None]

FOLD_AT = 4096                 # fires that wait to be counted
SOON = 0.25                    # seconds of a sleep that need not be interrupted
LONG = 0.1                     # seconds of work in one turn that are remembered


class WatchedSelector(ObservedSelector):
    """Belongs to the thread that selects; `submit` and what it says of itself are anybody's.

    It has no `__getattr__`, which would make every look at an attribute of its own slow: the
    interpreter does not specialise those of such a class (PEP 659).
    """

    fileno: Callable[[], int]          # where the wrapped one has it

    def __init__(self, inner: selectors.BaseSelector | None = None) -> None:
        super().__init__(inner)
        self.entries = self._registrations     # by descriptor; others may look, not write
        self._take_inner()
        self.sleeping = False          # it is in the kernel, or has not been used yet
        self.thread = 0                # the one that selected last, 0 before
        self.asyncio: bool | None = None   # whose data looks like asyncio's; None until known
        self.meter = CallMeter()
        self.turned_by: CodeType | None = None     # what calls `select`, while watched
        self.long_turn = 0.0           # seconds of work in the last turn that had so much
        self.closed = False
        self.stood = False             # nobody was turning it when it was last looked at
        self._owner = Owner(self.entries)
        self._settled = False          # whether it needs a waker has been decided
        self._calls: deque[Call] = deque()
        self._waker: tuple[socket.socket, socket.socket] | None = None
        self._woken = False            # a byte is in the waker, or about to be
        self._sent = False             # it is in it
        self._fired: list[int] = []    # descriptor << 2 | mask, of turns that nobody watched
        self.turn_log = TurnLog(self._label_of)
        self.last_turn = NO_TURN[:]
        self.number = registry.add(self)

    # -- selectors.BaseSelector

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        if self.asyncio is None:
            self.asyncio = private.is_asyncio(data)
            if self.asyncio:
                private.asyncio_is_here()
        return super().register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        key = super().unregister(fileobj)
        if self.watched:
            self.turn_log.leave(key.fd, self.turns, private.label(key.data, key.fileobj))
        return key

    def select(self, timeout: float | None = None) -> list[Event]:
        clock = self.clock
        if not self._settled:
            self._settle(timeout)
        if resume:
            resume.pop()()
        entered = clock()
        if self._calls and self._serve():
            timeout = 0
        worked = 0.0 if self.stood else entered - self._returned
        self.stood = False
        self.sleeping = True
        self.worked += worked          # before the sleep, which may be a long one
        self._returned = entered
        ready = self._inner_select(timeout)
        if self._woken:
            ready = self._interrupted(ready, timeout, entered)
        returned = clock()
        waited = returned - entered
        self._returned = returned
        self.sleeping = False
        self.waited += waited
        self.turns += 1
        if self.watched:
            return self._watched_turn(ready, returned, timeout, waited, worked)
        if ready:
            self.ready += len(ready)
            fired = self._fired
            for key, mask in ready:
                fired.append(key.fd << 2 | mask)
            if len(fired) > FOLD_AT:
                self._fold()
        return ready

    def close(self) -> None:
        super().close()
        self.closed = True
        registry.discard(self)
        waker, self._waker = self._waker, None
        for end in waker or ():
            end.close()

    # -- for the observer

    def submit(self, call: Call) -> None:
        """Have it run at the next safe point.  From the observer's thread alone."""
        self._calls.append(call)
        if self._woken:
            return
        waker = self._waker or (self._make_waker() if private.wakes_later(self._inner) else None)
        if waker is None:
            return                     # its sleeps are short
        # In this order: a byte that is found before `_sent` says so is left for the next time.
        self._woken = True
        try:
            waker[1].send(b"\0")
        except OSError:
            pass                       # closed meanwhile
        self._sent = True

    def held_since(self) -> float:
        """When the turn began that is being worked on now; 0 while it sleeps or stands."""
        return 0.0 if self.sleeping or not self.thread or self.stands else self._returned

    @property
    def stands(self) -> bool:
        """Whether it is that of a loop of asyncio's which does not run now."""
        self.stood = stands = bool(self.asyncio) and self._owner.stands
        return stands

    def is_left(self, seconds: float) -> bool:
        """Whether it has stood for so long, and is not just between two runs."""
        return not self.sleeping and self.clock() - self._returned >= seconds and self.stands

    def worked_until(self, now: float) -> float:
        """Seconds of work so far, those of the turn that is being worked on now included."""
        working = not self.sleeping and not self.stands
        return self.worked + (max(0.0, now - self._returned) if working else 0.0)

    def forked(self) -> None:
        """In a forked child nobody observes: what the parent had asked for is not for here."""
        self._calls.clear()
        self._woken = self._sent = False
        self._watchers = 0
        self.watched = False

    def watch(self, on: bool = True) -> None:
        super().watch(on)
        self.turned_by = None          # whoever turns it now
        if not self.watched:
            self.turn_log.turns.clear()   # before the next look much happens that nobody sees
            self.last_turn = NO_TURN[:]

    def swap(self, name: str) -> None:
        super().swap(name)
        self._take_inner()
        if self._waker is not None:
            private.add_waker(self._inner, self._waker[0].fileno())
        elif not private.wakes_later(self._inner):
            self._make_waker()

    def relabel(self, fd: int, label: str) -> None:
        """What the turns call this descriptor."""
        self.turn_log.name(fd, label)

    def recent_turns(self) -> Iterator[TurnRecord]:
        self._finish_turn()
        return self.turn_log.records()

    # -- inside

    def _take_inner(self) -> None:
        self._inner_select = self._inner.select
        if hasattr(self._inner, "fileno"):
            self.fileno = self._inner.fileno
        elif "fileno" in vars(self):
            del self.fileno

    def _label_of(self, fd: int) -> str:
        registration = self._registrations.get(fd)
        return (private.label(registration.data, registration.fileobj)
                if registration is not None else "gone")

    def _settle(self, timeout: float | None) -> None:
        """poll() and select() do not notice a descriptor that is added while they sleep, so
        theirs is added before the first sleep that is worth interrupting.
        """
        self.thread = get_ident()
        self._settled = private.wakes_later(self._inner)
        if not self._settled and (timeout is None or timeout > SOON):
            self._settled = True
            if self._waker is None:
                self._make_waker()

    def _make_waker(self) -> tuple[socket.socket, socket.socket] | None:
        self._waker = private.make_waker(self._inner)
        return self._waker

    def _serve(self) -> bool:
        """Run what was asked for; whether the loop must take a turn for it."""
        turn = False
        while self._calls:
            call = self._calls.popleft()
            try:
                turn = bool(call()) or turn
            except KeyboardInterrupt:      # the program's own, which came just now
                raise
            except BaseException as error:     # ours, or of what was looked at, which may even
                registry.failed(error)         # exit: the program is not to suffer for it
        return turn

    def _interrupted(self, ready: list[Event], timeout: float | None,
                     entered: float) -> list[Event]:
        """The observer has woken it: serve, and wait for the rest of the time."""
        while True:
            if self._sent and self._waker is not None:
                # Cleared before the calls are looked at: one that comes now sends again.
                self._sent = False
                try:
                    self._waker[0].recv(16)
                except OSError:
                    pass
                self._woken = False
            if self._serve() or ready:
                return ready
            if timeout is not None:
                left = timeout - (self.clock() - entered)
                if left <= 0:
                    return ready
                ready = self._inner_select(left)
            else:
                ready = self._inner_select(None)
            if not self._woken:
                return ready

    def _watched_turn(self, ready: list[Event], returned: float, timeout: float | None,
                      waited: float, worked: float) -> list[Event]:
        if self.turned_by is None:
            self.thread = get_ident()
            self.turned_by = sys._getframe(2).f_code
        if worked > self.meter.waited or returned - self.meter.waited_at > LATELY:
            # The last call of the turn that is over has waited for all others of it.
            self.meter.was_late(worked - self.meter.last, returned)
        if worked >= LONG:
            self.long_turn = worked
        last = self.last_turn
        last[WORKED] += worked
        if self._turn.costs is not None or self._turn.changes is not None:
            self._finish_turn()
        fired: tuple[int, ...] = ()
        if ready:
            count = len(ready)
            self.ready += count
            if count == 1:
                key, mask = ready[0]
                fired = (key.fd << 2 | mask,)
            else:
                fired = tuple([key.fd << 2 | mask for key, mask in ready])
            self._fired += fired
            if len(self._fired) > FOLD_AT:
                self._fold()
            if count > READY_KEPT:
                fired = fired[:READY_KEPT]
        # Of the log only what every turn needs is done here, and not by a call.
        if (fired == last[FIRED] and last[CHANGES] is None
                and (timeout == last[TIMEOUT] or (timeout and last[TIMEOUT]))):
            last[REPEATS] += 1
            last[WAITED] += waited
            last[COSTS] = last[OFFS] = None
        else:
            last = [self.turns, returned, timeout, waited, fired, 0.0, 0, None, None, None]
            self.last_turn = last
            self.turn_log.turns.append(last)
        # asyncio only queues what is ready while it iterates: its calls are timed elsewhere.
        return ready if self.asyncio or not ready else TimedEvents(ready, self)

    def _finish_turn(self) -> None:
        """What has come to be known of the last turn since it began belongs to it."""
        turn, last = self._turn, self.last_turn
        if turn.changes is not None:
            last[CHANGES] = [*(last[CHANGES] or ()), *turn.changes]
        last[COSTS], last[OFFS] = turn.costs, turn.offs
        turn.changes = turn.costs = turn.offs = None

    def _changed(self, what: MapChange, key: selectors.SelectorKey, before: int, after: int,
                 by: tuple[CodeType, int]) -> None:
        turn = self._turn
        if turn.changes is None:
            turn.changes = []
        turn.changes.append((what, key.fd, before, after, private.label(key.data, key.fileobj),
                             format_call_site(by), 0))

    def _fold(self) -> None:
        if not self._fired:
            return
        fired, self._fired = self._fired, []
        last_masks = {each >> 2: each & 3 for each in fired}
        for fd, count in Counter([each >> 2 for each in fired]).items():
            registration = self._registrations.get(fd)
            if registration is not None:
                registration.fires += count
                registration.last_mask = last_masks[fd]
                if self.watched and registration.masks is None:
                    registration.masks = deque(maxlen=MASK_HISTORY)
        if self.watched:
            for each in fired:
                registration = self._registrations.get(each >> 2)
                if registration is not None and registration.masks is not None:
                    registration.masks.append(each & 3)
