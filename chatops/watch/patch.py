"""Putting observed selectors in the place of those of the `selectors` module."""

from __future__ import annotations

import selectors
import sys
from typing import Any

from chatops.loop import backends, naming, private
from chatops.watch.foreign import ForeignSelector
from chatops.watch.selector import WatchedSelector

# Frames that are not whose doing a registration is.
ON_BEHALF = ("asyncio.", "chatops.watch.")

_originals: dict[str, Any] = {}


def _kind(name: str) -> type[WatchedSelector]:
    """A class that is called, and looks, as the original does, and makes an observed one."""
    backend = backends.BACKENDS[name]

    def __init__(self: WatchedSelector) -> None:  # noqa: N807
        WatchedSelector.__init__(self, backends.make(name))

    original = getattr(selectors, backend.class_name)
    return type(backend.class_name, (WatchedSelector,), {
        "__init__": __init__, "__doc__": original.__doc__, "__module__": "selectors",
        "__qualname__": backend.class_name, "__repr__": object.__repr__})


def install() -> None:
    """From now on every selector that is made by the module's names is observed.  Idempotent."""
    if _originals:
        return
    naming.on_behalf(*ON_BEHALF)
    default = selectors.DefaultSelector
    for name in backends.available():
        class_name = backends.BACKENDS[name].class_name
        original = getattr(selectors, class_name)
        _originals[class_name] = original
        kind = _kind(name)
        setattr(selectors, class_name, kind)
        if default is original:
            _originals["DefaultSelector"] = original
            selectors.DefaultSelector = kind  # type: ignore[misc, assignment]  # meant


def adopt_running() -> int:
    """Observe the asyncio loops that are there already, each on its own thread; how many."""
    adopted = 0
    for loop in private.selector_loops():
        if isinstance(private.selector_of(loop), WatchedSelector):
            continue
        if loop.is_running() and loop is not _running():
            loop.call_soon_threadsafe(adopt, loop)
        else:
            adopt(loop)
        adopted += 1
    return adopted


def adopt(loop: Any) -> None:
    """Wrap the selector of a loop.  On its thread, or while it does not run."""
    selector = private.selector_of(loop)
    if isinstance(selector, selectors.BaseSelector) and not isinstance(selector, WatchedSelector):
        known = type(selector).__module__ == "selectors"
        watched = WatchedSelector(selector) if known else ForeignSelector(selector)
        watched.asyncio = True
        private.asyncio_is_here()
        private.set_selector(loop, watched)


def _running() -> Any:
    asyncio = sys.modules.get("asyncio.events")
    return asyncio._get_running_loop() if asyncio is not None else None
