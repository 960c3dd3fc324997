"""Hashing yields to everything else, and is not left undone for that."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import pytest

from chatops.accounts.background import PAUSE, PER_THREAD, Background
from tests.patience import scaled

linux = pytest.mark.skipif(not PER_THREAD, reason="a thread has no priority of its own here")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def background(clock: Clock) -> Iterator[Background]:
    it = Background(clock=clock, patience=scaled(30.0))
    yield it
    it.close()


def policy() -> int:
    return os.sched_getscheduler(0)    # of this thread


@linux
def test_it_is_done_by_one_thread_that_yields_to_all(background: Background) -> None:
    mine = policy()
    first, second = (background.do(lambda: (threading.get_ident(), policy())) for _ in range(2))
    assert first == second == (first[0], os.SCHED_IDLE)
    assert first[0] != threading.get_ident()
    assert policy() == mine != os.SCHED_IDLE


def test_what_fails_there_fails_here(background: Background) -> None:
    with pytest.raises(ZeroDivisionError):
        background.do(lambda: 1 // 0)
    assert background.do(lambda: 4) == 4


@linux
def test_where_others_leave_it_no_cpu_it_is_done_here_for_a_while(clock: Clock) -> None:
    """The thread stands still within the first piece, as it does without a CPU."""
    background = Background(clock=clock, patience=0.01)
    here, go_on = threading.get_ident(), threading.Event()
    done_by: list[int] = []

    def work() -> int:
        done_by.append(threading.get_ident())
        if done_by[-1] != here:
            assert go_on.wait(scaled(30.0))
        return threading.get_ident()

    assert background.do(work) == here
    clock.now = PAUSE - 1
    assert background.do(threading.get_ident) == here      # it is not tried for a while
    go_on.set()
    clock.now = PAUSE                                      # and then again
    background._patience = scaled(30.0)
    assert background.do(threading.get_ident) != here
    background.close()


def test_after_its_end_it_is_done_here(background: Background) -> None:
    background.do(lambda: None)
    background.close()
    assert background.do(threading.get_ident) == threading.get_ident()
