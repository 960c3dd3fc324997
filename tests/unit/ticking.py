"""A reactor whose time the test turns by hand, and which never sleeps."""

from __future__ import annotations

import selectors

from chatops.loop.observed import ObservedSelector
from chatops.loop.reactor import Reactor
from chatops.loop.records import Event


class Sleepless(selectors.SelectSelector):
    """Reports what is ready without waiting for it, and remembers how long it was to wait."""

    def __init__(self) -> None:
        super().__init__()
        self.timeouts: list[float | None] = []
        self.fault: OSError | None = None

    def select(self, timeout: float | None = None) -> list[Event]:
        if self.fault is not None:
            raise self.fault
        self.timeouts.append(timeout)
        return super().select(0)


class Ticking:
    """A reactor at second 0 of its own time."""

    def __init__(self) -> None:
        self._now = 0.0
        self._selector = Sleepless()
        self.timeouts = self._selector.timeouts
        self.reactor = Reactor(ObservedSelector(self._selector, clock=lambda: self._now),
                               clock=lambda: self._now)

    def __enter__(self) -> Ticking:
        return self

    def __exit__(self, *_: object) -> None:
        self.reactor.close()

    @property
    def fault(self) -> OSError | None:
        """What select() fails with from now on."""
        return self._selector.fault

    @fault.setter
    def fault(self, error: OSError | None) -> None:
        self._selector.fault = error

    def turn_at(self, now: float) -> None:
        """A turn at this second."""
        self._now = now
        self.reactor.turn()
