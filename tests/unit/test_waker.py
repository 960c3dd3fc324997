"""One byte wakes the loop, however often and from wherever it is asked to."""

from __future__ import annotations

import selectors
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import suppress

import pytest

from chatops.loop.waker import Waker
from tests.patience import scaled

PATIENCE = scaled(20.0)        # seconds; only a broken waker ever waits so long


@pytest.fixture
def waker() -> Iterator[Waker]:
    waker = Waker()
    yield waker
    waker.close()


@pytest.fixture
def selector(waker: Waker) -> Iterator[selectors.BaseSelector]:
    with selectors.DefaultSelector() as selector:
        selector.register(waker, selectors.EVENT_READ)
        yield selector


def test_nobody_is_woken_before_it_is_asked(waker: Waker,
                                            selector: selectors.BaseSelector) -> None:
    assert selector.select(0) == []
    assert waker.fileno() >= 0


def test_ten_thousand_wakes_are_one_turn_and_never_block(
        waker: Waker, selector: selectors.BaseSelector) -> None:
    for _ in range(10_000):
        waker.wake()
    assert len(selector.select(0)) == 1
    waker.on_ready()
    assert selector.select(0) == []


def test_it_wakes_again_after_it_was_drained(waker: Waker,
                                             selector: selectors.BaseSelector) -> None:
    for _ in range(3):
        waker.wake()
        assert selector.select(0)
        waker.on_ready()
        assert not selector.select(0)


def test_draining_without_a_wake_loses_none_that_follows(
        waker: Waker, selector: selectors.BaseSelector) -> None:
    waker.on_ready()
    waker.on_ready(selectors.EVENT_READ)
    assert not selector.select(0)
    waker.wake()
    assert selector.select(0)


def test_a_wake_after_close_is_harmless(waker: Waker) -> None:
    waker.close()
    waker.wake()
    waker.close()
    assert waker.fileno() == -1


def test_a_wake_that_races_with_close_is_harmless(waker: Waker) -> None:
    waker.close()
    waker._signalled = False       # the flag as the other thread saw it just before
    waker.wake()


def test_a_full_pipe_is_woken_enough(waker: Waker, selector: selectors.BaseSelector) -> None:
    with suppress(BlockingIOError):
        while True:
            waker._writer.send(b"\0" * 65_536)
    waker.wake()
    assert selector.select(0)
    waker.on_ready()
    assert not selector.select(0)


def test_no_work_is_missed_when_threads_submit_it(waker: Waker,
                                                  selector: selectors.BaseSelector) -> None:
    work: deque[int] = deque()
    each, threads = 2000, 4

    def submit() -> None:
        for n in range(each):
            work.append(n)
            waker.wake()

    for thread in (workers := [threading.Thread(target=submit) for _ in range(threads)]):
        thread.start()
    done = 0
    while done < each * threads:
        assert selector.select(PATIENCE), f"slept through work after {done}"
        waker.on_ready()
        while work:
            work.popleft()
            done += 1
    for thread in workers:
        thread.join(PATIENCE)
    assert done == each * threads


def test_a_thread_wakes_a_loop_that_sleeps(waker: Waker,
                                           selector: selectors.BaseSelector) -> None:
    thread = threading.Thread(target=waker.wake)
    thread.start()
    assert selector.select(PATIENCE)
    thread.join(PATIENCE)


def test_its_repr_names_its_descriptor(waker: Waker) -> None:
    assert repr(waker) == f"<Waker fd={waker.fileno()}>"
