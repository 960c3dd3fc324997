"""Those on other nodes, as IRC clients are told of them: in lists, in WHO and WHOIS, by PRIVMSG.

When a client spoke last does not travel: it would with each line.
"""

from __future__ import annotations

from collections.abc import Iterable

from chatops.chat.effects import Forward
from chatops.chat.elsewhere import Person
from chatops.chat.groups import Kind, Sender
from chatops.chat.irc import numerics as n
from chatops.chat.irc.client import Client
from chatops.chat.irc.context import Irc, joined
from chatops.chat.masks import fold, matches
from chatops.chat.session import Room


def find(irc: Irc, nick: str) -> Person | None:
    """Who on another node is called this."""
    there = irc.hub.elsewhere
    return there.find(fold(nick)) if there is not None else None


def is_node(irc: Irc, name: str) -> bool:
    """Whether a node is called this, this one or another."""
    there = irc.hub.elsewhere
    return there is not None and fold(name) in {fold(node) for node in (there.node, *there.nodes)}


def inside(irc: Irc, room: Room) -> Iterable[Person]:
    """Members of a room on other nodes."""
    there = irc.hub.elsewhere
    return there.inside(room.name) if there is not None else ()


def names(irc: Irc, client: Client, room: Room) -> list[str]:
    """As NAMES lists them."""
    whole = "userhost-in-names" in client.capabilities
    member = client.id in room.members
    shown = _shown(client)
    return [person.prefixes(room.name)[:shown]
            + (irc.tongue.source(person.who) if whole else person.who.nick)
            for person in inside(irc, room) if member or not person.hidden]


def _shown(client: Client) -> int:
    """How many prefixes it wants to see."""
    return 2 if "multi-prefix" in client.capabilities else 1


def rank(irc: Irc, person: Person, room: Room, written: str) -> None:
    """Make a member on another node what is `written`, +o, -o, +v or -v."""
    _have_done(irc, person, "mode", room, written)


def put_out(irc: Irc, person: Person, room: Room, by: Sender, reason: str) -> None:
    """Kick a member on another node: all hear of it, and then its node has it out."""
    irc.hub.gather(room, irc.hub.group(by, "kick", reason, target=person.who.nick))
    irc.hub.send_off_room(room)
    _have_done(irc, person, "kick", room, person.who.nick)


def _have_done(irc: Irc, person: Person, kind: Kind, room: Room, what: str) -> None:
    group = irc.hub.group(Sender(0, ""), kind, room.name, target=what)
    irc.hub.effects.append(Forward(person.who.node, person.who.id, group))


def members(irc: Irc, client: Client, room: Room) -> list[tuple[Person, Room | None]]:
    """Whom the WHO of a channel shows."""
    member = client.id in room.members
    return [(person, room) for person in inside(irc, room) if member or not person.hidden]


def matching(irc: Irc, client: Client, mask: str) -> list[tuple[Person, Room | None]]:
    """Whom any other WHO shows, each with a channel that both are in, if there is one."""
    there = irc.hub.elsewhere
    if there is None:
        return []
    exact = there.find(fold(mask))
    if exact is not None:
        return [(exact, _common(irc, client, exact))]
    found = []
    for person in there.people.values():
        common, sender = _common(irc, client, person), person.who
        if person.hidden and common is None:
            continue
        if any(matches(mask, text) for text in (
                sender.nick, sender.user, sender.host, person.realname, sender.node)):
            found.append((person, common))
    return found


def _common(irc: Irc, client: Client, person: Person) -> Room | None:
    return next((client.rooms[room] for room in person.rooms if room in client.rooms), None)


def who(irc: Irc, client: Client, found: Iterable[tuple[Person, Room | None]], fields: str,
        token: str) -> list[str]:
    """Their lines in the answer to WHO, with the fields that were asked for, if any were."""
    lines = []
    for person, room in found:
        sender, channel = person.who, f"#{room.name}" if room is not None else "*"
        user, host = sender.user or "~line", sender.host or irc.network.server
        flags = ("G" if person.away else "H") + "*" * person.oper + "B" * person.bot
        if room is not None:
            flags += person.prefixes(room.name)[:_shown(client)]
        realname = person.realname or sender.nick
        values = {"t": token, "c": channel, "u": user, "i": "127.0.0.1", "h": host,
                  "s": sender.node, "n": sender.nick, "f": flags, "d": "1", "l": "0",
                  "a": sender.account or "0", "o": "n/a", "r": realname}
        if fields:
            lines.append(irc.numeric(client, n.RPL_WHOSPCRPL, *[values[f] for f in fields]))
        else:
            lines.append(irc.numeric(client, n.RPL_WHOREPLY, channel, user, host, sender.node,
                                     sender.nick, flags, f"1 {realname}"))
    return lines


def whois(irc: Irc, client: Client, other: Person) -> None:
    """Who one of them is; its server is called as its node."""
    nick, sender = other.who.nick, other.who
    irc.reply(client, n.RPL_WHOISUSER, nick, sender.user or "~line",
              sender.host or irc.network.server, "*", other.realname or nick)
    shared = [f"{other.prefixes(room)[:_shown(client)]}#{room}" for room in other.rooms
              if client.is_oper or room in client.rooms]
    for line in joined(shared, 400):
        irc.reply(client, n.RPL_WHOISCHANNELS, nick, line)
    irc.reply(client, n.RPL_WHOISSERVER, nick, sender.node, "another node of this server")
    if other.oper:
        irc.reply(client, n.RPL_WHOISOPERATOR, nick)
    if sender.account:
        irc.reply(client, n.RPL_WHOISACCOUNT, nick, sender.account)
    if other.bot:
        irc.reply(client, n.RPL_WHOISBOT, nick)
    if other.away:
        irc.reply(client, n.RPL_AWAY, nick, other.away)
    if other.tls:
        irc.reply(client, n.RPL_WHOISSECURE, nick)
    irc.reply(client, n.RPL_ENDOFWHOIS, nick)
