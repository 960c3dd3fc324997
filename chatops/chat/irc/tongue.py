"""What IRC clients read: groups rendered as messages, in as many forms as they have asked for.

Source: Modern IRC; IRCv3 server-time, message-tags, message-ids, account-tag, extended-join,
away-notify, account-notify, setname, chghost, invite-notify and echo-message.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache

from chatops.chat.dialect import Rendered
from chatops.chat.groups import SAID, Group, Sender, dated
from chatops.chat.irc.capabilities import TALK, Form
from chatops.chat.irc.message import BODY, cut, escape, split_text
from chatops.units import they_were

CRLF = b"\r\n"
LEAST = 64                     # bytes of words that a line has room for
_COMMANDS = {"talk": "PRIVMSG", "action": "PRIVMSG", "ctcp": "PRIVMSG", "notice": "NOTICE",
             "tag": "TAGMSG"}


class Tongue:
    """The dialects of one server: one for each set of forms, made once."""

    def __init__(self, server: str, token: str) -> None:
        """`token` begins each message's id, and is another one after each start."""
        self.server = server
        self.token = token
        self._dialects: dict[Form, IrcDialect] = {}

    def speaking(self, form: Form) -> IrcDialect:
        """The dialect of this form; always the same object, for it is a key."""
        dialect = self._dialects.get(form)
        if dialect is None:
            dialect = self._dialects[form] = IrcDialect(self, form)
        return dialect

    def source(self, sender: Sender) -> str:
        """Who a message is from, as it stands before its command."""
        return _source(sender, self.server)


@lru_cache(maxsize=4096)
def _source(sender: Sender, server: str) -> str:
    if not sender.nick:
        return server
    return f"{sender.nick}!{sender.user or sender.nick}@{sender.host or server}"


def _before(sender: Sender, server: str, rest: str) -> tuple[str, int]:
    """What stands before the words of a message, and bytes left for them.  Where those are too few,
    as names of other nodes may be long, its source is without user and host, or it is nobody's.
    """
    for source in (_source(sender, server), sender.nick or server, server):
        head = f":{source} {rest} :"
        room = BODY - len(head.encode())
        if room >= LEAST:
            break
    return head, room


@lru_cache(maxsize=4096)
def _head(sender: Sender, server: str, target: str) -> tuple[bytes, bytes, int]:
    """What stands before a line of talk, and between two of one run; and bytes left for a line."""
    text, room = _before(sender, server, f"PRIVMSG {target}")
    head = text.encode()
    return head, CRLF + head, room


def _fits(text: bytes, room: int) -> bool:
    """Whether no line of it is longer than so many bytes."""
    return len(text) <= room or max(map(len, text.split(b"\n"))) <= room


@lru_cache(maxsize=256)
def time_of(at: float) -> str:
    """As server-time has it: UTC, to the millisecond."""
    seconds, milliseconds = divmod(int(at * 1000), 1000)
    return f"{_second(seconds)}.{milliseconds:03}Z"


