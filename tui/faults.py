"""What the console itself does wrong: told, counted and survived.

Textual ends the app for whatever a handler, an action, a timer, a worker or a drawing
raises; with it would go the server in the same process, and everybody in the chat.  Its
message pumps stop at the first exception, so `App._handle_exception` alone comes too late:
each pump's dispatch is guarded, as the reactor guards its callbacks, and each widget's
drawing, which leaves a line in its place.  Belongs to the console's thread, but for `died`.
"""

from __future__ import annotations

import traceback
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from rich.segment import Segment
from textual.content import Content
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tui.text.cells import clean

SHOWN = 30.0                   # seconds that the banner tells of a fault after the last time
PLACEHOLDER = "this part cannot be drawn; the log says why"

Told = Callable[[Exception, str], None]


class Faults:
    """All so far, and what is said of them."""

    def __init__(self, clock: Callable[[], float], log: Callable[[str, str], None]) -> None:
        """`log` is given where it happened and the traceback, once for each fault: one that
        comes back ten times a second is counted, and would fill the disk.
        """
        self._clock = clock
        self._log = log
        self._logged: set[tuple[str, str]] = set()
        self._at = 0.0
        self._line = ""
        self.count = 0
        self.last = ""             # the traceback of the newest

    def add(self, error: BaseException, where: str) -> None:
        """Something raised, there."""
        self.count += 1
        self._at = self._clock()
        self._line = f"{where}: {_in_a_line(error)}"
        self.last = "".join(traceback.format_exception(error))
        known = (where, _origin(error))
        if known not in self._logged:
            self._logged.add(known)
            self._log(where, self.last)

    @property
    def text(self) -> str:
        """For the banner, for a while; "" if there is nothing to say."""
        if not self.count or self._clock() - self._at > SHOWN:
            return ""
        times = f" ({self.count} so far)" if self.count > 1 else ""
        return f"the console had an error{times}, the chat goes on: {self._line}"


def _in_a_line(error: BaseException) -> str:
    return clean(" ".join(f"{type(error).__name__}: {error}".split()))


def _origin(error: BaseException) -> str:
    """The line of the program that raised it; its text may differ each time."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__} {place}"


def guard(widget: Widget, survive: Told, tell: Told) -> None:
    """Let nothing that this widget raises out of it.  Before its pump is started.

    `survive` is told what a message led to, and may raise it again; `tell` of a drawing.
    """
    replaced: dict[str, Any] = vars(widget)
    if "_dispatch_message" in replaced:
        return
    replaced["_dispatch_message"] = _dispatching(widget, widget._dispatch_message, survive)
    replaced["render"] = _drawing(widget, widget.render, tell)
    replaced["render_lines"] = _drawing_lines(widget, widget.render_lines, tell)
    if type(widget).render_line is not Widget.render_line:     # one line cannot cost the others
        replaced["render_line"] = _drawing_line(widget, widget.render_line, tell)


def _dispatching(widget: Widget, dispatch: Callable[[Message], Awaitable[None]], told: Told,
                 ) -> Callable[[Message], Awaitable[None]]:
    @wraps(dispatch)
    async def guarded(message: Message) -> None:
        try:
            await dispatch(message)
        except Exception as error:
            told(error, f"{name_of(widget)}, {type(message).__name__}")

    return guarded


def _drawing(widget: Widget, render: Callable[[], Any], told: Told) -> Callable[[], Any]:
    @wraps(render)
    def guarded() -> Any:
        try:
            return render()
        except Exception as error:
            told(error, f"{name_of(widget)}, drawing")
            return Content.styled(PLACEHOLDER, "$error")

    return guarded


def _drawing_lines(widget: Widget, render: Callable[[Region], list[Strip]], told: Told,
                   ) -> Callable[[Region], list[Strip]]:
    @wraps(render)
    def guarded(crop: Region) -> list[Strip]:
        try:
            return render(crop)
        except Exception as error:
            told(error, f"{name_of(widget)}, drawing")
            blank = Strip.blank(crop.width, widget.visual_style.rich_style)
            return [_placeholder(widget, crop.width), *[blank] * (crop.height - 1)]

    return guarded


def _drawing_line(widget: Widget, render: Callable[[int], Strip], told: Told,
                  ) -> Callable[[int], Strip]:
    @wraps(render)
    def guarded(y: int) -> Strip:
        try:
            return render(y)
        except Exception as error:
            told(error, f"{name_of(widget)}, drawing")
            return _placeholder(widget, widget.scrollable_content_region.width)

    return guarded


def _placeholder(widget: Widget, width: int) -> Strip:
    style = widget.visual_style.rich_style
    return Strip([Segment(PLACEHOLDER, style)]).adjust_cell_length(width, style)


def name_of(widget: Widget) -> str:
    """The nearest of ours: what was wrong with a scroll bar is the pane's."""
    for node in widget.ancestors_with_self:
        if type(node).__module__.startswith("tui."):
            return type(node).__name__
    return type(widget).__name__
