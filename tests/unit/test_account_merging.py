"""Accounts of several nodes: whatever has been done where, in the end all files say the same."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatops.accounts import schema
from chatops.accounts.merging import REMEMBERED
from chatops.accounts.record import AccountRecord, merged
from chatops.accounts.store import AccountError, AccountStore
from chatops.cluster.frames import Codec
from chatops.cluster.kept_accounts import Exchanged, exchange

HASH = "$argon2id$v=19$m=8,t=1,p=1$c2FsdA$"
NAMES = ("ada", "Bob")


class Node:
    """A file, and a clock that is wrong by `skew` seconds."""

    def __init__(self, world: World, skew: float) -> None:
        self.world = world
        self.codec = Codec("a", "boot", b"sixteen bytes 16")
        self.codec.skew = skew
        self.store = AccountStore(":memory:", wall=lambda: world.now + skew)

    def exchange(self) -> Exchanged:
        """Compare everything with what the engine keeps, as one that has just joined."""
        kept = self.world.kept
        done = exchange(self.store, self.codec, {name: kept.get(name, b"") for name in
                                                 {*kept, *self.store.known()}})
        for name, before, after in done.changes:
            assert kept.get(name, b"") == before
            if after:
                kept[name] = after
            else:
                del kept[name]
        assert not done.bad
        return done

    def hash_of(self, name: str) -> str:
        found = self.store.find(name)
        return found.hash.removeprefix(HASH) if found is not None else "no account"

    def says(self) -> object:
        return ([account[:3] for account in self.store.all()], self.store.certificates())


class World:
    """Three nodes, and an engine that keeps what they know."""

    def __init__(self) -> None:
        self.now = 1e9
        self.kept: dict[str, bytes] = {}
        self.nodes = [Node(self, skew) for skew in (0.0, 3.5, -70.0)]

    def later(self, seconds: float = 1.0) -> None:
        self.now += seconds

    def all_meet(self) -> None:
        """Often enough that each has learned what the last one had."""
        for node in self.nodes * 3:
            node.exchange()

    def close(self) -> None:
        for node in self.nodes:
            node.store.close()


@pytest.fixture
def world() -> Iterator[World]:
    with closing(World()) as world:
        yield world


def done(node: Node, what: str, name: str, value: str) -> None:
    """One change, as far as it can be made there."""
    try:
        match what:
            case "add":
                node.store.add(name, HASH + value)
            case "passwd":
                node.store.set_hash(name, HASH + value)
            case "admin":
                node.store.set_admin(name, value == "x")
            case "remove":
                node.store.remove(name)
            case "certify":
                node.store.add_certificate(name, value * 64)
            case "revoke":
                node.store.remove_certificate(value * 64)
            case _:
                node.exchange()
    except AccountError:
        pass


steps = st.lists(st.tuples(
    st.integers(0, 2),
    st.sampled_from(["add", "add", "passwd", "admin", "remove", "certify", "revoke", "meet",
                     "meet"]),
    st.sampled_from(NAMES), st.sampled_from("xyz"),
    st.sampled_from([0.0, 0.0, 1.0, 100.0, -5.0])), max_size=25)


@given(steps)
def test_whatever_was_done_where_and_in_whatever_order_they_meet_all_end_alike(
        taken: list[tuple[int, str, str, str, float]]) -> None:
    with closing(World()) as world:
        for number, what, name, value, seconds in taken:
            done(world.nodes[number], what, name, value)
            world.later(seconds)
        world.all_meet()
        first, second, third = world.nodes
        assert first.says() == second.says() == third.says()
        before = dict(world.kept)
        world.all_meet()                   # and that is the end of it
        assert world.kept == before
        assert not [node.store.pending(9) for node in world.nodes if node.store.pending(9)]


times = st.integers(0, 3).map(float)
records = st.builds(AccountRecord, st.just("ada"), times, times, times, st.sampled_from("xy"))


@given(records, records)
def test_it_is_the_same_whoever_is_asked(one: AccountRecord, other: AccountRecord) -> None:
    both = merged(one, other)
    assert both == merged(other, one)
    assert both == merged(both, one) == merged(both, other)


def test_a_removal_outlives_what_was_changed_elsewhere_meanwhile(world: World) -> None:
    a, b, c = world.nodes
    a.store.add("ada", HASH + "old")
    world.all_meet()
    world.later()
    a.store.remove("ADA")
    world.later()
    b.store.set_hash("ada", HASH + "new")
    c.store.add_certificate("ada", "f" * 64)
    world.all_meet()
    assert [node.hash_of("ada") for node in world.nodes] == ["no account"] * 3
    world.later()
    c.store.add("Ada", HASH + "again")
    world.all_meet()
    assert [node.hash_of("ada") for node in world.nodes] == ["again"] * 3
    assert b.store.certificates() == []


def test_of_two_that_were_made_apart_the_older_holds_whatever_came_later(world: World) -> None:
    a, b, _ = world.nodes
    a.store.add("ada", HASH + "hers")
    world.later(0.5)
    b.store.add("Ada", HASH + "another's")
    world.later()
    b.store.set_hash("ada", HASH + "another's-still")
    assert b.exchange().lost == []
    assert a.exchange().lost == []
    assert b.exchange().lost == ["Ada"]
    assert b.hash_of("ada") == "hers"


def test_what_was_made_where_a_removal_was_not_known_of_stays(world: World) -> None:
    a, b, _ = world.nodes
    a.store.add("ada", HASH + "first")
    a.exchange()
    world.later()
    a.store.remove("ada")
    world.later()
    b.store.add("ada", HASH + "second")
    world.all_meet()
    assert a.hash_of("ada") == b.hash_of("ada") == "second"


def test_one_that_others_never_heard_of_takes_nobody_elses_along(world: World) -> None:
    a, b, _ = world.nodes
    a.store.add("ada", HASH + "hers")
    b.store.add("ada", HASH + "mistaken")
    world.later()
    b.store.remove("ada")
    world.all_meet()
    assert a.hash_of("ada") == b.hash_of("ada") == "hers"


def test_a_change_holds_though_the_clock_was_set_back_before_it(world: World) -> None:
    a, b, _ = world.nodes
    a.store.add("ada", HASH + "one")
    world.all_meet()
    a.codec.skew -= 3600.0
    for value in ("two", "three"):
        world.now -= 3600.0
        b.store.set_hash("ada", HASH + value)
        world.all_meet()
        assert a.hash_of("ada") == value
    world.now -= 3600.0
    b.store.remove("ada")
    world.all_meet()
    assert a.hash_of("ada") == "no account"


def test_an_operator_is_one_on_all_nodes_and_then_no_more(world: World) -> None:
    a, b, _ = world.nodes
    a.store.add("ada", HASH, admin=True)
    world.all_meet()
    for admin in (True, False):
        assert [(account.name, account.admin) for account in b.store.all()] == [("ada", admin)]
        a.store.set_admin("ada", False)
        world.all_meet()


def test_a_file_that_was_copied_to_another_node_loses_nothing(world: World) -> None:
    a, b, _ = world.nodes
    a.store.add("ada", HASH + "same")
    world.later(0.002)                 # as far as their clocks are known
    b.store.add("ada", HASH + "same")
    a.exchange()
    assert (b.exchange().lost, a.exchange().lost) == ([], [])


def test_a_removal_is_forgotten_some_day_by_files_and_engine(world: World) -> None:
    a, b, _ = world.nodes
    a.store.add("ada", HASH)
    world.all_meet()
    world.later()
    a.store.remove("ada")
    world.all_meet()
    world.later(REMEMBERED - 10.0)
    world.all_meet()
    assert (list(world.kept), b.store.known()) == (["ada"], ["ada"])
    world.later(20.0)
    world.all_meet()
    assert (list(world.kept), b.store.known()) == ([], [])


def test_a_certificate_of_two_accounts_logs_in_to_the_older_and_stays_with_both(
        world: World) -> None:
    a, b, c = world.nodes
    for node, name in ((a, "bob"), (b, "ada")):
        node.store.add(name, HASH)
        node.store.add_certificate(name, "f" * 64)
        world.later()
    world.all_meet()
    for node in world.nodes:
        found = node.store.find_certificate("f" * 64)
        assert found is not None
        assert found.name == "bob"
    c.store.remove_certificate("f" * 64)
    world.all_meet()
    assert a.store.find_certificate("f" * 64) is None


# -- files of before


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A file from before there were nodes, with ada in it."""
    path = tmp_path / "accounts.db"
    with closing(sqlite3.connect(path)) as database:
        database.executescript(f"""
            PRAGMA application_id = {schema.APPLICATION_ID};
            CREATE TABLE account (
                folded TEXT PRIMARY KEY, name TEXT NOT NULL, hash TEXT NOT NULL,
                admin INTEGER NOT NULL DEFAULT 0, made_at REAL NOT NULL,
                seen_at REAL NOT NULL DEFAULT 0) WITHOUT ROWID;
            CREATE TABLE certificate (
                fingerprint TEXT PRIMARY KEY, folded TEXT NOT NULL
                    REFERENCES account (folded) ON DELETE CASCADE) WITHOUT ROWID;
            CREATE TABLE founder (
                room TEXT PRIMARY KEY,
                folded TEXT NOT NULL REFERENCES account (folded) ON DELETE CASCADE) WITHOUT ROWID;
            INSERT INTO account VALUES ('ada', 'Ada', 'HASH', 1, 1000.0, 2000.0);
            INSERT INTO certificate VALUES ('ab', 'ada');
            INSERT INTO founder VALUES ('kitchen', 'ada');""")
    return path


