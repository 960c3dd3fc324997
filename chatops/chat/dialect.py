"""How a client is spoken to: dialects turn what the hub has decided into bytes.

What a room hears in a turn is rendered once for each dialect that somebody in it speaks, and all
of these share the chunk.  What is for one client alone is rendered for it.

Where a client can choose what its lines look like (the capabilities of IRCv3), each form that
changes what a room hears is a dialect object of its own.  There must be few of them, made once:
they are keys, compared by identity.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import lru_cache
from typing import Protocol

import msgspec

from chatops.chat.groups import SAID, Group, Kind, Sender, dated
from chatops.units import they_were


class Rendered(msgspec.Struct, frozen=True, gc=False):
    """A turn of a room: the chunk that its members share, and what it is made of."""

    chunk: bytes
    lines: int
    parts: list[bytes]             # one for each of the groups, some of them empty


class Dialect(Protocol):
    """Sans-I/O and without state that depends on what it has rendered before."""

    name: str                      # "plain": what consoles call it
    follows: bool                  # is told of everybody who comes or goes, in loud rooms too

    def render(self, room: str, groups: Sequence[Group]) -> Rendered:
        """What the members of a room hear of these.  Each part is whole lines, or b"".

        A dialect that `follows` renders nothing of a group that `repeats`; any other renders
        nothing of one that is `quiet`.
        """

    def private(self, to: Sender, group: Group) -> bytes:
        """What somebody wrote to this client alone."""

    def copy(self, to: Sender, group: Group) -> bytes:
        """The same as its sender sees it; b"" where that is not to."""

    def notice(self, to: Sender | None, lines: Sequence[str]) -> bytes:
        """The server has something to say; None is a newcomer that has no name yet."""

    def error(self, to: Sender | None, text: str) -> bytes:
        """What it asked for cannot be done; it stays."""

    def farewell(self, to: Sender | None, text: str, *, error: bool = False,
                 by: Sender | None = None) -> bytes:
        """The last line before the connection closes; an `error` is not by its own will, and
        `by` is who has sent it away, if somebody did.
        """

    def gap(self, to: Sender | None, lines: int) -> bytes:
        """So many lines were dropped here: one line of at most `net.outbox.NOTICE` bytes."""


def without(rendered: Rendered, groups: Sequence[Group], speaker: int) -> tuple[bytes, int]:
    """What is left for one who does not want to hear itself, and how many lines that are."""
    return without_each(rendered, groups, (speaker,))[speaker]


def without_each(rendered: Rendered, groups: Sequence[Group], speakers: Collection[int]
                 ) -> dict[int, tuple[bytes, int]]:
    """The same for several: slices of the shared chunk, joined.  The parts are gone through once,
    however many have spoken.
    """
    pieces: dict[int, list[memoryview]] = {speaker: [] for speaker in speakers}
    begins, own = dict.fromkeys(speakers, 0), dict.fromkeys(speakers, 0)
    view = memoryview(rendered.chunk)
    end = 0
    for group, part in zip(groups, rendered.parts, strict=True):
        start, end = end, end + len(part)
        sender = group.sender
        if sender.id in pieces and not sender.node and group.kind in SAID:
            pieces[sender.id].append(view[begins[sender.id]:start])
            begins[sender.id] = end
            own[sender.id] += part.count(b"\n")
    return {speaker: (b"".join([*slices, view[begins[speaker]:]]), rendered.lines - own[speaker])
            for speaker, slices in pieces.items()}


@lru_cache(maxsize=4096)
def _prefixes(nick: str) -> tuple[bytes, bytes]:
    """What stands before a line of talk, and between two of one run."""
    prefix = f"{nick}: ".encode()
    return prefix, b"\n" + prefix


class Plain:
    """For `nc` and `telnet`: talk as `nick: text`, and all else behind three stars."""

    name = "plain"
    follows = False

    def __repr__(self) -> str:
        return "<Plain>"

    def render(self, _room: str, groups: Sequence[Group]) -> Rendered:
        parts: list[bytes] = []
        lines = 0
        for group in groups:
            if group.late:
                group = dated(group)
            if group.kind == "talk":
                prefix, separator = _prefixes(group.sender.nick)
                said = group.text if group.plain is None else group.plain
                parts.append(prefix + (said.replace(b"\n", separator) if group.lines > 1
                                       else said) + b"\n")
            else:
                form = _FORMS.get(group.kind)
                if form is None or group.quiet:
                    parts.append(b"")
                    continue
                parts.append(f"{form(group)}\n".encode())
            lines += group.lines
        return Rendered(parts[0] if len(parts) == 1 else b"".join(parts), lines, parts)

    def private(self, _to: Sender, group: Group) -> bytes:
        if group.kind in _UNSPOKEN:
            return b""
        if group.kind == "invite":
            room = _words(group)
            return f"*** {group.sender.nick} invites you to {room}: /join {room}\n".encode()
        said = dated(group) if group.late else group
        return f"[{group.sender.nick} -> you] {_told(said)}\n".encode()

    def copy(self, _to: Sender, group: Group) -> bytes:
        return f"[you -> {group.target}] {_told(group)}\n".encode()

    def notice(self, _to: Sender | None, lines: Sequence[str]) -> bytes:
        return "".join([f"*** {line}\n" for line in lines]).encode()

    def error(self, _to: Sender | None, text: str) -> bytes:
        return f"*** error: {text}\n".encode()

    def farewell(self, _to: Sender | None, text: str, *, error: bool = False,
                 by: Sender | None = None) -> bytes:
        return f"*** error: {text}\n".encode() if error else f"*** {text}\n".encode()

    def gap(self, _to: Sender | None, lines: int) -> bytes:
        text = f"{they_were(lines, 'line')} dropped here: you read too slowly"
        return f"*** error: {text}\n".encode()


_UNSPOKEN = frozenset({"tag", "ctcp"})     # for programs, and nothing to read


def _told(group: Group) -> str:
    words = _words(group)
    return f"* {group.sender.nick} {words}" if group.kind == "action" else words


def _words(group: Group) -> str:
    return (group.text if group.plain is None else group.plain).decode()


def _left(group: Group) -> str:
    reason = _words(group)
    return f"*** {group.sender.nick} left" + (f" ({reason})" if reason else "")


def _kicked(group: Group) -> str:
    reason = _words(group)
    return (f"*** {group.target} was kicked by {group.sender.nick}"
            + (f": {reason}" if reason else ""))


def _mode(group: Group) -> str:
    by = group.sender.nick             # nobody's: the server has done it
    return f"*** {by} set mode {_words(group)}" if by else f"*** mode {_words(group)}"


# Kinds that are not here mean nothing to a plain client.
_FORMS: dict[Kind, Callable[[Group], str]] = {
    "action": lambda group: f"* {group.sender.nick} {_words(group)}",
    "notice": lambda group: f"-{group.sender.nick}- {_words(group)}",
    "join": lambda group: f"*** {group.sender.nick} joined",
    "part": _left,
    "quit": _left,
    "move": lambda group: f"*** {group.sender.nick} went to {_words(group)}",
    "nick": lambda group: f"*** {group.sender.nick} is now {_words(group)}",
    "kick": _kicked,
    "topic": lambda group: f"*** {group.sender.nick} set the topic: {_words(group)}",
    "mode": _mode,
    "server": lambda group: f"*** {_words(group)}",
    "broadcast": lambda group: f"*** [admin] {_words(group)}",
}

PLAIN = Plain()
