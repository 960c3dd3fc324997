"""From a plain client's bytes to what it wants: lines, at a rate, each of them speech or a command.

The common case, printable text with no command in it, goes through as whole chunks.
"""

from __future__ import annotations

from chatops.api import events
from chatops.chat import login, replies
from chatops.chat.dialect import PLAIN, Dialect
from chatops.chat.effects import Answer, PauseReading
from chatops.chat.hub import LOBBY, Hub
from chatops.chat.lines import COUNTED, affordable, cost, is_talk, split
from chatops.chat.login import Gate
from chatops.chat.parser import ParsedCommand, Say, help_lines, parse_line
from chatops.chat.sanitize import clean
from chatops.chat.session import Session
from chatops.chat.telnet import TelnetFilter
from chatops.chat.wrong_door import introduces, stranger
from chatops.units import counted

IAC = b"\xff"
GOODBYE = ParsedCommand("quit", "")     # of one that has said nothing else, it is no news either
TURN_LINES = 128               # costly lines of one client in a turn, if its rate allows them
TURN_TOTAL = 1024              # costly lines of all clients in a turn: about 20 ms of work
LEAST_LINES = 8                # costly lines of one client once TURN_TOTAL is reached
LEAST_HOLD = 0.1               # seconds; a held client is not looked at more often


