"""What an action of the console may touch."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from textual.app import App

from chatops.api.commands import CommandResult
from chatops.links.replay import ReplayLink
from tui.config import Config
from tui.model.state import ConsoleState
from tui.recording import ConsoleRecording


class Navigation(Protocol):
    """Into the lab and other processes, whose screens are made of the console's own.  Raise
    `CommandError`.
    """

    def lab(self) -> None: ...
    def stage(self, number: int) -> None: ...
    def lesson(self, name: str) -> None: ...
    async def process(self, path: str, *, read_only: bool) -> str: ...


@dataclass(frozen=True, slots=True)
class Console:
    """The state, the app for its screens, and the way back in."""

    app: App[int]
    state: ConsoleState
    run: Callable[[str], None]  # a key's command line
    recording: ConsoleRecording
    navigation: Navigation
    config: Config
    playback: ReplayLink | None = None         # where the link is a recording


# Returns what the echo row says of the outcome ("" for nothing), or a list to show, at once or
# as something to await.
Action = Callable[[Console, Any], str | CommandResult | Awaitable[str]]
