"""What passes between the hub and other nodes, where the hub does not do so by itself."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from operator import itemgetter

from chatops.api import events
from chatops.chat import ranks
from chatops.chat.effects import Forward, Park, Unpark
from chatops.chat.elsewhere import Elsewhere, Moves, Person
from chatops.chat.groups import Group, Kind, Sender
from chatops.chat.hub import Hub
from chatops.chat.session import Room, Session

STEPS: frozenset[Kind] = frozenset({"join", "part", "move"})     # each of one room
RANKS = {"o": "@", "v": "+"}           # of a member, by the modes that make them
PRESENCE: frozenset[Kind] = STEPS | {"quit", "nick", "account", "away", "setname", "host"}


def begin(hub: Hub, node: str) -> Elsewhere:
    """From here on there are other nodes, and this one has a name."""
    there = hub.elsewhere = hub.nicks.elsewhere = Elsewhere(node)
    # A digit at its end must not run into the number.
    hub.nicks.guests = f"guest-{node}{'-' if node[-1].isdigit() else ''}"
    return there


def must_wait(hub: Hub, session: Session) -> bool:
    """Whether it is not known yet what holds in rooms of other nodes.  Then this client is
    parked, and the line in which it wants into one is read again when that is known.
    """
    there = hub.elsewhere
    if there is None or there.settled:
        return False
    there.waiting[session.id] = None
    session.parked = session.again = True
    hub.effects.append(Park(session.id))
    return True


def let_in(hub: Hub) -> None:
    """Have those go on who had to wait."""
    there = hub.elsewhere
    assert there is not None
    waiting, there.waiting = there.waiting, {}
    for id in waiting:  # noqa: A001
        if id in hub.sessions:
            hub.sessions[id].parked = False
            hub.effects.append(Unpark(id))


def whisper(hub: Hub, session: Session, other: Person, text: str, kind: Kind = "talk", *,
            plain: str | None = None, tags: bytes = b"") -> None:
    """Something for one client of another node."""
    group = hub.group(session.sender, kind, text, target=other.who.nick, tags=tags, plain=plain)
    hub.effects.append(Forward(other.who.node, other.who.id, group))
    hub.tell(session, session.dialect.copy(session.sender, group))
    if kind in ("talk", "notice", "action"):
        hub.effects.append(events.Whispered(hub.at, session.id, session.nick, other.who.id,
                                            other.who.nick, other.who.node))


def whispered(hub: Hub, id: int, group: Group) -> None:  # noqa: A002
    """Somebody on another node wrote to a client of ours, or has something done to it; it may be
    gone by now.
    """
    session = hub.sessions.get(id)
    if session is None or not session.registered:
        return
    room = hub.rooms.open(name) if (name := group.text.decode()) in hub.rooms else None
    if group.kind in ("kick", "mode"):         # of which all have heard already
        if room is not None and id in room.members:
            if group.kind == "kick":
                hub.put_out(session, room)
            else:
                ranks.change(hub, session, room, group.target)
    else:
        if group.kind == "invite" and room is not None:
            room.rules.invite(id)
        hub.tell(session, session.dialect.private(session.sender, group))


def changed(hub: Hub, names: Iterable[str], group: Group) -> None:
    """Somebody on another node came, went or is called something else."""
    rooms = _open(hub, names)
    if group.kind in STEPS:
        for room in rooms:
            hub.announce_here(room, group.sender, group.kind, group.text.decode())
    else:
        hub.tell_peers_here(rooms, group.sender, group.kind, group.text.decode())


def count(hub: Hub, moves: Moves) -> None:
    """These have come into rooms and left them; nobody is told."""
    there = hub.elsewhere
    assert there is not None
    for name in {room for _, room in (*moves.entered, *moves.left)}:
        hub.rooms.count_elsewhere(name, len(there.rooms.get(name, ())))
        hub.close_if_empty(hub.rooms.open(name))
    moved, there.moved = there.moved, []
    if hub.witness is not None:
        for old, person in moved:
            hub.witness.moved_elsewhere(old, person)


def follow(hub: Hub, moves: Moves, reason: str) -> None:
    """The same, where one picture of a node followed another: those are told who follow who is
    there (IRC's clients keep a list), one by one, and nobody else.
    """
    count(hub, moves)
    for person, name in moves.entered:
        for room in _open(hub, (name,)):
            hub.announce_here(room, person.who, "join", person.realname, quiet=True)
    by_person = groupby(sorted(((_key(p), p, room) for p, room in moves.left), key=itemgetter(0)),
                        key=itemgetter(0))
    for _, group in by_person:
        left = list(group)
        hub.tell_peers_here(_open(hub, [room for *_, room in left]), left[0][1].who, "quit",
                            reason, quiet=True)


def note(hub: Hub, name: str, text: str, node: str) -> None:
    """Tell the members of a room something about a node."""
    hub.hear(name, (Group(Sender(0, "", node=node), "server", text.encode(), at=hub.at),))


def _key(person: Person) -> tuple[str, int]:
    return person.who.node, person.who.id


def _open(hub: Hub, names: Iterable[str]) -> list[Room]:
    return [room for name in names if name in hub.rooms
            and (room := hub.rooms.open(name)).members]