@lru_cache(maxsize=1024)
def _second(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"


class IrcDialect:
    """One form of IRC.  Made by a `Tongue` and by nobody else."""

    name = "irc"
    follows = True

    def __init__(self, tongue: Tongue, form: Form) -> None:
        self.form = form
        self._tongue = tongue
        self._bare = not form & TALK       # talk has no tags

    def __repr__(self) -> str:
        return f"<IrcDialect {self.form!r}>"

    # -- what rooms hear

    def render(self, room: str, groups: Sequence[Group]) -> Rendered:
        target = f"#{room}"
        if len(groups) == 1:           # as in most rooms
            group = groups[0]
            chunk = b"" if group.repeats else self._group(target, group)
            return Rendered(chunk, chunk.count(b"\n"), [chunk])
        parts = [b"" if group.repeats else self._group(target, group) for group in groups]
        chunk = b"".join(parts)
        return Rendered(chunk, chunk.count(b"\n"), parts)

    def _group(self, target: str, group: Group) -> bytes:
        if group.kind in SAID:
            return self.said(target, group)
        line = _LINES.get(group.kind)
        written = line(self, target, group) if line is not None else ""
        if not written:
            return b""
        head = self._tags(group, 0)
        source = self._tongue.source(group.sender)
        return "".join([f"{head}{cut(f':{source} {each}')}\r\n"
                        for each in written.split("\n")]).encode()

    def said(self, target: str, group: Group) -> bytes:
        """Talk, notices and what programs say to each other, to a channel or somebody."""
        kind, form = group.kind, self.form
        if group.late and not form & Form.TIME:
            group = dated(group)
        if kind == "talk" and self._bare:
            before, separator, room = _head(group.sender, self._tongue.server, target)
            if room < LEAST:
                return b""             # for nobody that there can be
            text = group.text
            if _fits(text, room):
                return before + (text.replace(b"\n", separator) if group.lines > 1 else text) + CRLF
        if kind == "tag":
            if not form & Form.TAGS:
                return b""
            return (f"{self._tags(group, 0)}:{self._tongue.source(group.sender)} "
                    f"TAGMSG {target}\r\n").encode()
        head, room = _before(group.sender, self._tongue.server, f"{_COMMANDS[kind]} {target}")
        if room < LEAST:
            return b""
        text = group.text
        if kind == "action":
            pieces = split_text(text.decode(), room - len("\x01ACTION \x01"))
            return "".join([f"{self._tags(group, 0, number)}{head}\x01ACTION {piece}\x01\r\n"
                            for number, piece in enumerate(pieces)]).encode()
        if not form & Form.TAGS and _fits(text, room):
            # One head for all of a run: none of its lines needs an id of its own.
            before = f"{self._tags(group, 0)}{head}".encode()
            if group.lines > 1:
                text = text.replace(b"\n", CRLF + before)
            return before + text + CRLF
        written = []
        for offset, line in enumerate(text.decode().split("\n")):
            for number, piece in enumerate(split_text(line, room)):
                written.append(f"{self._tags(group, offset, number)}{head}{piece}\r\n".encode())
        return b"".join(written)

    def _tags(self, group: Group, offset: int, piece: int = 0) -> str:
        """`@…` and a space, or ""; `piece` of line `offset` of a run."""
        form = self.form
        if not form & TALK:
            return ""
        tags = []
        if form & Form.TIME:
            tags.append(f"time={time_of(group.at)}")
        if form & Form.TAGS:
            if group.kind in SAID:
                tags.append(f"msgid={self._tongue.token}{group.number + offset:x}"
                            + (f"-{piece}" if piece else ""))
            if group.tags:
                tags.append(group.tags.decode())
        if form & Form.ACCOUNT_TAG and group.sender.account:
            tags.append(f"account={escape(group.sender.account)}")
        return f"@{';'.join(tags)} " if tags else ""

    def line(self, group: Group, text: str) -> bytes:
        """Something else that the group's sender does to this client alone."""
        head = self._tags(group, 0)
        return f"{head}{cut(f':{self._tongue.source(group.sender)} {text}')}\r\n".encode()

    # -- what one client is told

    def private(self, to: Sender, group: Group) -> bytes:
        if group.kind == "invite":
            return self.line(group, f"INVITE {to.nick} #{group.text.decode()}")
        if group.kind not in SAID:
            return b"".join([self.line(group, each)
                             for each in self._notices(to.nick, group).split("\n")])
        return self.said(group.target or to.nick, group)

    def copy(self, _to: Sender, group: Group) -> bytes:
        return self.said(group.target, group) if self.form & Form.ECHO else b""

    def notice(self, to: Sender | None, lines: Sequence[str]) -> bytes:
        head = f":{self._tongue.server} NOTICE {to.nick if to is not None else '*'} :"
        room = BODY - len(head.encode())
        return "".join([f"{head}{piece}\r\n" for line in lines
                        for piece in split_text(line, room)]).encode()

    def error(self, to: Sender | None, text: str) -> bytes:
        return self.notice(to, [text])

    def farewell(self, to: Sender | None, text: str, *, error: bool = False,
                 by: Sender | None = None) -> bytes:
        del error                      # to a client it is one whoever wanted it
        killed = (cut(f":{self._tongue.source(by)} KILL {to.nick} :{text}") + "\r\n"
                  if by is not None and to is not None else "")
        host = (to.host if to is not None else "") or self._tongue.server
        text = split_text(text, BODY - len(f"ERROR :Closing Link: {host} ()".encode()))[0]
        return f"{killed}ERROR :Closing Link: {host} ({text})\r\n".encode()

    def gap(self, to: Sender | None, lines: int) -> bytes:
        return self.notice(to, [f"{they_were(lines, 'line')} dropped here: you read too slowly"])

    # -- what members do

    def _notices(self, target: str, group: Group) -> str:
        """In as many lines as that takes."""
        head = f"NOTICE {target} :"
        room = BODY - len(f":{self._tongue.source(group.sender)} {head}".encode())
        return "\n".join([f"{head}{piece}"
                          for piece in split_text(group.text.decode(), max(room, LEAST))])

    def _join(self, target: str, group: Group) -> str:
        if not self.form & Form.JOIN:
            return f"JOIN {target}"
        sender = group.sender
        return (f"JOIN {target} {sender.account or '*'} "
                f":{group.text.decode() or sender.nick}")

    def _away(self, _target: str, group: Group) -> str:
        if not self.form & Form.AWAY:
            return ""
        return f"AWAY :{group.text.decode()}" if group.text else "AWAY"

    def _account(self, _target: str, group: Group) -> str:
        return f"ACCOUNT {group.text.decode() or '*'}" if self.form & Form.ACCOUNT else ""

    def _setname(self, _target: str, group: Group) -> str:
        return f"SETNAME :{group.text.decode()}" if self.form & Form.SETNAME else ""

    def _host(self, _target: str, group: Group) -> str:
        user, _, host = group.text.decode().partition("@")
        return f"CHGHOST {user} {host}" if self.form & Form.HOST else ""

    def _invite(self, target: str, group: Group) -> str:
        return f"INVITE {group.target} {target}" if self.form & Form.INVITE else ""


def _with_reason(command: str, group: Group) -> str:
    return f"{command} :{group.text.decode()}" if group.text else command


_LINES: dict[str, Callable[[IrcDialect, str, Group], str]] = {
    "join": IrcDialect._join,
    "part": lambda _, target, group: _with_reason(f"PART {target}", group),
    "move": lambda _, target, group: f"PART {target} :went to #{group.text.decode()}",
    "quit": lambda _, _target, group: f"QUIT :{group.text.decode() or 'left'}",
    "nick": lambda _, _target, group: f"NICK {group.text.decode()}",
    "kick": lambda _, target, group: (
        f"KICK {target} {group.target} :{group.text.decode() or group.sender.nick}"),
    "account": IrcDialect._account,
    "away": IrcDialect._away,
    "setname": IrcDialect._setname,
    "host": IrcDialect._host,
    "topic": lambda _, target, group: f"TOPIC {target} :{group.text.decode()}",
    "mode": lambda _, target, group: f"MODE {target} {group.text.decode()}",
    "invite": IrcDialect._invite,
    "server": IrcDialect._notices,
    "broadcast": IrcDialect._notices,
}
