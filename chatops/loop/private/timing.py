"""Every call of every loop of asyncio, timed while somebody looks."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from chatops.loop import naming
from chatops.loop.meter import LATELY
from chatops.loop.private.names import call_name

_run: Any = None                       # Handle._run as it was, while calls are timed


def time_handles(clock: Callable[[], float]) -> None:
    """Time every call of every loop, until `leave_handles`.  Any thread."""
    global _run
    events = sys.modules.get("asyncio.events")
    run = getattr(getattr(events, "Handle", None), "_run", None)
    if _run is not None or run is None:
        return
    timer: Any = getattr(events, "TimerHandle", None)

    # Written out, though it is long: it runs for every call of the loop.
    def timed(handle: Any) -> None:
        callback = handle._callback
        started = clock()
        run(handle)
        ended = clock()
        try:
            selector = handle._loop._selector
            meter = selector.meter
        except AttributeError:
            return                     # a loop of another kind, or one made before
        seconds = ended - started
        owner = getattr(callback, "__self__", None)
        if owner is None:
            key: Any = getattr(callback, "__code__", None) or type(callback)
        else:
            try:
                key = owner.get_coro().cr_code
                spent = meter.tasks.get(id(owner))
                if spent is None:
                    meter.tasks[id(owner)] = [seconds, 1]
                else:
                    spent[0] += seconds
                    spent[1] += 1
            except AttributeError:
                key = _called_on(owner, callback, selector, seconds)
        cost = meter.costs.get(key) or meter.new(key, lambda: call_name(callback))
        cost.calls += 1
        cost.busy += seconds
        cost.add(seconds)
        if seconds > cost.slowest:
            cost.slowest = seconds
        if seconds > meter.slowest or ended - meter.slowest_at > LATELY:
            meter.slowest, meter.slowest_name, meter.slowest_at = seconds, cost.name, ended
        waited = started - (handle._when if type(handle) is timer else selector._returned)
        if waited > meter.waited or ended - meter.waited_at > LATELY:
            meter.waited, meter.waited_at = waited, ended

    naming.scheduler(timed.__code__)
    _run = run
    events.Handle._run = timed  # type: ignore[union-attr]  # it was there


def _called_on(owner: Any, callback: Any, selector: Any, seconds: float) -> Any:
    """What stands for the name of a call that is no task's; a transport's is its descriptor's
    time too.
    """
    registration = selector.entries.get(getattr(owner, "_sock_fd", -1))
    if registration is not None:
        registration.busy += seconds
        if seconds > registration.slowest:
            registration.slowest = seconds
    return getattr(callback, "__func__", None) or type(callback)


def leave_handles() -> None:
    """Time them no more."""
    global _run
    if _run is not None:
        sys.modules["asyncio.events"].Handle._run = _run
        _run = None
