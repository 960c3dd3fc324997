"""A client that says several things to one channel at once: found without reading line by line.

Most of what a busy channel gets is this, and it passes as whole chunks, as the talk of plain
clients does: some microseconds for all of a run, where each of its lines alone would cost ten.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from chatops.chat.hub import Hub
from chatops.chat.irc.client import Client
from chatops.chat.irc.message import BODY
from chatops.chat.lines import cost
from chatops.chat.sanitize import is_plain
from chatops.chat.session import Room

_HEAD = re.compile(rb"PRIVMSG #([A-Za-z0-9_.+~#-]{1,32}) :")


class Run(NamedTuple):
    """Lines for one room, which may be said there."""

    room: Room
    text: bytes
    lines: int


def run(hub: Hub, client: Client, lines: bytes) -> Run | None:
    """All of these lines as one run, or None if they are not one, or have to be looked at: for
    what is more than words, whoever may not speak there, and whatever is too long or too much.
    """
    found = _HEAD.match(lines)
    if found is None or client.muted_until or client.is_bot or not client.registered:
        return None
    room = client.rooms.get(found[1].decode().lower())
    if room is None or room.guarded:
        return None
    head = found[0]
    count = lines.count(b"\n")
    if count > hub.limits.turn or lines.count(b"\r\n" + head) != count - 1 or (
            hub.limits.rate and cost(lines, count) > client.tokens):
        return None
    text = lines[len(head):-2].replace(b"\r\n" + head, b"\n")
    # Not even a CR is left where all of them ended in one; an empty line would be none to say.
    if lines[-2:] != b"\r\n" or not text or not is_plain(text) or b"\n\n" in text \
            or text[0] == 0x0A or text[-1] == 0x0A:
        return None
    sender = client.sender
    before = len(sender.nick) + len(sender.user) + len(sender.host) + len(head) + len(":!@ ")
    longest = len(text) if count == 1 else max(map(len, text.split(b"\n")))
    return Run(room, text, count) if before + longest <= BODY else None