class Intake:
    """The door for lines: `nc`, `telnet`, scripts.  Belongs to the thread of its hub."""

    protocol = "line"
    dialect: Dialect = PLAIN

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.gate: Gate | None = None  # who knows the accounts, where there are any
        self.keeps_history = False     # what is said can be looked up later
        self.irc_port = 0              # where IRC clients are to go, if anywhere

    @property
    def line_limit(self) -> int:
        return self.hub.limits.line

    def connect(self, id: int, fd: int, peer: str) -> Session:  # noqa: A002
        """Greet a newcomer and put it into the lobby."""
        hub = self.hub
        session = hub.connect(Session(id, peer, self), fd)
        hub.notice(session, f"welcome, {session.nick}! you are in {LOBBY} with "
                            f"{counted(hub.lobby.population, 'other')}; /help lists what you "
                            "can do")
        session.announced = not hub.limits.announce_after
        hub.enter(session, hub.lobby)
        return session

    def end(self, session: Session) -> None:
        """The client has sent all it will send: what is left is its last line."""
        session.mid_line = False
        if rest := session.framer.end():
            self._said(session, rest + b"\n", 1)
        if session.id in self.hub.sessions:
            self.hub.leave(session, "left")

    def receive(self, session: Session, data: bytes) -> None:
        """Bytes came in from a client that is not held."""
        flooded = False
        if session.lines_in < 2 and not session.mid_line and self._turned_away(session, data):
            return
        if session.telnet is not None or IAC in data:
            data, flooded = self._without_telnet(session, data)
        framer = session.framer
        if session.mid_line or data[-1:] != b"\n" or len(data) > framer.limit:
            data = framer.feed(data)
            session.mid_line = framer.unfinished
            if framer.crossed:
                self._overlong(session)
        if data:
            self._lines(session, data)
        if flooded and not session.held and session.id in self.hub.sessions:
            # if its lines did not do so
            self.hub.effects.append(PauseReading(session.id, LEAST_HOLD))

    def _turned_away(self, session: Session, data: bytes) -> bool:
        """Whether its first bytes, or its first two lines if they come apart, are another
        protocol's; it is told so in that one's tongue.
        """
        if session.lines_in and not session.introduction:
            return False
        what = stranger(session.introduction + data)
        if what is None:
            session.introduction = data if not session.lines_in and introduces(data) else b""
            return False
        hub = self.hub
        hub.bad_input(session, f"{what} on the port for lines")
        if what == "IRC":
            port = f"IRC is on port {self.irc_port}" if self.irc_port else "there is no IRC here"
            hub.tell(session, f"ERROR :this port is for plain lines; {port}\r\n".encode())
        hub.leave(session, f"spoke {what}", "" if what == "TLS" else
                  f"this port is for plain lines, not for {what}", error=True)
        return True

    def resume(self, session: Session) -> bool:
        """The hold is over: go on with what was held.  Whether it may be read again."""
        if not session.parked:
            held, session.held = session.held, b""
            if held and session.id in self.hub.sessions:
                self._lines(session, held, rested=False)
        return not session.held and not session.parked and session.id in self.hub.sessions

    def hear_out(self, session: Session) -> None:
        """Let it say what was held, whatever its rate: a turn's worth, where it is costly."""
        held, session.held = session.held, b""
        if held.count(b"\n") > TURN_LINES and not is_talk(held):
            held, session.held = split(held, TURN_LINES)
        if held:
            self._said(session, held, held.count(b"\n"))

    # -- as many as may pass

    def _lines(self, session: Session, lines: bytes, *, rested: bool = True) -> None:
        """Whole lines, as many as the client's rate allows; the rest is held.

        The rate is a token bucket, full at first (RFC 2698 calls it a meter).  A client is warned
        when it first goes over, and again only after its bucket was full once more.  A bucket
        that filled while the client's lines were held does not count: `rested` is False then.
        """
        hub = self.hub
        limits = hub.limits
        count = allowed = lines.count(b"\n")
        price = max(count, len(lines) // COUNTED)
        if rate := limits.rate:
            tokens = min(limits.burst, session.tokens + (hub.now - session.tokens_at) * rate)
            session.tokens, session.tokens_at = tokens, hub.now
            if rested and tokens >= limits.burst:
                session.warned = False
            if price > tokens:
                allowed = affordable(lines, count, tokens)
        most = TURN_LINES if hub.costly < TURN_TOTAL else LEAST_LINES
        if count > allowed or count > most or count > limits.turn:
            if count > most <= allowed and not is_talk(lines):
                (lines, session.held), count = split(lines, most), most
                hub.effects.append(PauseReading(session.id, 0.0))
            elif min(count, allowed) > limits.turn:
                (lines, session.held), count = split(lines, limits.turn), limits.turn
                hub.effects.append(PauseReading(session.id, 0.0))
            elif count > allowed:
                lines, count = self._hold(session, lines, count, allowed)
            price = cost(lines, count)
        session.tokens -= price
        if count:
            self._said(session, lines, count)

    def _hold(self, session: Session, lines: bytes, count: int, allowed: int
              ) -> tuple[bytes, int]:
        """Keep back what goes over the rate; returns what may pass now, and its lines."""
        lines, session.held = split(lines, allowed)
        hub = self.hub
        limits = hub.limits
        waiting = min(count - allowed, limits.burst)
        seconds = max(LEAST_HOLD, min(waiting / limits.rate, 1.0))
        hub.effects.append(PauseReading(session.id, seconds))
        if not session.warned:
            session.warned = True
            hub.effects.append(events.Throttled(hub.at, session.id, session.nick, seconds))
            hub.error(session, f"you are over {limits.rate:g} lines a second; you are read "
                               "more slowly for now, and nothing is lost")
        return lines, allowed

    # -- what they say

    def _said(self, session: Session, lines: bytes, count: int) -> None:
        hub = self.hub
        session.lines_in += count
        hub.lines_in += count
        if not session.muted_until and is_talk(lines):
            if not session.announced:
                hub.introduce(session)
            hub.talk(session, lines[:-1], count)
            return
        hub.costly += count
        muted = Muted(hub, session)
        each = lines.split(b"\n")[:-1]
        for number, raw in enumerate(each, 1):
            self._line(session, raw, muted)
            if session.id not in hub.sessions:
                return
            if session.parked:
                rest = each[number - session.again:]
                session.again = False
                self._take_back(session, rest)
                session.held = b"".join([b"%s\n" % line for line in rest]) + session.held
                return

    def _take_back(self, session: Session, rest: list[bytes]) -> None:
        """These lines are counted, and paid for, when they are read again."""
        session.lines_in -= len(rest)
        self.hub.lines_in -= len(rest)
        session.tokens += len(rest)

    def _line(self, session: Session, raw: bytes, muted: Muted) -> None:
        hub = self.hub
        text = clean(raw)
        if text.encode() != raw.removesuffix(b"\r").replace(b"\t", b" "):
            hub.bad_input(session, "invalid UTF-8" if "\ufffd" in text
                          else "control characters")
        parsed = parse_line(text)
        if parsed is None:
            return
        if not session.announced and parsed != GOODBYE:
            hub.introduce(session)
        if isinstance(parsed, Say):
            if not muted.refuses():
                hub.talk(session, parsed.text.encode())
        elif isinstance(parsed, ParsedCommand):
            if (question := login.COMMANDS.get(parsed.name)) is not None:
                question(hub, self.gate, session, parsed.argument)
            elif parsed.name == "help":
                hub.notice(session, *help_lines(without=self._absent()))
            else:
                replies.COMMANDS[parsed.name](hub, session, parsed.argument, muted.refuses)
        else:
            hub.error(session, f"no command /{parsed.name}; /help lists them")

    def _absent(self) -> set[str]:
        """Commands for what there is not on this server."""
        absent = set() if self.keeps_history else {"history"}
        if self.gate is None or self.gate.registration == "off":
            absent.add("register")
        if self.gate is None:
            absent.add("login")
        return absent

    def _without_telnet(self, session: Session, data: bytes) -> tuple[bytes, bool]:
        """The data without negotiation, and whether there was more of that than is followed."""
        telnet = session.telnet
        if telnet is None:
            telnet = session.telnet = TelnetFilter()
            self.hub.bad_input(session, "telnet negotiation")
        data, answer = telnet.feed(data)
        if answer:
            self.hub.effects.append(Answer(session.id, answer))
        if telnet.idle:
            session.telnet = None
        return data, telnet.flooded

    def _overlong(self, session: Session) -> None:
        hub = self.hub
        for _ in range(session.framer.take_overlong()):
            hub.bad_input(session, "line too long")
            hub.error(session, f"a line of more than {session.framer.limit} bytes was dropped")


class Muted:
    """Whether a client may speak in this batch of lines; tells it no more than once."""

    __slots__ = ("_hub", "_session", "_told")

    def __init__(self, hub: Hub, session: Session) -> None:
        self._hub = hub
        self._session = session
        self._told = False

    def refuses(self) -> bool:
        """True when the client is muted."""
        session = self._session
        if not session.muted_until:
            return False
        if session.muted_until <= self._hub.now:
            session.muted_until = 0.0
            return False
        if not self._told:
            self._told = True
            self._hub.error(session, "you are muted; nobody heard that")
        return True
