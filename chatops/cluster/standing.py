"""How this node stands, as the others are told: its people, its rooms, its bans.  Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from chatops.chat.elsewhere import Person
from chatops.chat.hub import Hub
from chatops.chat.room_state import state_of
from chatops.chat.session import Room
from chatops.cluster.frames import AllTold, Item, Order, RoomsStand, Roster
from chatops.server.orders import Rulings
from chatops.server.rulings import Ruling

PART = 1000                    # people, or bans, in one item
ROOMS = 50                     # in one item: of each, a hundred masks may be told


def person(hub: Hub, ident: int) -> Person | None:
    """One of ours as others may see it; None for nobody, or not yet."""
    session = hub.sessions.get(ident)
    if session is None or not session.registered:
        return None
    ranks = tuple([(name, prefixes) for name, room in session.rooms.items()
                   if (prefixes := room.rules.prefixes(ident))])
    return Person(session.sender, tuple(session.rooms), session.away, session.realname,
                  session.guest, ranks, session.hidden)


def rooms(which: Iterable[Room], skew: float) -> Iterator[Item]:
    """What holds in these; our clock is so many seconds ahead of the engine's."""
    states = [state_of(room).shifted(-skew) for room in which]
    for n in range(0, len(states), ROOMS):
        yield RoomsStand(states[n:n + ROOMS])


def everything(hub: Hub, rulings: Sequence[Ruling], skew: float) -> Iterator[Item]:
    """All that others have to know of this node; the rulings' times are the engine's already."""
    people = [each for ident in hub.sessions if (each := person(hub, ident)) is not None]
    parts = [people[n:n + PART] for n in range(0, len(people), PART)] or [[]]
    for number, part in enumerate(parts):
        yield Roster(part, number == 0, number == len(parts) - 1)
    yield from rooms([room for room in hub.rooms.values()
                      if room.members and (room.rules.maker or room.rules.modes_at
                                           or room.rules.topic_at)], skew)
    yield AllTold()
    for n in range(0, len(rulings), PART):
        yield Order("", "", 0, Rulings(tuple(rulings[n:n + PART])))
