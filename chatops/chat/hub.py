"""The hub: sessions and rooms, and what follows when somebody says something.

Sans-I/O: it is told what somebody does and what time it is, and leaves a list of `effects` to
be carried out in order.  What a room is to hear is gathered, as groups that still have their
sender, and leaves as one `Deliver` per room and turn, which is what makes the server fast;
anything that must not overtake them (a line for one client, somebody entering or leaving) first
sends off what is gathered.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Protocol

from msgspec.structs import replace

from chatops.api import events
from chatops.chat.dialect import Dialect
from chatops.chat.effects import CloseConnection, Enter, Leave
from chatops.chat.elsewhere import Person
from chatops.chat.formatting import strip
from chatops.chat.groups import Group, Kind, Sender
from chatops.chat.limits import ChatLimits
from chatops.chat.moderation import Rules
from chatops.chat.nicks import Nicks
from chatops.chat.session import Room, Session
from chatops.chat.telling import Telling
from chatops.units import format_duration

LOBBY = "lobby"
SHOWN = 400                    # characters of what is said that an event repeats: in ASCII,
                               # a string that CPython keeps apart from the chunks


class Witness(Protocol):
    """Who wants to know of everybody that comes, goes, or is called something else."""

    def came(self, session: Session) -> None:
        """It is here, under its nick."""

    def renamed(self, session: Session, old: Sender) -> None:
        """It has another nick than before."""

    def logged_in(self, session: Session) -> None:
        """It is known by another account than before, or by none; it may be nobody to others yet.
        """

    def went(self, session: Session) -> None:
        """It is here no more."""

    def moved_elsewhere(self, old: str, person: Person | None) -> None:
        """Somebody on another node, who was called `old` if anything, stands like this now; None
        is gone.
        """


class Hub(Telling):
    """All of the chat's state.  `now` (monotonic) and `at` (wall clock) are set by the
    owner before it calls anything; one hub belongs to one thread.

    A session speaks in a room that it names, or in its current one.  Doors
    (`chatops.chat.intake`) understand what clients want and call what is here.
    """

    def __init__(self, limits: ChatLimits | None = None) -> None:
        super().__init__(limits if limits is not None else ChatLimits())
        self.lines_in = 0
        self.nicks = Nicks()
        self.witness: Witness | None = None
        self.cloak: Callable[[str], Sender] | None = None    # what others see of a peer, if
        self.lobby = self.rooms.open(LOBBY)                   # they see anything of it

    # -- coming and going

    def connect(self, session: Session, fd: int) -> Session:
        """A newcomer, in no room yet."""
        self.sessions[session.id] = session
        self.nicks.greet(session)
        if session.registered:
            self.nicks.welcome(session)
        if self.cloak is not None:
            shown = self.cloak(session.peer)
            session.sender = replace(session.sender, user=shown.user, host=shown.host)
        self.effects.append(events.Connected(self.at, session.id, fd, session.nick, session.peer))
        if session.registered and self.witness is not None:
            self.witness.came(session)
        self.touch(session)
        return session

    def introduce(self, session: Session) -> None:
        """Tell the room of a newcomer that has spoken, or stayed `announce_after` long.

        Until then it is only listed: a health check that connects and leaves is no news.
        """
        if session.announced or session.id not in self.sessions:
            return
        session.announced = True
        room, limits = session.room, self.limits
        if room is not None:
            self._tell_others([room], session.sender, "join", session.realname)
        if room is None or len(room.members) == 1:
            return
        quiet = not room.may_announce(self.now, limits.announce_up_to + 1, limits.announce_rate)
        if quiet and not room.followers:
            return
        self._send_off(room)
        self.effects.append(Leave(session.id, room.name))      # to itself it is no news
        self.gather(room, self.group(session.sender, "join", session.realname, quiet=quiet))
        self._send_off(room)
        self._listen(session, room, back=True)

    def leave(self, session: Session, reason: str, words: str = "", *, error: bool = False,
              by: Sender | None = None) -> None:
        """Take a client out, tell its rooms, and have its connection closed in order, after a
        last line of these words.  An `error` is one that it did not ask for; `by` sent it away.
        """
        self._send_off_all(session)
        self.disconnect(session, reason)
        farewell = (session.dialect.farewell(session.sender, words, error=error, by=by) if words
                    else b"")
        self.effects.append(CloseConnection(session.id, reason, farewell))

    def disconnect(self, session: Session, reason: str) -> None:
        """The connection is gone already.  Idempotent."""
        if self.sessions.pop(session.id, None) is None:
            return
        self.nicks.release(session)
        self.touch(session)
        rooms = list(session.rooms.values())
        for room in rooms:
            self._exit(session, room)
        if session.announced:
            self._tell_peers(rooms, session.sender, "quit", "" if reason == "left" else reason)
        if session.registered and self.witness is not None:
            self.witness.went(session)

    # -- what is said

    def talk(self, session: Session, text: bytes, lines: int = 1, room: Room | None = None
             ) -> None:
        """Clean lines for a room, the current one if none is named, without a last newline."""
        room = room or session.room
        if room is None:
            self.error(session, "you are in no room")
            return
        if room.guarded and (why := room.rules.hushed(session.sender)) is not None:
            self.error(session, f"you may not speak in {room.name}: "
                                + ("it is moderated" if why == "moderated" else "you are banned"))
            return
        number = self._numbered
        self._numbered = number + lines
        if not room.pending:           # as `gather` does, without a call for each chunk
            self.dirty.append(room)
        room.pending.append(Group(session.sender, "talk", text, lines, self.at, number))
        room.pending_lines += lines
        self.effects.append(events.Said(
            self.at, session.id, session.nick, room.name,
            _shown(text[:4 * (SHOWN + 1)].decode("utf-8", "ignore")), lines))

    def act(self, session: Session, text: str, room: Room | None = None) -> None:
        """`/me`"""
        room = room or session.room
        if room is None:
            self.error(session, "you are in no room")
        elif room.guarded and room.rules.hushed(session.sender):
            self.error(session, f"you may not speak in {room.name}")
        else:
            self.say(session, room, "action", text)

    def say(self, session: Session, room: Room, kind: Kind, text: str, *,
            plain: str | None = None, tags: bytes = b"") -> None:
        """Something for a room that is not mere talk: it has been found that this may be said.
        `plain` is the text without formatting, where that is another one.
        """
        group = self.group(session.sender, kind, text, tags=tags, plain=plain)
        self.gather(room, group)
        shown = _shown(text if plain is None else plain)
        if kind in ("talk", "notice"):
            self.effects.append(events.Said(self.at, session.id, session.nick, room.name, shown))
        elif kind == "action":
            self.effects.append(events.Acted(self.at, session.id, session.nick, room.name, shown))

    def whisper(self, session: Session, other: Session, text: str, kind: Kind = "talk", *,
                plain: str | None = None, tags: bytes = b"") -> None:
        """Something for one other alone."""
        group = self.group(session.sender, kind, text, target=other.nick, tags=tags, plain=plain)
        self.tell(other, other.dialect.private(other.sender, group))
        self.tell(session, session.dialect.copy(session.sender, group))
        if kind in ("talk", "notice", "action"):
            self.effects.append(events.Whispered(self.at, session.id, session.nick, other.id,
                                                 other.nick))

    # -- names and rooms

    def rename(self, session: Session, nick: str = "") -> None:
        """Give it this nick, or the one of a guest.  Raises `names.InvalidName`, with what to
        tell the client.
        """
        old = session.sender
        if nick:
            self.nicks.claim(session, nick, max_width=self.limits.nick_width,
                             ascii_only=self.limits.ascii_nicks)
        else:
            nick = self.nicks.strip(session)
        self.effects.append(events.Renamed(self.at, session.id, old.nick, nick))
        self.touch(session)
        self._tell_peers(list(session.rooms.values()), old, "nick", nick, also=session)
        if self.witness is not None:
            self.witness.renamed(session, old)

    def log_in(self, session: Session, account: str, made_at: float = 0.0) -> None:
        """It has proved to own this account, or, if that is "", is logged out of the one it had."""
        session.sender, session.account_made = replace(session.sender, account=account), made_at
        self.touch(session)
        if session.registered:
            self.tell_peers(session, "account", account)
        if self.witness is not None:
            self.witness.logged_in(session)

    def speak(self, session: Session, dialect: Dialect, *, echo: bool = True) -> None:
        """From here on it is spoken to in another dialect, with or without what it says."""
        for room in session.rooms.values():
            self._send_off(room)
            self.effects.append(Leave(session.id, room.name))
            room.followers += dialect.follows - session.dialect.follows
        session.dialect, session.echo = dialect, echo
        for room in session.rooms.values():
            self._listen(session, room, back=True)

    def enter(self, session: Session, room: Room) -> None:
        """Put it into a room, which becomes its current one; others that it is in it stays in."""
        if session.announced:
            self.announce(room, session.sender, "join", session.realname)
        self._send_off(room)           # not for the newcomer
        if not room.population and room is not self.lobby:
            room.rules.created_at = self.at
            room.rules.promote(session.sender, self.at)    # of a new room, its maker
            if self.elsewhere is not None:
                room.rules.maker = f"{self.elsewhere.node}#{session.id}"
                self.touch_room(room)
        room.rules.invited.pop(session.id, None)
        self.rooms.enter(session, room)
        self._listen(session, room)

    def part(self, session: Session, room: Room, reason: str = "") -> None:
        """Take it out of one of its rooms; the others there are told."""
        self._send_off(room)
        self._exit(session, room)
        if not session.rooms:
            session.room = None
        self.announce(room, session.sender, "part", reason)

    def kick(self, session: Session, room: Room, by: Sender, reason: str) -> None:
        """Put a member out of a room, all of which hears it."""
        self.news([room], session.nick)
        self.gather(room, self.group(by, "kick", reason, target=session.nick))
        self.put_out(session, room)

    def put_out(self, session: Session, room: Room) -> None:
        """The same, where all have heard it.  A plain client, which has to be somewhere, finds
        itself in the lobby.
        """
        self._send_off(room)
        self._exit(session, room)
        if session.rooms:
            return
        session.room = None
        if not session.dialect.follows:
            self.enter(session, self.lobby)
            self.notice(session, f"you are in {self.lobby.name}")

    def set_topic(self, session: Session, room: Room, topic: str) -> None:
        """A member's; that it may has been found."""
        rules = room.rules
        rules.topic, rules.topic_by, rules.topic_at = topic, str(session.nick), self.at
        self.touch_room(room)
        self.gather(room, self.group(session.sender, "topic", topic, plain=strip(topic)))

    def set_modes(self, by: Sender, room: Room, written: str) -> None:
        """The rules are others now, as `written`."""
        self._send_off(room)           # it was said under the rules that there were
        room.rules.modes_at = self.at
        room.apply_rules()
        self.rooms.changed()
        self.touch_room(room)
        self.gather(room, self.group(by, "mode", written))

    def move(self, session: Session, name: str) -> None:
        """Take a client from its current room to another.  The name has been checked."""
        old, before = session.room, session.where
        if old is not None:
            self._send_off(old)
            self._exit(session, old)
            self.announce(old, session.sender, "move", name)
        room = self.rooms.open(name)
        self.effects.append(events.Moved(self.at, session.id, session.nick, before, name))
        self.enter(session, room)

    def _listen(self, session: Session, room: Room, *, back: bool = False) -> None:
        self.touch(session)
        self.effects.append(Enter(session.id, room.name, session.dialect, session.echo,
                                  room.kept_as, back))

    def _exit(self, session: Session, room: Room) -> None:
        self.touch(session)
        self.rooms.leave(session, room)
        room.rules.forget(session.id)
        self.effects.append(Leave(session.id, room.name))
        self.close_if_empty(room)

    # -- who may speak, and who may come in

    def mute(self, session: Session, seconds: float) -> bool:
        """Let a client listen only; 0 seconds is for ever.  Whether that is another time than it
        was.
        """
        until = self.now + (seconds or inf)
        if until == session.muted_until:
            return False
        session.muted_until = until
        self.touch(session)
        how_long = f" for {format_duration(seconds)}" if seconds else ""
        self.notice(session, f"you were muted{how_long}: you can listen, but not speak")
        return True

    def unmute(self, session: Session) -> bool:
        """Let it speak again; whether it could not."""
        was = session.muted_until > self.now
        session.muted_until = 0.0
        if was:
            self.touch(session)
            self.notice(session, "you can speak again")
        return was

    def rules_of(self, name: str) -> tuple[Rules | None, int]:
        """What holds in a room for who wants to come in, and how many are there; None for a
        room that would be new.
        """
        if name not in self.rooms:
            return None, 0
        room = self.rooms.open(name)
        return (room.rules if room.population else None), room.population


def _shown(text: str) -> str:
    """As much of it as an event repeats: thousands of events are kept, whatever they say."""
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
