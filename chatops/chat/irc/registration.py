"""From the first line to 001, and to the end: CAP PASS NICK USER PING PONG QUIT.

Source: Modern IRC, "Connection Registration"; IRCv3 capability negotiation 302.
"""

from __future__ import annotations

from chatops.api import events
from chatops.chat import names
from chatops.chat.irc import capabilities, isupport, limits
from chatops.chat.irc import numerics as n
from chatops.chat.irc.accounts import mechanisms
from chatops.chat.irc.client import Client
from chatops.chat.irc.context import Commands, Irc, IrcCommand, joined
from chatops.chat.irc.information import lusers, motd
from chatops.chat.irc.message import Message
from chatops.chat.irc.presence import came
from chatops.chat.irc.tongue import time_of
from chatops.chat.owners import far_holder_for, holder_for, kept_by_ban, make_way

USER_MODES = "Bios"
CHANNEL_MODES = "CIbeiklmnostv"
WITH_PARAMETER = "Ibeklov"


def pass_(irc: Irc, client: Client, message: Message) -> None:
    if client.registered:
        irc.reply(client, n.ERR_ALREADYREGISTRED)
    else:
        client.password = message.params[0]


def nick(irc: Irc, client: Client, message: Message) -> None:
    wanted = message.param(0)
    if not wanted:
        irc.reply(client, n.ERR_NONICKNAMEGIVEN)
    elif not client.registered:
        client.wanted = wanted
        # Who is logged in may be the one whose nick it is, and who may still log in as well: that
        # is seen at the end.
        later = (holder_for(irc.hub, client, wanted) is not None
                 or far_holder_for(irc.hub, client, wanted) is not None) or (
            client.negotiating and irc.gate is not None and client.secure)
        if _usable(irc, client, wanted, even_taken=later):
            complete(irc, client)
        else:
            client.wanted, client.taken = "", wanted
    elif room := kept_by_ban(client, wanted):
        irc.reply(client, n.ERR_BANONCHAN, wanted.split(" ")[0].removeprefix(":") or "*",
                  f"#{room}")
    elif wanted != client.nick:
        make_way(irc.hub, client, wanted)
        try:
            irc.hub.rename(client, wanted)
        except names.InvalidName as error:
            _refuse(irc, client, wanted, error)


def _usable(irc: Irc, client: Client, wanted: str, *, even_taken: bool = False) -> bool:
    """Whether it could have this nick now; it is told if not."""
    hub = irc.hub
    try:
        hub.nicks.check(client, wanted, max_width=hub.limits.nick_width,
                        ascii_only=hub.limits.ascii_nicks)
    except names.InvalidName as error:
        if even_taken and isinstance(error, names.TakenName):
            return True
        _refuse(irc, client, wanted, error)
        return False
    return True


def _refuse(irc: Irc, client: Client, wanted: str, error: names.InvalidName) -> None:
    numeric = (n.ERR_NICKNAMEINUSE if isinstance(error, names.TakenName)
               else n.ERR_ERRONEUSNICKNAME)
    # A nick with a space in it, or none, would be no parameter.
    shown = wanted.split(" ")[0].removeprefix(":") or "*"
    irc.reply(client, numeric, shown, str(error))


def user(irc: Irc, client: Client, message: Message) -> None:
    if client.registered or client.user:
        irc.reply(client, n.ERR_ALREADYREGISTRED)
        return
    name = "".join([char for char in message.params[0]
                    if char.isascii() and (char.isalnum() or char in "._-")])[:limits.USER]
    realname = message.params[3][:limits.REALNAME].strip()
    if not realname:
        irc.reply(client, n.ERR_NEEDMOREPARAMS, "USER")
        return
    client.identify(name or "user", realname)
    complete(irc, client)


def complete(irc: Irc, client: Client) -> None:
    """If it has said who it is, and what it can do, it is somebody from here on."""
    if client.registered or client.negotiating or not (client.wanted and client.user):
        return
    hub, network = irc.hub, irc.network
    if network.password and client.password != network.password:
        irc.reply(client, n.ERR_PASSWDMISMATCH)
        hub.leave(client, "wrong password", "Bad password", error=True)
        return
    make_way(hub, client, client.wanted)
    if not _usable(irc, client, client.wanted):        # two may have asked for the same
        client.wanted, client.taken = "", client.wanted
        return
    client.password = ""
    before = client.nick
    hub.nicks.claim(client, client.wanted, max_width=hub.limits.nick_width,
                    ascii_only=hub.limits.ascii_nicks)
    hub.effects.append(events.Renamed(hub.at, client.id, before, client.nick))
    client.registered = True
    hub.touch(client)
    client.signed_on = client.last_spoke = hub.at
    irc.arrived(client)
    irc.speak(client)
    _welcome(irc, client)
    came(irc, client)


