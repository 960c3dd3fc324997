"""One turn after another: what runs, in which order, and what a fault costs."""

from __future__ import annotations

import math
import os
import selectors
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from chatops.loop import backends
from chatops.loop.observed import ObservedSelector
from chatops.loop.reactor import Reactor
from tests.patience import scaled
from tests.unit.ticking import Ticking

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


@pytest.fixture
def ticking() -> Iterator[Ticking]:
    with Ticking() as ticking:
        yield ticking


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def note(log: list[str], what: str) -> Callable[..., None]:
    return lambda *_: log.append(what)


# -- the order of a turn


def test_those_served_from_another_one_on_are_timed_as_all_are(ticking: Ticking) -> None:
    pairs = [socket.socketpair() for _ in range(3)]
    selector, log = ticking.reactor.selector, list[str]()
    for name, (ours, theirs) in zip("abc", pairs, strict=True):
        theirs.send(b"x")
        selector.register(ours, READ, note(log, name))
    selector.watch()
    try:
        for rotation in (0, 1, 2, 2):
            log.clear()
            ticking.reactor.rotation = rotation
            ticking.reactor.turn()
            turn = next(selector.recent_turns())
            assert len(turn.costs or ()) == 3
            served = [selector.get_key(ours).data for ours, _ in pairs]
            order = "".join(["abc"[served.index(key.data)] for key, _ in turn.ready])
            assert order == "".join(log)
    finally:
        for ours, theirs in pairs:
            selector.unregister(ours)
            ours.close()
            theirs.close()


def test_the_ready_are_served_from_another_one_on_when_some_had_no_part(ticking: Ticking) -> None:
    pairs = [socket.socketpair() for _ in range(3)]
    log: list[str] = []
    for name, (ours, theirs) in zip("abc", pairs, strict=True):
        theirs.send(b"x")
        ticking.reactor.selector.register(ours, READ, note(log, name))
    try:
        ticking.reactor.turn()
        first = "".join(log)
        for rotation in (1, 2, 3):
            log.clear()
            ticking.reactor.rotation = rotation
            ticking.reactor.turn()
            turned = rotation % 3
            assert "".join(log) == first[turned:] + first[:turned]
    finally:
        for ours, theirs in pairs:
            ticking.reactor.selector.unregister(ours)
            ours.close()
            theirs.close()
    log.clear()
    ticking.reactor.call_later(0.0, note(log, "timer"))
    ticking.reactor.turn()         # with nobody ready
    assert log == ["timer"]


def test_a_turn_does_its_work_in_one_order(
        ticking: Ticking, pair: tuple[socket.socket, socket.socket]) -> None:
    reactor, log = ticking.reactor, list[str]()
    reactor.on_wake = note(log, "wake")
    reactor.hooks = [note(log, "flush"), note(log, "reap"), note(log, "publish")]
    pair[1].send(b"x")
    reactor.selector.register(pair[0], READ, note(log, "ready"))
    reactor.submit(note(log, "submitted"))
    reactor.call_soon(note(log, "soon"))
    reactor.call_later(0.0, note(log, "timer"))
    reactor.turn()
    assert log == ["wake", "ready", "timer", "soon", "submitted", "flush", "reap", "publish"]


def test_a_submitted_call_that_submits_another_cannot_hold_the_loop(ticking: Ticking) -> None:
    reactor, log = ticking.reactor, list[str]()

    def again() -> None:
        log.append("again")
        reactor.submit(again)

    reactor.submit(again)
    for n in range(1, 4):
        reactor.turn()
        assert len(log) == n
    assert reactor.commands == 3


def test_a_call_that_is_soon_again_waits_for_the_next_turn_which_does_not_sleep(
        ticking: Ticking) -> None:
    reactor, log = ticking.reactor, list[str]()

    def once() -> None:
        log.append("once")
        reactor.call_soon(note(log, "twice"))

    reactor.call_soon(once)
    reactor.turn()
    assert log == ["once"]
    reactor.turn()
    assert log == ["once", "twice"]
    assert ticking.timeouts == [0.0, 0.0]


def test_it_runs_until_it_is_stopped_and_ends_its_turn_first(ticking: Ticking) -> None:
    reactor, log = ticking.reactor, list[str]()
    reactor.hooks = [note(log, "hook")]
    reactor.submit(reactor.stop)
    reactor.run()
    assert log == ["hook"]


def test_another_thread_wakes_a_loop_that_sleeps() -> None:
    reactor, log = Reactor(), list[str]()
    thread = threading.Thread(target=reactor.run)
    thread.start()
    reactor.submit(note(log, "called"))
    reactor.submit(reactor.stop)
    thread.join(scaled(20.0))
    assert not thread.is_alive()
    assert log == ["called"]
    reactor.close()
    assert not reactor.selector.get_map()


def test_what_comes_after_the_last_turn_is_run_once_by_whoever_asks(ticking: Ticking) -> None:
    reactor, log = ticking.reactor, list[str]()
    reactor.submit(note(log, "late"))
    reactor.run_left()
    reactor.run_left()
    assert log == ["late"]


# -- timers


