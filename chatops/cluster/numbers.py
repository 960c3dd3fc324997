"""Frames in the order of their numbers: what came twice is dropped, what never came is counted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

REMEMBERED = 256               # boots of nodes that are over; older ones have long been so
NODES = 4096                   # of which the latest boot is remembered, however many that are


class Seen(NamedTuple):
    """What the number of a frame says."""

    new: bool                  # False: it has been read already
    missing: int = 0           # frames of this node that should have come before it
    first: bool = False        # none of this boot has been read before


NEXT = Seen(True)              # what nearly all of them say


class Numbers:
    """The last number read of each node and boot.  Sans-I/O.

    Every write that nobody answered may or may not be in the log, and is repeated; and a log
    that was trimmed begins later than its reader expects, without a word.  Both show here only.
    """

    def __init__(self) -> None:
        self.last: dict[tuple[str, str], int] = {}
        self._boots: dict[str, str] = {}       # the latest of each node, the newest last
        self.doubled = 0               # frames that came again, so far
        self.missing = 0               # frames that never came

    def load(self, last: Mapping[tuple[str, str], int]) -> None:
        """What was read before this node was started, the latest last."""
        for (node, boot), seq in last.items():
            self.last[node, boot] = seq
            self._follow(node, boot)

    def _follow(self, node: str, boot: str) -> None:
        self._boots.pop(node, None)
        self._boots[node] = boot
        if len(self._boots) > NODES:
            del self._boots[next(iter(self._boots))]

    def see(self, node: str, boot: str, seq: int) -> Seen:
        """A frame has been read; what of this node came before this reader did is not missing."""
        key = node, boot
        last = self.last.pop(key, None)
        if last is not None and seq <= last:
            self.last[key] = last
            self.doubled += 1
            return Seen(False)
        self.last[key] = seq
        if last is None:
            self._follow(node, boot)
            self._forget()
            return Seen(True, first=True)
        missing = seq - last - 1
        if not missing:
            return NEXT
        self.missing += missing
        return Seen(True, missing)

    def _forget(self) -> None:
        """Those boots that have been over for longest.  All that live stay, or what they wrote
        last would be heard again when it comes again.
        """
        if len(self.last) > len(self._boots) + REMEMBERED:
            over = [key for key in self.last if self._boots.get(key[0]) != key[1]]
            del self.last[over[0]]
