"""The rooms there are: found by name, and listed with the largest first."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator, ValuesView

from chatops.chat.session import Room, Session


class Rooms:
    """Kept in the order in which they are listed.

    Sorting them for each `/rooms` held the loop for most of a second when twenty clients
    asked for a thousand rooms, 128 times a turn.  Moving one room costs two bisections, and
    the text of a listing is made again only when somebody has come or gone.
    """

    __slots__ = ("_by_name", "_listing", "_order")

    def __init__(self) -> None:
        self._by_name: dict[str, Room] = {}
        self._order: list[tuple[int, str]] = []        # minus its members, and its name
        self._listing: tuple[int, list[str]] | None = None

    def __len__(self) -> int:
        return len(self._by_name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def values(self) -> ValuesView[Room]:
        """All of them, the oldest first."""
        return self._by_name.values()

    def open(self, name: str) -> Room:
        """The room of this name, made if need be."""
        room = self._by_name.get(name)
        if room is None:
            room = self._by_name[name] = Room(name)
            self._put(room)
        return room

    def close(self, room: Room) -> None:
        """Forget it.  Harmless when that has been done already."""
        if self._by_name.get(room.name) is room:
            del self._by_name[room.name]
            self._take(room)

    def enter(self, session: Session, room: Room) -> None:
        """From here on it is a member of this room, which becomes its current one."""
        session.room = session.rooms[room.name] = room
        if session.id in room.members:
            return
        self._take(room)
        room.members[session.id] = session
        room.followers += session.dialect.follows
        self._put(room)

    def leave(self, session: Session, room: Room) -> None:
        """It is no member of this room any more.  Its current one is another that it is in; if
        there is none, this one stays on record.
        """
        if session.rooms.pop(room.name, None) is None:
            return
        if session.room is room and session.rooms:
            session.room = next(iter(session.rooms.values()))
        self._take(room)
        del room.members[session.id]
        room.followers -= session.dialect.follows
        self._put(room)

    def count_elsewhere(self, name: str, count: int) -> None:
        """So many members of this room are on other nodes."""
        room = self.open(name)
        self._take(room)
        room.elsewhere = count
        self._put(room)

    def listing(self, most: int) -> list[str]:
        """What `/rooms` answers: so many lines, and one for the others."""
        if self._listing is None or self._listing[0] != most:
            shown = [(name, -members) for members, name in self._order
                     if "s" not in self._by_name[name].rules.flags]
            lines = [f"{name}: {members}" for name, members in shown[:most]]
            if len(shown) > most:
                lines.append(f"and {len(shown) - most} more rooms")
            self._listing = (most, lines)
        return self._listing[1]

    def changed(self) -> None:
        """What a room is has changed: the listing may be another."""
        self._listing = None

    def _put(self, room: Room) -> None:
        self._listing = None
        insort(self._order, (-room.population, room.name))

    def _take(self, room: Room) -> None:
        self._listing = None
        place = (-room.population, room.name)
        at = bisect_left(self._order, place)
        assert self._order[at] == place, f"{room!r} is not where it should be"
        del self._order[at]
