"""What was decided about an address, as nodes tell it each other: of two rulings the later holds.

A ban that is lifted leaves its moment behind, or a node that was away would bring the ban back.
"""

from __future__ import annotations

from math import inf

import msgspec

from chatops.api import commands
from chatops.server.bans import BanEntry, BanList, network_of

APART = 1.0                    # seconds that one ruling may differ from itself, by two clocks


class Ruling(msgspec.Struct, frozen=True, array_like=True):
    """A ban, or that one was lifted.  Times are seconds of one clock; `until` of 0 is for good."""

    network: str
    at: float
    until: float = 0.0
    reason: str = ""
    lifted: bool = False

    def shifted(self, seconds: float) -> Ruling:
        """The same by a clock that is so far ahead."""
        return Ruling(self.network, self.at + seconds,
                      self.until + seconds if self.until else 0.0, self.reason, self.lifted)


NEVER = Ruling("", -inf)       # nothing has been decided


def same(one: Ruling, other: Ruling) -> bool:
    """Whether it is one ruling, told by nodes that have compared their clocks at two moments."""
    return (abs(one.at - other.at) < APART and abs(one.until - other.until) < APART
            and (one.network, one.reason, one.lifted, not one.until)
            == (other.network, other.reason, other.lifted, not other.until))


def of_ban(ban: BanEntry) -> Ruling:
    """As it is told."""
    return Ruling(ban.network, ban.at, ban.until, ban.reason)


def as_command(ruling: Ruling) -> commands.Ban | commands.Unban:
    """What an admin says to have it so."""
    if ruling.lifted:
        return commands.Unban(ruling.network)
    return commands.Ban(ruling.network, round(ruling.until - ruling.at) if ruling.until else 0.0,
                        ruling.reason)


def all_of(bans: BanList, now: float) -> list[Ruling]:
    """All that a newcomer among the nodes has to know."""
    return [*map(of_ban, bans.all(now)),
            *[Ruling(str(network), at, lifted=True) for network, at in bans.lifted.items()]]


def settle(bans: BanList, ruling: Ruling) -> bool:
    """Have it hold, unless something later holds already.  Raises `bans.BanError`."""
    at, ban = bans.ruled_at(ruling.network), bans.get(ruling.network)
    now = of_ban(ban) if ban is not None else Ruling(str(network_of(ruling.network)), at,
                                                     lifted=at > -inf)
    if ruling.at <= at or same(now, ruling):
        return False
    if ruling.lifted:
        bans.remove(ruling.network, ruling.at)
    else:
        bans.put(BanEntry(ruling.network, ruling.at, ruling.until, ruling.reason))
    return True
