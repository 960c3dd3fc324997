"""`chatops web`: the console of a running server, for browsers."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from typing import NoReturn

import click

from chatops.control import complete
from chatops.control.find import find
from chatops.control.socket_path import ControlError, is_live
from chatops.system.streams import say

MISSING = ("`chatops web` needs textual-serve, which is not installed; "
           "pip install 'chatops[web]'")


@click.command()
@click.argument("path", default="", metavar="[PATH]",
                shell_complete=complete.sockets)
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True,
              help="where browsers connect; 0 takes a free one")
@click.option("--host", default="127.0.0.1", show_default=True,
              help="the address for browsers; the page speaks plain HTTP")
@click.option("--allow-changes", is_flag=True,
              help="whoever has the link may kick, ban and stop the server, too")
def web(path: str, port: int, host: str, allow_changes: bool) -> None:
    """Serve the console of a running server to browsers.

    PATH is its control socket, or its port where several run.  The page opens with the link
    that is printed: it has a token in it, another one at each start.  Browsers only look
    unless told otherwise.
    """
    if importlib.util.find_spec("textual_serve") is None:
        _fail(MISSING)
    from chatops.web.pages import Pages, is_loopback

    try:
        control = find(path, None, by_path="`chatops web PATH`", by_port="`chatops web PORT`")
    except ControlError as error:
        _fail(str(error))
    if not is_live(control):
        _fail(f"nobody listens at {control}")
    pages = Pages(control, host=host, port=port, allow_changes=allow_changes)

    def started(link: str) -> None:
        may = "change things" if allow_changes else "look, and change nothing"
        say(f"chatops: {link}\n         whoever has this link may {may}; Ctrl-C ends it")
        if not is_loopback(host):
            say("         this is plain HTTP on a network: have a proxy before it speak TLS")

    try:
        asyncio.run(pages.run(started, lambda text: say(f"chatops: {text}")))
    except OSError as error:
        _fail(f"cannot serve on {host}:{port}: {error.strerror or error}")


def _fail(text: str) -> NoReturn:
    say(f"chatops: {text}")
    sys.exit(1)
