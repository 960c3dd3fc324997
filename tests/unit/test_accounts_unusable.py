"""A file of accounts that fails: who asks is told that it does, and the operator why."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from queue import SimpleQueue

import pytest

from chatops.accounts.authenticator import UNUSABLE, Authenticator, LoginVerdict
from chatops.accounts.store import AccountError, AccountStore, AccountsUnusable
from tests.patience import PATIENCE

pytest.importorskip("argon2")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "accounts.db"


@pytest.fixture
def store(path: Path) -> Iterator[AccountStore]:
    accounts = AccountStore(str(path))
    yield accounts
    accounts.close()


def _other(path: Path, name: str) -> Path:
    place = path.with_name("other.db")
    with closing(AccountStore(str(place))) as other:
        other.add(name, "h")
    return place


def test_a_file_that_is_gone_is_not_made_anew_and_is_used_when_it_is_back(
        store: AccountStore, path: Path) -> None:
    store.add("ada", "h")
    away = path.rename(path.with_name("away"))
    for _ in range(2):
        with pytest.raises(AccountError, match="moved away or deleted"):
            store.find("ada")
        with pytest.raises(AccountError, match="moved away or deleted"):
            store.add("ada", "of somebody else")
    assert not path.exists()
    away.rename(path)
    assert [account.name for account in store.all()] == ["ada"]


@pytest.mark.parametrize("anew", [False, True])
def test_a_file_that_is_empty_now_is_not_made_anew_and_is_used_when_it_is_full_again(
        store: AccountStore, path: Path, anew: bool) -> None:
    store.add("ada", "h")
    kept = path.read_bytes()
    if anew:
        path.unlink()                          # and put back by `cp`, which begins with nothing
        path.touch()
    else:
        os.truncate(path, 0)
    for _ in range(3):
        with pytest.raises(AccountsUnusable):
            store.add("ada", "of somebody else")
    assert path.stat().st_size == 0
    with pytest.raises(AccountsUnusable, match="the file is empty now"):
        store.find("ada")
    path.write_bytes(kept)
    assert [account.name for account in store.all()] == ["ada"]


def test_a_file_that_takes_the_others_place_is_the_one_that_is_used(
        store: AccountStore, path: Path) -> None:
    store.add("ada", "h")
    assert store.written()
    _other(path, "bob").replace(path)
    assert [account.name for account in store.all()] == ["bob"]
    assert store.written()                     # so whoever is logged in is looked up again
    store.add("eve", "h")
    with closing(AccountStore(str(path))) as anew:
        assert [account.name for account in anew.all()] == ["bob", "eve"]


class Asked:
    """An authenticator whose answers are taken one by one."""

    def __init__(self, store: AccountStore) -> None:
        self.calls: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self.verdicts: list[LoginVerdict] = []
        self.told: list[str] = []
        self.auth = Authenticator(store, self.calls.put)
        self.auth.unusable = self.told.append

    def verify(self) -> LoginVerdict:
        self.auth.verify("ada", "secret", self.verdicts.append)
        while not self.verdicts:
            self.calls.get(timeout=PATIENCE)()
        return self.verdicts.pop()


@pytest.fixture
def asked(store: AccountStore) -> Iterator[Asked]:
    asked = Asked(store)
    asked.auth.register("ada", "secret", asked.verdicts.append)
    asked.calls.get(timeout=PATIENCE)()
    assert asked.verdicts.pop().account is not None
    yield asked
    asked.auth.close()


def test_who_asks_learns_no_path_and_the_operator_is_told_once_and_when_it_works_again(
        asked: Asked, path: Path) -> None:
    away = path.rename(path.with_name("away"))
    for _ in range(3):
        assert asked.verify() == LoginVerdict(None, UNUSABLE, looked=False)
    assert asked.told == [f"the accounts in {path} cannot be used: "
                          "the file was moved away or deleted"]
    away.rename(path)
    assert asked.verify().account is not None
    assert asked.told[1:] == [""]


def test_a_fault_of_ours_is_the_operators_to_read(
        asked: Asked, store: AccountStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_name: str) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(store, "find", broken)
    assert asked.verify() == LoginVerdict(None, UNUSABLE, looked=False)
    monkeypatch.undo()
    assert asked.verify().account is not None  # and the thread lives
    assert asked.told == ["internal error: ZeroDivisionError()", ""]


def test_a_wrong_password_is_no_fault(asked: Asked) -> None:
    asked.auth.verify("ada", "wrong", asked.verdicts.append)
    asked.calls.get(timeout=PATIENCE)()
    assert asked.verdicts.pop() == LoginVerdict(None, "the name or the password is wrong")
    asked.auth.register("ada", "again", asked.verdicts.append)
    asked.calls.get(timeout=PATIENCE)()
    assert asked.verdicts.pop() == LoginVerdict(None, "there is an account ada already",
                                                looked=False)
    assert asked.told == []


def test_a_file_that_can_only_be_read_lets_people_in(
        asked: Asked, store: AccountStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.add_certificate("ada", "ff")

    def unwritable(_name: str) -> None:
        raise AccountError("attempt to write a readonly database") from sqlite3.OperationalError()

    monkeypatch.setattr(store, "seen", unwritable)
    assert asked.verify().account is not None
    asked.auth.verify_certificate("ff", "", asked.verdicts.append)
    asked.calls.get(timeout=PATIENCE)()
    account = asked.verdicts.pop().account
    assert account is not None
    assert account.name == "ada"


def test_passwords_hashes_are_for_who_runs_the_server_alone(store: AccountStore, path: Path
                                                            ) -> None:
    store.add("ada", "h")
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("place", "why"), [
    (".", "Is a directory"), ("nowhere/accounts.db", "there is no directory")])
def test_a_place_where_no_file_can_be_is_named(tmp_path: Path, place: str, why: str) -> None:
    with pytest.raises(AccountsUnusable, match=f"cannot be used: {why}"):
        AccountStore(str(tmp_path / place)).all()
