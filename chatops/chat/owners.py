"""Whose nick it is: who is logged in to an account takes the nick of that name from anybody.

The commonest annoyance of IRC is to come back as `ada_` because one's own dead connection still
has the nick.
"""

from __future__ import annotations

from chatops.chat import names
from chatops.chat.effects import MakeWay
from chatops.chat.elsewhere import Person
from chatops.chat.hub import Hub
from chatops.chat.masks import fold
from chatops.chat.session import Session

REPLACED = "replaced by a new connection"


def owns(session: Session, nick: str) -> bool:
    """Whether it is logged in to the account that this nick belongs to."""
    account = session.sender.account
    return bool(account) and fold(account) == fold(nick)


def kept_by_ban(session: Session, nick: str) -> str:
    """A room whose ban quiets it, and would not under this nick; "" if there is none.  It can
    leave that room, and have the nick then.
    """
    return next((name for name, room in session.rooms.items()
                 if room.guarded and room.rules.evades(session.sender, nick)), "")


def holder_for(hub: Hub, session: Session, nick: str) -> Session | None:
    """Who has this nick, or one that looks like it, and has to give way to this session."""
    holder = hub.nicks.alike(names.skeleton(nick))
    if holder is None or holder is session:
        return None
    same = bool(session.sender.account) and holder.sender.account == session.sender.account
    return holder if same or owns(session, nick) else None


def far_holder_for(hub: Hub, session: Session, nick: str) -> Person | None:
    """The same of a client of another node."""
    holder = hub.elsewhere.alike(names.skeleton(nick)) if hub.elsewhere is not None else None
    if holder is None:
        return None
    same = bool(session.sender.account) and holder.who.account == session.sender.account
    return holder if same or owns(session, nick) else None


def make_way(hub: Hub, session: Session, nick: str) -> None:
    """Have whoever must give way to this session do so: an older connection of the same account
    is closed, anybody else is a guest from here on.
    """
    account = session.sender.account
    if (holder := holder_for(hub, session, nick)) is not None:
        _give_way(hub, holder, account)
    elif (person := far_holder_for(hub, session, nick)) is not None:
        _send_away(hub, person, session)


def give_way(hub: Hub, id: int, nick: str, account: str, *, close: bool) -> None:  # noqa: A002
    """A client of another node has taken a nick that this one of ours may still have; as in
    `chatops.chat.effects.MakeWay`.
    """
    holder = hub.sessions.get(id)
    if holder is None or holder.guest or names.skeleton(holder.nick) != names.skeleton(nick):
        return
    if close:
        hub.leave(holder, REPLACED, REPLACED, error=True)
    else:
        _give_way(hub, holder, account)


def _give_way(hub: Hub, holder: Session, account: str) -> None:
    if holder.sender.account == account:
        hub.leave(holder, REPLACED, REPLACED, error=True)
    else:
        hub.notice(holder, f"{holder.nick} belongs to the account {account}, "
                           "whose owner is here now")
        hub.rename(holder)


def _send_away(hub: Hub, person: Person, session: Session, *, close: bool = False) -> None:
    """Its nick is free at once: its node is told, which may take a while."""
    assert hub.elsewhere is not None
    hub.elsewhere.free(person)
    hub.effects.append(MakeWay(person.who.node, person.who.id, person.who.nick,
                               session.sender.account, session.id, close))


def reclaim(hub: Hub, session: Session, nick: str) -> str:
    """Send away whoever has a nick of this session's account; returns what came of it."""
    holder = hub.nicks.find(nick)
    person = hub.elsewhere.find(nick) if hub.elsewhere is not None else None
    if holder is None and person is None:
        return f"nobody is called {nick}"
    if holder is session:
        return "that is you"
    if holder is not None and holder_for(hub, session, nick) is holder:
        hub.leave(holder, REPLACED, REPLACED, error=True)
        return f"{holder.nick} has been sent away"
    if (holder is None and person is not None
            and far_holder_for(hub, session, nick) is person):
        _send_away(hub, person, session, close=True)
        return f"{person.who.nick} has been sent away"
    return f"{nick} is not yours: log in to its account first"
