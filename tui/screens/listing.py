"""The answer to a command when it is a list: bans in force, limits, and the like."""

from __future__ import annotations

from textual.content import Content

from chatops.api.commands import CommandResult
from tui.screens.dialog import Sheet
from tui.text.cells import clean


class ListScreen(Sheet):
    """`ListScreen(line, result)`: the rows of a `CommandResult`, scrollable."""

    def __init__(self, line: str, result: CommandResult) -> None:
        super().__init__()
        self._line = line
        self._result = result

    def on_mount(self) -> None:
        rows = "\n".join(clean(row) for row in self._result.rows)
        self.write(Content.assemble((clean(self._result.text), "bold"), "\n\n", rows),
                   f":{clean(self._line)}")
