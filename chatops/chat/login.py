"""Logging in, whichever door somebody has come by.

A password takes some 20 ms to check, on another thread; until the answer is there its client is
parked: nothing more of what it has sent is looked at, so that what follows a login comes after it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from chatops.api import events
from chatops.chat import ranks
from chatops.chat.hub import Hub
from chatops.chat.names import InvalidName, TakenName
from chatops.chat.parking import park
from chatops.chat.parser import usage_of
from chatops.chat.session import Session

ONE_AT_A_TIME = "one question at a time: another one of yours is not answered yet"
INSECURE = "passwords are only taken over TLS, or from this machine"
NO_ACCOUNTS = "there are no accounts here"


class Outcome(NamedTuple):
    """The account, or "" and why there is none."""

    account: str
    admin: bool = False
    reason: str = ""
    made_at: float = 0.0           # when the account was
    new: bool = False              # it was made by this question


Told = Callable[[Outcome], None]


class Gate(Protocol):
    """Who knows the accounts.  Answers each question once, later, on the thread of the hub."""

    registration: str              # "off", "on" or "before-connect"

    def verify(self, session: Session, name: str, password: str, answer: Told) -> None:
        """Whether this is the account's password."""

    def certified(self, session: Session, name: str, fingerprint: str, answer: Told) -> None:
        """Whether its certificate logs in to an account, which has to be that of this name, if
        there is one.
        """

    def register(self, session: Session, name: str, password: str, answer: Told) -> None:
        """Make an account, and log its maker in."""

    def change(self, session: Session, name: str, password: str, answer: Told) -> None:
        """Give the account another password."""


Question = Callable[[Session, str, str, Told], None]


def ask(hub: Hub, session: Session, question: Question, name: str, password: str,
        told: Told) -> None:
    """Park a client until its question is answered; then it is logged in, if that is the answer,
    and `told` is called, unless the client has gone.

    One line can ask several times (IRC's targets): only the first is heard, for each costs the
    thread that knows the accounts as much as somebody's login.
    """
    if not session.secure or session.parked:
        told(Outcome("", reason=ONE_AT_A_TIME if session.secure else INSECURE))
        return

    def answered(outcome: Outcome) -> None:
        told(outcome)                  # who has asked hears it before its peers do
        if outcome.account and (outcome.account, outcome.made_at) != (
                session.sender.account, session.account_made):
            hub.log_in(session, outcome.account, outcome.made_at)
            ranks.logged_in(hub, session)
            hub.effects.append(events.LoggedIn(hub.at, session.id, session.nick,
                                               outcome.account, outcome.new))

    question(session, name, password, park(hub, session, answered))


def log_out(hub: Hub, session: Session, why: str) -> None:
    """It owns its account no more, and is told why."""
    hub.log_in(session, "")
    hub.notice(session, f"{why}: you are not logged in any more")


def unfit(hub: Hub, session: Session, name: str) -> str:
    """Why it cannot make an account of this name; "" if it can.

    Whoever has an account may take the nick of its name from anybody: so it has to be a nick that
    this session could have now, and not that of somebody else, of a guest or of the server.
    """
    if session.sender.account:
        return f"you are logged in as {session.sender.account} already"
    try:
        hub.nicks.check(session, name, max_width=hub.limits.nick_width, ascii_only=True)
    except InvalidName as error:
        return str(error)
    return ""


def taken(hub: Hub, session: Session, name: str) -> str:
    """Whose nick it is, or looks like, on whatever node; "" where it is nobody else's."""
    try:
        hub.nicks.check(session, name, max_width=hub.limits.nick_width, ascii_only=True)
    except TakenName as error:
        return str(error)
    except InvalidName:
        pass
    return ""


# -- what plain clients write


def _login(hub: Hub, gate: Gate | None, session: Session, argument: str) -> None:
    """`/login ACCOUNT PASSWORD`"""
    if gate is not None:
        _asked(hub, session, argument, "login", gate.verify)
    else:
        hub.error(session, NO_ACCOUNTS)


def _register(hub: Hub, gate: Gate | None, session: Session, argument: str) -> None:
    """`/register ACCOUNT PASSWORD`"""
    if gate is None:
        hub.error(session, NO_ACCOUNTS)
    elif gate.registration == "off":
        hub.error(session, "accounts are made by whoever runs this server")
    elif " " in argument and (why := unfit(hub, session, argument.split(" ")[0])):
        hub.error(session, why)
    else:
        _asked(hub, session, argument, "register", gate.register)


def _asked(hub: Hub, session: Session, argument: str, command: str, question: Question) -> None:
    name, _, password = argument.partition(" ")
    if not password:
        hub.error(session, f"usage: {usage_of(command)}")
        return

    def told(outcome: Outcome) -> None:
        if outcome.account:
            still = f"you are called {session.nick} still: /nick {outcome.account} takes the nick"
            made = f"the account {outcome.account} is yours now"
            hub.notice(session, *([made] if command == "register" else []),
                       f"you are logged in as {outcome.account}",
                       *([still] if session.guest else []))
        else:
            hub.error(session, outcome.reason)

    ask(hub, session, question, name, password.strip(), told)


COMMANDS: dict[str, Callable[[Hub, Gate | None, Session, str], None]] = {
    "login": _login, "register": _register,
}
