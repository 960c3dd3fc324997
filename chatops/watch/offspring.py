"""The Python processes that this one has started, which are looked into only when that is asked."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

HELPERS = (b"multiprocessing.resource_tracker", b"multiprocessing.forkserver")


def pythons(proc: Path = Path("/proc")) -> int:
    """How many run now, without multiprocessing's helpers; 0 where the system does not tell
    (proc_pid_task_tid_children(5)).
    """
    return sum(_is_program(proc / pid) for pid in set(_children(proc)))


def _children(proc: Path) -> Iterator[str]:
    try:
        for thread in os.listdir(proc / "self" / "task"):
            yield from (proc / "self" / "task" / thread / "children").read_text().split()
    except OSError:
        pass                           # a thread has just ended


def _is_program(process: Path) -> bool:
    try:
        name = os.path.basename(os.readlink(process / "exe"))
        words = (process / "cmdline").read_bytes()
    except OSError:
        return False                   # it has just ended
    return name.startswith("python") and not any(helper in words for helper in HELPERS)
