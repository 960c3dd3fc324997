"""`chatops attach`: the console on a server in another process."""

from __future__ import annotations

import sys
from typing import Any

import click

from chatops.cli.parts import ascii_option, check_terminal, fail, look_of_console
from chatops.control import complete
from chatops.control.find import find
from chatops.control.socket_path import ControlError
from chatops.links.remote import RemoteLink


@click.command()
@click.argument("path", default="", metavar="[PATH]", shell_complete=complete.sockets)
@click.option("--port", type=click.IntRange(1, 65535), help="the server on this port",
              shell_complete=complete.ports)
@click.option("--read-only", is_flag=True,
              help="look, and change nothing: the server refuses it")
@click.option("--in-browser", is_flag=True, hidden=True)       # as `chatops web` starts it
@ascii_option
def attach(path: str, port: int | None, read_only: bool, in_browser: bool, plain: bool) -> None:
    """Open the console on a server in another process.

    PATH is the control socket of a server of this user; with one running there is no need
    to say which.  A server that is started again is found again.  Leaving with Detach leaves
    the server alone.
    """
    from tui.process import run_console

    if in_browser:
        looks: dict[str, Any] = {"in_browser": True}
    else:
        check_terminal()
        looks = look_of_console(plain)
    try:
        link = RemoteLink(find(path, port, by_path="PATH"), read_only=read_only, reconnect=True)
    except ControlError as error:
        fail(str(error))
    status = run_console(link, attached=True, **looks)
    if status and link.status.failed:
        fail(link.status.detail)
    sys.exit(status)
