"""From an IRC client's bytes to what it wants: messages, at a rate, each of them a command."""

from __future__ import annotations

from msgspec.structs import replace

from chatops.api import events
from chatops.chat.dialect import Dialect
from chatops.chat.effects import PauseReading
from chatops.chat.elsewhere import Person
from chatops.chat.formatting import DELIMITER, clean
from chatops.chat.groups import Sender
from chatops.chat.hub import Hub
from chatops.chat.intake import LEAST_HOLD, LEAST_LINES, TURN_LINES, TURN_TOTAL
from chatops.chat.irc import (
    accounts,
    channels,
    history,
    information,
    limits,
    messages,
    modes,
    monitor,
    operator,
    people,
    registration,
    who,
)
from chatops.chat.irc import numerics as n
from chatops.chat.irc.capabilities import Form
from chatops.chat.irc.client import Client
from chatops.chat.irc.context import Commands, Irc, IrcCommand
from chatops.chat.irc.labels import LONGEST, labelled
from chatops.chat.irc.message import BODY, CLIENT_TAGS, Message, clean_tags, parse
from chatops.chat.irc.network import Network
from chatops.chat.irc.presence import (
    came,
    moved_elsewhere,
    remember,
    renamed,
    watchers_told,
    went,
)
from chatops.chat.irc.runs import run
from chatops.chat.lines import COUNTED, cost
from chatops.chat.parking import charge, pour
from chatops.chat.session import Session
from chatops.chat.wrong_door import stranger

BOM = "\ufeff"
TURN_MOST = 4 * TURN_TOTAL     # in a turn that has cost so much, everybody else has to wait
EFFECTS = 4                    # of a line, as most have; each more is about another line's work
COMMANDS: Commands = {
    **registration.COMMANDS, **channels.COMMANDS, **modes.COMMANDS, **messages.COMMANDS,
    **who.COMMANDS, **people.COMMANDS, **monitor.COMMANDS, **information.COMMANDS,
    **operator.COMMANDS, **accounts.COMMANDS, **history.COMMANDS,
}


