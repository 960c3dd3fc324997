"""The last lines of a room: what was said, and not what the server says of it."""

from __future__ import annotations

from chatops.storage.recent import Recent

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
