"""Textual's driver for browsers, that ends with whoever carries its screen there."""

from __future__ import annotations

import os
from collections.abc import Callable

from textual import events, messages
from textual.drivers.web_driver import WebDriver
from textual.message import Message

from chatops.api import commands as c

NOT_IN_A_BROWSER = "not for a browser: it works on the server's machine; `chatops attach` has it"
ONLY_LOOKS = "this page only looks; `chatops web --allow-changes` makes one that may do more"
# They write files, run commands or start servers where the console runs.
_ELSEWHERE = (c.Record, c.Save, c.Screenshot, c.Lab, c.Stage, c.Lesson, c.Suspend)


def is_none_of_its(kind: type[c.Command]) -> bool:
    """Whether a browser's console has no such command at all."""
    return issubclass(kind, _ELSEWHERE)


def is_for_a_terminal(command: c.Command) -> bool:
    """Whether a browser's console refuses this: who has the link is no user of this machine."""
    return is_none_of_its(type(command)) or (
        isinstance(command, c.Alert) and command.action not in ("", "off"))


class BrowserDriver(WebDriver):
    """Standard input and output are pipes to `chatops web`; when they end, so does it."""

    def run_input_thread(self) -> None:
        super().run_input_thread()
        if not self.exit_event.is_set():       # an end of file
            self._app.post_message(messages.ExitApp())

    def process_message(self, message: Message) -> None:
        """What the page has typed: a terminal's report of its size (mode 2048) is none of it, and
        would get past the bounds that `chatops web` holds sizes to.
        """
        if not isinstance(message, events.Resize):
            super().process_message(message)

    def write(self, data: str) -> None:
        self._unless_gone(lambda: super(BrowserDriver, self).write(data))

    def write_meta(self, data: dict[str, object]) -> None:
        self._unless_gone(lambda: super(BrowserDriver, self).write_meta(data))

    def _unless_gone(self, write: Callable[[], None]) -> None:
        try:
            write()
        except BrokenPipeError:
            # Nobody reads any more; what is drawn until the end goes nowhere.
            with open(os.devnull, "wb") as nowhere:
                os.dup2(nowhere.fileno(), self.fileno)
            self._app.post_message(messages.ExitApp())
