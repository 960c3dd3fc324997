"""What passes between a node's file of accounts and the engine: in portions, and once more where
somebody else was faster.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from types import SimpleNamespace
from typing import Any, cast

import pytest

from chatops.accounts.record import AccountRecord
from chatops.accounts.store import AccountError, AccountStore
from chatops.api import events
from chatops.cluster.frames import AccountsChanged, Codec, Item
from chatops.cluster.kept_accounts import KeptChange, opened, sealed
from chatops.cluster.link import Link
from chatops.cluster.shared_accounts import PORTION, SharedAccounts
from chatops.server.logins import Logins
from chatops.server.state import ServerState

HASH = "$argon2id$v=19$m=8,t=1,p=1$c2FsdA$"


class FakeEngine:
    """Keeps accounts, and does what is asked when `answer` is called: its link and its keys."""

    def __init__(self) -> None:
        self.state = "up"
        self.kept: dict[str, bytes] = {}
        self.sizes: list[int] = []     # of what was asked or answered
        self.asked: deque[tuple[Callable[[], Any], Callable[[Any], None]]] = deque()
        self.keys = self

    def ask(self, command: Callable[[], Any], told: Callable[[Any], None]) -> None:
        self.asked.append((command, told))

    def answer(self) -> bool:
        if not self.asked:
            return False
        self.answer_later()()
        return True

    def answer_later(self) -> Callable[[], None]:
        """Do it, and have it known when this is called."""
        command, told = self.asked.popleft()
        result = command()
        return lambda: told(result)

    def accounts_of(self, names: list[str]) -> Callable[[], Any]:
        self.sizes.append(len(names))
        return lambda: [self.kept.get(name) for name in names]

    def accounts_from(self, cursor: bytes, about: int) -> Callable[[], Any]:
        def look() -> Any:
            begin = int(cursor)
            names = list(self.kept)[begin:begin + about]
            end = begin + about if begin + about < len(self.kept) else 0
            return [b"%d" % end, [part for name in names
                                  for part in (name.encode(), self.kept[name])]]

        return look

    def change_accounts(self, changes: Iterable[KeptChange]) -> Callable[[], Any]:
        def change() -> list[bytes]:
            others = [one for one in changes if self.kept.get(one.name, b"") != one.before]
            for one in changes:
                if one not in others:
                    self.kept[one.name] = one.after
            return [one.name.encode() for one in others]

        self.sizes.append(len(list(changes)))
        return change


class FakeLogins:
    """A file that is looked at when `answer` is called."""

    def __init__(self, store: AccountStore) -> None:
        self.jobs: deque[Callable[[], None]] = deque()
        self.changed: Callable[[], None] = lambda: None
        self.names: list[str] = []
        self.lost: list[str] = []
        self.broken = False
        self._store = store

    def on_change(self, call: Callable[[], None]) -> None:
        self.changed = call

    def later(self, job: Callable[[AccountStore], Any], told: Callable[[Any], None]) -> None:
        def run() -> None:
            result = AccountError("the file is locked") if self.broken else job(self._store)
            if result is not None:
                told(result)

        self.jobs.append(run)

    def settled(self, names: Iterable[str], lost: Iterable[str]) -> None:
        self.names += names
        self.lost += lost

    def answer(self) -> bool:
        if not self.jobs:
            return False
        self.jobs.popleft()()
        return True


class Node:
    def __init__(self, store: AccountStore) -> None:
        self.store = store
        self.engine = FakeEngine()
        self.logins = FakeLogins(store)
        self.codec = Codec("a", "boot", b"sixteen bytes 16")
        self.sent: list[Item] = []
        self.said: list[events.Event] = []
        state = SimpleNamespace(hub=SimpleNamespace(at=0.0), say=self.said.append)
        self.shared = SharedAccounts(
            cast("ServerState", state), cast("Logins", self.logins), cast("Link", self.engine),
            self.codec, self.sent.append)

    def settle(self) -> None:
        """Until nobody waits for anything."""
        while self.logins.answer() or self.engine.answer():
            pass

    def keep(self, name: str, value: str, at: float = 10.0) -> None:
        """Another node has written this."""
        self.engine.kept[name] = sealed(self.codec, AccountRecord(name, 0.0, 1.0, at,
                                                                  HASH + value))


@pytest.fixture
def node() -> Iterator[Node]:
    with closing(AccountStore(":memory:", wall=lambda: 1000.0)) as store:
        yield Node(store)


def hash_of(record: AccountRecord) -> str:
    return record.hash.removeprefix(HASH)


def test_thousands_are_compared_in_portions(node: Node) -> None:
    for number in range(3 * PORTION):
        node.keep(f"theirs{number}", "x")
        node.store.add(f"ours{number}", HASH)
    node.shared.joined()
    node.settle()
    assert len(node.store.all()) == len(node.engine.kept) == 6 * PORTION
    assert max(node.engine.sizes) == PORTION
    assert len(node.logins.names) == 3 * PORTION
    told = [name for item in node.sent if isinstance(item, AccountsChanged)
            for name in item.names]
    assert sorted(told) == sorted(f"ours{number}" for number in range(3 * PORTION))
    assert not node.engine.asked


def test_a_change_is_written_and_told_and_what_is_no_news_is_not(node: Node) -> None:
    node.shared.joined()
    node.settle()
    node.store.add("ada", HASH + "one")
    node.logins.changed()
    node.settle()
    assert node.sent == [AccountsChanged(("ada",))]
    node.shared.changed_elsewhere(("ada",))
    node.shared.renewed()
    node.shared.missed()
    node.settle()
    assert len(node.sent) == 1


def test_what_somebody_else_wrote_meanwhile_is_compared_before_ours_is_written(node: Node
                                                                               ) -> None:
    node.shared.joined()
    node.settle()
    node.store.add("ada", HASH + "ours")
    node.logins.changed()
    node.logins.answer()               # it is news,
    node.engine.answer()               # the engine knows nothing of it,
    node.logins.answer()               # so ours is to be written
    node.keep("ada", "older")
    node.settle()
    assert hash_of(opened(node.codec, "ada", node.engine.kept["ada"])) == "older"
    assert node.store.find("ada") is not None
    assert node.logins.lost == ["ada"]
    assert node.sent == []
    assert "another's before" in str(node.said)


def test_a_file_that_cannot_be_used_is_tried_again_later_and_said(node: Node) -> None:
    node.keep("ada", "x")
    node.logins.broken = True
    node.shared.joined()
    node.settle()
    assert "the file is locked" in str(node.said)
    node.logins.broken = False
    node.shared.renewed()
    node.settle()
    assert [account.name for account in node.store.all()] == ["ada"]


def test_what_was_under_way_when_the_engine_was_lost_is_done_when_it_is_back(node: Node) -> None:
    node.store.add("ada", HASH)
    node.shared.joined()
    node.engine.answer()
    node.engine.state = "away"
    node.shared.parted()
    node.settle()
    assert node.engine.kept == {}
    node.logins.changed()
    node.settle()
    node.engine.state = "up"
    node.shared.joined()
    node.settle()
    assert list(node.engine.kept) == ["ada"]


def test_what_was_told_and_lost_during_a_reading_is_found_by_another(node: Node) -> None:
    for number in range(2 * PORTION):
        node.keep(f"user{number}", "old")
    node.shared.joined()
    node.engine.answer()               # the first portion has been read
    node.keep("user0", "new", at=20.0)
    node.shared.missed()
    node.settle()
    found = node.store.find("user0")
    assert found is not None
    assert found.hash == HASH + "new"


def test_so_it_is_if_the_last_portion_was_under_way(node: Node) -> None:
    node.keep("ada", "old")
    node.shared.joined()
    answer = node.engine.answer_later()
    node.keep("ada", "new", at=20.0)
    node.shared.missed()
    answer()
    node.settle()
    found = node.store.find("ada")
    assert found is not None
    assert found.hash == HASH + "new"
