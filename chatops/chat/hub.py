"""The hub: sessions and rooms, and what follows when somebody says something.

Sans-I/O: it is told what came in and what time it is, and leaves a list of `effects` to be
carried out in order.  Lines for a room are gathered and leave as one `Deliver` per room and
turn, which is what makes the server fast; anything that must not overtake them (a line for
one client, somebody entering or leaving) first sends off what is gathered.

The common case, printable text with no command in it, goes through as whole chunks.
"""

from __future__ import annotations

from math import inf

from chatops.api import events
from chatops.chat import replies
from chatops.chat.effects import Answer, Close, Deliver, Effect, Enter, Hold, Leave, Tell
from chatops.chat.limits import ChatLimits
from chatops.chat.lines import affordable, cost, is_talk, split
from chatops.chat.nicks import Nicks
from chatops.chat.parser import Call, Say, parse_line
from chatops.chat.rooms import Rooms
from chatops.chat.sanitize import clean, clean_text
from chatops.chat.session import Room, Session
from chatops.chat.telnet import TelnetFilter
from chatops.units import counted

LOBBY = "lobby"
IAC = b"\xff"
GOODBYE = Call("quit", "")     # of one that has said nothing else, it is no news either
TURN_LINES = 128               # costly lines of one client in a turn, if its rate allows them
TURN_TOTAL = 1024              # of all clients, about 20 ms; beyond it each has but a few of its
LEAST_LINES = 8                # own, so that a crowd of askers holds nobody up for long
LEAST_HOLD = 0.1               # seconds; a held client is not looked at more often
SHOWN = 400                    # characters of what is said that an event repeats: in ASCII,
                               # a string that CPython keeps apart from the chunks


