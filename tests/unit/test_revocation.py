"""An account that is removed logs out whoever is logged in to it, and one that is made anew under
its name is another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

import pytest

from chatops.accounts.authenticator import Answer, LoginVerdict
from chatops.accounts.record import AccountRecord
from chatops.accounts.store import AccountError, AccountStore
from chatops.chat.session import Session
from chatops.server.logins import Logins
from tests.unit.irc_chat import IrcChat

T = TypeVar("T")
TOLD = "the account kim was removed: you are not logged in any more"


class AtOnce:
    """Looks the file up without a thread; a password is right if there is such an account."""

    def __init__(self, store: AccountStore) -> None:
        self.store = store
        self.broken = False

    def verify(self, name: str, _password: str, answer: Answer) -> None:
        answer(LoginVerdict(self.store.find(name), "wrong"))

    def owned(self, name: str, answer: Answer) -> None:
        answer(LoginVerdict(self.store.find(name)))

    def later(self, job: Callable[[AccountStore], T | None],
              told: Callable[[T | AccountError], None]) -> None:
        result = AccountError("the file is locked") if self.broken else job(self.store)
        if result is not None:
            told(result)


class Rig:
    """A chat with accounts in a file, which another process writes as well."""

    def __init__(self, path: str) -> None:
        self.chat = IrcChat()
        self.store = AccountStore(path)
        self.elsewhere = AccountStore(path)
        self.timers: list[Callable[[], None]] = []
        reactor: Any = self.chat.reactor
        reactor.now = 0.0
        reactor.call_later = lambda _seconds, call: self.timers.append(call)
        state: Any = self.chat
        door: Any = AtOnce(self.store)
        self.door: AtOnce = door
        self.logins = Logins(state, door, "off")
        self.chat.plain.gate = self.chat.irc.irc.gate = self.logins
        self.elsewhere.add("kim", "hash of one")

    def logged_in(self, *, irc: bool = True, nick: str = "kim") -> Session:
        session = self.chat.person(nick) if irc else self.chat.line_user(nick)
        session.secure = True
        self.chat.heard(session)
        self.chat.send(session, "NS IDENTIFY kim x" if irc else "/login kim x")
        assert session.sender.account == "kim", self.chat.heard(session)
        self.chat.heard(session)
        return session

    def remade(self) -> None:
        self.elsewhere.remove("kim")
        self.elsewhere.add("kim", "hash of another")

    def looks(self) -> None:
        """Time passes."""
        timers, self.timers[:] = self.timers[:], []
        for call in timers:
            call()


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(str(tmp_path / "accounts.db"))
    with closing(rig.store), closing(rig.elsewhere):
        yield rig


@pytest.mark.parametrize("irc", [True, False])
def test_whose_account_is_removed_is_told_and_is_a_guest_without_one(rig: Rig, irc: bool) -> None:
    kim = rig.logged_in(irc=irc)
    rig.looks()
    assert kim.sender.account == "kim"
    rig.elsewhere.remove("kim")
    rig.looks()
    assert not kim.sender.account
    assert kim.guest
    assert [line for line in rig.chat.heard(kim) if line.endswith(TOLD)]


def test_an_irc_client_hears_of_it_as_irc_has_it_and_is_no_operator_by_it(rig: Rig) -> None:
    rig.elsewhere.set_admin("kim", True)
    kim = rig.logged_in()
    assert "o" in kim.modes  # type: ignore[attr-defined]
    rig.elsewhere.remove("kim")
    rig.looks()
    heard = rig.chat.heard(kim)
    assert [line for line in heard if " 901 kim " in line]
    assert [line for line in heard if line.endswith("MODE kim -o")]
    assert "o" not in kim.modes  # type: ignore[attr-defined]


def test_an_operator_by_the_operators_password_stays_one(rig: Rig) -> None:
    kim = rig.logged_in()
    rig.chat.send(kim, "OPER root secret")
    rig.elsewhere.remove("kim")
    rig.looks()
    assert not kim.sender.account
    assert "o" in kim.modes  # type: ignore[attr-defined]


def test_an_account_made_anew_is_not_that_of_who_was_logged_in_before(rig: Rig) -> None:
    old = rig.logged_in(nick="old")
    rig.remade()
    rig.looks()
    assert not old.sender.account


def test_who_logs_in_to_it_logs_out_those_of_before_without_a_wait(rig: Rig) -> None:
    old = rig.logged_in(nick="old")
    rig.remade()
    new = rig.logged_in(nick="new")
    assert (old.sender.account, new.sender.account) == ("", "kim")
    rig.chat.send(old, "NS GHOST new")
    assert new.id in rig.chat.hub.sessions


def test_two_who_are_logged_in_to_one_account_stay_so(rig: Rig) -> None:
    people = [rig.logged_in(nick="one"), rig.logged_in(nick="two")]
    rig.elsewhere.set_hash("kim", "another password")
    rig.looks()
    assert [one.sender.account for one in people] == ["kim", "kim"]


def test_the_next_owner_is_no_operator_of_the_rooms_of_the_one_before(rig: Rig) -> None:
    kim = rig.logged_in()
    rig.chat.send(kim, "JOIN #den")
    den = rig.chat.hub.rooms.open("den")
    assert den.rules.is_op_account("kim")
    rig.elsewhere.remove("kim")
    rig.looks()
    assert not den.rules.is_op_account("kim")


def test_the_file_is_looked_at_only_while_somebody_is_logged_in(rig: Rig) -> None:
    assert not rig.timers
    kim = rig.logged_in()
    rig.looks()
    assert len(rig.timers) == 1
    rig.chat.hub.disconnect(kim, "left")
    rig.looks()
    assert not rig.timers


def test_a_file_that_could_not_be_read_is_looked_at_again(rig: Rig) -> None:
    kim = rig.logged_in()
    rig.looks()
    rig.elsewhere.remove("kim")
    rig.door.broken = True
    rig.looks()
    assert kim.sender.account == "kim"
    rig.door.broken = False
    rig.looks()
    assert not kim.sender.account


def test_what_another_node_has_removed_logs_out_as_well(rig: Rig) -> None:
    kim = rig.logged_in()
    rig.looks()
    rig.store.settle([AccountRecord("kim", 4e9)], 0.0)
    rig.logins.settled([], [])
    assert not kim.sender.account


def test_who_is_logged_in_stays_so_where_the_file_is_a_copy_of_another_node_s(rig: Rig) -> None:
    kim = rig.logged_in()
    rig.store.settle([AccountRecord("kim", 0.0, 5.0, 5.0, "hash of one")], 0.0)
    rig.logins.settled(["kim"], [])
    assert kim.sender.account == "kim"
