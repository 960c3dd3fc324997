"""What a loop of asyncio has to do, and the selector that it waits with."""

from __future__ import annotations

import gc
import selectors
import sys
from typing import Any


def waiting_calls(loop: Any) -> int:
    """Calls that are ready and have not run."""
    return len(getattr(loop, "_ready", ()))


def timers(loop: Any) -> tuple[int, float | None]:
    """How many calls are scheduled, and when the first is due, on the loop's clock."""
    scheduled = getattr(loop, "_scheduled", None) or ()
    return len(scheduled), scheduled[0].when() if scheduled else None


def executor(loop: Any) -> tuple[int, int, int, int] | None:
    """The default executor's threads, how many there may be, busy ones, and waiting calls."""
    pool = getattr(loop, "_default_executor", None)
    if pool is None or not hasattr(pool, "_threads"):
        return None
    threads = len(pool._threads)
    idle = getattr(getattr(pool, "_idle_semaphore", None), "_value", 0)
    waiting = getattr(pool, "_work_queue", None)
    return (threads, int(getattr(pool, "_max_workers", threads)), max(0, threads - idle),
            waiting.qsize() if waiting is not None else 0)


def selector_loops() -> list[Any]:
    """Every event loop of asyncio that is there already and has a selector."""
    module = sys.modules.get("asyncio.selector_events")
    kind = getattr(module, "BaseSelectorEventLoop", None)
    if kind is None:
        return []
    return [each for each in gc.get_objects() if isinstance(each, kind) and not each.is_closed()]


def selector_of(loop: Any) -> Any:
    """The selector of a loop."""
    return getattr(loop, "_selector", None)


def set_selector(loop: Any, selector: selectors.BaseSelector) -> None:
    """Give a loop another one, on its own thread, between two of its calls."""
    loop._selector = selector
