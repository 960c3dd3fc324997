"""What a half-typed line already shows: a filter, a theme.  Leaving the line undoes it."""

from __future__ import annotations

from textual.app import App

from tui.model.filters import meant
from tui.model.state import ConsoleState
from tui.tables import columns_of


class Preview:
    """One per command line; belongs to the app's thread."""

    def __init__(self, app: App[int], state: ConsoleState) -> None:
        self._app = app
        self._state = state
        self._filter: str | None = None        # as it was before one was being typed
        self._theme: str | None = None

    def typing(self, line: str) -> None:
        """The command line now reads so."""
        name, _, rest = line.strip().removeprefix(":").partition(" ")
        if name != "filter":
            self._undo_filter()
        elif self._filter is None:
            self._filter = self._state.view.filter
        if name == "filter":
            # What is wrong or only begun hides nothing, and no title is to say that it does.
            columns = columns_of(self._state.pane, self._state)
            self._state.set_filter(meant(rest, columns) if columns else rest)
        theme = self._state.preferences.themes.get(rest.strip()) if name == "theme" else None
        if theme is not None:
            self._theme = self._theme or self._app.theme
            self._app.theme = theme.name
        else:
            self._undo_theme()

    def entered(self) -> None:
        """The line is carried out, which settles what it shows."""
        self._filter = self._theme = None

    def cancelled(self) -> None:
        """The line was left."""
        self._undo_filter()
        self._undo_theme()

    def _undo_filter(self) -> None:
        if self._filter is not None:
            self._state.set_filter(self._filter)
            self._filter = None

    def _undo_theme(self) -> None:
        if self._theme is not None:
            self._app.theme = self._theme
            self._theme = None
