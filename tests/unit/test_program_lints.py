"""A call that blocks, as it is told of in a program that is observed."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from chatops import lints
from chatops.api.program import CALLBACKS, CallbackRow, Held, Program, TaskRow
from chatops.api.snapshot import LoopFigures, Snapshot, Turn
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
    end = HELD.since + 0.6
    assert len(told(scene(end + SHOWN - 0.1, None), over)) == 1
    assert told(scene(end + SHOWN + 0.1, None), over) == []


def test_a_place_that_blocks_again_is_one_row_with_how_often_and_the_worst() -> None:
    seen = with_lints(scene(10.0, HELD))
    for since, seconds in ((12.0, 0.9), (14.0, 0.3)):
        seen = with_lints(scene(since + 0.1, replace(HELD, since=since, seconds=0.1)), seen)
        seen = with_lints(scene(since + seconds, replace(HELD, since=since, seconds=seconds)), seen)
        seen = with_lints(scene(since + 1.0, None), seen)
    (lint,) = [lint for lint in seen.lints if lint.code == "blocking-call"]
    assert lint.summary == ("socket.gethostbyaddr blocks the loop, handle (chat.py:12): 3×, 900ms "
                            "at worst; `await loop.getaddrinfo(…)`")
    assert (lint.since, lint.times) == (HELD.since, 3)
    end = 14.3
    assert len(told(scene(end + SHOWN - 0.1, None), seen)) == 1
    assert told(scene(end + SHOWN + 0.1, None), seen) == []


def test_one_that_nobody_saw_last_to_its_end_is_told_of_with_all_of_its_time() -> None:
    first = with_lints(scene(10.0, HELD))
    ended = scene(10.3, None)
    assert ended.program is not None
    ended = replace(ended, program=replace(ended.program, was_held=replace(HELD, seconds=0.5)))
    (summary,) = told(ended, first)
    assert "handle (chat.py:12): 500ms;" in summary
    assert told(with_lints(ended, first), with_lints(ended, first)) == [summary]


def test_each_of_many_places_has_its_row() -> None:
    seen = scene(9.0, None)
    for number in range(9):
        held = replace(HELD, since=10.0 + number / 2, at=f"handle (chat.py:{number})")
        seen = with_lints(scene(held.since + 0.2, held), seen)
    assert len(told(scene(15.0, None), seen)) == 9


def test_a_callback_that_gets_slower_is_one_row_with_its_slowest() -> None:
    def called(mono: float, slowest: float) -> Snapshot:
        row = CallbackRow("report (chat.py:15)", 1, slowest, slowest, slowest, slowest)
        return replace(scene(mono, None), program=replace(PROGRAM, callbacks=(row,)))

    seen = with_lints(called(10.0, 0.05))
    for mono, slowest in ((11.0, 0.2), (12.0, 0.4), (13.0, 0.4)):
        seen = with_lints(called(mono, slowest), seen)
    assert [lint.summary for lint in seen.lints if lint.code == "slow-call"] == [
        "report (chat.py:15) held the loop for 400ms"]


def test_many_failed_tasks_are_one_row_that_names_no_descriptor() -> None:
    failed = [TaskRow(number, f"Task-{number}", "work (chat.py:3)", "work (chat.py:4)", "",
                      "failed", 9.0, error="ValueError") for number in range(9)]
    (lint,) = lints.find(replace(scene(10.0, None), tasks=tuple(failed)))
    assert lint.summary.startswith("an exception that nobody took: 9 of them; Task-0 work")


@pytest.mark.parametrize("kind", INSTEAD)
def test_every_kind_has_a_remedy_of_its_own(kind: str) -> None:
    (summary,) = told(scene(10.0, replace(HELD, kind=kind)))
    assert INSTEAD[kind] in summary
    assert "blocking-call" in lints.LINTS


@pytest.mark.parametrize(("kind", "said"), [
    ("asyncio", "turn 1,204 held the loop for 300ms"),
    ("selectors", "turn 1,204, no callback alone, held the loop for 300ms")])
def test_of_a_long_turn_is_said_only_what_is_known(kind: str, said: str) -> None:
    """asyncio's calls are not timed by turn."""
    turn = Turn(1204, 9.0, None, 0.0, 0.3, ())
    (lint,) = lints.find(replace(scene(10.0, None, kind), turns=(turn,)))
    assert (lint.code, lint.summary) == ("held-loop", said)


def test_a_share_of_one_long_turn_is_no_turn_that_held_the_loop() -> None:
    """Turns that were alike are one run: a sleep of 3 s among three of them is not 1 s each."""
    run = Turn(28, 7.0, 0.1, 0.2, 3.0, (), repeats=2)
    assert lints.find(replace(scene(10.0, None), turns=(run,))) == ()
    alone = replace(run, repeats=0)
    assert [lint.summary for lint in lints.find(replace(scene(10.0, None), turns=(alone,)))] == [
        "turn 28 held the loop for 3.0s"]


# -- one hold, seen by several


