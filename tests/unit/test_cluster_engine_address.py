"""Where the engine is: what an operator writes, what is understood, and what is never repeated."""

from __future__ import annotations

from typing import Any

import pytest

from chatops.cluster.engine import ClusterError, EngineAddress, engine_of, moment
from tests.given import load


@pytest.mark.parametrize(("url", "found", "shown"), [
    ("redis://db", ("db", 6379, "", 0, "", ""), "db:6379/0"),
    ("redis://127.0.0.1:7000/3", ("127.0.0.1", 7000, "", 3, "", ""), "127.0.0.1:7000/3"),
    ("redis://[::1]:7000", ("::1", 7000, "", 0, "", ""), "[::1]:7000/0"),
    ("valkey://ada:p%40ss@db/1", ("db", 6379, "", 1, "ada", "p@ss"), "db:6379/1"),
    ("rediss://db:7000", ("db", 7000, "", 0, "", "", True), "db:7000/0"),
    ("redis://:p@db", ("db", 6379, "", 0, "", "p"), "db:6379/0"),
    ("redis+sentinel://db1,db2:7000/chat/2",
     ("", 0, "", 2, "", "", False, (("db1", 26379), ("db2", 7000)), "chat"),
     "chat/2 of db1:26379,db2:7000"),
    ("redis+sentinel://ada:p%40ss@127.0.0.1/chat",
     ("", 0, "", 0, "ada", "p@ss", False, (("127.0.0.1", 26379),), "chat"),
     "chat/0 of 127.0.0.1:26379"),
    ("unix:///run/redis.sock?db=2", ("", 0, "/run/redis.sock", 2, "", ""), "/run/redis.sock/2"),
])
def test_an_address_is_read_and_shown_without_its_password(
        url: str, found: tuple[Any, ...], shown: str) -> None:
    assert load({"cluster": url}).cluster == url
    assert engine_of(url) == EngineAddress(*found)
    assert str(engine_of(url)) == shown


@pytest.mark.parametrize("url", [
    "", "db:6379", "redisx://db", "rediss://", "redis://:secret@db:none", "redis://:secret@db/x",
    "unix://secret/x", "http://db", "redis+sentinel://:secret@db", "redis+sentinel:///chat",
    "redis+sentinel://:secret@db,/chat", "redis+sentinel://:secret@db:x/chat",
])
def test_what_is_no_address_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ClusterError) as caught:
        engine_of(url)
    assert "secret" not in str(caught.value)


def test_only_what_is_on_this_machine_needs_no_secret() -> None:
    here = ["redis://127.9.9.9", "redis://localhost", "redis://[::1]", "unix:///x"]
    there = ["redis://db", "redis://192.0.2.1", "redis://localhost.example.org", "redis://0.0.0.0",
             "redis+sentinel://127.0.0.1/chat"]        # which may name any
    assert [engine_of(url).is_here for url in (*here, *there)] == [True] * 4 + [False] * 5


def test_entries_are_compared_by_their_numbers() -> None:
    assert moment("9-1") < moment("10-0") < moment("10-2") < moment("10-10")
