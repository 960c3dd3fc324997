"""The selectors of this process that are observed, without keeping any of them alive."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable
from typing import Any

_count = itertools.count(1)
_selectors: dict[int, weakref.ref[Any]] = {}

# Told of what went wrong in the observer's own calls; the program never is.
on_failure: list[Callable[[BaseException], None]] = []


# Whether the processes that this one starts are observed too.
children = False

_first: list[Callable[[], object]] = []


def when_first(call: Callable[[], object]) -> None:
    """Have this called when the next selector is made: not every process makes one."""
    _first[:] = [call]


# What is to be called by the next `select` of any loop, once.
resume: list[Callable[[], object]] = []


def add(selector: Any) -> int:
    """Know this one from now on; its number, never used twice."""
    if _first:
        try:
            _first.pop()()
        except Exception as error:     # no socket to be had: the program goes on unseen
            failed(error)
    number = next(_count)
    _selectors[number] = weakref.ref(selector, lambda _: _selectors.pop(number, None))
    return number


def discard(selector: Any) -> None:
    """It is closed."""
    _selectors.pop(selector.number, None)


def alive() -> list[Any]:
    """Those that are open, in the order they were made.  From any thread."""
    found = [reference() for _, reference in sorted(_selectors.copy().items())]
    return [selector for selector in found if selector is not None and not selector.closed]


def failed(error: BaseException) -> None:
    """The observer's own fault."""
    for told in on_failure:
        told(error)
