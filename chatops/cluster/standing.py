"""How this node stands, as the others are told: its people, its rooms, its bans.  Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

import msgspec

from chatops.chat.elsewhere import Person
from chatops.chat.hub import Hub
from chatops.chat.room_state import state_of
from chatops.chat.session import Room
from chatops.cluster.frames import AllTold, Item, Order, RoomsStand, Roster
from chatops.server.orders import Rulings
from chatops.server.rulings import Ruling

PART = 1000                    # people, rooms or bans in one item,
SIZE = 64 << 10                # which has so many bytes, or is one of those: frames are not longer

T = TypeVar("T")


def person(hub: Hub, ident: int, skew: float) -> Person | None:
    """One of ours as others may see it; None for nobody, or not yet.  Our clock is so many seconds
    ahead of the engine's.
    """
    session = hub.sessions.get(ident)
    if session is None or not session.registered:
        return None
    ranks = tuple([(name, prefixes) for name, room in session.rooms.items()
                   if (prefixes := room.rules.prefixes(ident))])
    return Person(session.sender, tuple(session.rooms), session.away, session.realname,
                  session.guest, ranks, session.hidden, session.is_oper, session.is_bot,
                  session.tls, hub.at + session.muted_until - hub.now - skew
                  if session.muted_until > hub.now else 0.0)


def rooms(which: Iterable[Room], skew: float) -> Iterator[Item]:
    """What holds in these; our clock is so many seconds ahead of the engine's."""
    for part in _parts([state_of(room).shifted(-skew) for room in which]):
        yield RoomsStand(part)


def rulings(which: Iterable[Ruling]) -> list[Rulings]:
    """All of these, in parts that fit into items."""
    return [Rulings(tuple(part)) for part in _parts(which)]


def _parts(things: Iterable[T]) -> Iterator[list[T]]:
    part: list[T] = []
    size = 0
    for thing in things:
        weight = len(msgspec.msgpack.encode(thing))
        if part and (len(part) == PART or size + weight > SIZE):
            yield part
            part, size = [], 0
        part.append(thing)
        size += weight
    if part:
        yield part


def everything(hub: Hub, bans: Sequence[Ruling], skew: float) -> Iterator[Item]:
    """All that others have to know of this node; the bans' times are the engine's already."""
    people = [each for ident in hub.sessions if (each := person(hub, ident, skew)) is not None]
    parts = list(_parts(people)) or [[]]
    for number, part in enumerate(parts):
        yield Roster(part, number == 0, number == len(parts) - 1)
    yield from rooms([room for room in hub.rooms.values()
                      if room.members and (room.rules.maker or room.rules.modes_at
                                           or room.rules.topic_at)], skew)
    yield AllTold()
    for ruled in rulings(bans):
        yield Order("", "", 0, ruled)
