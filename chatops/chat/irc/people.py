"""Who somebody is or was, and what one says of oneself: WHOIS WHOWAS USERHOST ISON AWAY SETNAME.

Source: Modern IRC, "User-Based Queries"; RFC 2812, section 3.6 and 4; IRCv3 setname.
"""

from __future__ import annotations

from chatops.chat.formatting import clean
from chatops.chat.groups import Sender
from chatops.chat.irc import limits, others
from chatops.chat.irc import numerics as n
from chatops.chat.irc.client import Client
from chatops.chat.irc.context import MUTED, Commands, Irc, IrcCommand, joined
from chatops.chat.irc.message import Message
from chatops.chat.irc.presence import changed
from chatops.chat.irc.tongue import time_of
from chatops.chat.session import Session


def whois(irc: Irc, client: Client, message: Message) -> None:
    if not message.params or not message.params[-1]:
        irc.reply(client, n.ERR_NONICKNAMEGIVEN)
        return
    if len(message.params) > 1 and not _is_there(irc, message.params[0]):
        irc.reply(client, n.ERR_NOSUCHSERVER, message.params[0].split(" ")[0])
        return
    nick = message.params[-1].split(",")[0].split(" ")[0]
    other = irc.find(nick)
    if other is None and (there := others.find(irc, nick)) is not None:
        others.whois(irc, client, there)
    elif other is None:
        irc.reply(client, n.ERR_NOSUCHNICK, nick)
        irc.reply(client, n.RPL_ENDOFWHOIS, nick)
    else:
        _shown(irc, client, other)


def _is_there(irc: Irc, target: str) -> bool:
    """Whether it is a server, a node of it, or somebody on one."""
    return (target.lower() == irc.network.server.lower() or others.is_node(irc, target)
            or irc.find(target) is not None or others.find(irc, target) is not None)


def _shown(irc: Irc, client: Client, other: Session) -> None:
    nick, sender = other.nick, other.sender
    irc.reply(client, n.RPL_WHOISUSER, nick, sender.user or "~line",
              sender.host or irc.network.server, "*", other.realname or nick)
    near = other is client or client.is_oper
    shown = None if "multi-prefix" in client.capabilities else 1
    seen = [f"{room.rules.prefixes(other.id)[:shown]}#{room.name}" for room in other.rooms.values()
            if near or client.id in room.members or not (
                "s" in room.rules.flags or _invisible(other))]
    for line in joined(seen, 400):
        irc.reply(client, n.RPL_WHOISCHANNELS, nick, line)
    irc.reply(client, n.RPL_WHOISSERVER, nick, irc.network.server, irc.network.description)
    if other.is_oper:
        irc.reply(client, n.RPL_WHOISOPERATOR, nick)
    if sender.account:
        irc.reply(client, n.RPL_WHOISACCOUNT, nick, sender.account)
    if other.is_bot:
        irc.reply(client, n.RPL_WHOISBOT, nick)
    if other.away:
        irc.reply(client, n.RPL_AWAY, nick, other.away)
    if other.tls:
        irc.reply(client, n.RPL_WHOISSECURE, nick)
    if near and other.certificate:
        irc.reply(client, n.RPL_WHOISCERTFP, nick,
                  f"has client certificate fingerprint {other.certificate}")
    if near:
        address = other.peer.rpartition(":")[0].strip("[]") or "unknown"
        irc.reply(client, n.RPL_WHOISACTUALLY, nick, address)
    if isinstance(other, Client):
        irc.reply(client, n.RPL_WHOISIDLE, nick, str(max(0, int(irc.hub.at - other.last_spoke))),
                  str(int(other.signed_on)))
    irc.reply(client, n.RPL_ENDOFWHOIS, nick)


def _invisible(other: Session) -> bool:
    return isinstance(other, Client) and "i" in other.modes


def whowas(irc: Irc, client: Client, message: Message) -> None:
    nick = message.param(0)
    if not nick:
        irc.reply(client, n.ERR_NONICKNAMEGIVEN)
        return
    count = message.param(1)
    number = int(count) if count.removeprefix("-").isdecimal() and len(count) < 9 else 0
    found = irc.whowas.find(nick, number)
    if not found:
        irc.reply(client, n.ERR_WASNOSUCHNICK, nick)
    for past in found:
        irc.reply(client, n.RPL_WHOWASUSER, past.nick, past.user or "~line",
                  past.host or irc.network.server, "*", past.realname or past.nick)
        irc.reply(client, n.RPL_WHOISSERVER, past.nick, irc.network.server, time_of(past.at))
    irc.reply(client, n.RPL_ENDOFWHOWAS, nick)


def userhost(irc: Irc, client: Client, message: Message) -> None:
    shown = []
    for nick in message.params[:5]:
        if (one := irc.find(nick)) is not None:
            shown.append(_userhost(irc, one.sender, one.away,
                                   oper=one.is_oper))
        elif (far := others.find(irc, nick)) is not None:
            shown.append(_userhost(irc, far.who, far.away, oper=far.oper))
    irc.reply(client, n.RPL_USERHOST, " ".join(shown))


def _userhost(irc: Irc, who: Sender, away: str, *, oper: bool = False) -> str:
    return (f"{who.nick}{'*' if oper else ''}={'-' if away else '+'}{who.user or '~line'}@"
            f"{who.host or irc.network.server}")


def ison(irc: Irc, client: Client, message: Message) -> None:
    asked = " ".join(message.params).split()
    found = [one.nick for one in map(irc.find, asked) if one is not None]
    found += [one.who.nick for nick in asked if (one := others.find(irc, nick)) is not None]
    irc.reply(client, n.RPL_ISON, (joined(found, 400) or [""])[0])


def away(irc: Irc, client: Client, message: Message) -> None:
    text = clean(message.param(0))[:limits.AWAY]
    if text and irc.is_muted(client):
        irc.hub.error(client, MUTED)
        return
    before, client.away = client.away, text
    irc.reply(client, n.RPL_NOWAWAY if text else n.RPL_UNAWAY)
    if before != text:
        changed(irc, client, "away", text)


def setname(irc: Irc, client: Client, message: Message) -> None:
    name = clean(message.params[0]).strip()
    if not name or len(name) > limits.REALNAME:
        irc.fail(client, "SETNAME", "INVALID_REALNAME", text="Realname is not valid")
        return
    if irc.is_muted(client):
        irc.fail(client, "SETNAME", "CANNOT_CHANGE_REALNAME", text=MUTED)
        return
    client.realname = name
    changed(irc, client, "setname", name)


COMMANDS: Commands = {
    "WHOIS": IrcCommand(whois), "WHOWAS": IrcCommand(whowas), "USERHOST": IrcCommand(userhost, 1),
    "ISON": IrcCommand(ison, 1), "AWAY": IrcCommand(away), "SETNAME": IrcCommand(setname, 1),
}
