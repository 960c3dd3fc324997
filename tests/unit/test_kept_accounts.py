"""Accounts as the engine keeps them: signed, of a size, and of nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from math import inf, nan

import msgspec
import pytest
from msgspec.structs import replace

from chatops.accounts.record import AccountRecord
from chatops.accounts.store import AccountStore
from chatops.cluster.frames import BadFrame, Codec, Heard, pack
from chatops.cluster.kept_accounts import MOST, exchange, opened, sealed

HASH = "$argon2id$v=19$m=8,t=1,p=1$c2FsdA$aGFzaA"
ADA = AccountRecord("Ada", 100.0, 200.0, 300.5, HASH, True, ("ab" * 32,))
GONE = AccountRecord("ada", 100.0)


def codec(secret: bytes = b"sixteen bytes 16") -> Codec:
    return Codec("a", "boot", secret)


@pytest.fixture
def store() -> Iterator[AccountStore]:
    with closing(AccountStore(":memory:", wall=lambda: 1000.0)) as store:
        yield store


@pytest.mark.parametrize("record", [ADA, GONE])
def test_what_was_kept_is_what_is_found(record: AccountRecord) -> None:
    assert opened(codec(), "ada", sealed(codec(), record)) == record


def test_of_what_nobody_knows_nothing_is_kept() -> None:
    assert sealed(codec(), AccountRecord("ada")) == b""
    assert opened(codec(), "ada", b"") == AccountRecord("ada")


def packed(record: AccountRecord) -> bytes:
    return codec().seal(0, 0.0, [msgspec.msgpack.encode(record)])


@pytest.mark.parametrize("value", [
    b"x", sealed(codec(b"another secret 16"), ADA), packed(replace(ADA, name="bob")),
    packed(replace(ADA, hash="plain text")), packed(replace(ADA, hash=HASH + "\n")),
    packed(replace(ADA, changed_at=nan)), packed(replace(ADA, changed_at=inf)),
    packed(replace(ADA, removed_at=-1.0)), packed(replace(GONE, name="Ada")),
    packed(replace(ADA, certificates=("ab" * 32,) * 200)),
    codec().seal(0, 0.0, [pack(Heard("lobby", []))]), codec().seal(0, 0.0, []),
])
def test_what_is_none_is_refused_and_ours_takes_its_place(value: bytes, store: AccountStore
                                                          ) -> None:
    with pytest.raises(BadFrame):
        opened(codec(), "ada", value)
    done = exchange(store, codec(), {"ada": value})
    assert len(done.bad) == 1
    assert not done.changes
    assert not done.adopted
    assert store.all() == []
    store.add("ada", HASH)
    [change] = exchange(store, codec(), {"ada": value}).changes
    assert change.before == value
    assert opened(codec(), "ada", change.after).hash == HASH


def test_a_name_that_nobody_can_have_is_no_account(store: AccountStore) -> None:
    done = exchange(store, codec(), {"a b": packed(replace(ADA, name="a b"))})
    assert len(done.bad) == 1
    assert store.known() == []


def test_one_that_is_too_large_to_be_told_is_said(store: AccountStore) -> None:
    store.add("ada", HASH)
    for number in range(MOST // 64):
        store.add_certificate("ada", f"{number:064x}")
    done = exchange(store, codec(), {"ada": b""})
    assert not done.changes
    assert "too many certificates" in str(done.bad[0])
