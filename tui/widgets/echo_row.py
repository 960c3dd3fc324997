"""The row that shows what ran last, and unfolds where a failure would not fit into it.  What has
been read makes room for a hint after a while.
"""

from __future__ import annotations

import math

from textual.content import Content
from textual.widgets import Static

PADDING = 2                    # cells, of both sides
LASTS = 10.0                   # seconds that what ran last is shown


class EchoRow(Static):
    """One row; `show(…, whole=True)` has it lie over what is above it with all it has to say, until
    `rest` or the next thing to show.  Times are the console's clock, in seconds.
    """

    DEFAULT_CSS = """
    EchoRow { height: 1; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
    EchoRow.unfolded { overlay: screen; width: 100%; text-wrap: wrap; background: $panel; }
    """

    def __init__(self, content: Content) -> None:
        super().__init__(content, classes="echo")
        self._said = content
        self._whole = False
        self._until = -math.inf        # when a hint may take its place
        self._once_read = math.inf     # the same, after somebody has pressed a key

    def show(self, content: Content, *, whole: bool = False, until: float = math.inf,
             once_read: float = math.inf) -> None:
        """Read so from now on; `until` a time, or `once_read` if somebody acts after it."""
        self._until, self._once_read = until, once_read
        self._put(content, whole=whole)

    def hint(self, text: str, now: float) -> None:
        """Read so if nothing else is to be read any more."""
        content = Content.styled(text, "$text-muted")
        if now >= self._until and content != self._said:
            self._put(content, whole=False)

    def rest(self) -> None:
        """Be one row again: somebody goes on, and has read it."""
        self._until = min(self._until, self._once_read)
        self._whole = False
        self._settle()

    def _put(self, content: Content, *, whole: bool) -> None:
        self._said, self._whole = content, whole
        self.update(content, layout=False)
        self._settle()

    def on_resize(self) -> None:
        self._settle()

    def _settle(self) -> None:
        width = self.outer_size.width - PADDING
        lines = len(self._said.wrap(width)) if self._whole and width > 0 else 1
        self.set_class(lines > 1, "unfolded")
        self.styles.height = lines
        self.styles.offset = (0, 1 - lines)
