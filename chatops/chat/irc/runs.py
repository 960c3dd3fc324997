"""A client that says several things to one channel at once: found without reading line by line.

Most of what a busy channel gets is this, and it passes as whole chunks, as the talk of plain
clients does: some microseconds for all of a run, where each of its lines alone would cost ten.
"""

from __future__ import annotations

import re

import msgspec

from chatops.chat.hub import Hub
from chatops.chat.irc.client import Aim, Client
from chatops.chat.irc.message import BODY
from chatops.chat.lines import cost
from chatops.chat.sanitize import is_plain
from chatops.chat.session import Room

_HEAD = re.compile(rb"PRIVMSG #([A-Za-z0-9_.+~#-]{1,32}) :")


class Run(msgspec.Struct, frozen=True, gc=False):
    """Lines for one room, which may be said there."""

    room: Room
    text: bytes
    lines: int


def run(hub: Hub, client: Client, lines: bytes) -> Run | None:
    """All of these lines as one run, or None if they are not one, or have to be looked at: for
    what is more than words, whoever may not speak there, and whatever is too long or too much.
    """
    aim = client.aim
    if (aim is None or not lines.startswith(aim.head) or aim.sender is not client.sender
            or client.rooms.get(aim.room.name) is not aim.room):
        aim = client.aim = _aim(client, lines)
        if aim is None:
            return None
    head, room = aim.head, aim.room
    if room.guarded or client.muted_until or client.is_bot:
        return None
    begin, end = len(head), len(lines) - 2
    if lines[end:] != b"\r\n":
        return None
    count, text = 1, lines[begin:end]
    if lines.find(b"\n") <= end:
        text = text.replace(b"\r\n" + head, b"\n")
        count = text.count(b"\n") + 1
        if count > hub.limits.turn or len(text) != end - begin - (count - 1) * (begin + 1):
            return None                # one of them does not begin alike
        # An empty line would be none to say.
        if b"\n\n" in text or text.startswith(b"\n") or text.endswith(b"\n"):
            return None
    # Not even a CR is left where all of them ended in one.
    if not text or not is_plain(text) or (
            hub.limits.rate and cost(lines, count) > client.tokens):
        return None
    longest = len(text)
    if longest > aim.longest and count > 1:
        longest = max(map(len, text.split(b"\n")))
    return Run(room, text, count) if longest <= aim.longest else None


def _aim(client: Client, lines: bytes) -> Aim | None:
    """Where these lines go, if that is a room that the client is in."""
    found = _HEAD.match(lines)
    room = client.rooms.get(found[1].decode().lower()) if found is not None else None
    if found is None or room is None:
        return None
    head, sender = found[0], client.sender
    before = len(sender.nick) + len(sender.user) + len(sender.host) + len(head) + len(":!@ ")
    return Aim(head, room, sender, BODY - before)
