"""Screens that are laid out for the size that the terminal has, and for none that it had."""

from __future__ import annotations

from textual import events
from textual.screen import Screen


class SizedScreen:
    """To be put before `Screen` among the bases of each of ours.

    Textual tells a screen of each size, and laying out for one tells the screen of that size once
    more.  So two that are on their way at once, as of a window that is dragged or one that is
    given its place just when the console starts, would follow each other without an end.
    """

    async def _on_resize(self, event: events.Resize) -> None:
        """Leave one alone that is out of date: that of now is on its way, or has been here."""
        assert isinstance(self, Screen)
        if event.size != self.app.size:
            event.prevent_default()
