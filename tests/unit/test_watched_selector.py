"""The selector of an observed program: it behaves as the plain one, and is the safe point."""

from __future__ import annotations

import asyncio
import gc
import os
import selectors
import socket
import sys
import threading
import weakref
from collections.abc import Iterator

import pytest

from chatops.loop import backends, private
from chatops.watch import patch, registry
from chatops.watch.foreign import ForeignSelector
from chatops.watch.selector import WatchedSelector

KINDS = [name for name in ("epoll", "poll", "select", "kqueue") if name in backends.available()]


@pytest.fixture(params=KINDS)
def selector(request: pytest.FixtureRequest) -> Iterator[WatchedSelector]:
    made = WatchedSelector(backends.make(request.param))
    yield made
    made.close()


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    one, other = socket.socketpair()
    yield one, other
    one.close()
    other.close()


class Sleeper(threading.Thread):
    """A loop's thread: one long sleep, and what it woke up with."""

    def __init__(self, selector: WatchedSelector, timeout: float | None) -> None:
        super().__init__(daemon=True)
        self.selector = selector
        self.timeout = timeout
        self.ready: list[tuple[selectors.SelectorKey, int]] | None = None
        self.start()
        while not selector.sleeping:
            pass

    def run(self) -> None:
        self.ready = self.selector.select(self.timeout)


def test_work_is_counted_while_it_is_done_and_in_the_sleep_behind_it(
        selector: WatchedSelector) -> None:
    now = selector.started_at = selector._returned = 100.0
    selector.clock = lambda: now
    selector.select(0)
    now += 2.0
    assert selector.worked_until(now) == 2.0       # of a turn that goes on
    seen: list[float] = []

    def look() -> bool:
        seen.append(selector.worked_until(now))
        return False

    selector.submit(look)
    selector.select(0)                             # the safe point before the sleep
    now += 3.0
    sleeper = Sleeper(selector, None)
    selector.submit(look)
    while len(seen) < 2:
        pass
    assert seen == [2.0, 5.0]
    selector.submit(lambda: True)
    sleeper.join()
    assert selector.worked_until(now) == 5.0


def test_a_call_runs_on_the_loops_thread_while_it_sleeps_and_it_sleeps_on(
        selector: WatchedSelector, pair: tuple[socket.socket, socket.socket]) -> None:
    selector.register(pair[0], selectors.EVENT_READ, "data")
    sleeper = Sleeper(selector, None)
    for _ in range(3):
        done = threading.Event()
        ran: list[int] = []

        def call(done: threading.Event = done, ran: list[int] = ran) -> None:
            ran.append(threading.get_ident())
            done.set()

        selector.submit(call)
        assert done.wait(5)
        assert ran == [sleeper.ident]
    assert sleeper.is_alive()              # it has not come back for any of them
    assert selector.turns == 0
    pair[1].send(b"x")
    sleeper.join(5)
    assert sleeper.ready is not None
    assert [(key.data, mask) for key, mask in sleeper.ready] == [
        ("data", selectors.EVENT_READ)]


def test_a_call_that_wants_a_turn_ends_the_sleep_with_nothing_ready(
        selector: WatchedSelector) -> None:
    sleeper = Sleeper(selector, None)
    selector.submit(lambda: True)
    sleeper.join(5)
    assert sleeper.ready == []


def test_the_rest_of_the_time_is_waited_for_after_a_call(selector: WatchedSelector) -> None:
    sleeper = Sleeper(selector, 0.4)
    began = selector.clock()
    selector.submit(lambda: None)
    sleeper.join(5)
    assert sleeper.ready == []
    assert selector.waited >= 0.39
    assert selector.clock() - began >= 0.3


