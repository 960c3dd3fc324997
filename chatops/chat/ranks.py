"""Who is an operator of a room or has a voice, and the accounts that are operators again."""

from __future__ import annotations

from chatops.chat.groups import Sender
from chatops.chat.hub import Hub
from chatops.chat.session import Room, Session


def change(hub: Hub, session: Session, room: Room, written: str) -> bool:
    """A member is an operator from now on, or has a voice, or no more, as is `written`: +o, -v.
    Whether it was otherwise before.
    """
    rules, adding = room.rules, written[0] == "+"
    having = rules.ops if written[1:] == "o" else rules.voices
    if (session.id in having) == adding:
        return False
    hub.news([room], session.nick)
    if having is rules.voices:
        (having.add if adding else having.discard)(session.id)
    else:
        (rules.promote if adding else rules.demote)(session.sender, hub.at)
        hub.touch_room(room)
    hub.touch(session)
    return True


def restore(hub: Hub, session: Session, room: Room) -> None:
    """Whoever comes in, or logs in, with an account that is an operator there, is one."""
    if (room.rules.is_op_account(session.sender.account, session.account_made)
            and change(hub, session, room, "+o")):
        hub.gather(room, hub.group(Sender(0, ""), "mode", f"+o {session.nick}"))


def logged_in(hub: Hub, session: Session) -> None:
    """Its account has what the session has, and the other way round."""
    for room in session.rooms.values():
        if session.id in room.rules.ops:
            room.rules.promote(session.sender, hub.at)
            hub.touch_room(room)
        else:
            restore(hub, session, room)