def test_a_timer_runs_when_it_is_due_and_not_before(ticking: Ticking) -> None:
    reactor, log = ticking.reactor, list[str]()
    reactor.call_later(5.0, note(log, "five"))
    reactor.call_later(2.0, note(log, "two"))
    reactor.call_later(2.0, note(log, "two again"))
    ticking.turn_at(1.9)
    assert log == []
    ticking.turn_at(2.0)
    assert log == ["two", "two again"]
    ticking.turn_at(9.0)
    assert log == ["two", "two again", "five"]
    assert reactor.timers == 0


def test_the_loop_sleeps_until_the_next_timer_and_without_one_for_ever(ticking: Ticking) -> None:
    reactor = ticking.reactor
    ticking.turn_at(0.0)
    timer = reactor.call_later(3.0, note([], "never"))
    reactor.call_later(7.0, note([], "later"))
    ticking.turn_at(1.0)
    timer.cancel()
    ticking.turn_at(2.0)
    assert ticking.timeouts == [None, 2.0, 5.0]


@pytest.mark.parametrize("backend", backends.available())
def test_a_timer_further_off_than_the_system_can_sleep_does_not_end_the_loop(backend: str) -> None:
    reactor = Reactor(ObservedSelector(backends.make(backend)))
    reactor.call_later(30 * 86_400.0, note([], "never"))
    reactor.wake()
    reactor.turn()
    assert reactor.timers == 1
    reactor.close()


def test_the_loop_sleeps_a_day_at_most_before_it_looks_at_its_timers_again(
        ticking: Ticking) -> None:
    ticking.reactor.call_later(math.inf, note([], "never"))
    ticking.turn_at(0.0)
    assert ticking.timeouts == [86_400.0]


def test_a_cancelled_timer_does_not_run_and_may_be_cancelled_again(ticking: Ticking) -> None:
    reactor, log = ticking.reactor, list[str]()
    timer = reactor.call_later(1.0, note(log, "never"))
    assert (reactor.timers, reactor.next_deadline) == (1, 1.0)
    timer.cancel()
    timer.cancel()
    assert (reactor.timers, reactor.next_deadline) == (0, None)
    ticking.turn_at(2.0)
    assert log == []


def test_a_timer_that_is_due_now_does_not_starve_the_rest(ticking: Ticking) -> None:
    reactor, log = ticking.reactor, list[str]()

    def again() -> None:
        log.append("timer")
        if len(log) < 100:
            reactor.call_later(0.001, again)

    reactor.call_later(0.0, again)
    reactor.hooks = [note(log, "hook")]
    ticking.turn_at(0.0)
    assert log == ["timer", "hook"]


# -- faults


def test_a_callback_that_raises_is_reported_and_the_turn_goes_on(
        ticking: Ticking, pair: tuple[socket.socket, socket.socket]) -> None:
    reactor, log = ticking.reactor, list[str]()
    failures: list[tuple[object, str]] = []
    reactor.on_failure = lambda key, error: failures.append(
        (key.fileobj if key is not None else None, str(error)))

    def fail(what: str) -> Callable[..., None]:
        def callback(*_: object) -> None:
            raise RuntimeError(what)
        return callback

    pair[1].send(b"x")
    reactor.selector.register(pair[0], READ, fail("ready"))
    reactor.call_later(0.0, fail("timer"))
    reactor.call_soon(fail("soon"))
    reactor.submit(fail("submitted"))
    reactor.submit(note(log, "the next one"))
    reactor.hooks = [note(log, "hook")]
    reactor.turn()
    assert failures == [(pair[0], "ready"), (None, "timer"), (None, "soon"), (None, "submitted")]
    assert log == ["the next one", "hook"]


def test_without_anybody_to_report_to_a_fault_is_not_swallowed(ticking: Ticking) -> None:
    def fail() -> None:
        raise RuntimeError("nobody catches this")

    ticking.reactor.submit(fail)
    with pytest.raises(RuntimeError, match="nobody catches this"):
        ticking.reactor.turn()


@pytest.mark.parametrize("backend", ["select", "poll", "epoll"])
@pytest.mark.parametrize("by_number", [False, True], ids=["by-its-file-object", "by-its-number"])
def test_a_descriptor_that_somebody_closed_is_taken_out_and_the_others_go_on(
        backend: str, by_number: bool) -> None:
    reactor = Reactor(ObservedSelector(backends.make(backend)))
    failed: list[object] = []
    read: list[bytes] = []
    reactor.on_failure = lambda key, _: failed.append(key.fileobj if key is not None else None)
    reader, writer = os.pipe()
    stale = os.fdopen(os.dup(reader), "rb", buffering=0)
    number = stale.fileno()
    reactor.selector.register(stale, READ, lambda _: None)
    reactor.selector.register(reader, READ, lambda _: read.append(os.read(reader, 100)))
    if by_number:
        os.close(stale.fileno())
    else:
        stale.close()
    os.write(writer, b"one")
    while not read:
        reactor.turn()
    if backend == "select":        # the others go on of themselves, select fails as a whole
        assert failed == [stale]
        assert number not in reactor.selector.get_map()
    if by_number:
        # Give the number back to the object, which is going to close it.
        os.dup2(reader, number)
    stale.close()
    reactor.close()
    os.close(reader)
    os.close(writer)


def test_a_select_that_fails_for_no_stale_descriptor_ends_the_loop(ticking: Ticking) -> None:
    ticking.fault = OSError(5, "input/output error")
    with pytest.raises(OSError, match="input/output error"):
        ticking.reactor.run()
