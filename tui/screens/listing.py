"""The answer to a command when it is a list: bans in force, limits, and the like."""

from __future__ import annotations

from textual.content import Content

from chatops.api.commands import CommandResult
from tui.screens.dialog import Sheet
from tui.text.cells import clean, hanging


class ListScreen(Sheet):
    """`ListScreen(line, result)`: the rows of a `CommandResult`, scrollable."""

    DEFAULT_CSS = """
    ListScreen .box { scrollbar-gutter: stable; }
    """

    def __init__(self, line: str, result: CommandResult) -> None:
        super().__init__()
        self._line = line
        self._result = result

    def on_resize(self) -> None:
        self.call_after_refresh(self._fill)      # by then the page has its new width

    def _fill(self) -> None:
        width = self.query_one(".page").size.width
        rows = "\n".join(hanging(clean(row), width) for row in self._result.rows)
        self.write(Content.assemble((clean(self._result.text), "bold"), "\n\n", rows),
                   f":{clean(self._line)}")
