"""Ctrl+Z: a console is left to its shell and comes back whole; one with a server in it stays."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.integration.harness import Served
from tests.integration.terminal import Console, Terminal, assert_left_as_it_was
from tests.integration.test_console_terminal import SOON, see_all, stopped, wipe

CTRL_Z = "\x1a"
# A shell as far as that matters here: the job has a process group and the terminal, and when it
# stops the shell takes the terminal back and waits for a line, which is `fg`.
SHELL = """
import os, signal, sys

def foreground(group):
    os.tcsetpgrp(0, group)

signal.signal(signal.SIGTTOU, signal.SIG_IGN)
job = os.fork()
if not job:
    os.setpgid(0, 0)
    foreground(os.getpid())
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)
    os.execv(sys.executable, [sys.executable, "-m", "chatops", *sys.argv[1:]])
while True:
    status = os.waitpid(job, os.WUNTRACED)[1]
    if not os.WIFSTOPPED(status):
        sys.exit(os.waitstatus_to_exitcode(status))
    foreground(os.getpgrp())
    print("stopped", job, flush=True)
    sys.stdin.readline()
    foreground(job)
    os.killpg(job, signal.SIGCONT)
"""


@pytest.mark.parametrize("before", ["", ":ki", "?"], ids=["the panes", "a half-typed line", "help"])
def test_an_attached_console_is_left_to_the_shell_and_comes_back_whole(
        served: Callable[..., Served], control_path: Path, tmp_path: Path, before: str) -> None:
    chat = served("--control", str(control_path))
    with closing(Terminal("-c", SHELL, "attach", str(control_path), cwd=tmp_path)) as attached:
        see_all(attached)
        attached.type(before)
        for _ in range(2):
            attached.type(CTRL_Z)
            attached.see(r"stopped \d+")
            assert attached.modes == attached.modes_before     # the shell has its terminal
            wipe(attached)
            attached.type("\r")
            attached.see(r"chatops .*LIVE")
        if before:
            attached.see(re.escape(before))
            attached.type("\x1b")                              # with a key behind it, it is Alt
            attached.until(lambda: ":ki" not in attached.text)
        ada = chat.client()
        attached.see(ada.nick)                                 # it looks at the server again
        see_all(attached)
        attached.type("q")
        attached.see("Detach")
        attached.focus_on("Cancel")
        attached.type("x")
        assert attached.status(SOON) == 0
        assert_left_as_it_was(attached)


def test_where_no_shell_could_continue_it_that_is_said(
        served: Callable[..., Served], control_path: Path, tmp_path: Path) -> None:
    served("--control", str(control_path))
    with closing(Terminal("-m", "chatops", "attach", str(control_path), cwd=tmp_path)) as attached:
        see_all(attached)
        attached.type(CTRL_Z)
        attached.see("no shell has started this console")
        see_all(attached)


def test_a_server_is_not_stopped_by_a_slip_of_the_finger(console: Callable[..., Console]) -> None:
    chatops = console()
    ada = chatops.client("ada")
    chatops.see_row(ada)
    chatops.type(CTRL_Z)
    chatops.see("the server would stop too: `chatops serve`, then `chatops attach`")
    assert not stopped(chatops)
