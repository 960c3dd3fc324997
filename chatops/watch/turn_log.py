"""The turns of a watched loop, as little as must be noted while it turns.

A loop may turn ten thousand times a second, and a console shows some hundred turns of it.  So
a turn is a list of numbers, and becomes a `TurnRecord` with names only when somebody asks.
Numbers also keep nothing alive that the program has let go of.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from selectors import SelectorKey
from typing import Any

from chatops.loop.records import TurnRecord

TURNS = 4096                   # different ones that are remembered; like ones count as one
READY_KEPT = 64                # ready descriptors of one turn, which is what a picture shows
FORMER = 8                     # owners of a descriptor that are remembered

# What a turn is made of.
N, AT, TIMEOUT, WAITED, FIRED, WORKED, REPEATS, CHANGES, COSTS, OFFS = range(10)
NO_TURN: list[Any] = [-1, 0.0, None, 0.0, None, 0.0, 0, None, None, None]


class _Label:
    """What stands for a key's data in the turns that are remembered."""

    __slots__ = ("label",)

    def __init__(self, label: str) -> None:
        self.label = label


class TurnLog:
    """The turns and whose descriptors they speak of.  Belongs to the thread that selects.

    What is ready is noted as `descriptor << 2 | mask`.  `turns` is appended to by the selector.
    """

    def __init__(self, label_of: Callable[[int], str]) -> None:
        """`label_of` says whose a descriptor is now."""
        self.turns: deque[list[Any]] = deque(maxlen=TURNS)
        self._label_of = label_of
        self._labels: dict[int, str] = {}      # by descriptor, as a picture has found out
        self._former: dict[int, deque[tuple[int, str]]] = {}   # until which turn, and whose

    def name(self, fd: int, label: str) -> None:
        """Whose this descriptor is, as far as is known by now."""
        self._labels[fd] = label

    def leave(self, fd: int, n: int, label: str) -> None:
        """It was this one's until turn `n`, and is nobody's now."""
        self._former.setdefault(fd, deque(maxlen=FORMER)).append(
            (n, self._labels.pop(fd, label)))

    def records(self) -> Iterator[TurnRecord]:
        """The turns, the last one first; those that are there now, whatever comes meanwhile."""
        for turn in list(reversed(self.turns)):
            yield self._record(turn)

    def _record(self, turn: list[Any]) -> TurnRecord:
        ready = []
        for each in turn[FIRED]:
            fd = each >> 2
            key = SelectorKey(fd, fd, 0, _Label(self._label(fd, turn[N])))
            ready.append((key, each & 3))
        record = TurnRecord(turn[N], turn[AT], turn[TIMEOUT], turn[WAITED], ready)
        record.worked, record.repeats = turn[WORKED], turn[REPEATS]
        record.changes, record.costs, record.offs = turn[CHANGES], turn[COSTS], turn[OFFS]
        return record

    def _label(self, fd: int, n: int) -> str:
        for until, label in self._former.get(fd, ()):
            if n <= until:
                return label
        known = self._labels.get(fd)
        if known is None:
            known = self._labels[fd] = self._label_of(fd)
        return known