class IrcDoor:
    """The door for IRC clients.  Belongs to the thread of its hub."""

    protocol = "irc"

    def __init__(self, hub: Hub, network: Network) -> None:
        self.hub = hub
        self.irc = Irc(hub, network)
        self.dialect: Dialect = self.irc.tongue.speaking(Form(0))
        hub.witness = self
        hub.lobby.rules.created_at = network.started_at

    @property
    def line_limit(self) -> int:
        return limits.LONGEST

    def connect(self, id: int, fd: int, peer: str) -> Session:  # noqa: A002
        """A newcomer, of whom nobody knows anything until it has said who it is."""
        client = Client(id, peer, self)
        client.echo = False
        self.hub.connect(client, fd)
        client.sender = replace(client.sender, user="*")       # until it says who it is
        return client

    # -- who comes and goes (chatops.chat.hub.Witness)

    def came(self, session: Session) -> None:
        self.irc.arrived(session)
        came(self.irc, session)

    def renamed(self, session: Session, old: Sender) -> None:
        renamed(self.irc, session, old)

    def logged_in(self, session: Session) -> None:
        account = session.sender.account
        if session.registered:
            watchers_told(self.irc, session, "account", account)
        if not account and isinstance(session, Client):
            accounts.logged_out(self.irc, session)

    def went(self, session: Session) -> None:
        self.irc.left(session)
        remember(self.irc, session)
        if isinstance(session, Client):
            monitor.forget(self.irc, session)
        went(self.irc, session.nick)

    def moved_elsewhere(self, old: str, person: Person | None) -> None:
        self.irc.counted()
        moved_elsewhere(self.irc, old, person)

    # -- bytes

    def receive(self, session: Session, data: bytes) -> None:
        assert isinstance(session, Client)
        if not session.lines_in and not session.mid_line and self._wrong_door(session, data):
            return
        framer = session.framer
        data = framer.feed(data)
        session.mid_line = framer.unfinished
        if framer.crossed:
            for _ in range(framer.take_overlong()):
                self.hub.bad_input(session, "line too long")
                self.irc.reply(session, n.ERR_INPUTTOOLONG)
        if data:
            self._lines(session, data)

    def _wrong_door(self, client: Client, data: bytes) -> bool:
        what = stranger(data)
        if what is None or what == "IRC":
            return False
        self.hub.bad_input(client, f"{what} on the IRC port")
        self.hub.leave(client, f"spoke {what}", "" if what == "TLS" else
                       f"this is IRC, not {what}", error=True)
        return True

    def end(self, session: Session) -> None:
        """The client has sent all it will send: what is left is its last line."""
        session.mid_line = False
        if rest := session.framer.end():
            self._line(session, rest)
        if session.id in self.hub.sessions:
            self.hub.leave(session, "connection closed")

    def resume(self, session: Session) -> bool:
        """The hold is over: go on with what was held.  Whether it may be read again."""
        if not session.parked:
            held, session.held = session.held, b""
            if held and session.id in self.hub.sessions:
                self._lines(session, held, rested=False)
        return not session.held and not session.parked and session.id in self.hub.sessions

    def hear_out(self, session: Session) -> None:
        """Let it say what was held, whatever its rate: a turn's worth of it."""
        held, session.held = session.held.split(b"\n"), b""
        session.held = b"\n".join(held[TURN_LINES:])
        for line in held[:TURN_LINES]:
            if session.id in self.hub.sessions:
                self._line(session, line)

    def _lines(self, session: Session, lines: bytes, *, rested: bool = True) -> None:
        """Whole lines, as many as the client's rate and this turn allow; the rest is held."""
        hub = self.hub
        rate, burst = hub.limits.rate, hub.limits.burst
        if rate:
            session.tokens = min(burst, session.tokens + (hub.now - session.tokens_at) * rate)
            session.tokens_at = hub.now
            if rested and session.tokens >= burst:
                session.warned = False
        assert isinstance(session, Client)
        if (said := run(hub, session, lines)) is not None:
            session.tokens -= cost(lines, said.lines)
            session.lines_in += said.lines
            session.last_spoke = hub.at
            hub.lines_in += said.lines
            hub.talk(session, said.text, said.lines, said.room)
            return
        began, start = hub.costly, 0
        most = (TURN_LINES if began < TURN_TOTAL else LEAST_LINES if began < TURN_MOST else 0)
        while start < len(lines):
            full = hub.costly - began >= most
            if full or (rate and session.tokens < 1):
                session.held = lines[start:]
                self._hold(session, slow=not full)
                break
            end = lines.index(b"\n", start)
            hub.costly += 1
            hub.lines_in += 1
            session.tokens -= max(1, (end - start) // COUNTED)
            self._line(session, lines[start:end])
            if session.id not in hub.sessions:
                break
            begin, start = start, end + 1
            if session.parked:
                session.held = lines[begin if session.again else start:]
                session.again = False
                break

    def _hold(self, session: Session, *, slow: bool) -> None:
        hub = self.hub
        if not slow:
            hub.effects.append(PauseReading(session.id, 0.0))
            return
        waiting = min(session.held.count(b"\n"), hub.limits.burst)
        seconds = max(LEAST_HOLD, min(waiting / hub.limits.rate, 1.0))
        hub.effects.append(PauseReading(session.id, seconds))
        if not session.warned:
            session.warned = True
            hub.effects.append(events.Throttled(hub.at, session.id, session.nick, seconds))
            hub.notice(session, f"you are over {hub.limits.rate:g} lines a second; you are read "
                                "more slowly for now, and nothing is lost")

    # -- lines

    def _line(self, session: Session, raw: bytes) -> None:
        assert isinstance(session, Client)
        session.lines_in += 1
        raw = raw.rstrip(b"\r")
        tags, body = b"", raw
        if raw.startswith(b"@"):
            tags, _, body = raw.partition(b" ")
        if len(tags) > CLIENT_TAGS + 1 or len(body) > BODY:
            self.irc.reply(session, n.ERR_INPUTTOOLONG)
            return
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            self._not_utf8(session, body)
            return
        if session.lines_in == 1:
            text = text.removeprefix(BOM)
        message = parse(text)
        if message is not None:
            self._message(session, self._cleaned(session, message))

    def _not_utf8(self, client: Client, body: bytes) -> None:
        self.hub.bad_input(client, "invalid UTF-8")
        message = parse(body.decode("utf-8", "replace"))
        if message is not None and message.command != "NOTICE":
            command = message.command if message.command in COMMANDS else "*"
            self.irc.fail(client, command, "INVALID_UTF8",
                          text="Message rejected: it is not UTF-8", always=True)

    def _cleaned(self, client: Client, message: Message) -> Message:
        """Nothing in it can hurt a terminal, or be a line of its own; CTCP stays what it is."""
        if message.tags and (tags := clean_tags(message.tags)) != message.tags:
            self.hub.bad_input(client, "malformed tag")
            message = message._replace(tags=tags)
        if all(param.isprintable() and param.isascii() for param in message.params):
            return message
        params = []
        for param in message.params:
            kept = (DELIMITER + clean(param.strip(DELIMITER)) + DELIMITER
                    if param.startswith(DELIMITER) else clean(param))
            params.append(kept)
            if kept.strip(DELIMITER) != param.strip(DELIMITER):
                self.hub.bad_input(client, "control characters")
        return message._replace(params=params)

    def _message(self, client: Client, message: Message) -> None:
        command = COMMANDS.get(message.command)
        if not client.registered:
            client.strikes += 1
            if client.strikes > limits.EARLY:
                self.hub.leave(client, "too many lines before registration",
                               "Registration timed out", error=True)
                return
        mark = len(self.hub.effects)
        label = message.tags.get("label", "")
        if label and len(label.encode()) <= LONGEST and "labeled-response" in client.capabilities:
            labelled(self.irc, client, label, lambda: self._run(client, message, command))
        else:
            self._run(client, message, command)
        charge(self.hub, client, max(0, len(self.hub.effects) - mark - EFFECTS))
        pour(self.hub, client, mark)

    def _run(self, client: Client, message: Message, command: IrcCommand | None) -> None:
        irc = self.irc
        if command is None:
            shown = message.command if message.command.isprintable() else "*"
            irc.reply(client, n.ERR_UNKNOWNCOMMAND, shown[:64])
            self._hint(client)
        elif not (client.registered or command.early):
            irc.reply(client, n.ERR_NOTREGISTERED)
        elif len(message.params) < command.least:
            irc.reply(client, n.ERR_NEEDMOREPARAMS, message.command)
        else:
            command.run(irc, client, message)

    def _hint(self, client: Client) -> None:
        """To somebody with `nc` who has come to the wrong door."""
        if client.lines_in == 1 and irc_port_hint(self.irc):
            self.hub.notice(client, irc_port_hint(self.irc))


def irc_port_hint(irc: Irc) -> str:
    port = irc.network.line_port
    return f"this is the IRC port; for nc and telnet there is port {port}" if port else ""
