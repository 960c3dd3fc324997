"""Every call of every loop of asyncio, timed while somebody looks."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FunctionType, MethodType
from typing import Any

from chatops.loop import naming
from chatops.loop.meter import Cost
from chatops.loop.private.names import call_name, coroutine_name, coroutine_of, is_around

_run: Any = None                       # Handle._run as it was, while calls are timed


def time_handles(clock: Callable[[], float]) -> None:
    """Time every call of every loop, until `leave_handles`; nothing where nobody has imported
    asyncio.  Any thread.  Idempotent.
    """
    global _run
    events = sys.modules.get("asyncio.events")
    run = getattr(getattr(events, "Handle", None), "_run", None)
    timer: Any = getattr(events, "TimerHandle", None)
    if _run is not None or run is None or timer is None:
        return                         # or asyncio is just being imported

    # Written out, though it is long: it runs for every call of the loop, and what is raised
    # and caught, or called, costs as much as all the rest.
    def timed(handle: Any) -> None:
        callback = handle._callback
        started = clock()
        run(handle)
        seconds = clock() - started
        try:
            selector = handle._loop._selector
            meter = selector.meter
        except AttributeError:
            return                     # a loop of another kind, or one made before
        meter.last = seconds
        if type(callback) is MethodType:       # a transport's, mostly: its descriptor's time too
            cost = meter.costs.get(id(callback.__func__)) or _new_method(meter, callback, seconds)
            registration = selector.entries.get(getattr(callback.__self__, "_sock_fd", -1))
            if registration is not None:
                registration.busy += seconds
                if seconds > registration.slowest:
                    registration.slowest = seconds
        else:
            get_coro = getattr(getattr(callback, "__self__", None), "get_coro", None)
            if get_coro is not None:
                code = getattr(get_coro(), "cr_code", None)
                cost = meter.costs.get(id(code)) or _new(meter, code, callback)
                if cost.around:
                    cost = _inside(meter, callback.__self__, cost)
                spent = meter.tasks.get(id(callback.__self__))
                if spent is None:
                    meter.tasks[id(callback.__self__)] = [seconds, 1]
                else:
                    spent[0] += seconds
                    spent[1] += 1
            else:
                code = callback.__code__ if type(callback) is FunctionType else type(callback)
                cost = meter.costs.get(id(code)) or _new(meter, code, callback)
        cost.calls += 1
        cost.busy += seconds
        cost.add(seconds)
        if seconds > cost.slowest:
            cost.slowest = seconds
        if seconds > meter.slowest:
            meter.slowest, meter.slowest_name = seconds, cost.name
        if type(handle) is timer:
            meter.was_late(started - handle._when, started)

    naming.scheduler(timed.__code__)
    _run = run
    events.Handle._run = timed  # type: ignore[union-attr]  # it was there


def _new(meter: Any, called: Any, callback: Any) -> Cost:
    found: Cost = meter.new(called, lambda: call_name(callback))
    found.around = is_around(called)
    return found


def _inside(meter: Any, task: Any, outer: Cost) -> Cost:
    """The cost of what anyio has put a coroutine of its own around."""
    coro = coroutine_of(task)
    code = coro.cr_code
    if code is outer.called:
        return outer
    found: Cost = meter.costs.get(id(code)) or meter.new(code, lambda: coroutine_name(coro))
    return found


def _new_method(meter: Any, callback: Any, seconds: float) -> Cost:
    """The cost of a method that has not been seen yet.  Tasks that are written in Python have
    methods for their steps, and are seen so each time: they go by their coroutine.
    """
    owner = callback.__self__
    if not hasattr(owner, "get_coro"):
        return _new(meter, callback.__func__, callback)
    spent = meter.tasks.setdefault(id(owner), [0.0, 0])
    spent[0] += seconds
    spent[1] += 1
    code = getattr(owner.get_coro(), "cr_code", None)
    return meter.costs.get(id(code)) or _new(meter, code, callback)


def leave_handles() -> None:
    """Time them no more."""
    global _run
    if _run is not None:
        sys.modules["asyncio.events"].Handle._run = _run
        _run = None
