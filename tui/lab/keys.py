"""The last line of a screen of the lab: its keys; a click on one is the key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from textual import events
from textual.content import Content
from textual.widgets import Static


class Key(NamedTuple):
    """`action` is one of the screen's."""

    sign: str
    label: str
    action: str


class KeyStrip(Static):
    """Those that stand first stay when there is not room for all."""

    DEFAULT_CSS = """
    KeyStrip { height: 1; background: $panel; text-wrap: nowrap; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._keys: tuple[Key, ...] = ()
        self._ends: list[tuple[int, str]] = []     # where each ends, and its action

    def offer(self, keys: Sequence[Key]) -> None:
        """Show these keys."""
        if tuple(keys) != self._keys:
            self._keys = tuple(keys)
            self._draw()

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        parts: list[str | tuple[str, str]] = []
        at, self._ends = 0, []
        for sign, label, action in self._keys:
            wide = len(sign) + len(label) + 3
            if at + wide > self.size.width:
                break
            parts += [" ", (sign, "bold $primary"), (f" {label} ", "$text-muted")]
            at += wide
            self._ends.append((at, action))
        self.update(Content.assemble(*parts), layout=False)

    async def on_click(self, event: events.Click) -> None:
        action = next((action for end, action in self._ends if event.x < end), None)
        if action is not None:
            await self.screen.run_action(action)