def moment(mono: float, *, held: Held | None = None, was: Held | None = None,
           turns: tuple[Turn, ...] = (), slowest: float = 0.0) -> Snapshot:
    rows = (CallbackRow("cruncher (prog.py:15)", 1, slowest, slowest, slowest, slowest),)
    return replace(scene(mono, held), turns=turns, program=replace(
        PROGRAM, held=held, was_held=was, callbacks=rows if slowest else ()))


def shown(seen: Snapshot) -> list[str]:
    return [lint.code for lint in lints.distinct(seen.lints)]


SLEEPS = Held(0.13, 10.0, "cruncher (prog.py:17)", "time.sleep(.3)", (), "time.sleep", "sleep")
COMPUTES = replace(SLEEPS, inside="", call="", kind="")
LONG = Turn(45, 10.0, None, 0.0, 0.302, ())


def one_hold(held: Held) -> list[Snapshot]:
    """How it goes on, as the console sees it: before, meanwhile, after, and much later."""
    over = replace(held, seconds=0.302)
    seen = [with_lints(moment(9.9))]
    for now in (moment(10.13, held=held), moment(10.35, was=over, turns=(LONG,), slowest=0.302),
                moment(10.6, was=over, slowest=0.302), moment(15.0, was=over, slowest=0.302)):
        seen.append(with_lints(now, seen[-1]))
    return seen[1:]


def test_a_call_that_blocks_is_told_once_and_not_as_a_call_and_a_turn_as_well() -> None:
    assert [shown(seen) for seen in one_hold(SLEEPS)] == [["blocking-call"]] * 4


def test_alerts_and_scripts_see_all_that_holds_whatever_a_console_shows() -> None:
    during, after, *_ = one_hold(SLEEPS)
    assert {lint.code for lint in during.lints} == {"held-now", "blocking-call"}
    assert {lint.code for lint in after.lints} == {"blocking-call", "slow-call", "held-loop"}


def test_a_calculation_is_told_once_with_its_line_while_it_goes_on_and_after() -> None:
    during, *after = one_hold(COMPUTES)
    assert shown(during) == ["held-now"]
    assert [shown(seen) for seen in after] == [["held-loop"]] * 3
    (lint,) = lints.distinct(after[0].lints)
    assert lint.summary == "cruncher (prog.py:17) held the loop for 302ms"


def test_a_place_that_holds_the_loop_again_is_told_of_as_it_is_now_and_then_as_it_was() -> None:
    seen = one_hold(COMPUTES)[-1]
    again = replace(COMPUTES, since=16.0, seconds=0.2)
    now = with_lints(moment(16.2, held=again, was=COMPUTES, slowest=0.302), seen)
    assert shown(now) == ["held-now"]
    assert shown(with_lints(moment(16.3, was=again, slowest=0.302), now)) == ["held-loop"]


def test_a_call_that_nobody_watched_is_told_rather_than_its_turn() -> None:
    before = with_lints(moment(9.9))
    now = with_lints(moment(10.35, turns=(LONG,), slowest=0.302), before)
    assert [lint.summary for lint in lints.distinct(now.lints)] == [
        "cruncher (prog.py:15) held the loop for 302ms"]


def test_another_call_of_the_same_time_is_no_part_of_the_one_that_blocks() -> None:
    before = with_lints(moment(9.9))
    now = with_lints(moment(10.35, was=replace(SLEEPS, seconds=0.302), slowest=0.12), before)
    assert shown(now) == ["blocking-call", "slow-call"]


def test_two_turns_are_two_faults() -> None:
    before = with_lints(moment(9.9))
    other = replace(LONG, n=48, at=10.31, worked=0.4)
    now = with_lints(moment(10.8, was=replace(SLEEPS, seconds=0.302), turns=(LONG, other)), before)
    assert shown(now) == ["blocking-call", "held-loop"]


def slow(mono: float, *callbacks: CallbackRow) -> Snapshot:
    now = scene(mono, None)
    assert now.program is not None
    return replace(now, program=replace(now.program, callbacks=callbacks))


def told_slow(now: Snapshot, before: Snapshot) -> list[str]:
    return [lint.summary for lint in lints.find(now, before) if lint.code == "slow-call"]


def test_a_callback_that_comes_back_among_the_dearest_did_not_hold_the_loop_now() -> None:
    def cost(name: str, busy: float, slowest: float = 0.01) -> CallbackRow:
        return CallbackRow(name, 10, busy, 0.0, 0.0, slowest)

    dearest = [cost(f"f{n}", 5.0 - n / 100) for n in range(CALLBACKS)]
    before, least = slow(3600.0, *dearest), dearest[-1].busy
    back = cost("startup", least + 0.1, 0.5)       # its 0.5 s were long ago
    assert told_slow(slow(3601.0, *dearest[:-1], back), before) == []
    new = cost("report", least + 0.2, least + 0.2)     # it could not have cost that before
    assert len(told_slow(slow(3601.0, new, *dearest[:-1]), before)) == 1
    few = slow(3600.0, *dearest[:-1])              # all that there were
    assert told_slow(slow(3601.0, *dearest[:-1], cost("startup", 0.5, 0.5)), few) == [
        "startup held the loop for 500ms"]
