"""What each client command does: one function per row of the parser's table."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

from chatops.chat import abroad, names, ranks
from chatops.chat.effects import Recall
from chatops.chat.formatting import strip
from chatops.chat.hub import Hub
from chatops.chat.limits import AWAY, TOPIC
from chatops.chat.owners import kept_by_ban, make_way
from chatops.chat.parser import usage_of
from chatops.chat.session import Session
from chatops.units import counted

LISTED = 50                    # nicks, rooms or lines of history in one answer
RECALLED = 10                  # lines of history, unless more are asked for

Refuses = Callable[[], bool]   # whether who asks is muted, which it is told then

def nick(hub: Hub, session: Session, argument: str, _muted: Refuses) -> None:
    """`/nick NAME`"""
    if not argument:
        hub.error(session, f"usage: {usage_of('nick')}")
        return
    if argument == session.nick:
        return
    if room := kept_by_ban(session, argument):
        hub.error(session, f"you are banned in {room}: keep your nick there, or leave it first")
        return
    make_way(hub, session, argument)
    try:
        hub.rename(session, argument)
    except names.InvalidName as error:
        hub.error(session, str(error))


def who(hub: Hub, session: Session, _argument: str, _muted: Refuses) -> None:
    """`/who`"""
    if session.room is None:
        hub.error(session, "you are in no room")
        return
    room = session.room
    nicks = [member.nick for member in islice(room.members.values(), LISTED)]
    if hub.elsewhere is not None:
        nicks += [person.who.nick for person in islice(hub.elsewhere.inside(room.name), LISTED)]
    listed = nicks[:LISTED]
    more = room.population - len(listed)
    hub.notice(session, f"{room.population} in {room.name}: {', '.join(listed)}"
                        + (f" and {more} more" if more else ""))


def me(hub: Hub, session: Session, argument: str, muted: Refuses) -> None:
    """`/me TEXT`"""
    if not argument:
        hub.error(session, f"usage: {usage_of('me')}")
    elif not muted():
        hub.act(session, argument)


def msg(hub: Hub, session: Session, argument: str, muted: Refuses) -> None:
    """`/msg NICK TEXT`"""
    name, _, text = argument.partition(" ")
    text = text.strip()
    if not text:
        hub.error(session, f"usage: {usage_of('msg')}")
        return
    other = hub.nicks.find(name)
    if other is None and hub.elsewhere is not None and (there := hub.elsewhere.find(name)):
        if not muted():
            abroad.whisper(hub, session, there, text)
            if there.away:
                hub.notice(session, f"{there.who.nick} is away: {there.away}")
        return
    if other is None:
        hub.error(session, f"nobody here is called {name}")
        return
    if muted():
        return
    hub.whisper(session, other, text)
    if other.away:
        hub.notice(session, f"{other.nick} is away: {other.away}")


def join(hub: Hub, session: Session, argument: str, _muted: Refuses) -> None:
    """`/join ROOM`"""
    if not argument:
        hub.error(session, f"usage: {usage_of('join')}")
        return
    try:
        wanted, _, key = argument.partition(" ")
        name = names.check_room(wanted)
    except names.InvalidName as error:
        hub.error(session, str(error))
        return
    if abroad.must_wait(hub, session):
        return
    rules, there = hub.rules_of(name)
    barred = rules.barred(session.sender, there, key.strip()) if rules is not None else None
    if name in session.rooms:
        hub.notice(session, f"you are in {name} already")
    elif barred is not None:
        hub.error(session, f"you may not come into {name}: {_BARRED[barred]}")
    elif name not in hub.rooms and len(hub.rooms) >= hub.limits.rooms:
        hub.error(session, f"there are {len(hub.rooms)} rooms already; /rooms lists them")
    else:
        hub.move(session, name)
        ranks.restore(hub, session, session.rooms[name])
        hub.notice(session, f"you are in {name} with "
                            + counted(session.rooms[name].population - 1, "other"))


_BARRED = {"banned": "you are banned there", "uninvited": "nobody has invited you",
           "wrong key": "it has a key, /join ROOM KEY", "full": "it is full"}


def rooms(hub: Hub, session: Session, _argument: str, _muted: Refuses) -> None:
    """`/rooms`"""
    hub.notice(session, *hub.rooms.listing(LISTED))


def history(hub: Hub, session: Session, argument: str, _muted: Refuses) -> None:
    """`/history [N] [TEXT]`; the answer comes when the disk has it"""
    first, _, text = argument.partition(" ")
    count = RECALLED
    if first.isascii() and first.isdecimal() and len(first) < 10:
        count = max(1, min(int(first), LISTED))
    else:
        text = argument
    kept_as = session.room.kept_as if session.room is not None else ""
    hub.effects.append(Recall(session.id, kept_as, count, text.strip()))


def quit_(hub: Hub, session: Session, argument: str, muted: Refuses) -> None:
    """`/quit [REASON]`, or `quit` alone on a line; the reason is speech as well"""
    if argument and (muted() or session.hushed):
        argument = ""
    hub.leave(session, argument or "left", "bye")


def topic(hub: Hub, session: Session, argument: str, muted: Refuses) -> None:
    """`/topic [TEXT]`"""
    room = session.room
    if room is None:
        hub.error(session, "you are in no room")
    elif not argument:
        rules = room.rules
        hub.notice(session, f"{room.name}: {strip(rules.topic)}, set by {rules.topic_by}"
                   if rules.topic else f"{room.name} has no topic")
    elif "t" in room.rules.flags and session.id not in room.rules.ops:
        hub.error(session, f"only operators of {room.name} set its topic")
    elif len(argument) > TOPIC:
        hub.error(session, f"a topic has {TOPIC} characters at most")
    elif room.guarded and room.rules.hushed(session.sender):
        hub.error(session, f"you may not speak in {room.name}")
    elif not muted():
        hub.set_topic(session, room, argument)


def away(hub: Hub, session: Session, argument: str, muted: Refuses) -> None:
    """`/away [TEXT]`"""
    if argument and muted():
        return
    if len(argument) > AWAY:
        hub.error(session, f"why you are away has {AWAY} characters at most")
        return
    session.away = argument
    hub.tell_peers(session, "away", argument)
    hub.notice(session, "you are marked as away" if argument else "you are back")


COMMANDS: dict[str, Callable[[Hub, Session, str, Refuses], None]] = {
    "nick": nick, "who": who, "me": me, "msg": msg, "join": join, "rooms": rooms,
    "history": history, "topic": topic, "away": away, "quit": quit_,
}

