"""MONITOR: be told who comes and goes.

Source: IRCv3 monitor.
"""

from __future__ import annotations

from chatops.chat.irc import limits, others
from chatops.chat.irc import numerics as n
from chatops.chat.irc.client import Client
from chatops.chat.irc.context import Commands, Irc, IrcCommand, joined
from chatops.chat.irc.message import Message
from chatops.chat.masks import fold

ROOM = 400                     # bytes of targets in a line


def monitor(irc: Irc, client: Client, message: Message) -> None:
    targets = [target for target in message.param(1).split(",") if target]
    match message.params[0].upper():
        case "+" if targets:
            _add(irc, client, targets)
        case "-" if targets:
            for target in targets:
                _drop(irc, client, fold(target))
        case "C":
            forget(irc, client)
        case "L":
            for line in joined(client.monitored.values(), ROOM, ","):
                irc.reply(client, n.RPL_MONLIST, line)
            irc.reply(client, n.RPL_ENDOFMONLIST)
        case "S":
            _status(irc, client, list(client.monitored.values()))
        case _:
            irc.reply(client, n.ERR_NEEDMOREPARAMS, "MONITOR")


def _add(irc: Irc, client: Client, targets: list[str]) -> None:
    added = []
    for number, target in enumerate(targets):
        if " " in target or "!" in target or "*" in target or len(target) > 64:
            continue                   # not a nick: nobody can ever be called that
        if fold(target) not in client.monitored:
            if len(client.monitored) >= limits.MONITORED:
                irc.reply(client, n.ERR_MONLISTFULL, str(limits.MONITORED),
                          ",".join(targets[number:])[:ROOM])
                break
            client.monitored[fold(target)] = target
            irc.watchers.setdefault(fold(target), set()).add(client.id)
        added.append(target)
    _status(irc, client, added)


def _drop(irc: Irc, client: Client, folded: str) -> None:
    if client.monitored.pop(folded, None) is None:
        return
    watchers = irc.watchers.get(folded, set())
    watchers.discard(client.id)
    if not watchers:
        irc.watchers.pop(folded, None)


def forget(irc: Irc, client: Client) -> None:
    """It watches for nobody any more."""
    for folded in list(client.monitored):
        _drop(irc, client, folded)


def _status(irc: Irc, client: Client, targets: list[str]) -> None:
    here, gone = [], []
    for target in targets:
        if (session := irc.find(target)) is not None:
            here.append(irc.source(session))
        elif (far := others.find(irc, target)) is not None:
            here.append(irc.tongue.source(far.who))
        else:
            gone.append(target)
    for line in joined(here, ROOM, ","):
        irc.reply(client, n.RPL_MONONLINE, line)
    for line in joined(gone, ROOM, ","):
        irc.reply(client, n.RPL_MONOFFLINE, line)


COMMANDS: Commands = {"MONITOR": IrcCommand(monitor, 1)}
