"""What clients and rooms are told, in which order, and what other nodes are: the hub's voice.

Nothing is decided here.  What a room is to hear is gathered and leaves as one `Deliver` per room
and turn; anything that must not overtake it first sends off what is gathered.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from chatops.api import events
from chatops.chat.effects import Announce, Deliver, Effect, Tell
from chatops.chat.elsewhere import Elsewhere
from chatops.chat.groups import ADMIN, Group, Kind, Sender
from chatops.chat.limits import ChatLimits
from chatops.chat.rooms import Rooms
from chatops.chat.sanitize import clean_text
from chatops.chat.session import Room, Session

LOOKED_AT = 64                 # of what a room is to hear, when somebody is lost


class Telling:
    """The part of a hub that speaks.  A base of it and not a part, for the sake of `Hub.talk`,
    which gathers without a call.
    """

    lobby: Room                # never closed, whoever is in it

    def __init__(self, limits: ChatLimits) -> None:
        self.limits = limits
        self.now = 0.0
        self.at = 0.0
        self.effects: list[Effect] = []
        self.sessions: dict[int, Session] = {}
        self.rooms = Rooms()
        self.dirty: list[Room] = []    # what they are to hear has not been sent off
        self.elsewhere: Elsewhere | None = None    # who is on other nodes, if there are any
        self.touched: dict[int, None] = {}         # whom those have to be told of anew,
        self.touched_rooms: dict[str, None] = {}   # and of which rooms' state
        self.costly = 0                # lines in this turn that were looked at one by one
        self._numbered = 0             # lines that have a number
        # Where it waits, in this turn, that somebody came, went or is somebody else; by nicks.
        self._news: dict[str, Sequence[Room]] = {}

    # -- other nodes

    def touch(self, session: Session) -> None:
        """Other nodes are to be told how it stands, at the end of the turn."""
        if self.elsewhere is not None:
            self.touched[session.id] = None

    def touch_room(self, room: Room) -> None:
        """Other nodes are to be told what holds there."""
        if self.elsewhere is not None:
            self.touched_rooms[room.name] = None

    # -- to one

    def tell(self, session: Session, data: bytes) -> None:
        """Whole lines in its dialect for one client, after all that its rooms have been told."""
        self._send_off_all(session)
        if data:
            self.effects.append(Tell(session.id, data, data.count(b"\n")))

    def notice(self, session: Session, *lines: str) -> None:
        """The server has something to say to it."""
        self.tell(session, session.dialect.notice(session.sender, lines))

    def error(self, session: Session, text: str) -> None:
        """What it asked for cannot be done; the client stays."""
        self.tell(session, session.dialect.error(session.sender, text))

    def bad_input(self, session: Session, kind: str) -> None:
        """Report something refused or cleaned: the first time, then at each doubling."""
        bad = session.bad
        if bad is None:
            bad = session.bad = {}
        count = bad[kind] = bad.get(kind, 0) + 1
        if count & (count - 1) == 0:
            self.effects.append(events.BadInput(self.at, session.id, session.nick, kind, count))

    # -- to rooms

    def group(self, sender: Sender, kind: Kind, text: str = "", *, target: str = "",
              quiet: bool = False, repeats: bool = False, tags: bytes = b"",
              plain: str | None = None) -> Group:
        """One line of its own number, made now."""
        self._numbered += 1
        return Group(sender, kind, text.encode(), 1, self.at, self._numbered - 1, target, quiet,
                     repeats, tags, None if plain is None else plain.encode())

    def announce(self, room: Room, sender: Sender, kind: Kind, text: str = "", *,
                 repeats: bool = False, also: Session | None = None) -> None:
        """Tell a room who came, went or is called what.  Where it is too large or too busy for
        that, only those hear it whose dialect follows it, and `also`.
        """
        self._tell_others([room], sender, kind, text)
        self.announce_here(room, sender, kind, text, repeats=repeats, also=also)

    def announce_here(self, room: Room, sender: Sender, kind: Kind, text: str = "", *,
                      repeats: bool = False, also: Session | None = None, quiet: bool = False
                      ) -> None:
        """The same, but other nodes are not told; `quiet` is for those alone who follow."""
        self.news([room], sender.nick)
        self._announce_here(room, sender, kind, text, repeats=repeats, also=also, quiet=quiet)

    def _announce_here(self, room: Room, sender: Sender, kind: Kind, text: str, *,
                       repeats: bool, also: Session | None, quiet: bool) -> None:
        if not room.members:
            return
        limits = self.limits
        quiet = quiet or not room.may_announce(self.now, limits.announce_up_to,
                                               limits.announce_rate)
        if not quiet or (room.followers and not repeats):
            self.gather(room, self.group(sender, kind, text, quiet=quiet, repeats=repeats))
        if quiet and also is not None and not also.dialect.follows:
            self._tell_of(also, room, self.group(sender, kind, text))

    def news(self, rooms: Sequence[Room], *nicks: str) -> None:
        """Somebody is about to be told of in these rooms, by these nicks: what waits to be told
        of them in others goes first.

        Who follows such things is in several of them.  A client that hears of a new nick before
        it hears that the old one has come into a room, or gone, shows the old one for ever.
        """
        for nick in nicks:
            waiting = self._news.get(nick, ())
            if len(waiting) != 1 or list(waiting) != list(rooms):      # in one room it is in order
                for room in waiting:
                    self._send_off(room)
            self._news[nick] = rooms

    def _tell_others(self, rooms: Sequence[Room], sender: Sender, kind: Kind, text: str) -> None:
        """Have other nodes tell their members of these rooms, after what was said there before."""
        if self.elsewhere is None or sender.node or not rooms:
            return
        for room in rooms:
            self._send_off(room)
        self.effects.append(Announce(tuple([room.name for room in rooms]),
                                     self.group(sender, kind, text)))

    def broadcast(self, text: str) -> int:
        """The admin speaks to everybody here; returns to how many."""
        heard, group = 0, self.group(ADMIN, "broadcast", clean_text(text), repeats=True)
        for room in self.rooms.values():
            if room.members:
                self.gather(room, group)
        for session in self.sessions.values():
            if not session.registered:
                continue
            heard += 1
            if session.dialect.follows or not session.rooms:       # once, whatever rooms it is in
                self.tell(session, session.dialect.private(session.sender, replace(
                    group, target=session.nick, repeats=False)))
        return heard

    def hear(self, name: str, groups: Iterable[Group]) -> None:
        """What was said elsewhere, by people who have no session here; nothing is reported.  Of
        no account where nobody is in a room of this name.

        It gets numbers of ours: two nodes count alike, and by its number a message is known.
        """
        if name in self.rooms:
            room = self.rooms.open(name)
            if room.members:
                for group in groups:
                    self.gather(room, replace(group, number=self._numbered))
                    self._numbered += group.lines

    def gather(self, room: Room, group: Group) -> None:
        """Have a room hear this at the end of the turn, or before anything that must follow."""
        if not room.pending:
            self.dirty.append(room)
        room.pending.append(group)
        if not group.quiet:
            room.pending_lines += group.lines

    def flush(self) -> None:
        """Send off what was gathered in this turn."""
        self.costly = 0
        self._news.clear()
        dirty, self.dirty = self.dirty, []
        for room in dirty:
            self._send_off(room)
            self.close_if_empty(room)

    def close_if_empty(self, room: Room) -> None:
        """Forget a room that nobody is in, on whichever node, and that is to hear nothing."""
        if not (room.members or room.elsewhere or room.pending or room is self.lobby):
            self.rooms.close(room)

    def tell_peers(self, session: Session, kind: Kind, text: str = "") -> None:
        """Have everybody who shares a room with somebody know of a change, itself included."""
        self.touch(session)
        self._tell_peers(list(session.rooms.values()), session.sender, kind, text, also=session)

    def _tell_peers(self, rooms: Sequence[Room], sender: Sender, kind: Kind, text: str,
                    also: Session | None = None) -> None:
        """Tell all of somebody's rooms.  Who follows such things hears it once, however many
        rooms they share: in the largest, and who is not there by itself.
        """
        self._tell_others(rooms, sender, kind, text)
        self.tell_peers_here(rooms, sender, kind, text, also)

    def tell_peers_here(self, rooms: Sequence[Room], sender: Sender, kind: Kind, text: str,
                        also: Session | None = None, *, quiet: bool = False) -> None:
        """The same, but other nodes are not told; `quiet` is for those alone who follow."""
        rooms = sorted(rooms, key=lambda room: len(room.members), reverse=True)
        told: set[int] = set()
        self.news(rooms, sender.nick, *([text] if kind == "nick" else ()))
        apart = rooms if kind == "nick" and len(rooms) > 1 else ()
        for room in rooms if len(rooms) > 1 else ():
            if kind == "nick" or (kind == "quit" and _may_hear_of(room, sender)):
                self._send_off(room)   # what it has said there was said before that,
        for room in rooms:
            self._announce_here(room, sender, kind, text, repeats=room is not rooms[0], also=also,
                                quiet=quiet)
            if len(rooms) > 1 and room.followers:
                for member in room.members.values():
                    if member.dialect.follows and member.id not in told:
                        told.add(member.id)
                        if room is not rooms[0]:
                            self._tell_of(member, room, self.group(sender, kind, text))
        for room in apart:             # and what it says next, after it
            self._send_off(room)
        if not rooms and also is not None:
            self._tell_of(also, self.lobby, self.group(sender, kind, text))

    def _tell_of(self, session: Session, room: Room, group: Group) -> None:
        self.tell(session, session.dialect.render(room.name, (group,)).chunk)

    def send_off(self, session: Session) -> None:
        """Send off what is gathered for its rooms."""
        self._send_off_all(session)

    def send_off_room(self, room: Room) -> None:
        """The same for one room."""
        self._send_off(room)

    def _send_off_all(self, session: Session) -> None:
        for room in session.rooms.values():
            if room.pending:
                self._send_off(room)

    def _send_off(self, room: Room) -> None:
        if room.pending:
            self.effects.append(Deliver(room.name, room.pending, room.pending_lines,
                                        room.kept_as))
            room.lines += room.pending_lines
            room.pending = []
            room.pending_lines = 0


def _may_hear_of(room: Room, sender: Sender) -> bool:
    """Whether something that the room is to hear is this one's, or may be.  Connections are lost
    by the thousand: those are to be told of in one piece, and not each compared with all.
    """
    return len(room.pending) > LOOKED_AT or any(
        group.sender.id == sender.id and group.sender.node == sender.node
        for group in room.pending)
