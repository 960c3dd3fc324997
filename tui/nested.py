"""A console within the console: its panes, on a state, a link and a dispatcher of their own."""

from __future__ import annotations

from textual.app import App

from chatops.api.commands import Command, Quit
from chatops.api.link import ConsoleLink
from tui.config import Config
from tui.console import Navigation
from tui.dispatch import SHORTHANDS, Dispatcher
from tui.model.state import ConsoleState
from tui.recording import ConsoleRecording
from tui.screens.main import MainScreen

DRAIN_LIMIT = 2000


class NestedScreen(MainScreen):
    """What the main screen is, for something else.  Leaving it comes back to what lies beneath.

    The app pulls and shows it; its link belongs to it, and is closed with it.
    """

    AUTO_FOCUS = ""                    # the first pane's, which `show` gives the focus to

    def __init__(self, link: ConsoleLink, app: App[int], navigation: Navigation, config: Config,
                 *, pane: str = "clients") -> None:
        super().__init__(ConsoleState(pane=pane, preferences=config.preferences))
        self.link = link
        self.dispatcher = NestedDispatcher(self, app, navigation, config)

    def on_unmount(self) -> None:
        self.end()

    def end(self) -> None:
        """Nobody looks any more."""
        self.link.close()

    def pull(self, now: float) -> None:
        """Take in what the link has to show at `now`, on the console's clock."""
        self.state.clock = now
        self.state.feed(self.link.poll(), self.link.drain(DRAIN_LIMIT), now,
                        status=self.link.status, dropped=self.link.events_dropped)

    def leave(self) -> None:
        if self.is_current:
            self.dismiss(None)


class NestedDispatcher(Dispatcher):
    """Commands act on what this screen shows; leaving is leaving the screen."""

    def __init__(self, screen: NestedScreen, app: App[int], navigation: Navigation,
                 config: Config) -> None:
        super().__init__(app, screen.state, screen.link, screen.prompt, ConsoleRecording(),
                         navigation, config, attached=True)
        self._screen = screen

    def key(self, line: str) -> None:
        if line == "back" and not SHORTHANDS["back"](self._screen.state):
            self._screen.leave()
        else:
            super().key(line)

    def run(self, command: Command) -> None:
        if isinstance(command, Quit):
            self._screen.leave()
        else:
            super().run(command)


class ProcessScreen(NestedScreen):
    """Another process of the program that is observed, by its own control socket."""

    def __init__(self, link: ConsoleLink, app: App[int], navigation: Navigation, config: Config,
                 *, in_browser: bool) -> None:
        super().__init__(link, app, navigation, config)
        self.state.attached = True     # it goes on when this is left
        self.state.in_browser = in_browser
