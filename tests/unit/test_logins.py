"""Passwords are checked a few at a time, however many connections ask."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from chatops.accounts.authenticator import BUSY, LoginVerdict
from chatops.accounts.store import Account
from chatops.chat.login import Outcome
from chatops.chat.throttle import TRIES
from chatops.server.logins import Logins

RIGHT = "sesame"


class Rig:
    """Logins whose passwords are checked when the test says so, and people at many addresses."""

    def __init__(self) -> None:
        self.now = 0.0
        self.soon: list[Callable[[], None]] = []
        self.asked: list[tuple[str, str, Callable[[LoginVerdict], None]]] = []
        self.told: list[Outcome] = []
        self.seen: list[str] = []      # by the admin
        self._hosts: dict[int, SimpleNamespace] = {}
        state: Any = SimpleNamespace(
            connections=self._hosts, hub=SimpleNamespace(
                sessions={}, bad_input=lambda session, kind: self.seen.append(kind)),
            reactor=SimpleNamespace(now=0.0, call_soon=self.soon.append,
                                    call_later=lambda _seconds, _call: None))
        door: Any = SimpleNamespace(verify=lambda *asked: self.asked.append(asked))
        self.logins = Logins(state, door, "off")

    def tries(self, host: str, name: str, given: str) -> None:
        number = len(self._hosts)
        self._hosts[number] = SimpleNamespace(host=host)
        session: Any = SimpleNamespace(id=number)
        self.logins.verify(session, name, given, self.told.append)

    def checked(self) -> Iterator[int]:
        """One password after the other, as long as there are any; how many were asked at once."""
        while self.asked:
            yield len(self.asked)
            name, given, answer = self.asked.pop(0)
            account = Account(name, "", False, 0.0, 0.0)
            answer(LoginVerdict(account if given == RIGHT else None, "wrong"))
        for call in self.soon:
            call()

    def heard(self, words: str) -> int:
        return sum(words in outcome.reason for outcome in self.told)


@pytest.mark.parametrize("names", [["ada"], [f"user{n}" for n in range(50)]])
def test_who_comes_by_fifty_connections_at_once_has_no_more_tries(names: list[str]) -> None:
    rig = Rig()
    for n in range(50):
        rig.tries("192.0.2.1", names[n % len(names)], f"guess {n}")
    assert len(list(rig.checked())) == TRIES
    assert rig.heard("wrong") - rig.heard("too many") == TRIES
    assert rig.heard("too many wrong passwords") == 50 - TRIES
    assert rig.seen == ["a wrong password"] * TRIES


def test_nor_has_an_account_that_is_tried_from_fifty_addresses() -> None:
    rig = Rig()
    for n in range(50):
        rig.tries(f"192.0.2.{n}", "ada", f"guess {n}")
    assert len(list(rig.checked())) == TRIES
    assert rig.heard("too many wrong passwords") == 50 - TRIES


def test_all_who_know_their_passwords_come_in_from_one_address_in_their_order() -> None:
    rig = Rig()
    for n in range(50):
        rig.tries("192.0.2.1", f"user{n}", RIGHT)
    assert max(rig.checked()) == TRIES
    assert [outcome.account for outcome in rig.told] == [f"user{n}" for n in range(50)]


def test_one_that_was_wrong_leaves_two_to_be_checked_at_once_until_its_owner_comes() -> None:
    rig = Rig()
    rig.tries("192.0.2.1", "ada", "x")
    assert list(rig.checked()) == [1]
    for name in ("bob", "ada", "carl", "dan", "eve"):
        rig.tries("192.0.2.1", name, RIGHT)
    assert list(rig.checked()) == [TRIES - 1, TRIES - 1, TRIES, TRIES - 1, 1]
    assert [outcome.account for outcome in rig.told] == ["", "bob", "ada", "carl", "dan", "eve"]


def test_who_knows_one_password_has_no_more_tries_at_others() -> None:
    rig = Rig()
    for n in range(50):
        rig.tries("192.0.2.1", "ada", f"guess {n}")
        rig.tries("192.0.2.1", "eve", RIGHT)
        list(rig.checked())
    assert rig.heard("wrong") - rig.heard("too many") == TRIES


def test_an_owner_who_mistypes_is_forgiven() -> None:
    rig = Rig()
    for _ in range(5):
        for given in ("sesam", "seseam", RIGHT):
            rig.tries("192.0.2.1", "ada", given)
            list(rig.checked())
    assert rig.heard("too many") == 0
    assert [outcome.account for outcome in rig.told if outcome.account] == ["ada"] * 5


def test_what_was_never_looked_at_is_no_wrong_password() -> None:
    rig = Rig()
    for _ in range(3 * TRIES):
        rig.tries("192.0.2.1", "ada", RIGHT)
        _, _, answer = rig.asked.pop()
        answer(LoginVerdict(None, BUSY, looked=False))
    assert (rig.heard(BUSY), rig.heard("wrong")) == (3 * TRIES, 0)
    rig.tries("192.0.2.1", "ada", RIGHT)
    assert len(rig.asked) == 1