def test_a_byte_that_comes_after_its_call_has_been_served_does_not_make_it_spin(
        selector: WatchedSelector) -> None:
    selector.select(0.3)                   # a sleep long enough to get a waker
    waker = selector._waker or selector._make_waker()
    assert waker is not None
    # The call is served at the entry, before its byte arrives: that is left for later.
    selector._calls.append(lambda: None)
    selector._woken = True
    selector.select(0)
    waker[1].send(b"\0")
    selector._sent = True
    selector.select(0)
    inner = selector._inner_select
    returns = 0

    def counted(timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        nonlocal returns
        returns += 1
        return inner(timeout)

    selector._inner_select = counted
    assert selector.select(0.1) == []
    assert returns == 1                    # it slept, and was not called back at once


def test_the_waker_is_not_in_the_programs_map(selector: WatchedSelector) -> None:
    sleeper = Sleeper(selector, 0.5)
    selector.submit(lambda: None)
    assert len(selector.get_map()) == 0
    sleeper.join(5)
    assert list(selector.get_map()) == []
    assert selector.registrations() == []


def test_nobody_is_kept_alive_by_turns_that_are_remembered(
        selector: WatchedSelector, pair: tuple[socket.socket, socket.socket]) -> None:
    class Data:
        pass

    selector.watch()
    for _ in range(2):
        data = Data()
        kept = weakref.ref(data)
        selector.register(pair[0], selectors.EVENT_READ, data)
        pair[1].send(b"x")
        for _ in range(3):
            for key, _mask in selector.select(0):
                assert key.data is data
        del key
        selector.unregister(pair[0])
        del data
        gc.collect()
        assert kept() is None
        selector.watch(False)


def test_fires_are_counted_whether_somebody_watches_or_not(
        selector: WatchedSelector, pair: tuple[socket.socket, socket.socket]) -> None:
    selector.register(pair[0], selectors.EVENT_READ)
    pair[1].send(b"x")
    for watched in (False, True, False):
        if watched:
            selector.watch()
        for _ in range(10):
            assert len(selector.select(0)) == 1
        if watched:
            selector.watch(False)
    assert selector.registrations()[0].fires == 30
    assert (selector.turns, selector.ready) == (30, 30)


@pytest.mark.parametrize("backend", KINDS)
def test_a_swap_at_the_safe_point_of_a_sleep_takes_the_waker_along(
        selector: WatchedSelector, pair: tuple[socket.socket, socket.socket],
        backend: str) -> None:
    selector.register(pair[0], selectors.EVENT_READ)
    sleeper = Sleeper(selector, None)
    selector.submit(lambda: selector.swap(backend))
    again = threading.Event()
    selector.submit(again.set)
    assert again.wait(5)
    later = threading.Event()
    selector.submit(later.set)             # in a sleep of the new one
    assert later.wait(5)
    assert selector.backend == backend
    pair[1].send(b"x")
    sleeper.join(5)
    assert sleeper.ready


def test_a_call_that_raises_is_told_to_the_observer_alone(selector: WatchedSelector) -> None:
    told: list[BaseException] = []
    registry.on_failure.append(told.append)
    try:
        selector._calls.append(lambda: 1 / 0)  # type: ignore[arg-type, return-value]
        selector._calls.append(lambda: sys.exit(9))
        assert selector.select(0) == []
    finally:
        registry.on_failure.remove(told.append)
    assert [type(error) for error in told] == [ZeroDivisionError, SystemExit]


def test_the_programs_interrupt_is_its_own_also_while_it_is_looked_at(selector: WatchedSelector
                                                                      ) -> None:
    def interrupted() -> bool:
        raise KeyboardInterrupt

    selector._calls.append(interrupted)
    with pytest.raises(KeyboardInterrupt):
        selector.select(0)


def test_a_selector_that_is_closed_or_dropped_is_known_no_more(
        pair: tuple[socket.socket, socket.socket]) -> None:
    one, other = WatchedSelector(), WatchedSelector()
    assert {one.number, other.number} <= {each.number for each in registry.alive()}
    number = other.number
    one.close()
    other.inner.close()
    del other
    gc.collect()
    assert not {one.number, number} & {each.number for each in registry.alive()}


def test_what_only_some_selectors_have_is_still_there() -> None:
    with WatchedSelector() as selector:
        if selector.backend == "epoll":
            assert selector.fileno() == selector.inner.fileno()  # type: ignore[attr-defined]
            selector.swap("poll")
        if selector.backend == "poll":
            assert not hasattr(selector, "fileno")
        with pytest.raises(AttributeError):
            _ = selector.nothing_of_this_name  # type: ignore[attr-defined]


def test_what_it_is_asked_for_in_every_turn_is_found_without_a_call() -> None:
    # With a `__getattr__` a turn takes half as long again (PEP 659).
    assert WatchedSelector.__getattribute__ is object.__getattribute__
    assert not hasattr(WatchedSelector, "__getattr__")


def test_a_selector_of_somebodys_own_keeps_what_it_has() -> None:
    class Theirs(selectors.SelectSelector):
        wakes = 7

    async def look() -> tuple[type, int]:
        loop = asyncio.get_running_loop()
        patch.adopt(loop)
        selector = private.selector_of(loop)
        return type(selector), selector.wakes

    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(Theirs())) as runner:
        assert runner.run(look()) == (ForeignSelector, 7)


def test_no_descriptor_is_left_open(pair: tuple[socket.socket, socket.socket]) -> None:
    before = len(os.listdir("/proc/self/fd"))
    with WatchedSelector() as selector:
        sleeper = Sleeper(selector, 0.3)
        selector.submit(lambda: None)
        sleeper.join(5)
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_loop_that_nobody_runs_holds_nothing_and_has_not_worked_meanwhile() -> None:
    now = 100.0
    selector = WatchedSelector(selectors.SelectSelector())
    selector.clock, selector._returned = lambda: now, now
    loop = asyncio.SelectorEventLoop(selector)
    try:
        loop.run_until_complete(asyncio.sleep(0))
        now += 50.0                            # the program does something else
        assert (selector.held_since(), selector.worked_until(now)) == (0.0, 0.0)
        assert selector.is_left(50.0)
        assert not selector.is_left(51.0)

        async def work() -> float:
            nonlocal now
            await asyncio.sleep(0)
            now += 2.0                         # and this it does
            return selector.held_since()

        assert loop.run_until_complete(work()) == 150.0
        loop.run_until_complete(asyncio.sleep(0))
        assert selector.worked == 2.0
    finally:
        loop.close()
