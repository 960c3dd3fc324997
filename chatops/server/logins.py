"""The accounts, as the chat asks about them: not too often, and without waiting."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable
from math import ceil
from typing import TypeVar

from chatops.accounts.authenticator import Authenticator, LoginVerdict
from chatops.accounts.store import AccountError, AccountStore, fold
from chatops.api import events
from chatops.chat.login import Outcome, Told, log_out
from chatops.chat.session import Session
from chatops.chat.throttle import KEPT, Throttle
from chatops.server.admission import source_of
from chatops.server.reservations import Reservations
from chatops.server.revocation import Revocation
from chatops.server.state import ServerState
from chatops.units import format_duration

T = TypeVar("T")


class Logins:
    """Belongs to the reactor's thread; hashes are made on the authenticator's."""

    def __init__(self, state: ServerState, authenticator: Authenticator, registration: str) -> None:
        self.registration = registration
        self._state = state
        self._authenticator = authenticator
        self._throttle = Throttle()
        self._asked: Counter[str] = Counter()  # passwords being checked, by what is counted
        self._behind: dict[str, deque[Callable[[], None]]] = {}    # others that wait for these
        self._known: dict[tuple[str, str], None] = {}      # who has logged in from where
        self._reservations = Reservations(state, authenticator)
        self._revocation = Revocation(state, authenticator)
        state.named = self._reservations.named
        authenticator.unusable = self._tell

    def verify(self, session: Session, name: str, password: str, answer: Told) -> None:
        """Whether this is the account's password; after some that were not, a wait.  As many
        are checked at once as may be wrong: whoever comes by many connections has no more tries.
        """
        keys = self._keys(session, name)
        host, own = self._counted(session, name)
        now = self._state.reactor.now
        if wait := self._throttle.wait(now, *keys):
            self._refuse(answer, f"too many wrong passwords; try again in {_spoken(wait)}")
            return
        for key in keys:
            if self._asked[key] >= self._throttle.left(now, key):
                self._behind.setdefault(key, deque()).append(
                    lambda: self.verify(session, name, password, answer))
                return

        def answered(verdict: LoginVerdict) -> None:
            if verdict.account is not None:
                self._throttle.succeeded(*[key for key in keys if key != host])
                self._throttle.forgive(host, own)
                self._remember(session, name)
            elif verdict.looked:
                self._state.hub.bad_input(session, "a wrong password")
                self._throttle.failed(self._state.reactor.now, *keys, own)
            self._asked -= Counter(keys)
            for key in keys:
                self._go_on(key)
            self._told(session, verdict, answer)

        self._asked.update(keys)
        self._authenticator.verify(name, password, answered)

    def certified(self, session: Session, name: str, fingerprint: str, answer: Told) -> None:
        """Whether an account has this certificate; it cannot be guessed, so nobody waits."""
        self._authenticator.verify_certificate(
            fingerprint, name, lambda verdict: self._told(session, verdict, answer))

    def register(self, session: Session, name: str, password: str, answer: Told) -> None:
        """Make an account; so many in a minute from one address."""
        key = f"register {self._host(session)}"
        if wait := self._throttle.wait(self._state.reactor.now, key):
            self._refuse(answer, f"too many new accounts; try again in {_spoken(wait)}")
            return
        self._throttle.failed(self._state.reactor.now, key)

        def made(outcome: Outcome) -> None:
            answer(outcome._replace(new=bool(outcome.account)))

        self._authenticator.register(
            name, password, lambda verdict: self._told(session, verdict, made))

    def change(self, session: Session, name: str, password: str, answer: Told) -> None:
        """Give the account that it is logged in to another password."""
        del session
        self._authenticator.change(name, password, lambda verdict: answer(_outcome(verdict)))

    # -- with other nodes

    def on_change(self, call: Callable[[], None]) -> None:
        """Have this called when somebody has made an account here, or changed one."""
        self._authenticator.changed = call

    def later(self, job: Callable[[AccountStore], T | None],
              told: Callable[[T | AccountError], None]) -> None:
        """As `Authenticator.later`."""
        self._authenticator.later(job, told)

    def settled(self, names: Iterable[str], lost: Iterable[str]) -> None:
        """Other nodes have made, changed or removed accounts, of those that there are of these
        names; those that are `lost` were others' before, and who is logged in to one is so no
        more.
        """
        for name in names:
            self._reservations.owned_now(name)
        gone = {fold(name) for name in lost}
        hub = self._state.hub
        for session in list(hub.sessions.values()) if gone else ():
            account = session.sender.account
            if fold(account) in gone:
                log_out(hub, session, f"the account {account} was somebody else's before, on "
                                      "another node")
                self._reservations.owned_now(account)
        self._revocation.look()

    def close(self) -> None:
        """Answer what waits, and end the thread."""
        self._authenticator.close()

    def _told(self, session: Session, verdict: LoginVerdict, answer: Told) -> None:
        if verdict.account is not None:
            self._revocation.watch(session, verdict.account)
        answer(_outcome(verdict))

    def _tell(self, fault: str) -> None:
        hub, self._state.accounts_fault = self._state.hub, fault
        hub.effects.append(events.Warned(hub.at, fault or "the accounts can be used again"))

    def _refuse(self, answer: Told, why: str) -> None:
        """In the next turn: who was answered at once could ask hundreds of times in this one."""
        self._state.reactor.call_soon(lambda: answer(Outcome("", reason=why)))

    def _go_on(self, key: str) -> None:
        """With those that wait for an answer which has come now, as far as there is room."""
        behind = self._behind.pop(key, None)
        while behind:
            behind.popleft()()
            if (again := self._behind.pop(key, None)) is not None:
                self._behind[key] = deque([*again, *behind])       # what is first has to wait on
                return

    def _keys(self, session: Session, name: str) -> tuple[str, ...]:
        """What is counted.  Somebody elsewhere who tries an account's password again and again
        does not lock its owner out of where it has logged in before.
        """
        host, name = self._host(session), name.lower()
        return (f"from {host}",) if (host, name) in self._known else (f"from {host}", f"to {name}")

    def _counted(self, session: Session, name: str) -> tuple[str, str]:
        """As what an address is counted, and that account's part of it: to know one password is
        no leave to guess at others.
        """
        host = f"from {self._host(session)}"
        return host, f"{host} to {name.lower()}"

    def _remember(self, session: Session, name: str) -> None:
        self._known[self._host(session), name.lower()] = None
        if len(self._known) > KEPT:
            self._known.pop(next(iter(self._known)))

    def _host(self, session: Session) -> str:
        connection = self._state.connections.get(session.id)
        return source_of(connection.host) if connection is not None else ""


def _spoken(seconds: float) -> str:
    return format_duration(ceil(seconds))


def _outcome(verdict: LoginVerdict) -> Outcome:
    account = verdict.account
    return Outcome("", reason=verdict.reason) if account is None else Outcome(
        account.name, account.admin, made_at=account.made_at)
