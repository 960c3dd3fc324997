"""The row that shows what ran last, and unfolds where a failure would not fit into it."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

PADDING = 2                    # cells, of both sides


class EchoRow(Static):
    """One row; `show(…, whole=True)` has it lie over what is above it with all it has to say, until
    `rest` or the next thing to show.
    """

    DEFAULT_CSS = """
    EchoRow { height: 1; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
    EchoRow.unfolded { overlay: screen; width: 100%; text-wrap: wrap; background: $panel; }
    """

    def __init__(self, content: Content) -> None:
        super().__init__(content, classes="echo")
        self._said = content
        self._whole = False

    def show(self, content: Content, *, whole: bool = False) -> None:
        """Read so from now on."""
        self._said, self._whole = content, whole
        self.update(content, layout=False)
        self._settle()

    def rest(self) -> None:
        """Be one row again."""
        self._whole = False
        self._settle()

    def on_resize(self) -> None:
        self._settle()

    def _settle(self) -> None:
        width = self.container_size.width - PADDING
        lines = len(self._said.wrap(width)) if self._whole and width > 0 else 1
        self.set_class(lines > 1, "unfolded")
        self.styles.height = lines
        self.styles.offset = (0, 1 - lines)
