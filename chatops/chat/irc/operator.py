"""What an IRC operator can do: OPER KILL WALLOPS REHASH.

Source: Modern IRC, "Operator Messages"; RFC 2812, section 4.
"""

from __future__ import annotations

from hmac import compare_digest
from math import ceil

from chatops.api import events
from chatops.chat.effects import Demand, Kill, Wallops
from chatops.chat.formatting import clean
from chatops.chat.groups import Sender
from chatops.chat.hub import Hub
from chatops.chat.irc import numerics as n
from chatops.chat.irc import others
from chatops.chat.irc.client import Client
from chatops.chat.irc.context import Commands, Irc, IrcCommand
from chatops.chat.irc.message import Message
from chatops.chat.session import Session
from chatops.units import format_duration


def oper(irc: Irc, client: Client, message: Message) -> None:
    given = f"{message.params[0]}:{message.params[1]}"
    known, now, key = irc.network.oper, irc.hub.now, client.sender.host
    if wait := irc.tries.wait(now, key):
        irc.reply(client, n.Numeric("464"), "Too many wrong passwords; try again in "
                  f"{format_duration(ceil(wait))}")
        return
    if not known or not compare_digest(given.encode(), known.encode()):
        irc.tries.failed(now, key)
        irc.reply(client, n.ERR_PASSWDMISMATCH)
        irc.hub.bad_input(client, "a wrong operator password")
        return
    irc.tries.succeeded(key)
    irc.hub.effects.append(events.Warned(
        irc.hub.at, f"#{client.id} {client.nick} is an IRC operator now"))
    irc.set_mode(client, "o", True)
    client.oper_by_account = False
    irc.reply(client, n.RPL_YOUREOPER)
    irc.message(client, "MODE", client.nick, "+o", source=irc.source(client))


def _refused(irc: Irc, client: Client) -> bool:
    if not client.is_oper:
        irc.reply(client, n.ERR_NOPRIVILEGES)
    return not client.is_oper


def kill(irc: Irc, client: Client, message: Message) -> None:
    if _refused(irc, client):
        return
    nick, reason = message.params[0].split(" ")[0], clean(message.params[1])[:300]
    other = irc.find(nick)
    if other is None and (person := others.find(irc, nick)) is not None:
        irc.hub.effects.append(Demand(person.who.node, Kill(person.who.id, client.sender, reason),
                                      person.who.nick))
        return
    if other is None:
        irc.reply(client, n.ERR_CANTKILLSERVER if nick.lower() == irc.network.server.lower()
                  else n.ERR_NOSUCHNICK, *([] if "." in nick else [nick or "*"]))
        return
    irc.hub.effects.append(events.AdminDid(
        irc.hub.at, f"kick #{other.id} {reason}",
        f"{client.nick} killed #{other.id} {other.nick}"))
    end(irc.hub, other, client.sender, reason)


def end(hub: Hub, other: Session, by: Sender, reason: str) -> None:
    """Have an operator's victim go, wherever the operator is."""
    words = f"Killed ({by.nick} ({reason}))"
    hub.leave(other, words, words, error=True, by=by)


def wallops(irc: Irc, client: Client, message: Message) -> None:
    if _refused(irc, client):
        return
    tell_all(irc, client.sender, message.params[0])
    if irc.hub.elsewhere is not None:
        irc.hub.effects.append(Demand("", Wallops(client.sender, message.params[0])))


def tell_all(irc: Irc, by: Sender, text: str) -> int:
    """Have everybody here read it who is to; how many these are."""
    told = [other for other in irc.people()
            if isinstance(other, Client) and ("w" in other.modes or other.is_oper)]
    for other in told:
        irc.message(other, "WALLOPS", text, source=irc.tongue.source(by))
    return len(told)


def rehash(irc: Irc, client: Client, _message: Message) -> None:
    if not _refused(irc, client):
        irc.reply(client, n.RPL_REHASHING, "settings")
        irc.rehash()


COMMANDS: Commands = {
    "OPER": IrcCommand(oper, 2), "KILL": IrcCommand(kill, 2), "WALLOPS": IrcCommand(wallops, 1),
    "REHASH": IrcCommand(rehash),
}
