"""Ctrl+Z: the terminal is given back to the shell, until `fg`."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import replace
from typing import Protocol, cast

from textual.app import App

from chatops.api.command_line import CommandError
from chatops.api.commands import Suspend
from chatops.api.link import ConsoleLink
from tui.console import Console
from tui.driver import TerminalDriver
from tui.model.keymap import KeymapEntry

NOT_HERE = "Stop until `fg`: not here, the server would stop too."


class _Linked(Protocol):
    """The app, whose link says where the server runs."""

    link: ConsoleLink


def suspend(console: Console, _: Suspend) -> Awaitable[str]:
    """Stop this process; not with a server in it, whose clients would be stopped too."""
    if _would_stop_a_server(console.app):
        raise CommandError("the server would stop too: `chatops serve`, then `chatops attach`")
    return _suspended(console.app)


def told(entry: KeymapEntry, app: App[int]) -> KeymapEntry:
    """The same for help, which does not promise what would be refused."""
    if entry.spec.command is not Suspend or not _would_stop_a_server(app):
        return entry
    return replace(entry, spec=replace(entry.spec, help=NOT_HERE))


def _would_stop_a_server(app: App[int]) -> bool:
    link = cast("_Linked", app).link
    return link.in_process and link.status.alive


async def _suspended(app: App[int]) -> str:
    driver = app._driver
    if not isinstance(driver, TerminalDriver):
        raise CommandError("this console is on no terminal that it could leave")
    if not driver.suspend_job():
        raise CommandError("no shell has started this console, so none could continue it")
    return "back"
