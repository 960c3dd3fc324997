"""Who is on other nodes: found by nick and by room, as the hub finds its own sessions.

Sans-I/O.  What is known of another node is what it has told last; a node that cannot be
reached keeps its people until it is known to be gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, NamedTuple

import msgspec

from chatops.chat import names
from chatops.chat.bounds import Few, Name, Text
from chatops.chat.groups import Sender

STEP = 100                     # people: a millisecond


class Person(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Somebody as others may see it, and the rooms it is in.  `who.node` says where."""

    who: Sender
    rooms: Annotated[tuple[Name, ...], Few] = ()
    away: Text = ""
    realname: Text = ""
    guest: bool = True
    # Where it is an operator or has a voice, as @ and +.
    ranks: Annotated[tuple[tuple[Name, Name], ...], Few] = ()
    hidden: bool = False           # from who shares no room with it; older nodes do not say it,
    oper: bool = False             # nor what follows
    bot: bool = False
    tls: bool = False
    muted_until: float = 0.0       # wall clock, the engine's where nodes tell it; inf is for ever

    def prefixes(self, room: str) -> str:
        """What stands before its nick in a room."""
        return next((prefixes for name, prefixes in self.ranks if name == room), "")


class Moves(NamedTuple):
    """Who has come into rooms and who has left them, where one picture follows another."""

    entered: list[tuple[Person, str]]
    left: list[tuple[Person, str]]


class Elsewhere:
    """Everybody on other nodes.  Belongs to the thread of the hub."""

    def __init__(self, node: str) -> None:
        """`node` is this one."""
        self.node = node
        self.nodes: set[str] = set()   # the others that are there
        self.hidden = self.opers = 0   # of the people: counted, for each newcomer is told
        self.people: dict[tuple[str, int], Person] = {}
        self._of: dict[str, dict[int, Person]] = {}    # the same, by node and id
        self._by_nick: dict[str, Person] = {}
        self._by_look: dict[str, Person] = {}
        self.version = 0               # another after each change
        self.rooms: dict[str, dict[tuple[str, int], Person]] = {}
        self.settled = True            # what holds in their rooms is known
        self.moved: list[tuple[str, Person | None]] = []   # old nicks, and who is called otherwise
        self.waiting: dict[int, None] = {}     # our clients that want into a room until then

    def find(self, nick: str) -> Person | None:
        """Who is called this, in any case."""
        return self._by_nick.get(names.fold(nick))

    def alike(self, look: str) -> Person | None:
        """Whose nick, chosen and not given, has this skeleton."""
        return self._by_look.get(look)

    def of(self, node: str) -> list[Person]:
        """Who is on this node."""
        return list(self._of.get(node, {}).values())

    def inside(self, room: str) -> Iterable[Person]:
        """Who is in a room, those of its other nodes."""
        return self.rooms.get(room, _NOBODY).values()

    def put(self, person: Person) -> Moves:
        """It stands like this now."""
        key = person.who.node, person.who.id
        before = self.people.get(key)
        had = before.rooms if before is not None else ()
        if before is not None:
            self._forget(key, before)
        if before is None or before.who.nick != person.who.nick:
            self.moved.append((before.who.nick if before is not None else "", person))
        self.version += 1
        self.people[key] = person
        self.hidden += person.hidden
        self.opers += person.oper
        self._of.setdefault(key[0], {})[key[1]] = person
        self._by_nick[names.fold(person.who.nick)] = person
        if not person.guest:
            self._by_look[names.skeleton(person.who.nick)] = person
        for room in person.rooms:
            self.rooms.setdefault(room, {})[key] = person
        return Moves([(person, room) for room in person.rooms if room not in had],
                     [(person, room) for room in had if room not in person.rooms])

    def free(self, person: Person) -> None:
        """Its nick is another's from here on, though it does not know yet."""
        self._forget_nick(person)

    def take(self, node: str, id: int) -> Moves:  # noqa: A002
        """It is no more.  Harmless when nobody has known of it."""
        person = self.people.get((node, id))
        if person is None:
            return Moves([], [])
        self._forget((node, id), person)
        self.moved.append((person.who.nick, None))
        return Moves([], [(person, room) for room in person.rooms])

    def replace(self, node: str, people: Iterable[Person]) -> Moves:
        """These are all who are on a node."""
        moves = Moves([], [])
        for part in self.replacing(node, people):
            moves.entered.extend(part.entered)
            moves.left.extend(part.left)
        return moves

    def replacing(self, node: str, people: Iterable[Person]) -> Iterator[Moves]:
        """The same in steps: those first who are no more, then those who are."""
        now = {person.who.id: person for person in people}
        gone = [person for person in self.of(node) if person.who.id not in now]
        for some in _parts(gone):
            yield Moves([], [each for person in some
                             for each in self.take(node, person.who.id).left])
        for some in _parts(list(now.values())):
            moves = [self.put(person) for person in some]
            yield Moves([each for one in moves for each in one.entered],
                        [each for one in moves for each in one.left])

    def _forget(self, key: tuple[str, int], person: Person) -> None:
        self.version += 1
        del self.people[key]
        self.hidden -= person.hidden
        self.opers -= person.oper
        of = self._of[key[0]]
        del of[key[1]]
        if not of:
            del self._of[key[0]]
        self._forget_nick(person)
        for room in person.rooms:
            inside = self.rooms.get(room)
            if inside is not None:
                inside.pop(key, None)
                if not inside:
                    del self.rooms[room]

    def _forget_nick(self, person: Person) -> None:
        # Another may be called so by now, while the news of it was under way.
        nick, look = names.fold(person.who.nick), names.skeleton(person.who.nick)
        if self._by_nick.get(nick) is person:
            del self._by_nick[nick]
        if self._by_look.get(look) is person:
            del self._by_look[look]


def _parts(people: Sequence[Person]) -> Iterator[Sequence[Person]]:
    return (people[n:n + STEP] for n in range(0, len(people), STEP))


_NOBODY: dict[tuple[str, int], Person] = {}
