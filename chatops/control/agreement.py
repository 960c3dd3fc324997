"""What `chatops ctl` asks about before it is done."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import NoReturn

import click

from chatops.api.commands import Ban, Command
from chatops.system.addresses import network_of
from chatops.system.streams import say


def agree(command: Command, agreed: bool, fail: Callable[[str, int], NoReturn]) -> None:
    """A ban of every address there is has to be meant."""
    if not isinstance(command, Ban):
        if agreed:
            fail("--yes is for a ban of everybody", 2)
        return
    network = network_of(command.target)
    if agreed or network is None or network.prefixlen:
        return
    if not sys.stdin.isatty():
        fail(f"{command.target} is everybody; --yes bans them all", 1)
    try:
        if click.confirm("everybody, you too?", err=True):
            return
    except click.Abort:
        say("")
    fail("nobody was banned", 1)
