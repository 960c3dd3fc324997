"""Waiting for an answer of ours: nothing more of what a client has sent is looked at meanwhile.

So what follows a question is answered after it, as clients that send many at once rely on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from chatops.chat.effects import Park, Pour, Tell, Unpark
from chatops.chat.hub import Hub
from chatops.chat.session import Session

T = TypeVar("T")
LONG = 1 << 15                 # bytes of an answer that its reader has to keep up with
WORK = 256                     # bytes of an answer that cost the loop as much as a line
SHARE = 8                      # of so many of those, one is charged to the rate


def park(hub: Hub, session: Session, answered: Callable[[T], None]) -> Callable[[T], None]:
    """Hold a client until what this returns is called; then `answered` is, unless it has gone."""
    session.parked = True
    hub.effects.append(Park(session.id))

    def answer(what: T) -> None:
        session.parked = False
        if session.id in hub.sessions:
            answered(what)
            hub.effects.append(Unpark(session.id))

    return answer


def charge(hub: Hub, session: Session, lines: int) -> None:
    """What somebody has asked for is as much work as so many lines more (some 20 µs each): this
    turn has less time left for others of the kind, and its rate bears a part of it.
    """
    hub.costly += lines
    if hub.limits.rate:
        session.tokens -= lines // SHARE


def pour(hub: Hub, session: Session, mark: int) -> None:
    """What a client has been answered last, since `hub.effects` had `mark` of them, costs some
    of its rate; if that is long, it is sent as it reads, and nothing more is read of it until
    it has all of it.  Somebody who asks for much is not thrown out for a full queue.
    """
    effects = hub.effects
    first = len(effects)
    while first > mark and isinstance(last := effects[first - 1], Tell) and last.id == session.id:
        first -= 1
    answer = [effect.data for effect in effects[first:] if isinstance(effect, Tell)]
    size = sum(map(len, answer))
    charge(hub, session, size // WORK)
    if size > LONG and not session.parked and session.id in hub.sessions:
        session.parked = True
        effects[first:] = [Park(session.id), Pour(session.id, b"".join(answer))]
