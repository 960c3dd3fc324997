"""Nicks that belong to an account: whoever else has one is asked to log in, and then loses it.

Refusing such a nick at once would lock out clients that know no other (they try the same again),
and those that log in only after they have come in.
"""

from __future__ import annotations

from math import ceil

from chatops.accounts.authenticator import Authenticator, LoginVerdict
from chatops.chat.login import INSECURE
from chatops.chat.owners import owns
from chatops.chat.session import Session
from chatops.server.state import ServerState
from chatops.units import format_duration

GRACE = 30.0                   # seconds to log in


class Reservations:
    """Belongs to the reactor's thread; accounts are looked up on the authenticator's."""

    def __init__(self, state: ServerState, authenticator: Authenticator) -> None:
        self._state = state
        self._authenticator = authenticator
        self._due: dict[tuple[int, str], float] = {}   # when whoever has a nick loses it

    def named(self, id: int, nick: str) -> None:  # noqa: A002
        """Somebody is called this from now on."""
        if self._bearer(id, nick) is not None:
            self._authenticator.owned(nick, lambda verdict: self._known(id, nick, verdict))

    def owned_now(self, name: str) -> None:
        """There is an account of this name, which was made elsewhere."""
        bearer = self._state.hub.nicks.find(name)
        if bearer is not None:
            self.named(bearer.id, bearer.nick)

    def _known(self, id: int, nick: str, verdict: LoginVerdict) -> None:  # noqa: A002
        session = self._bearer(id, nick)
        if verdict.account is None or session is None:
            return
        reactor = self._state.reactor
        if (id, nick) not in self._due:        # who has had it a moment ago has no more time now
            self._due[id, nick] = reactor.now + GRACE
            reactor.call_later(GRACE, lambda: self._over(id, nick))
        left = format_duration(max(1, ceil(self._due[id, nick] - reactor.now)))
        self._state.hub.notice(session, f"{nick} belongs to an account: log in within {left}, "
                                        "or you will be a guest",
                               f"{session.way_to_log_in} logs you in" if session.secure
                               else INSECURE)

    def _over(self, id: int, nick: str) -> None:  # noqa: A002
        del self._due[id, nick]
        if (session := self._bearer(id, nick)) is not None:
            hub = self._state.hub
            hub.rename(session)
            hub.notice(session, f"you have not logged in as {nick}: you are {session.nick} now")

    def _bearer(self, id: int, nick: str) -> Session | None:  # noqa: A002
        """Who is still called this, and is not logged in as its owner."""
        session = self._state.hub.sessions.get(id)
        if session is None or session.guest or session.nick != nick or owns(session, nick):
            return None
        return session
