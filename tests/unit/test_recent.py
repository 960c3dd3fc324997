"""The last lines of a room: what was said, and not what the server says of it."""

from __future__ import annotations

import time

import pytest

from chatops.storage.chat_history import ChatLine
from chatops.storage.recent import Recent, told

JOINED = b"".join(b"*** guest-%d has joined\n" % n for n in range(25))


def texts(recent: Recent) -> list[str]:
    return [line.line for line in recent.lines("lobby")]


def test_notices_of_the_same_moment_do_not_push_out_what_was_said() -> None:
    recent = Recent(20)
    recent.heard(1.0, "lobby", b"bob: old\n")
    recent.heard(2.0, "lobby", b"ada: the newest line\n" + JOINED)
    recent.heard(3.0, "lobby", JOINED)
    assert texts(recent) == ["bob: old", "ada: the newest line"]


def test_of_more_than_are_kept_the_newest_are() -> None:
    recent = Recent(2)
    recent.heard(1.0, "lobby", b"ada: one\nada: two\n" + JOINED + b"ada: three\n")
    assert texts(recent) == ["ada: two", "ada: three"]
    recent.heard(2.0, "lobby", b"ada: four\n")
    assert texts(recent) == ["ada: three", "ada: four"]


def at(text: str) -> float:
    return time.mktime(time.strptime(text, "%Y-%m-%d %H:%M"))


@pytest.mark.parametrize(("said", "shown"), [
    ("2026-11-28 16:15", "16:15"), ("2026-11-28 00:00", "00:00"),
    ("2026-11-27 23:10", "27 Nov 23:10"), ("2025-11-28 17:00", "28 Nov 2025 17:00"),
    ("2026-11-28 17:30", "17:30"),     # of another machine's clock
])
def test_what_was_said_on_another_day_has_its_date(said: str, shown: str) -> None:
    assert told(ChatLine(at(said), "ada: hi"), at("2026-11-28 16:20")) == f"{shown} ada: hi"


def test_just_after_midnight_what_was_said_before_it_has_none() -> None:
    assert told(ChatLine(at("2026-12-31 23:50"), "x"), at("2027-01-01 00:10")) == "23:50 x"
    assert told(ChatLine(at("2026-12-31 09:50"), "x"), at("2027-01-01 00:10")) == (
        "31 Dec 2026 09:50 x")
