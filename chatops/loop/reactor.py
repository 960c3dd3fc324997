"""The reactor: one thread, one selector, and the order in which a turn does its work.

    select → ready callbacks → due timers → submitted calls → hooks (flush, reap, publish)

The loop waits for nothing but `select()`.  Work that does not fit into a turn goes into
`call_soon`, which makes the next `select` return at once.
"""

from __future__ import annotations

import heapq
import itertools
import selectors
import time
from collections import deque
from collections.abc import Callable

from chatops.loop.backends import is_stale
from chatops.loop.observed import ObservedSelector
from chatops.loop.waker import Waker

# Seconds of one select.  epoll_wait(2) and poll(2) take milliseconds in an int, which is 24
# days, and Python raises for more; a timer further off is looked at again after these.
LONGEST_SLEEP = 86_400.0

Callback = Callable[[], None]
Failure = Callable[[selectors.SelectorKey | None, Exception], None]


class Timer:
    """A call that is due at a moment of the reactor's clock."""

    __slots__ = ("callback", "due")

    def __init__(self, due: float, callback: Callback) -> None:
        self.due = due
        self.callback: Callback | None = callback

    def cancel(self) -> None:
        """Do not call.  Harmless when it has been called already."""
        self.callback = None


class Reactor:
    """Belongs to the thread that calls `run`; only `submit` and `wake` may come from others."""

    def __init__(self, selector: ObservedSelector | None = None, *,
                 clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` is in seconds and never goes back."""
        self.selector = selector if selector is not None else ObservedSelector(clock=clock)
        self.clock = clock
        self.now = clock()             # refreshed once a turn; good enough for every deadline
        self.on_wake: Callback | None = None
        self.hooks: list[Callback] = []
        self.on_failure: Failure | None = None
        self.commands = 0
        self.rotation = 0              # raised when those that came last had no part in a turn
        self.calls = 0                 # timers, submitted calls and those put off, so far
        self.waker = Waker()
        self._submitted: deque[Callback] = deque()
        self._soon: list[Callback] = []
        self._timers: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()
        self._running = False
        self.selector.register(self.waker, selectors.EVENT_READ, self.waker.on_ready)

    # -- from any thread

    def submit(self, call: Callback) -> None:
        """Have `call` run on the reactor's thread in the next turn, and wake it for that."""
        self._submitted.append(call)
        self.waker.wake()

    def wake(self) -> None:
        """Make the loop take a turn."""
        self.waker.wake()

    # -- from the reactor's own thread

    def call_soon(self, callback: Callback) -> None:
        """Run in the next turn, which then does not sleep."""
        self._soon.append(callback)

    def call_later(self, seconds: float, callback: Callback) -> Timer:
        """Run once after this many seconds; the timer can be cancelled."""
        timer = Timer(self.now + seconds, callback)
        heapq.heappush(self._timers, (timer.due, next(self._order), timer))
        return timer

    @property
    def timers(self) -> int:
        """How many timers are pending."""
        return sum(timer.callback is not None for _, _, timer in self._timers)

    @property
    def next_deadline(self) -> float | None:
        """Seconds until the next timer is due, None without one."""
        while self._timers and self._timers[0][2].callback is None:
            heapq.heappop(self._timers)
        return max(0.0, self._timers[0][0] - self.now) if self._timers else None

    def run(self) -> None:
        """Turn until `stop`.  What a callback raises goes to `on_failure`, not to here."""
        self._running = True
        while self._running:
            self.turn()

    def stop(self) -> None:
        """Return from `run` at the end of this turn."""
        self._running = False

    def turn(self) -> None:
        """One turn of the loop."""
        if self._soon:
            timeout: float | None = 0.0
        elif self._timers:
            self.now = self.clock()
            timeout = self.next_deadline
            if timeout is not None and timeout > LONGEST_SLEEP:
                timeout = LONGEST_SLEEP
        else:
            timeout = None
        try:
            ready = self.selector.select(timeout)
        except (OSError, ValueError) as error:
            self._mend(error)
            ready = []
        if self.rotation and len(ready) > 1:
            ready = self.selector.rotate(ready, self.rotation % len(ready))
        self.now = self.clock()
        if self.on_wake is not None:
            self.on_wake()
        for key, mask in ready:
            try:
                key.data(mask)
            except Exception as error:
                self._failed(key, error)
        if self._timers:
            self._run_timers()
        if self._soon:
            self._run_soon()
        if self._submitted:
            self._run_submitted()
        for hook in self.hooks:
            hook()

    def run_left(self) -> None:
        """Run what was submitted too late for a turn.  After `run` has returned; from any
        thread, for each call is taken out once.
        """
        while True:
            try:
                callback = self._submitted.popleft()
            except IndexError:
                return
            self._call(callback)

    def close(self) -> None:
        """Give the descriptors back.  What is still registered belongs to its owners."""
        self._running = False
        self.selector.close()
        self.waker.close()

    # -- inside

    def _mend(self, error: Exception) -> None:
        """Somebody closed a descriptor that is registered: select(2) then fails as a whole,
        with EBADF, for ever.  Take it out and go on; any other failure is fatal.
        """
        stale = [r for r in self.selector.registrations() if is_stale(r.fileobj, r.fd)]
        if not stale:
            raise error
        for registration in stale:
            self._failed(self.selector.get_key(registration.fileobj), error)
            if registration.fd in self.selector.get_map():   # its owner did not take it out
                self.selector.unregister(registration.fileobj)

    def _run_timers(self) -> None:
        while self._timers and self._timers[0][0] <= self.now:
            timer = heapq.heappop(self._timers)[2]
            callback, timer.callback = timer.callback, None
            if callback is not None:
                self._call(callback)

    def _run_soon(self) -> None:
        callbacks, self._soon = self._soon, []
        for callback in callbacks:
            self._call(callback)

    def _run_submitted(self) -> None:
        # As many as there are now: one that submits another cannot hold the loop.
        for _ in range(len(self._submitted)):
            self.commands += 1
            self._call(self._submitted.popleft())

    def _call(self, callback: Callback) -> None:
        self.calls += 1
        try:
            callback()
        except Exception as error:
            self._failed(None, error)

    def _failed(self, key: selectors.SelectorKey | None, error: Exception) -> None:
        if self.on_failure is None:
            raise error
        self.on_failure(key, error)