def test_a_file_of_before_has_what_it_had_and_all_of_it_is_news_to_others(old: Path) -> None:
    for _ in range(2):
        with closing(AccountStore(str(old))) as store:
            assert store.find("ada") == ("Ada", "HASH", True, 1000.0, 2000.0)
            assert store.certificates() == [("ab", "Ada")]
            assert store.pending(9) == ["ada"]
            store.add("bob", "x")
            store.remove("bob")


def test_with_an_account_of_before_its_certificates_go_as_well(old: Path) -> None:
    with closing(AccountStore(str(old))) as store:
        store.remove("ada")
        assert store.find_certificate("ab") is None
        assert store.known() == []         # nobody else has ever heard of it


def test_several_may_bring_a_file_up_at_once(old: Path) -> None:
    with ExitStack() as stack:
        stores = [stack.enter_context(closing(AccountStore(str(old)))) for _ in range(3)]
        assert [store.certificates() for store in stores] == [[("ab", "Ada")]] * 3


def test_a_file_of_a_newer_version_is_left_as_it_is(old: Path) -> None:
    with closing(sqlite3.connect(old)) as database:
        database.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    before = old.read_bytes()
    with pytest.raises(AccountError, match="newer version"):
        AccountStore(str(old)).all()
    assert old.read_bytes() == before
