"""Whose nick it is: who is logged in to an account takes the nick of that name from anybody.

The commonest annoyance of IRC is to come back as `ada_` because one's own dead connection still
has the nick.
"""

from __future__ import annotations

from chatops.chat import names
from chatops.chat.hub import Hub
from chatops.chat.masks import fold
from chatops.chat.session import Session

REPLACED = "replaced by a new connection"


def owns(session: Session, nick: str) -> bool:
    """Whether it is logged in to the account that this nick belongs to."""
    account = session.sender.account
    return bool(account) and fold(account) == fold(nick)


def holder_for(hub: Hub, session: Session, nick: str) -> Session | None:
    """Who has this nick, or one that looks like it, and has to give way to this session."""
    holder = hub.nicks.alike(names.skeleton(nick))
    if holder is None or holder is session:
        return None
    same = bool(session.sender.account) and holder.sender.account == session.sender.account
    return holder if same or owns(session, nick) else None


def make_way(hub: Hub, session: Session, nick: str) -> None:
    """Have whoever must give way to this session do so: an older connection of the same account
    is closed, anybody else is a guest from here on.
    """
    holder = holder_for(hub, session, nick)
    if holder is None:
        return
    if holder.sender.account == session.sender.account:
        hub.leave(holder, REPLACED, REPLACED, error=True)
    else:
        hub.notice(holder, f"{holder.nick} belongs to the account {session.sender.account}, "
                           "whose owner is here now")
        hub.rename(holder)


def reclaim(hub: Hub, session: Session, nick: str) -> str:
    """Send away whoever has a nick of this session's account; returns what came of it."""
    holder = hub.nicks.find(nick)
    if holder is None:
        return f"nobody is called {nick}"
    if holder is session:
        return "that is you"
    if holder_for(hub, session, nick) is not holder:
        return f"{nick} is not yours: log in to its account first"
    hub.leave(holder, REPLACED, REPLACED, error=True)
    return f"{holder.nick} has been sent away"
