"""What each client command does: one function per row of the parser's table."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from chatops.api.events import Whispered
from chatops.chat import names
from chatops.chat.effects import Recall
from chatops.chat.parser import help_lines, usage_of
from chatops.units import counted

if TYPE_CHECKING:
    from chatops.chat.hub import Hub
    from chatops.chat.session import Session

LISTED = 50                    # nicks, rooms or lines of history in one answer
RECALLED = 10                  # lines of history, unless more are asked for


class Muted:
    """Whether a client may speak in this batch of lines; tells it no more than once."""

    __slots__ = ("_hub", "_session", "_told")

    def __init__(self, hub: Hub, session: Session) -> None:
        self._hub = hub
        self._session = session
        self._told = False

    def refuses(self) -> bool:
        """True when the client is muted."""
        session = self._session
        if not session.muted_until:
            return False
        if session.muted_until <= self._hub.now:
            session.muted_until = 0.0
            return False
        if not self._told:
            self._told = True
            self._hub.error(session, "you are muted; nobody heard that")
        return True


def nick(hub: Hub, session: Session, argument: str, _muted: Muted) -> None:
    """`/nick NAME`"""
    if not argument:
        hub.error(session, f"usage: {usage_of('nick')}")
        return
    if argument == session.nick:
        return
    try:
        hub.rename(session, argument)
    except names.InvalidName as error:
        hub.error(session, str(error))


def who(hub: Hub, session: Session, _argument: str, _muted: Muted) -> None:
    """`/who`"""
    members = session.room.members
    listed = [member.nick for _, member in zip(range(LISTED), members.values(), strict=False)]
    more = len(members) - len(listed)
    hub.tell(session, f"*** {len(members)} in {session.room.name}: {', '.join(listed)}"
                      + (f" and {more} more" if more else ""))


def me(hub: Hub, session: Session, argument: str, muted: Muted) -> None:
    """`/me TEXT`"""
    if not argument:
        hub.error(session, f"usage: {usage_of('me')}")
    elif not muted.refuses():
        hub.act(session, argument)


def msg(hub: Hub, session: Session, argument: str, muted: Muted) -> None:
    """`/msg NICK TEXT`"""
    name, _, text = argument.partition(" ")
    text = text.strip()
    if not text:
        hub.error(session, f"usage: {usage_of('msg')}")
        return
    other = hub.nicks.find(name)
    if other is None:
        hub.error(session, f"nobody here is called {name}")
        return
    if muted.refuses():
        return
    hub.tell(other, f"[{session.nick} -> you] {text}")
    hub.tell(session, f"[you -> {other.nick}] {text}")
    hub.effects.append(Whispered(hub.at, session.id, session.nick, other.id, other.nick))


def join(hub: Hub, session: Session, argument: str, _muted: Muted) -> None:
    """`/join ROOM`"""
    if not argument:
        hub.error(session, f"usage: {usage_of('join')}")
        return
    try:
        name = names.check_room(argument)
    except names.InvalidName as error:
        hub.error(session, str(error))
        return
    if name == session.room.name:
        hub.tell(session, f"*** you are in {name} already")
    elif name not in hub.rooms and len(hub.rooms) >= hub.limits.rooms:
        hub.error(session, f"there are {len(hub.rooms)} rooms already; /rooms lists them")
    else:
        hub.move(session, name)
        hub.tell(session, f"*** you are in {name} with "
                          + counted(len(session.room.members) - 1, "other"))


def rooms(hub: Hub, session: Session, _argument: str, _muted: Muted) -> None:
    """`/rooms`"""
    hub.tell(session, *hub.rooms.listing(LISTED))


def history(hub: Hub, session: Session, argument: str, _muted: Muted) -> None:
    """`/history [N] [TEXT]`; the answer comes when the disk has it"""
    first, _, text = argument.partition(" ")
    count = RECALLED
    if first.isascii() and first.isdecimal() and len(first) < 10:
        count = max(1, min(int(first), LISTED))
    else:
        text = argument
    hub.effects.append(Recall(session.id, session.room.name, count, text.strip()))


def quit_(hub: Hub, session: Session, argument: str, muted: Muted) -> None:
    """`/quit [REASON]`, or `quit` alone on a line; the reason is speech as well"""
    if argument and muted.refuses():
        argument = ""
    hub.leave(session, argument or "left", "*** bye")


def help_(hub: Hub, session: Session, _argument: str, _muted: Muted) -> None:
    """`/help`"""
    hub.tell(session, *(f"*** {line}" for line in help_lines()))


COMMANDS: dict[str, Callable[[Hub, Session, str, Muted], None]] = {
    "nick": nick, "who": who, "me": me, "msg": msg, "join": join, "rooms": rooms,
    "history": history, "quit": quit_, "help": help_,
}

