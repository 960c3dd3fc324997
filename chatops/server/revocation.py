"""Accounts that are no more: whoever is logged in to one is so no longer.

Any process may remove an account from the file, and make one of its name anew, which is another
account.  A name alone says nothing of that: it is told by when the account was made.
"""

from __future__ import annotations

from collections.abc import Iterable

from chatops.accounts.authenticator import Authenticator
from chatops.accounts.store import Account, AccountError, AccountStore, fold
from chatops.chat.login import log_out
from chatops.chat.owners import owns
from chatops.chat.session import Session
from chatops.server.state import ServerState

LOOK = 2.0                     # seconds between two looks at the file, while anybody is logged in

Version = tuple[str, float]    # an account's name, folded, and when it was made


class Revocation:
    """Belongs to the reactor's thread; the file is looked at on the authenticator's."""

    def __init__(self, state: ServerState, authenticator: Authenticator) -> None:
        self._state = state
        self._authenticator = authenticator
        self._watched: dict[str, set[int]] = {}    # sessions that are logged in, or were, by
                                               # the folded name of their account
        self._waiting = False
        self._unread = False                   # the file could not be read

    def watch(self, session: Session, account: Account) -> None:
        """This session has proved to own this account: whoever is logged in to one of that name
        which was made at another time is not any more.
        """
        name = fold(account.name)
        self._revoke({_version(other) for other in self._bearers(name)}
                     - {(name, account.made_at)})
        self._watched.setdefault(name, set()).add(session.id)
        self._wait()

    def look(self, *, always: bool = True) -> None:
        """Find out who is logged in to what is no more; unless it is to be done `always`, only if
        another process has written the file.
        """
        held = {_version(session) for name in self._watched for session in self._bearers(name)}
        always = always or self._unread

        def gone(store: AccountStore) -> set[Version] | None:
            if not store.written() and not always:
                return None
            there = {(name, account.made_at) for name, _ in held
                     if (account := store.find(name)) is not None}
            return held - there or None

        def told(versions: set[Version] | AccountError) -> None:
            self._unread = isinstance(versions, AccountError)
            if not isinstance(versions, AccountError):
                self._revoke(versions)

        if held:
            self._unread = False
            self._authenticator.later(gone, told)

    def _revoke(self, versions: Iterable[Version]) -> None:
        hub = self._state.hub
        for name, made_at in versions:
            for session in self._bearers(name):
                if session.account_made == made_at:
                    self._log_out(session)
            for room in list(hub.rooms.values()):
                if room.rules.disown(name, hub.at):
                    hub.touch_room(room)

    def _log_out(self, session: Session) -> None:
        """Its nick is free for whoever owns it now."""
        mine = owns(session, session.nick) and not session.guest
        log_out(self._state.hub, session, f"the account {session.sender.account} was removed")
        if mine:
            self._state.hub.rename(session)

    def _bearers(self, name: str) -> list[Session]:
        """Who is logged in to an account of this folded name."""
        found = [self._state.hub.sessions.get(one) for one in self._watched.get(name, ())]
        return [one for one in found if one is not None and fold(one.sender.account) == name]

    def _wait(self) -> None:
        if not self._waiting:
            self._waiting = True
            self._state.reactor.call_later(LOOK, self._over)

    def _over(self) -> None:
        self._waiting = False
        bearers = {name: self._bearers(name) for name in self._watched}
        self._watched = {name: {one.id for one in here} for name, here in bearers.items() if here}
        if self._watched:
            self.look(always=False)
            self._wait()


def _version(session: Session) -> Version:
    return fold(session.sender.account), session.account_made
