"""Nicks that somebody on another node was the first to choose, or that nobody has any more."""

from __future__ import annotations

from collections.abc import Iterable

from chatops.api import events
from chatops.chat import names
from chatops.cluster.claims import Claims
from chatops.cluster.link import Link
from chatops.server.state import ServerState

SWEPT = 500                    # nicks in one step of a sweep: a millisecond of the engine's time


def give_up(state: ServerState, claims: Claims, taken: Iterable[tuple[str, str]]) -> None:
    """The engine knows these looks as those of others, who came first and are alive."""
    hub = state.hub
    for look, owner in taken:
        session = hub.sessions.get(claims.ids.get(look, 0))
        node = owner.partition("/")[0]
        if session is None or session.guest or names.skeleton(session.nick) != look:
            continue                   # it has gone, or gone on
        nick = session.nick
        hub.rename(session)
        hub.notice(session, f"your nick {nick} was taken on another node meanwhile "
                            f"({node}); you are {session.nick}")
        state.say(events.NickLost(hub.at, session.id, nick, session.nick, node))


def sweep(link: Link, cursor: bytes = b"0") -> None:
    """Have the engine forget the nicks of nodes that are over: one that was killed has left its
    own there.
    """
    def answered(answer: bytes) -> None:
        if answer != b"0":
            sweep(link, answer)

    if link.state == "up":
        link.ask(link.keys.sweep_nicks(cursor, SWEPT), answered)
