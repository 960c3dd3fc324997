"""The selector that a stage turns on: observed, and open to questions while it waits."""

from __future__ import annotations

import selectors
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from chatops.loop.observed import ObservedSelector
from chatops.loop.records import Event, Registration
from chatops.loop.waker import Waker

LOOK = 8                       # turns between two looks at what the stage has used up


class StageSelector(ObservedSelector):
    """An `ObservedSelector` whose loop can be asked things that its code knows nothing of.

    Nobody but its own thread may read a map (rule 4 of every selector), so what others
    want to know is asked here and answered inside `select`, on that thread: by a waker in
    the backend which neither the map nor the count of turns shows.  A loop that sleeps goes
    on sleeping as far as the stage can tell; one that is held in a callback does not answer,
    and that is the answer.

    Only `call`, `stop`, `returned_at` and `registration` may come from other threads.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stopping = False
        self.closed = False
        # Something was (un)registered; true when it is to be called at the next entry too.
        self.on_change: Callable[[], bool] | None = None
        self.on_look: Callable[[], None] | None = None     # at the entry into some turns
        self.timed = True          # the loop calls back while it goes through what is ready
        self._calls: deque[Callable[[], None]] = deque()
        self._closing = threading.Lock()       # nothing comes between the last look and the end
        self._known = 0
        self._again = False        # `on_change` wants to be called once more
        self._entries = 0
        self._waker = Waker()
        self._inner.register(self._waker, selectors.EVENT_READ)
        self._select = self._wait

    def call(self, question: Callable[[], None]) -> bool:
        """Have this run on the stage's thread, at the next entry into `select`, or when it is
        closed; whether it will: nobody answers after that.
        """
        with self._closing:
            if self.closed:
                return False
            self._calls.append(question)
        self._waker.wake()
        return True

    def stop(self) -> None:
        """Make this and every later `select` return at once, with nothing ready."""
        self.stopping = True
        self._waker.wake()

    @property
    def returned_at(self) -> float:
        """When `select` last returned: a plain number, safe to read from any thread."""
        return self._returned

    def registration(self, fd: int) -> Registration | None:
        """What is registered for a descriptor: one look into a dict, safe from any thread."""
        return self._registrations.get(fd)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        if self.closed:
            return {}
        return _MapWithout(super().get_map(), self._waker)

    def swap(self, name: str) -> None:
        super().swap(name)
        self._select = self._wait

    def close(self) -> None:
        if self.closed:
            return
        with self._closing:
            self.closed = True
        while self._calls:
            self._calls.popleft()()
        super().close()
        self._waker.close()

    def _select_watched(self, ready: list[Event], returned: float, timeout: float | None,
                        waited: float, alike: bool) -> list[Event]:
        events = super()._select_watched(ready, returned, timeout, waited, alike)
        return events if self.timed else ready

    def _wait(self, timeout: float | None = None) -> list[Event]:
        self._entries += 1
        if self._entries % LOOK == 0 and self.on_look is not None:
            self.on_look()
        if self._again or len(self._registrations) != self._known:
            self._known = len(self._registrations)
            self._again = self.on_change is not None and self.on_change()
        while True:
            while self._calls:
                self._calls.popleft()()
            if self.stopping:
                return []
            ready: list[Event] = self._inner.select(timeout)
            theirs = [event for event in ready if event[0].fileobj is not self._waker]
            if len(theirs) == len(ready):
                return ready
            self._waker.on_ready()
            if theirs or timeout is not None:
                return theirs


class _MapWithout(Mapping[Any, selectors.SelectorKey]):
    """A live view of a selector's map that leaves one file object out."""

    def __init__(self, real: Mapping[Any, selectors.SelectorKey], hidden: object) -> None:
        self._real = real
        self._hidden = hidden

    def __getitem__(self, fileobj: Any) -> selectors.SelectorKey:
        key = self._real[fileobj]
        if key.fileobj is self._hidden:
            raise KeyError(fileobj)
        return key

    def __iter__(self) -> Iterator[Any]:
        return (fd for fd, key in self._real.items() if key.fileobj is not self._hidden)

    def __len__(self) -> int:
        return len(self._real) - 1
