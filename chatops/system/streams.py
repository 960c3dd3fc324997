"""The standard streams: there whatever the process was started with, and never a reason to fail."""

from __future__ import annotations

import atexit
import os
import sys

import click


def prepare() -> None:
    """Before anything else is opened: a descriptor of 0 to 2 that is closed would be given to
    the next socket or file, and whatever is said would go there.
    """
    while (fd := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(fd, True)
    os.close(fd)
    if sys.stdin is None:
        sys.stdin = open(0, closefd=False)  # noqa: SIM115  # for as long as the process lives
    if sys.stdout is None:
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115
    atexit.register(_let_go)


def say(text: str) -> None:
    """On standard error; what cannot be written there is lost."""
    try:
        click.echo(text, err=True)
    except (OSError, ValueError):
        pass


def _let_go() -> None:
    """What no disk or reader takes is not to be the exit status: Python would make it 120."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, 1 if stream is sys.stdout else 2)
            os.close(null)
