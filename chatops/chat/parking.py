"""Waiting for an answer of ours: nothing more of what a client has sent is looked at meanwhile.

So what follows a question is answered after it, as clients that send many at once rely on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from chatops.chat.effects import Park, Unpark
from chatops.chat.hub import Hub
from chatops.chat.session import Session

T = TypeVar("T")


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
