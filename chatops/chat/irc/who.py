"""WHO, with the fields that a client chooses (WHOX).

Source: Modern IRC, "WHO message"; WHOX as https://ircv3.net/specs/extensions/whox has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from chatops.chat.elsewhere import Person
from chatops.chat.irc import numerics as n
from chatops.chat.irc import others
from chatops.chat.irc.client import Client
from chatops.chat.irc.context import Commands, Irc, IrcCommand
from chatops.chat.irc.message import Message
from chatops.chat.masks import matches
from chatops.chat.parking import charge
from chatops.chat.session import Room, Session

FIELDS = "tcuihsnfdlaor"       # in the order in which they are answered, whatever was asked
LOOKED_AT = 8                  # people who are compared with a mask in the time of a line
TOKEN = 3                      # digits, at most


class Asked(NamedTuple):
    """What a WHO wants to know: everything, without `fields`."""

    fields: str = ""
    token: str = "0"
    opers: bool = False


def who(irc: Irc, client: Client, message: Message) -> None:
    mask = message.param(0) or "*"
    asked = _asked(message.param(1))
    room = irc.room(mask) if mask.startswith("#") else None
    found: Sequence[tuple[Session, Room | None]] = ()
    there: Sequence[tuple[Person, Room | None]] = ()       # on other nodes
    if room is not None:
        found = _members(client, room)
        if client.id in room.members or "s" not in room.rules.flags:
            there = others.members(irc, client, room)
    elif not mask.startswith("#"):
        text = "*" if mask == "0" else mask
        exact = irc.find(text)
        found = [(exact, _common(client, exact))] if exact is not None else _matching(
            irc, client, text)
        there = others.matching(irc, client, text) if exact is None else ()
    if room is None:                   # everybody was looked at, whoever is in the answer
        known = len(irc.hub.elsewhere.people) if irc.hub.elsewhere is not None else 0
        charge(irc.hub, client, (len(irc.hub.sessions) + known) // LOOKED_AT)
    lines = [_line(irc, client, one, where, asked) for one, where in found
             if not asked.opers or (isinstance(one, Client) and one.is_oper)]
    if not asked.opers:                # who is one of those is not known here
        lines += others.who(irc, client, there, asked.fields, asked.token)
    lines.append(irc.numeric(client, n.RPL_ENDOFWHO, mask.split(" ")[0]))
    irc.send(client, lines)


def _asked(text: str) -> Asked:
    flags, percent, rest = text.partition("%")
    if not percent:
        return Asked(opers=text == "o")
    fields, _, token = rest.partition(",")
    good = token.isascii() and token.isdecimal() and len(token) <= TOKEN
    return Asked("".join([field for field in FIELDS if field in fields]),
                 token if good else "0", "o" in flags)


def _members(client: Client, room: Room) -> list[tuple[Session, Room | None]]:
    inside = client.id in room.members
    if not inside and "s" in room.rules.flags:
        return []
    return [(member, room) for member in room.members.values()
            if inside or not _hidden(member)]


def _matching(irc: Irc, client: Client, mask: str) -> list[tuple[Session, Room | None]]:
    found: list[tuple[Session, Room | None]] = []
    for one in irc.people():
        common = _common(client, one)
        if _hidden(one) and common is None and one is not client:
            continue
        sender = one.sender
        if any(matches(mask, text) for text in (
                one.nick, sender.user, sender.host, one.realname, irc.network.server)):
            found.append((one, common))
    return found


def _hidden(session: Session) -> bool:
    return isinstance(session, Client) and "i" in session.modes


def _common(client: Client, other: Session) -> Room | None:
    """A channel that both are in, or else one that need not be kept secret."""
    shared = [room for room in other.rooms.values() if client.id in room.members]
    if shared:
        return shared[0]
    return None


def _line(irc: Irc, client: Client, one: Session, room: Room | None, asked: Asked) -> str:
    sender = one.sender
    channel = f"#{room.name}" if room is not None else "*"
    flags = "G" if one.away else "H"
    if isinstance(one, Client):
        flags += ("*" if one.is_oper else "") + ("B" if one.is_bot else "")
    if room is not None:
        prefixes = room.rules.prefixes(one.id)
        flags += prefixes if "multi-prefix" in client.capabilities else prefixes[:1]
    realname = one.realname or one.nick
    user, host = sender.user or "~line", sender.host or irc.network.server
    if not asked.fields:
        return irc.numeric(client, n.RPL_WHOREPLY, channel, user, host, irc.network.server,
                           one.nick, flags, f"0 {realname}")
    address = "127.0.0.1" if one is not client else one.peer.rpartition(":")[0].strip("[]")
    values = {"t": asked.token, "c": channel, "u": user, "i": address, "h": host,
              "s": irc.network.server, "n": one.nick, "f": flags, "d": "0",
              "l": str(_idle(irc, one)), "a": sender.account or "0",
              "o": _rank(one, room), "r": realname}
    written = [values[field] for field in asked.fields]
    return irc.numeric(client, n.RPL_WHOSPCRPL, *written)


def _idle(irc: Irc, one: Session) -> int:
    return int(irc.hub.at - one.last_spoke) if isinstance(one, Client) else 0


def _rank(one: Session, room: Room | None) -> str:
    return "n/a" if room is None or one.id not in room.rules.ops else "0"


COMMANDS: Commands = {"WHO": IrcCommand(who)}
