"""Many deadlines of one duration, at the price of a dict entry each and one timer in all."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from math import ceil
from typing import Generic, TypeVar

from chatops.loop.reactor import Reactor, Timer

K = TypeVar("K", bound=Hashable)


class Deadlines(Generic[K]):
    """Calls `expired(key)` for each key that stays `seconds` long.

    As all last equally long, the order of arrival is the order of expiry, and a dict
    keeps it: starting and stopping are O(1), and the reactor has one timer, for the
    oldest.  With nothing in it there is no timer, so an idle loop sleeps.
    """

    __slots__ = ("_ends", "_expired", "_grain", "_reactor", "_timer", "seconds")

    def __init__(self, reactor: Reactor, seconds: float, expired: Callable[[K], None], *,
                 grain: float = 0.0) -> None:
        """`seconds` of 0 means never.  With a `grain`, ends are put off to a whole number of so
        many seconds: thousands that began one after the other wake the loop once a grain.
        """
        self._grain = grain
        self.seconds = seconds
        self._reactor = reactor
        self._expired = expired
        self._ends: dict[K, float] = {}
        self._timer: Timer | None = None

    def __len__(self) -> int:
        return len(self._ends)

    def __contains__(self, key: K) -> bool:
        return key in self._ends

    def start(self, key: K) -> bool:
        """Begin, or begin again, the time of this key; False if that changes nothing."""
        if not self.seconds:
            return False
        end = self._reactor.now + self.seconds
        if self._grain:
            end = ceil(end / self._grain) * self._grain
            if self._ends.get(key) == end:     # it has begun in this very grain
                return False
        self._ends.pop(key, None)
        self._ends[key] = end
        if self._timer is None:
            self._arm(end - self._reactor.now)
        return True

    def stop(self, key: K) -> None:
        """Forget this key.  Harmless when it is not there."""
        self._ends.pop(key, None)

    def change(self, seconds: float) -> None:
        """Another duration, for those that wait too, counted from now."""
        waiting = list(self._ends)
        self._ends.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.seconds = seconds
        for key in waiting:
            self.start(key)

    def _arm(self, delay: float) -> None:
        self._timer = self._reactor.call_later(delay, self._due)

    def _due(self) -> None:
        fired, now = self._timer, self._reactor.now
        try:
            while self._ends:
                key, end = next(iter(self._ends.items()))
                if end > now:
                    break
                del self._ends[key]
                self._expired(key)
        finally:
            # Not before: `expired` may start a key again, and must find a timer armed.
            if self._timer is fired:
                self._timer = None
                if self._ends:
                    self._arm(max(0.0, next(iter(self._ends.values())) - now))
