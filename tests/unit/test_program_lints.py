"""A call that blocks, as it is told of in a program that is observed."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from chatops import lints
from chatops.api.snapshot import Held, LoopFigures, Program, Snapshot
from chatops.lints.program import INSTEAD, SHOWN

PROGRAM = Program("chat.py", 1, "3.11.7", "asyncio", 1)
HELD = Held(0.4, 9.6, "handle (chat.py:12)", "host = gethostbyaddr(peer)", (),
            "socket.gethostbyaddr", "name")


def scene(mono: float, held: Held | None, kind: str = "asyncio") -> Snapshot:
    return Snapshot(
        turn=1, at=0.0, mono=mono, started_at=0.0, host="", port=0, phase="running",
        loop=LoopFigures("epoll", "on-demand", "evict", 1, 0, 0, 0.0, 0.0, 0.0, "", 0.0, 0.0, 0, 0),
        clients=(), keys=(), rooms=(), threads=(), program=replace(PROGRAM, kind=kind, held=held))


def told(now: Snapshot, before: Snapshot | None = None) -> list[str]:
    return [lint.summary for lint in lints.find(now, before) if lint.code == "blocking-call"]


def with_lints(now: Snapshot, before: Snapshot | None = None) -> Snapshot:
    return replace(now, lints=lints.find(now, before))


def test_a_call_that_blocks_is_named_with_line_time_and_remedy() -> None:
    assert told(scene(10.0, HELD)) == [
        "socket.gethostbyaddr blocks the loop, handle (chat.py:12): 400ms; "
        "`await loop.getaddrinfo(…)`"]


def test_a_loop_of_ones_own_has_no_await() -> None:
    (summary,) = told(scene(10.0, HELD, "selectors"))
    assert summary.endswith("; give it to a thread")


def test_a_calculation_holds_the_loop_and_blocks_in_nothing() -> None:
    found = scene(10.0, replace(HELD, call="", kind=""))
    assert told(found) == []
    assert [lint.code for lint in lints.find(found)] == ["held-now"]


def test_one_that_is_over_is_told_of_for_a_while_and_only_once_while_it_lasts() -> None:
    first = with_lints(scene(10.0, HELD))
    still = with_lints(scene(10.2, replace(HELD, seconds=0.6)), first)
    assert len(told(still, first)) == 1
    over = with_lints(scene(11.0, None), still)
    assert told(over, still) == told(still, first)
    assert told(scene(HELD.since + SHOWN + 0.1, None), over) == []


@pytest.mark.parametrize("kind", INSTEAD)
def test_every_kind_has_a_remedy_of_its_own(kind: str) -> None:
    (summary,) = told(scene(10.0, replace(HELD, kind=kind)))
    assert INSTEAD[kind] in summary
    assert "blocking-call" in lints.LINTS
