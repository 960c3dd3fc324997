"""What lies before the panes until all of them have something to show."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from tui.model.state import ConsoleState

PATIENCE = 2.0                 # seconds after which an empty screen says more than none


class Curtain(Static):
    """`starting`, over everything; keys go to what is behind it.  It is drawn up once."""

    DEFAULT_CSS = """
    Curtain { layer: curtain; width: 100%; height: 100%; background: $background;
              color: $text-muted; content-align: center middle; }
    """

    def __init__(self) -> None:
        super().__init__(Content.assemble(("chatops", "bold $primary"), "  starting"),
                         id="curtain")
        self._since: float | None = None

    @property
    def is_up(self) -> bool:
        """The panes can be seen."""
        return not self.display

    def show(self, state: ConsoleState, *, ready: bool) -> None:
        """Go up where there is a picture and everything is in its place (`ready`), where none
        will come, or where it has been waited for long enough.
        """
        if self._since is None:
            self._since = state.mono_now
        late = state.mono_now - self._since >= PATIENCE
        if (ready and (state.live is not None or not state.status.alive)) or late:
            self.display = False
