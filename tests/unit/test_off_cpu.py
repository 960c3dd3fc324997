"""Time by the wall is not work: what a thread was kept from working is told apart."""

from __future__ import annotations

import math
import selectors

import msgspec
import pytest

from chatops.api.snapshot import KeyRow, Lint, LoopFigures, Ready, Snapshot, ThreadRow, Turn
from chatops.lints import find
from chatops.loop.observed import ObservedSelector
from chatops.loop.rows import key_rows, loop_figures, thread_rows, turns_since
from chatops.loop.timed import CPU_WORTH
from tests.unit.imagined import LOOP, READ, client, snapshot
from tests.unit.scripted import Clock, ScriptedSelector

LOOP_THREAD, CONSOLE = 10, 11


class Kept:
    """A watched selector on two clocks: the wall's, and the thread's own, which counts looks."""

    def __init__(self, *fds: int, watched: bool = True) -> None:
        self.wall = Clock()
        self.ran = 50.0
        self.looks = 0
        self.inner = ScriptedSelector(self.wall)
        self.selector = ObservedSelector(self.inner, clock=self.wall, cpu=self.cpu)
        self.selector.watch(watched)
        for fd in fds:
            self.selector.register(fd, selectors.EVENT_READ)

    def cpu(self) -> float:
        self.looks += 1
        return self.ran

    def turn(self, *callbacks: tuple[int, float, float], after: tuple[float, float] = (0, 0)
             ) -> None:
        """Callbacks of (descriptor, seconds of work, seconds kept waiting), and what follows."""
        self.inner.script.append([(fd, READ) for fd, _, _ in callbacks])
        for (_, work, kept), _event in zip(callbacks, self.selector.select(), strict=True):
            self.spend(work, kept)
        self.spend(*after)

    def spend(self, work: float, kept: float) -> None:
        self.wall.now += work + kept
        self.ran += work


def test_a_callback_that_was_kept_waiting_is_told_from_one_that_worked() -> None:
    kept = Kept(5, 6)
    kept.turn((5, 0.25, 0.0), (6, 0.0, 0.5))
    kept.turn()
    (turn,) = [turn for turn in turns_since(kept.selector, 0) if turn.ready]
    assert [(r.cost, r.off_cpu) for r in turn.ready] == [(0.25, 0.0), (0.5, 0.5)]
    assert (turn.worked, turn.off_cpu) == (0.75, 0.5)
    rows = {row.fd: row for row in key_rows(kept.selector)}
    assert (rows[5].slowest, rows[5].slowest_off_cpu) == (0.25, 0.0)
    assert (rows[6].slowest, rows[6].slowest_off_cpu) == (0.5, 0.5)
    figures = loop_figures(kept.selector)
    assert (figures.slowest, figures.slowest_off_cpu, figures.off_cpu) == (0.5, 0.5, 0.5)


def test_what_follows_the_callbacks_counts_for_the_turn() -> None:
    kept = Kept(5)
    kept.turn((5, 0.0, 0.0), after=(0.25, 1.0))
    kept.turn()
    (turn,) = [turn for turn in turns_since(kept.selector, 0) if turn.ready]
    assert (turn.worked, turn.off_cpu, turn.ready[0].off_cpu) == (1.25, 1.0, 0.0)


def test_the_time_inside_select_is_nobodys() -> None:
    kept = Kept(5)
    kept.inner.sleeps = 100.0
    kept.turn((5, 0.5, 0.0))
    kept.turn((5, 0.5, 0.0))
    kept.turn()
    assert kept.selector.off_cpu == 0.0


def test_turns_that_were_alike_add_up() -> None:
    kept = Kept(5)
    for _ in range(4):
        kept.turn((5, 0.125, 0.25))
    kept.turn()
    (turn,) = [turn for turn in turns_since(kept.selector, 0) if turn.ready]
    assert (turn.repeats, turn.worked, turn.off_cpu) == (3, 1.5, 1.0)


def test_the_thread_s_clock_is_read_twice_a_turn_and_once_for_each_stretch_that_is_worth_it(
        ) -> None:
    kept = Kept(*range(100, 300))
    kept.turn(*[(fd, CPU_WORTH / 100, 0.0) for fd in range(100, 300)])
    kept.selector.select()
    assert kept.looks <= 2 + 3 + 1     # beginning, end, two stretches, and the next beginning


