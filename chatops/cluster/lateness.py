"""When something was said on another node: by our clock, and how long ago that is."""

from __future__ import annotations

from typing import NamedTuple

from msgspec.structs import replace

from chatops.chat.groups import Group
from chatops.chat.past import KEPT
from chatops.cluster.frame_queue import SEALED


class Lag(NamedTuple):
    """How far back a frame is when it is read."""

    seconds: float = 0.0           # since it was closed, by no clock that anybody may set
    at: float = 0.0                # when that was, by the wall clock of its node

    def may_be_late(self, most: float) -> bool:
        """Whether anything in it may have been said more than `most` seconds ago: no frame is
        open for long.
        """
        return self.seconds > most - SEALED

    def late(self, group: Group, most: float) -> bool:
        """Whether this is what somebody said, more than `most` seconds ago; before it is
        `stamped`.
        """
        return group.kind in KEPT and self.seconds + (self.at - group.at) > most


def stamped(group: Group, node: str, ahead: float, *, late: bool = False) -> Group:
    """As somebody's who is on that node, at the time of our clock, which is so far ahead."""
    return replace(group, sender=replace(group.sender, node=node), at=group.at + ahead, late=late)