class Hub:
    """All of the chat's state.  `now` (monotonic) and `at` (wall clock) are set by the
    owner before it calls anything; one hub belongs to one thread.
    """

    def __init__(self, limits: ChatLimits | None = None) -> None:
        self.limits = limits if limits is not None else ChatLimits()
        self.now = 0.0
        self.at = 0.0
        self.effects: list[Effect] = []
        self.sessions: dict[int, Session] = {}
        self.rooms = Rooms()
        self.lines_in = 0
        self.nicks = Nicks()
        self._dirty: list[Room] = []
        self._costly = 0               # lines in this turn that were looked at one by one
        self.lobby = self.rooms.open(LOBBY)

    # -- coming and going

    def connect(self, id: int, fd: int, peer: str) -> Session:  # noqa: A002
        """Greet a newcomer and put it into the lobby."""
        session = Session(id, peer, self.lobby, self.limits.line)
        self.sessions[id] = session
        self.nicks.welcome(session)
        self.effects.append(events.Connected(self.at, id, fd, session.nick, peer))
        self.tell(session, f"*** welcome, {session.nick}! you are in {LOBBY} with "
                           f"{counted(len(self.lobby.members), 'other')}; /help lists what you "
                           "can do")
        session.announced = not self.limits.announce_after
        self._enter(session, self.lobby)
        return session

    def introduce(self, session: Session) -> None:
        """Tell the room of a newcomer that has spoken, or stayed `announce_after` long.

        Until then it is only listed: a health check that connects and leaves is no news.
        """
        if session.announced or session.id not in self.sessions:
            return
        session.announced = True
        room, limits = session.room, self.limits
        if len(room.members) > 1 and room.may_announce(self.now, limits.announce_up_to + 1,
                                                       limits.announce_rate):
            self._send_off(room)
            self.effects.append(Leave(session.id, room.name))      # to itself it is no news
            self._gather(room, f"*** {session.nick} joined\n".encode())
            self._send_off(room)
            self.effects.append(Enter(session.id, room.name))

    def end(self, session: Session) -> None:
        """The client has sent all it will send: what is left is its last line."""
        if rest := session.framer.end():
            self._said(session, rest + b"\n", 1)
        if session.id in self.sessions:
            self.leave(session, "left")

    def leave(self, session: Session, reason: str, last_words: str = "") -> None:
        """Take a client out, tell its room, and have its connection closed in order."""
        self._send_off(session.room)
        self.disconnect(session, reason)
        words = f"{last_words}\n".encode() if last_words else b""
        self.effects.append(Close(session.id, reason, words))

    def disconnect(self, session: Session, reason: str) -> None:
        """The connection is gone already.  Idempotent."""
        if self.sessions.pop(session.id, None) is None:
            return
        self.nicks.release(session)
        room = self._exit(session)
        if session.announced:
            self.announce(room, f"*** {session.nick} left" + (f" ({reason})" if reason != "left"
                                                             else ""))

    # -- what clients say

    def receive(self, session: Session, data: bytes) -> None:
        """Bytes came in from a client that is not held."""
        flooded = False
        if session.telnet is not None or IAC in data:
            data, flooded = self._without_telnet(session, data)
        framer = session.framer
        lines = framer.feed(data)
        if framer.crossed:
            self._overlong(session)
        if lines:
            self._lines(session, lines)
        if flooded and not session.held and session.id in self.sessions:
            self.effects.append(Hold(session.id, LEAST_HOLD))  # if its lines did not do so

    def resume(self, session: Session) -> bool:
        """The hold is over: go on with what was held.  Whether it may be read again."""
        held, session.held = session.held, b""
        if held and session.id in self.sessions:
            self._lines(session, held, rested=False)
        return not session.held and session.id in self.sessions

    def hear_out(self, session: Session) -> None:
        """Let it say what was held, whatever its rate: a turn's worth, where it is costly."""
        held, session.held = session.held, b""
        if held.count(b"\n") > TURN_LINES and not is_talk(held):
            held, session.held = split(held, TURN_LINES)
        if held:
            self._said(session, held, held.count(b"\n"))

    def _lines(self, session: Session, lines: bytes, *, rested: bool = True) -> None:
        """Whole lines, as many as the client's rate allows; the rest is held.

        One that has `rested` until its tokens were full is told again when it goes over;
        one that was held has not rested, however long that was.
        """
        count = lines.count(b"\n")
        allowed, rate = count, self.limits.rate
        if rate:
            tokens = session.refill(self.now, rate, self.limits.burst)
            if rested and tokens >= self.limits.burst:
                session.warned = False
            allowed = affordable(lines, count, tokens)
        most = TURN_LINES if self._costly < TURN_TOTAL else LEAST_LINES
        if count > most <= allowed and not is_talk(lines):
            (lines, session.held), count = split(lines, most), most
            self.effects.append(Hold(session.id, 0.0))
        elif count > allowed:
            lines, count = self._hold(session, lines, count, allowed)
        session.tokens -= cost(lines, count)
        if count:
            self._said(session, lines, count)

    def _said(self, session: Session, lines: bytes, count: int) -> None:
        session.lines_in += count
        self.lines_in += count
        if not session.muted_until and is_talk(lines):
            self._say_plain(session, lines, count)
            return
        self._costly += count
        muted = replies.Muted(self, session)
        for raw in lines.split(b"\n")[:-1]:
            self._line(session, raw, muted)
            if session.id not in self.sessions:
                return

    def _say_plain(self, session: Session, lines: bytes, count: int) -> None:
        said = lines[:-1]
        room = session.room
        if not session.announced:
            self.introduce(session)
        self._gather(room, session.prefix + (
            said.replace(b"\n", session.separator) if count > 1 else said) + b"\n", count)
        self.effects.append(events.Said(
            self.at, session.id, session.nick, room.name,
            _shown(said[:4 * (SHOWN + 1)].decode("utf-8", "ignore")), count))

    def _line(self, session: Session, raw: bytes, muted: replies.Muted) -> None:
        text = clean(raw)
        if text.encode() != raw.removesuffix(b"\r").replace(b"\t", b" "):
            self.bad_input(session, "invalid UTF-8" if "\ufffd" in text
                           else "control characters")
        parsed = parse_line(text)
        if parsed is None:
            return
        if not session.announced and parsed != GOODBYE:
            self.introduce(session)
        if isinstance(parsed, Say):
            if not muted.refuses():
                self.say(session, parsed.text)
        elif isinstance(parsed, Call):
            replies.COMMANDS[parsed.name](self, session, parsed.argument, muted)
        else:
            self.error(session, f"no command /{parsed.name}; /help lists them")

    def say(self, session: Session, text: str) -> None:
        """One line for the room, the sender included."""
        room = session.room
        self._gather(room, session.prefix + text.encode() + b"\n")
        self.effects.append(events.Said(self.at, session.id, session.nick, room.name,
                                        _shown(text)))

    def act(self, session: Session, text: str) -> None:
        """`/me`"""
        room = session.room
        self._gather(room, f"* {session.nick} {text}\n".encode())
        self.effects.append(events.Acted(self.at, session.id, session.nick, room.name,
                                         _shown(text)))

    def _hold(self, session: Session, lines: bytes, count: int, allowed: int
              ) -> tuple[bytes, int]:
        """Keep back what goes over the rate; returns what may pass now, and its lines."""
        lines, session.held = split(lines, allowed)
        limits = self.limits
        waiting = min(count - allowed, limits.burst)
        seconds = max(LEAST_HOLD, min(waiting / limits.rate, 1.0))
        self.effects.append(Hold(session.id, seconds))
        if not session.warned:
            session.warned = True
            self.effects.append(events.Throttled(self.at, session.id, session.nick, seconds))
            self.error(session, f"you are over {limits.rate:g} lines a second; you are read "
                                "more slowly for now, and nothing is lost")
        return lines, allowed

    def _without_telnet(self, session: Session, data: bytes) -> tuple[bytes, bool]:
        """The data without negotiation, and whether there was more of that than is followed."""
        telnet = session.telnet
        if telnet is None:
            telnet = session.telnet = TelnetFilter()
            self.bad_input(session, "telnet negotiation")
        data, answer = telnet.feed(data)
        if answer:
            self.effects.append(Answer(session.id, answer))
        if telnet.idle:
            session.telnet = None
        return data, telnet.flooded

    def _overlong(self, session: Session) -> None:
        for _ in range(session.framer.take_overlong()):
            self.bad_input(session, "line too long")
            self.error(session, f"a line of more than {session.framer.limit} bytes was dropped")

    def bad_input(self, session: Session, kind: str) -> None:
        """Report something refused or cleaned: the first time, then at each doubling."""
        bad = session.bad
        if bad is None:
            bad = session.bad = {}
        count = bad[kind] = bad.get(kind, 0) + 1
        if count & (count - 1) == 0:
            self.effects.append(events.BadInput(self.at, session.id, session.nick, kind, count))

    # -- names and rooms

    def rename(self, session: Session, nick: str) -> None:
        """Raises `names.InvalidName`, with what to tell the client."""
        old = session.nick
        self.nicks.claim(session, nick, max_width=self.limits.nick_width,
                         ascii_only=self.limits.ascii_nicks)
        self.effects.append(events.Renamed(self.at, session.id, old, nick))
        self.announce(session.room, f"*** {old} is now {nick}", also=session)

    def move(self, session: Session, name: str) -> None:
        """Take a client to another room.  The name has been checked."""
        self._send_off(session.room)
        old = self._exit(session)
        self.announce(old, f"*** {session.nick} went to {name}")
        room = self.rooms.open(name)
        self.effects.append(events.Moved(self.at, session.id, session.nick, old.name, name))
        self._enter(session, room)

    def _enter(self, session: Session, room: Room) -> None:
        if session.announced:
            self.announce(room, f"*** {session.nick} joined")
        self._send_off(room)           # not for the newcomer
        self.rooms.enter(session, room)
        self.effects.append(Enter(session.id, room.name))

    def _exit(self, session: Session) -> Room:
        room = self.rooms.leave(session)
        self.effects.append(Leave(session.id, room.name))
        self._close_if_empty(room)
        return room

    def _close_if_empty(self, room: Room) -> None:
        if not room.members and room is not self.lobby and not room.pending:
            self.rooms.close(room)

    # -- sending

    def tell(self, session: Session, *lines: str) -> None:
        """Lines for one client, after all that its room has been told."""
        self._send_off(session.room)
        self.effects.append(Tell(session.id, "\n".join([*lines, ""]).encode(), len(lines)))

    def error(self, session: Session, text: str) -> None:
        """`*** error: …`; the client stays."""
        self.tell(session, f"*** error: {text}")

    def announce(self, room: Room, text: str, also: Session | None = None) -> None:
        """A notice to a room, unless it is too large or too busy; then to `also` alone."""
        limits = self.limits
        if room.members and room.may_announce(self.now, limits.announce_up_to,
                                              limits.announce_rate):
            self._gather(room, f"{text}\n".encode())
        elif also is not None:
            self.tell(also, text)

    def broadcast(self, text: str) -> int:
        """The admin speaks to everybody; returns to how many."""
        line = f"*** [admin] {clean_text(text)}\n".encode()
        for room in self.rooms.values():
            if room.members:
                self._gather(room, line)
        return len(self.sessions)

    def mute(self, session: Session, seconds: float) -> None:
        """Let a client listen only; 0 seconds is for ever."""
        session.muted_until = self.now + (seconds or inf)
        self.tell(session, "*** you were muted: you can listen, but not speak")

    def unmute(self, session: Session) -> None:
        """Let it speak again."""
        if session.muted_until:
            session.muted_until = 0.0
            self.tell(session, "*** you can speak again")

    def flush(self) -> None:
        """Send off what was gathered in this turn."""
        self._costly = 0
        dirty, self._dirty = self._dirty, []
        for room in dirty:
            self._send_off(room)
            self._close_if_empty(room)

    def _gather(self, room: Room, chunk: bytes, lines: int = 1) -> None:
        if not room.pending:
            self._dirty.append(room)
        room.pending.append(chunk)
        room.pending_lines += lines

    def _send_off(self, room: Room) -> None:
        if room.pending:
            pending = room.pending
            chunk = pending[0] if len(pending) == 1 else b"".join(pending)
            self.effects.append(Deliver(room.name, chunk, room.pending_lines))
            room.lines += room.pending_lines
            room.pending = []
            room.pending_lines = 0


def _shown(text: str) -> str:
    """As much of it as an event repeats: thousands of events are kept, whatever they say."""
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