def test_an_unwatched_turn_reads_it_never() -> None:
    kept = Kept(5, watched=False)
    kept.selector.watch(False)
    for _ in range(5):
        kept.turn((5, 0.5, 0.5))
    assert (kept.looks, kept.selector.off_cpu) == (0, 0.0)


def test_a_turn_during_which_the_last_watcher_left_is_still_whole() -> None:
    kept = Kept(5)
    kept.turn((5, 0.0, 0.5))
    kept.selector.watch(False)
    kept.turn((5, 0.0, 0.5))
    kept.turn()
    assert kept.selector.off_cpu == 0.5


def test_on_a_clock_of_its_own_all_time_is_work() -> None:
    clock = Clock()
    inner = ScriptedSelector(clock)
    selector = ObservedSelector(inner, clock=clock)
    selector.watch()
    selector.register(5, selectors.EVENT_READ)
    inner.script.append([(5, READ)])
    for _ in selector.select():
        clock.now += 3.0
    selector.select()
    assert (selector.worked, selector.off_cpu) == (3.0, 0.0)


# -- the lints

CAROL = KeyRow(10, "connection", "socket tcp", READ, "Connection.on_ready", "#3 carol", 3, "", 1.0,
               1.0, 1, 1, 2.0, 2.0)
LISTENER = msgspec.structs.replace(CAROL, fd=3, type="listener", client=0, slowest=0.0, busy=0.0)


def thread(ident: int, name: str, cpu: float, delayed: float = 0.0) -> ThreadRow:
    return ThreadRow(name, ident, True, cpu, "", delayed)



def scene(mono: float, *threads: ThreadRow, off_cpu: float = 0.0, seconds: float = 0.0) -> Snapshot:
    """Carol's callback took so long, of which so much off the CPU."""
    turns = (Turn(100, mono - 0.1, None, 0.0, seconds,
                  (Ready(10, READ, "#3 carol", seconds, off_cpu),), off_cpu=off_cpu),)
    shown = snapshot(int(mono * 10), mono, (client(3, 10),), (CAROL, LISTENER),
                     turns=turns if seconds else (),
                     loop=msgspec.structs.replace(LOOP, thread=LOOP_THREAD))
    return msgspec.structs.replace(shown, threads=threads)


def lints(*after: ThreadRow, off_cpu: float, seconds: float = 2.0) -> list[Lint]:
    before = scene(10.0, thread(LOOP_THREAD, "reactor", 1.0), thread(CONSOLE, "MainThread", 1.0))
    now = scene(13.0, *after, off_cpu=off_cpu, seconds=seconds)
    return [lint for lint in find(now, before) if lint.code in ("held-loop", "kept-waiting")]


def test_who_waited_for_the_interpreter_is_not_blamed_and_who_had_it_is_named() -> None:
    (lint,) = lints(thread(LOOP_THREAD, "reactor", 1.01), thread(CONSOLE, "MainThread", 2.9),
                    off_cpu=1.99)
    assert (lint.code, lint.fd, lint.client) == ("kept-waiting", -1, 0)
    assert lint.summary.startswith("the loop was kept waiting for 2.0s: MainThread had the "
                                   "interpreter")
    assert "10ms of work" in lint.summary
    assert "held" not in lint.summary


def test_who_had_the_interpreter_while_it_waited_for_a_core_itself_is_named_too() -> None:
    (lint,) = lints(thread(LOOP_THREAD, "reactor", 1.01),
                    thread(CONSOLE, "MainThread", 1.1, delayed=1.7), off_cpu=1.99)
    assert "MainThread had the interpreter" in lint.summary


def test_a_loop_that_had_no_core_says_so() -> None:
    (lint,) = lints(thread(LOOP_THREAD, "reactor", 1.01, delayed=1.9),
                    thread(CONSOLE, "MainThread", 1.1), off_cpu=1.99)
    assert lint.code == "kept-waiting"
    assert "no core was free" in lint.summary


def test_a_callback_that_worked_is_blamed_as_ever() -> None:
    (lint,) = lints(thread(LOOP_THREAD, "reactor", 2.99), thread(CONSOLE, "MainThread", 1.0),
                    off_cpu=0.01)
    assert (lint.code, lint.client, lint.summary) == ("held-loop", 3, "#3 carol held the loop for "
                                                                      "2.0s")


