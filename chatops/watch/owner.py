"""Whose a selector is: asyncio's loops may be left and run again, and stand meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from weakref import ref

from chatops.loop import private
from chatops.loop.records import Registration


class Owner:
    """The loop of asyncio's that waits with a selector, once it is known.  From any thread."""

    def __init__(self, entries: Mapping[int, Registration]) -> None:
        self._entries = entries
        self._loop: ref[Any] | None = None

    @property
    def stands(self) -> bool:
        """Whether the loop does not run: whoever has called `run_until_complete` goes on without
        it.  Of other loops nobody knows.
        """
        if self._loop is None:
            found = [private.loop_of(each.data) for each in dict(self._entries).values()]
            loop = next(filter(None, found), None)
            self._loop = ref(loop) if loop is not None else None
        else:
            loop = self._loop()
        return loop is not None and not loop.is_running()
