"""Frames in the order of their numbers: what came twice is dropped, what never came is counted."""

from __future__ import annotations

from typing import NamedTuple

REMEMBERED = 256               # boots of nodes, the latest; older ones have long been over


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
        self.doubled = 0               # frames that came again, so far
        self.missing = 0               # frames that never came

    def see(self, node: str, boot: str, seq: int) -> Seen:
        """A frame has been read; what of this node came before this reader did is not missing."""
        key = node, boot
        last = self.last.pop(key, None)
        if last is not None and seq <= last:
            self.last[key] = last
            self.doubled += 1
            return Seen(False)
        self.last[key] = seq
        if len(self.last) > REMEMBERED:
            del self.last[next(iter(self.last))]
        if last is None:
            return Seen(True, first=True)
        missing = seq - last - 1
        if not missing:
            return NEXT
        self.missing += missing
        return Seen(True, missing)