def test_a_callback_that_sat_in_a_call_while_nobody_else_ran_is_blamed_for_that() -> None:
    (lint,) = lints(thread(LOOP_THREAD, "reactor", 1.0), thread(CONSOLE, "MainThread", 1.02),
                    off_cpu=1.99)
    assert (lint.code, lint.client) == ("held-loop", 3)
    assert lint.summary == "#3 carol held the loop for 2.0s, 2.0s of it in a call that waits"


def test_one_that_worked_long_and_waited_long_is_told_as_both() -> None:
    held, kept = lints(thread(LOOP_THREAD, "reactor", 2.0), thread(CONSOLE, "MainThread", 2.0),
                       off_cpu=1.0)
    assert held.summary == "#3 carol held the loop for 1.0s, and waited for 1.0s"
    assert kept.code == "kept-waiting"


@pytest.mark.parametrize("threads", [(), (thread(LOOP_THREAD, "reactor", math.nan),)])
def test_where_the_system_does_not_tell_nobody_is_blamed(threads: tuple[ThreadRow, ...]) -> None:
    (lint,) = lints(*threads, off_cpu=1.99)
    assert lint.code == "kept-waiting"
    assert "the system does not tell by whom" in lint.summary


def test_a_wait_is_told_of_for_ten_seconds_and_then_forgotten() -> None:
    console = thread(CONSOLE, "MainThread", 9.0)
    now = scene(13.0, console, off_cpu=2.0, seconds=2.0)
    told = msgspec.structs.replace(now, lints=find(now))
    later = scene(22.9, console)
    assert [lint.code for lint in find(later, told)] == ["kept-waiting"]
    assert find(scene(23.0, console), told) == ()


def test_a_hold_is_judged_once_by_the_threads_of_its_own_time() -> None:
    """The last turn of a snapshot comes again in the next, and by then others have run."""
    before = scene(10.0, thread(LOOP_THREAD, "reactor", 1.0), thread(CONSOLE, "MainThread", 1.0))
    now = scene(13.0, thread(LOOP_THREAD, "reactor", 1.01), thread(CONSOLE, "MainThread", 2.9),
                off_cpu=1.99, seconds=2.0)
    now = msgspec.structs.replace(now, turn=100, lints=find(now, before))
    again = scene(13.2, thread(LOOP_THREAD, "reactor", 1.02), thread(CONSOLE, "MainThread", 2.95),
                  off_cpu=1.99, seconds=2.0)
    again = msgspec.structs.replace(again, turns=now.turns)
    assert [lint.code for lint in find(again, now)] == ["kept-waiting"]
    assert find(again, now) == now.lints


def test_a_callback_that_ended_after_a_snapshot_of_its_turn_is_told_with_the_next() -> None:
    threads = thread(LOOP_THREAD, "reactor", 1.0), thread(CONSOLE, "MainThread", 1.0)
    unfinished = Turn(100, 9.9, None, 0.0, 0.0, (Ready(10, READ, "#3 carol", math.nan),))
    before = msgspec.structs.replace(scene(10.0, *threads), turn=100, turns=(unfinished,))
    now = scene(13.0, thread(LOOP_THREAD, "reactor", 3.0), threads[1], seconds=2.0)
    assert [lint.code for lint in find(now, before)] == ["held-loop"]


# -- what was recorded before


def test_what_was_recorded_before_there_were_such_fields_reads_as_work() -> None:
    def old(row: msgspec.Struct, *new: str) -> bytes:
        plain = msgspec.to_builtins(row)
        for name in new:
            del plain[name]
        return msgspec.msgpack.encode(plain)

    ready = Ready(10, READ, "#3 carol", 2.0)
    assert msgspec.msgpack.decode(old(ready, "off_cpu"), type=Ready) == ready
    turn = Turn(1, 1.0, None, 0.0, 2.0, (ready,))
    assert msgspec.msgpack.decode(old(turn, "off_cpu"), type=Turn) == turn
    assert msgspec.msgpack.decode(old(LOOP, "off_cpu", "slowest_off_cpu", "thread"),
                                  type=LoopFigures) == LOOP
    assert msgspec.msgpack.decode(old(CAROL, "slowest_off_cpu"), type=KeyRow) == CAROL
    assert msgspec.msgpack.decode(old(scene(1.0), "age"), type=Snapshot) == scene(1.0)


def test_the_rows_of_threads_tell_what_they_ran() -> None:
    rows = {row.name: row for row in thread_rows({"MainThread": "tests"})}
    assert rows["MainThread"].cpu > 0
    assert rows["MainThread"].delayed >= 0
