"""What another process has used: CPU seconds, resident bytes, wake-ups.

Linux tells of processes, in /proc and by their clocks; elsewhere all of it is `None`, and a
benchmark shows a dash.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

PROC = Path("/proc")

_Number = TypeVar("_Number", int, float)


def cpu_seconds(pid: int) -> float | None:
    """User and system time of all threads so far, to the nanosecond.

    /proc counts it in ticks of 10 ms, too coarse for what a few hundred joins cost.  The id
    of another process's clock is made as clock_getcpuclockid(3) makes it in glibc and musl.
    """
    if sys.platform != "linux" or pid <= 0:
        return None
    try:
        return time.clock_gettime(~pid << 3 | 2)       # 2: CPUCLOCK_SCHED, all its threads
    except OSError:
        return None


def resident_bytes(pid: int) -> int | None:
    """Memory that is in RAM now, shared pages included."""
    try:
        pages = int((PROC / str(pid) / "statm").read_text().split()[1])
    except OSError:
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


def wakeups(pid: int) -> int | None:
    """How often its threads have gone to sleep and been woken: voluntary context switches."""
    total = 0
    try:
        for task in (PROC / str(pid) / "task").iterdir():
            status = (task / "status").read_text()
            total += int(status.partition("\nvoluntary_ctxt_switches:")[2].split(None, 1)[0])
    except (OSError, IndexError, ValueError):
        return None
    return total


def difference(after: _Number | None, before: _Number | None) -> _Number | None:
    """How much it grew; None when either end is not known."""
    return None if after is None or before is None else after - before


def choose_cpus() -> tuple[int, int] | None:
    """A CPU for the server and another for the load; None where they cannot be chosen."""
    if not hasattr(os, "sched_getaffinity"):
        return None
    mine = sorted(os.sched_getaffinity(0))
    return (mine[0], mine[-1]) if len(mine) > 1 else None


def pin(pid: int, cpu: int | None) -> None:
    """Keep a process, 0 for this one, on one CPU.  Threads it starts later inherit that."""
    if cpu is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(pid, {cpu})


def pin_threads(threads: Iterable[int], cpu: int | None) -> None:
    """Keep these on one CPU."""
    for thread in threads:
        pin(thread, cpu)


@contextmanager
def yielding(pids: Iterable[int]) -> Iterator[bool]:
    """These run only where nobody else wants the CPU (SCHED_IDLE, sched(7)), as if they were on
    another machine; whether that can be had here.
    """
    threads = [int(task.name) for pid in pids for task in _tasks(pid)]
    can = hasattr(os, "sched_setscheduler") and hasattr(os, "SCHED_IDLE")
    if can:
        _schedule(threads, os.SCHED_IDLE)
    try:
        yield can
    finally:
        if can:
            _schedule(threads, os.SCHED_OTHER)


@contextmanager
def pinned(pids: Iterable[int], cpu: int | None) -> Iterator[None]:
    """All threads that these have now (0 is this process) run on this CPU alone."""
    before: dict[int, set[int]] = {}
    if cpu is not None and hasattr(os, "sched_setaffinity"):
        for thread in [int(task.name) for pid in pids for task in _tasks(pid or os.getpid())]:
            with suppress(ProcessLookupError):
                before[thread] = os.sched_getaffinity(thread)
                os.sched_setaffinity(thread, {cpu})
    try:
        yield
    finally:
        for thread, cpus in before.items():
            with suppress(ProcessLookupError):
                os.sched_setaffinity(thread, cpus)


def yielding_threads(pid: int) -> list[int]:
    """Those of a process's threads that run only where nobody else wants the CPU."""
    found = []
    for thread in [int(task.name) for task in _tasks(pid)] if hasattr(os, "SCHED_IDLE") else ():
        with suppress(ProcessLookupError):
            if os.sched_getscheduler(thread) == os.SCHED_IDLE:
                found.append(thread)
    return found


def _tasks(pid: int) -> list[Path]:
    try:
        return list((PROC / str(pid) / "task").iterdir())
    except OSError:
        return []


def _schedule(threads: Iterable[int], policy: int) -> None:
    for thread in threads:
        with suppress(ProcessLookupError):
            os.sched_setscheduler(thread, policy, os.sched_param(0))


def raise_descriptor_limit() -> int:
    """Allow this process, and those it starts, all descriptors it may have; how many."""
    import resource  # not on every system, and needed by nobody who does not measure

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return 1 << 20 if hard == resource.RLIM_INFINITY else hard
