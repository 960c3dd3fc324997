"""Work that may take a CPU only while nobody else wants it, and is not left undone for that.

A hash of 20 ms keeps whoever shares its CPU waiting for the rest of a time slice, and a high nice
value does not change that: since Linux 6.6 who wakes up need not preempt one that is in its slice.
A thread with SCHED_IDLE (sched(7)) is preempted at once.  On one CPU, with 200 logins in 9 s, a
line's p99 was 1.2 ms with it, 4.4 ms with nice 19 and 0.6 ms without logins.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, TypeVar

PATIENCE = 0.5                 # seconds until a piece of work is done by whoever wants it
PAUSE = 60.0                   # seconds for which the machine is taken to be too busy then
PER_THREAD = sys.platform == "linux"   # elsewhere a thread has no such policy of its own

T = TypeVar("T")


class Background:
    """A thread that yields to everybody, for one other that waits for what it does."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic,
                 patience: float = PATIENCE) -> None:
        """`clock` and `patience` are in seconds."""
        self._clock = clock
        self._patience = patience
        self._busy_until = float("-inf")
        self._jobs: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._open = PER_THREAD
        if self._open:
            threading.Thread(target=self._run, name="hash", daemon=True).start()

    def do(self, job: Callable[[], T]) -> T:
        """What `job` returns or raises: done there, or here where others leave it no CPU."""
        if not self._open or self._clock() < self._busy_until:
            return job()
        future: Future[T] = Future()
        self._jobs.put((future, job))
        try:
            return future.result(self._patience)
        except TimeoutError:
            future.cancel()
            self._busy_until = self._clock() + PAUSE
            return job()

    def close(self) -> None:
        """End the thread, after what it is doing; nothing waits for that.  What is to be done from
        here on is done at once.
        """
        self._open = False
        self._jobs.put(None)

    def _run(self) -> None:
        with suppress(OSError):        # not allowed here: then it is one like any other
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))      # 0: this thread
        while (work := self._jobs.get()) is not None:
            future, job = work
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(job())
            except BaseException as error:
                future.set_exception(error)
