"""Notices that a loop is held while it is, and says by which line: seen from another thread."""

from __future__ import annotations

import linecache
import sys
import time
from collections.abc import Iterator
from types import FrameType

from msgspec.structs import replace

from chatops.api.events import LoopHeld
from chatops.api.program import Held
from chatops.chat.sanitize import clean_text
from chatops.loop import private
from chatops.watch.blocking import blocking_call
from chatops.watch.selector import WatchedSelector
from chatops.watch.tasks import origin, own_origin

NOTICED = 0.1                  # seconds of one turn that are worth saying
DEEP = 64                      # frames that are shown


class Watchdog:
    """For one selector; belongs to the observer's thread."""

    def __init__(self, selector: WatchedSelector) -> None:
        self._selector = selector
        self._since = 0.0              # the turn that was being worked on at the last look

    def let_go(self, held: Held, now: float) -> Held:
        """The same, over before `now`, with the time that it took in all: between two looks nobody
        sees its end but the loop.
        """
        took = self._selector.long_turn
        return replace(held, seconds=took) if held.seconds <= took <= now - held.since else held

    def look(self, now: float) -> Held | None:
        """Who holds the loop now, when one turn has taken too long already."""
        since, before = self._selector.held_since(), self._since
        self._since = since
        # A turn is known to be held only when it is still the one of the look before.
        if not since or since != before or now - since < NOTICED:
            return None
        frame = sys._current_frames().get(self._selector.thread)
        stack = _stack(frame)
        turned = [at for at, each in enumerate(stack)
                  if each.f_code is self._selector.turned_by]
        if not turned:
            return None                # it selects no more, and does something else
        return _held(stack, turned[0], since, now)


class Sentry:
    """Says when a hold begins and when it is over, of a loop that is not shown."""

    def __init__(self, selector: WatchedSelector) -> None:
        self.selector = selector
        self._watchdog = Watchdog(selector)
        self._held: Held | None = None

    def look(self, now: float) -> Iterator[LoopHeld]:
        """What is to be said now."""
        held, before = self._watchdog.look(now), self._held
        self._held = held
        if before is not None and (held is None or held.since != before.since):
            yield self._event(self._watchdog.let_go(before, now), over=True)
        if held is not None and (before is None or before.since != held.since):
            yield self._event(held, over=False)

    def _event(self, held: Held, *, over: bool) -> LoopHeld:
        return LoopHeld(time.time(), held.seconds, held.at, held.inside, over,
                        self.selector.number)


def _stack(frame: FrameType | None) -> list[FrameType]:
    """The innermost first."""
    found: list[FrameType] = []
    while frame is not None and len(found) < 4 * DEEP:
        found.append(frame)
        frame = frame.f_back
    return found


def _held(stack: list[FrameType], turned: int, since: float, now: float) -> Held:
    """`turned` is the place in the stack of what calls `select`: beyond it nothing was done in
    this turn.
    """
    # First of all where each stands: the thread goes on as soon as a file is read here.
    lines = {id(frame): frame.f_lineno for frame in stack}
    theirs = [frame for frame in stack[:turned] or stack[turned:turned + 1]
              if not frame.f_globals.get("__name__", "").startswith("chatops.")]
    least = own_origin(theirs)
    at = next((at for at, frame in enumerate(theirs) if origin(frame) >= least), -1)
    own = theirs[at] if at >= 0 else stack[turned]
    call, kind = blocking_call(theirs[at::-1] if at >= 0 else [own])
    line = linecache.getline(own.f_code.co_filename, lines[id(own)]).strip()
    return Held(
        seconds=now - since, since=since,
        at=clean_text(private.place(own.f_code, lines[id(own)])), inside=clean_text(line)[:120],
        stack=tuple(clean_text(private.place(each.f_code, lines[id(each)]))
                    for each in reversed(stack[:DEEP])),
        call=clean_text(call), kind=kind)
