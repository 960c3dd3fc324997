"""What the server says of itself: MOTD LUSERS VERSION TIME INFO ADMIN HELP LINKS STATS.

Source: Modern IRC, "Server Queries and Commands"; RFC 2812, section 3.4.
"""

from __future__ import annotations

from datetime import UTC, datetime

from chatops.chat.irc import isupport
from chatops.chat.irc import numerics as n
from chatops.chat.irc.client import Client
from chatops.chat.irc.context import Commands, Irc, IrcCommand
from chatops.chat.irc.helptexts import HELP, INDEX
from chatops.chat.irc.message import Message
from chatops.chat.masks import matches

INFO = ("chatops is a group-chat server that you can see inside.",
        "One selector, one thread: every socket, queue and interest mask is on its console.")


def _elsewhere(irc: Irc, client: Client, target: str) -> bool:
    """Whether a server is asked for that is not this one; it is told so."""
    if not target or matches(target, irc.network.server) or irc.find(target) is not None:
        return False
    irc.reply(client, n.ERR_NOSUCHSERVER, target)
    return True


def motd(irc: Irc, client: Client) -> None:
    network = irc.network
    if not network.motd:
        irc.reply(client, n.ERR_NOMOTD)
        return
    irc.send(client, [
        irc.numeric(client, n.RPL_MOTDSTART, f"- {network.server} Message of the day -"),
        *[irc.numeric(client, n.RPL_MOTD, f"- {line}") for line in network.motd],
        irc.numeric(client, n.RPL_ENDOFMOTD)])


def lusers(irc: Irc, client: Client) -> None:
    there, here, everybody = irc.hub.elsewhere, irc.here, irc.counted()
    hidden = irc.hidden + (there.hidden if there is not None else 0)
    opers = irc.opers + (there.opers if there is not None else 0)
    servers = 1 + (len(there.nodes) if there is not None else 0)
    unknown = len(irc.hub.sessions) - here
    rooms = sum([1 for room in irc.hub.rooms.values() if room.population])
    irc.reply(client, n.RPL_LUSERCLIENT, f"There are {everybody - hidden} users and {hidden} "
                                         f"invisible on {servers} servers")
    irc.reply(client, n.RPL_LUSEROP, str(opers))
    irc.reply(client, n.RPL_LUSERUNKNOWN, str(unknown))
    irc.reply(client, n.RPL_LUSERCHANNELS, str(rooms))
    irc.reply(client, n.RPL_LUSERME, f"I have {here} clients and 1 servers")
    for numeric, whose, now, most in (
            (n.RPL_LOCALUSERS, "local", here, irc.most),
            (n.RPL_GLOBALUSERS, "global", everybody, irc.most_everywhere)):
        irc.reply(client, numeric, str(now), str(most), f"Current {whose} users {now}, max {most}")


def _motd(irc: Irc, client: Client, message: Message) -> None:
    if not _elsewhere(irc, client, message.param(0)):
        motd(irc, client)


def _lusers(irc: Irc, client: Client, _message: Message) -> None:
    lusers(irc, client)


def version(irc: Irc, client: Client, message: Message) -> None:
    if _elsewhere(irc, client, message.param(0)):
        return
    network = irc.network
    irc.reply(client, n.RPL_VERSION, network.version.replace(" ", "-"), network.server,
              network.description)
    for tokens in isupport.lines(network.name, irc.hub.limits.nick_width,
                                 history=irc.keeps_history):
        irc.reply(client, n.RPL_ISUPPORT, *tokens)


def time(irc: Irc, client: Client, message: Message) -> None:
    if not _elsewhere(irc, client, message.param(0)):
        now = datetime.fromtimestamp(irc.hub.at, UTC)
        irc.reply(client, n.RPL_TIME, irc.network.server, f"{now:%A %B %d %Y -- %H:%M:%S} UTC")


def info(irc: Irc, client: Client, message: Message) -> None:
    if not _elsewhere(irc, client, message.param(0)):
        irc.send(client, [*[irc.numeric(client, n.RPL_INFO, line) for line in INFO],
                          irc.numeric(client, n.RPL_ENDOFINFO)])


def admin(irc: Irc, client: Client, message: Message) -> None:
    if _elsewhere(irc, client, message.param(0)):
        return
    network = irc.network
    irc.reply(client, n.RPL_ADMINME, network.server)
    irc.reply(client, n.RPL_ADMINLOC1, network.name)
    irc.reply(client, n.RPL_ADMINLOC2, network.description)
    irc.reply(client, n.RPL_ADMINEMAIL, network.admin or "ask whoever gave you this address")


def links(irc: Irc, client: Client, _message: Message) -> None:
    """There is one server, and a client is on it: nothing that it does not know."""
    irc.reply(client, n.RPL_ENDOFLINKS, "*")


def stats(irc: Irc, client: Client, message: Message) -> None:
    letter = message.params[0][:1]
    if letter == "u":
        seconds = int(irc.hub.now - irc.began)
        days, rest = divmod(seconds, 86_400)
        irc.reply(client, n.RPL_STATSUPTIME,
                  f"Server Up {days} days {rest // 3600}:{rest // 60 % 60:02}:{rest % 60:02}")
    irc.reply(client, n.RPL_ENDOFSTATS, letter or "*")


def help_(irc: Irc, client: Client, message: Message) -> None:
    subject = message.param(0).strip()
    lines = HELP.get(subject.lower()) if subject else INDEX
    shown = (subject or "*").split(" ")[0]
    if lines is None:
        irc.reply(client, n.ERR_HELPNOTFOUND, shown)
        return
    irc.reply(client, n.RPL_HELPSTART, shown, lines[0])
    for line in lines[1:]:
        irc.reply(client, n.RPL_HELPTXT, shown, line)
    irc.reply(client, n.RPL_ENDOFHELP, shown, "End of /HELP")


COMMANDS: Commands = {
    "MOTD": IrcCommand(_motd), "LUSERS": IrcCommand(_lusers), "VERSION": IrcCommand(version),
    "TIME": IrcCommand(time), "INFO": IrcCommand(info), "ADMIN": IrcCommand(admin),
    "LINKS": IrcCommand(links), "STATS": IrcCommand(stats, 1), "HELP": IrcCommand(help_),
    "HELPOP": IrcCommand(help_),
}
