"""Who comes, goes, is away or is called something else, to those who watch for it.

Source: IRCv3 monitor and extended-monitor.
"""

from __future__ import annotations

from chatops.chat.elsewhere import Person
from chatops.chat.groups import Kind, Sender
from chatops.chat.irc import numerics as n
from chatops.chat.irc import others
from chatops.chat.irc.client import Client
from chatops.chat.irc.context import Irc
from chatops.chat.irc.whowas import Past
from chatops.chat.masks import fold
from chatops.chat.session import Session


def came(irc: Irc, session: Session) -> None:
    """Somebody is here under this nick from now on."""
    _nick_told(irc, session.nick, irc.source(session), n.RPL_MONONLINE)


def went(irc: Irc, nick: str) -> None:
    """Nobody is here under this nick any more."""
    _nick_told(irc, nick, nick, n.RPL_MONOFFLINE)


def moved_elsewhere(irc: Irc, old: str, person: Person | None) -> None:
    """The same of somebody on another node; unless another has the old nick by now."""
    if old and irc.find(old) is None and others.find(irc, old) is None:
        went(irc, old)
    if person is not None:
        _nick_told(irc, person.who.nick, irc.tongue.source(person.who), n.RPL_MONONLINE)


def renamed(irc: Irc, client: Session, old: Sender) -> None:
    """A nick has changed: WHOWAS knows the old one, and so do those who watch for either."""
    irc.whowas.add(Past(old.nick, old.user, old.host, client.realname, irc.hub.at))
    if fold(old.nick) != fold(client.nick):
        went(irc, old.nick)
        came(irc, client)


def remember(irc: Irc, client: Session) -> None:
    """It is about to go."""
    if client.registered:
        sender = client.sender
        irc.whowas.add(Past(sender.nick, sender.user, sender.host, client.realname, irc.hub.at))


def changed(irc: Irc, client: Client, kind: Kind, text: str) -> None:
    """Something about a client that its peers may have asked to be told of, and who watches it
    with extended-monitor as well.
    """
    irc.hub.tell_peers(client, kind, text)
    watchers_told(irc, client, kind, text)


def watchers_told(irc: Irc, client: Session, kind: Kind, text: str) -> None:
    """Those who watch for somebody with extended-monitor, and are not told as its peers."""
    hub = irc.hub
    peers = {member for room in client.rooms.values() for member in room.members}
    group = hub.group(client.sender, kind, text)
    for watcher in _watchers(irc, client.nick):
        if "extended-monitor" in watcher.capabilities and watcher.id not in peers:
            hub.tell(watcher, watcher.dialect.render("", (group,)).chunk)


def _nick_told(irc: Irc, nick: str, shown: str, numeric: n.Numeric) -> None:
    for watcher in _watchers(irc, nick):
        irc.reply(watcher, numeric, shown)


def _watchers(irc: Irc, nick: str) -> list[Client]:
    ids = sorted(irc.watchers.get(fold(nick), ()))
    found = [irc.hub.sessions.get(id) for id in ids]   # noqa: A001
    return [watcher for watcher in found if isinstance(watcher, Client)]
