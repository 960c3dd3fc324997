"""A selector that fires what a test tells it to, on a clock that stands still."""

from __future__ import annotations

import selectors
from collections import deque
from collections.abc import Mapping
from typing import Any

from chatops.loop.observed import ObservedSelector

READ = selectors.EVENT_READ


class Clock:
    """Time that passes when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class ScriptedSelector(selectors.BaseSelector):
    """Fires what a test tells it to; its descriptors are plain numbers."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.keys: dict[int, selectors.SelectorKey] = {}
        self.script: deque[list[tuple[int, int]]] = deque()
        self.clock = clock if clock is not None else Clock()
        self.sleeps = 0.0

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key = self.keys[fileobj] = selectors.SelectorKey(fileobj, fileobj, events, data)
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self.keys.pop(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        if events == 0:
            del self.keys[fileobj]     # as the real ones do when the system refuses
            raise OSError("refused")
        return self.register(fileobj, events, data)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.clock.now += self.sleeps
        fires = self.script.popleft() if self.script else []
        return [(self.keys[fd], mask) for fd, mask in fires if fd in self.keys]

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self.keys


class Bench:
    """An observed selector over a scripted one, on a clock that stands still."""

    def __init__(self, *fds: int, turns: int = 4096) -> None:
        self.clock = Clock()
        self.inner = ScriptedSelector(self.clock)
        self.selector = ObservedSelector(self.inner, clock=self.clock, turns=turns)
        for fd in fds:
            self.selector.register(fd, READ, f"data {fd}")

    def fire(self, *turns: list[tuple[int, int]], timeout: float | None = None) -> None:
        """Each list is one turn."""
        self.inner.script.extend(turns)
        for _ in turns:
            self.selector.select(timeout)

    def fires(self) -> dict[int, int]:
        return {r.fd: r.fires for r in self.selector.registrations()}
