"""When something was said on another node: by our clock, and how long ago that is."""

from __future__ import annotations

from typing import NamedTuple

from msgspec.structs import replace

from chatops.chat.groups import Group
from chatops.chat.past import KEPT


class Lag(NamedTuple):
    """How far back a frame is when it is read."""

    seconds: float = 0.0           # since it was closed, by no clock that anybody may set
    at: float = 0.0                # when that was, by the wall clock of its node

    def since(self, group: Group) -> float:
        """Seconds since this was said, before it is `stamped`."""
        return self.seconds + (self.at - group.at)

    def late(self, group: Group, most: float) -> bool:
        """Whether it is what somebody said, more than `most` seconds ago."""
        return group.kind in KEPT and self.since(group) > most


def stamped(group: Group, node: str, ahead: float, *, late: bool = False) -> Group:
    """As somebody's who is on that node, at the time of our clock, which is so far ahead."""
    return replace(group, sender=replace(group.sender, node=node), at=group.at + ahead, late=late)