def _welcome(irc: Irc, client: Client) -> None:
    network = irc.network
    irc.reply(client, n.RPL_WELCOME,
              f"Welcome to {network.name}, {irc.source(client)}")
    irc.reply(client, n.RPL_YOURHOST,
              f"Your host is {network.server}, running {network.version}")
    irc.reply(client, n.RPL_CREATED,
              f"This server was started at {time_of(network.started_at)}")
    irc.reply(client, n.RPL_MYINFO, network.server, network.version.replace(" ", "-"),
              USER_MODES.replace("s", "w"), CHANNEL_MODES, WITH_PARAMETER)
    for tokens in isupport.lines(network.name, irc.hub.limits.nick_width,
                                 history=irc.keeps_history):
        irc.reply(client, n.RPL_ISUPPORT, *tokens)
    lusers(irc, client)
    motd(irc, client)
    if client.modes:                       # it has logged in as an operator
        irc.message(client, "MODE", client.nick, f"+{''.join(sorted(client.modes))}",
                    source=irc.source(client))


def ping(irc: Irc, client: Client, message: Message) -> None:
    if not message.param(0):
        irc.reply(client, n.ERR_NOORIGIN if message.params else n.ERR_NEEDMOREPARAMS,
                  *([] if message.params else ["PING"]))
        return
    irc.message(client, "PONG", irc.network.server, message.params[0])


def pong(_irc: Irc, _client: Client, _message: Message) -> None:
    """That it came was noticed when its bytes came."""


def quit_(irc: Irc, client: Client, message: Message) -> None:
    reason = message.param(0).strip()
    if irc.is_muted(client) or client.hushed:
        reason = ""
    irc.hub.leave(client, f"Quit: {reason}" if reason else "Client quit", "Quit"
                  + (f": {reason}" if reason else ""))


# -- capabilities

def cap(irc: Irc, client: Client, message: Message) -> None:
    what = message.param(0).upper()
    match what:
        case "LS":
            version = message.param(1)
            if version.isascii() and version.isdecimal() and len(version) < 9:
                client.cap_version = max(client.cap_version, int(version))
            if client.cap_version >= 302:
                client.capabilities.add("cap-notify")          # implied by it
            _begin(client)
            _listed(irc, client, "LS", offered(irc, client))
        case "LIST":
            _listed(irc, client, "LIST", sorted(client.capabilities))
        case "REQ":
            _begin(client)
            _request(irc, client, message.param(1))
        case "END":
            if client.negotiating:
                client.negotiating = False
                complete(irc, client)
        case _:
            irc.reply(client, n.ERR_INVALIDCAPCMD, what.split(" ")[0] or "*")


def offered(irc: Irc, client: Client) -> list[str]:
    """What it may ask for, with values for who understands them."""
    found = list(capabilities.OFFERED)
    valued = client.cap_version >= 302
    if irc.keeps_history:
        found.append("draft/chathistory")
    if irc.gate is not None and client.secure:
        found.append(f"sasl={','.join(mechanisms(client))}" if valued else "sasl")
    if irc.gate is not None and irc.gate.registration != "off":
        early = irc.gate.registration == "before-connect"
        found.append("draft/account-registration" + ("=before-connect" if early and valued else ""))
    found += _strict_transport(irc, client)
    return sorted(found)


def _strict_transport(irc: Irc, client: Client) -> list[str]:
    """The policy, which means something with its value only.

    Source: IRCv3 Strict Transport Security.  Without TLS it says where to come with it, over TLS
    for how long; a duration of nothing ends a policy, and sends nobody there any more.
    """
    seconds, port = irc.network.sts, irc.network.tls_port
    if seconds is None or client.cap_version < 302:
        return []
    if client.tls:
        return [f"sts=duration={seconds}"]
    return [f"sts=port={port}"] if seconds and port else []


def _begin(client: Client) -> None:
    if not client.registered:
        client.negotiating = True


def _listed(irc: Irc, client: Client, what: str, found: list[str]) -> None:
    lines = joined(found, 400) or [""]
    if client.cap_version < 302 and what == "LS":
        lines = [" ".join(found)[:400].rpartition(" ")[0]] if len(lines) > 1 else lines
    for line in lines[:-1]:
        irc.message(client, "CAP", client.sender.nick, what, "*", line)
    irc.message(client, "CAP", client.sender.nick, what, lines[-1])


def _request(irc: Irc, client: Client, asked: str) -> None:
    """All of it, or nothing."""
    known = {name.partition("=")[0] for name in offered(irc, client)}
    known.discard("sts")               # a policy is told, and cannot be asked for
    wanted = set(client.capabilities)
    good = True
    for word in asked.split():
        name = word.removeprefix("-")
        good = good and name in known
        if not word.startswith("-"):
            wanted.add(name)
        elif name == "cap-notify" and client.cap_version >= 302:
            good = False
        else:
            wanted.discard(name)
    irc.message(client, "CAP", client.sender.nick, "ACK" if good else "NAK", asked)
    if good:
        client.capabilities = wanted
        irc.speak(client)


COMMANDS: Commands = {
    "CAP": IrcCommand(cap, 1, True), "PASS": IrcCommand(pass_, 1, True),
    "NICK": IrcCommand(nick, 0, True), "USER": IrcCommand(user, 4, True),
    "PING": IrcCommand(ping, 0, True), "PONG": IrcCommand(pong, 0, True),
    "QUIT": IrcCommand(quit_, 0, True),
}
