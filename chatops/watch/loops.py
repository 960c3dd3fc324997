"""The loops of the program, and which of them is shown."""

from __future__ import annotations

import os
import sys

from chatops.api.program import LoopRow
from chatops.chat.sanitize import clean_text
from chatops.loop.naming import format_call_site
from chatops.watch import registry
from chatops.watch.offspring import pythons
from chatops.watch.picture import Painter
from chatops.watch.selector import WatchedSelector
from chatops.watch.watchdog import Watchdog

_MULTIPROCESSING = f"{os.sep}multiprocessing{os.sep}"
LEFT = 1.0                     # seconds that a loop has not run before another one is shown
# Loops that do not wait with anything of `selectors`, by the module that has them.
ELSEWHERE = {
    "uvloop": "uvloop's loop is in C and cannot be seen: start with --force-asyncio",
    "gevent": "gevent's loop is in C (libev) and cannot be seen",
    "trio": "trio asks the kernel itself, so its loop cannot be seen",
    "curio": "curio asks the kernel itself, so its loop cannot be seen",
    "eventlet": "eventlet's hub asks the kernel itself, so it cannot be seen",
    "PyQt6": "Qt's loop is in C++ and cannot be seen",
    "PySide6": "Qt's loop is in C++ and cannot be seen",
}


class Loops:
    """Belongs to the observer's thread."""

    def __init__(self) -> None:
        self.shown: WatchedSelector | None = None
        self.painter: Painter | None = None
        self.watchdog: Watchdog | None = None
        self._chosen = False

    def choose(self, number: int) -> bool:
        """Show this one from now on; False when there is none such."""
        for selector in registry.alive():
            if selector.number == number:
                self._show(selector)
                self._chosen = True
                return True
        return False

    def settle(self) -> bool:
        """Show another one when the one that was is gone, or a better one has come; whether
        that has changed anything.
        """
        alive = registry.alive()
        if self.shown is not None and self.shown.closed:
            self.shown, self._chosen = None, False
        if self._chosen and self.shown in alive:
            return False
        best = max(alive, key=_worth, default=None)
        if best is self.shown or (best is not None and self.shown is not None
                                  and _worth(best)[:2] <= _worth(self.shown)[:2]):
            return False
        self._show(best)
        return True

    def _show(self, selector: WatchedSelector | None) -> None:
        self.shown = selector
        self.painter = Painter(selector) if selector is not None else None
        self.watchdog = Watchdog(selector) if selector is not None else None

    def rows(self) -> tuple[LoopRow, ...]:
        """All of them, for a list to choose from."""
        return tuple([_row(selector) for selector in registry.alive()])

    def unseen(self) -> str:
        """Why there is nothing to see, in a line; "" when there is."""
        own = [selector for selector in registry.alive() if _worth(selector)[0] > 0
               and not _waits_for_processes(selector)]
        if own:
            return ""
        if not registry.children and pythons():
            return "its work is in processes that it has started: `chatops watch --children`"
        for module, what in ELSEWHERE.items():
            if sys.modules.get(module) is not None:
                return what
        if self.shown is None:
            return "the program has made no selector yet"
        return ""


def _worth(selector: WatchedSelector) -> tuple[int, bool, int]:
    """A loop with something in its map before an empty one, asyncio's before others unless it is
    not run any more, the main thread's before another's, and of several the one that turns most.
    """
    main = _is_main(selector.thread)
    if not len(selector.entries) or not (selector.turns or selector.sleeping):
        return 0, main, selector.turns
    kind = 2 if not selector.asyncio else 1 if selector.is_left(LEFT) else 3
    return kind, main, selector.turns


def _waits_for_processes(selector: WatchedSelector) -> bool:
    """Whether it is one of `multiprocessing.connection.wait`."""
    first = next(iter(selector.entries.copy().values()), None)
    armed_by = first.armed_by if first is not None else None
    return armed_by is not None and _MULTIPROCESSING in armed_by[0].co_filename


def _is_main(ident: int) -> bool:
    threading = sys.modules.get("threading")
    return threading is not None and threading.main_thread().ident == ident


def _row(selector: WatchedSelector) -> LoopRow:
    first = next(iter(selector.entries.copy().values()), None)
    return LoopRow(
        number=selector.number, kind="asyncio" if selector.asyncio else "selectors",
        thread=_thread_name(selector.thread), backend=selector.backend,
        registered=len(selector.entries), turns=selector.turns,
        armed_by=format_call_site(first.armed_by) if first is not None else "")


def _thread_name(ident: int) -> str:
    threading = sys.modules.get("threading")
    thread = getattr(threading, "_active", {}).get(ident)
    return clean_text(thread.name) if thread is not None else str(ident or "-")
