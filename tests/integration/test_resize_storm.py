"""A storm of sizes on a real terminal leaves no garbage behind."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pyte
import pytest

from tests.integration.harness import Served
from tests.integration.terminal import NARROW, WIDE, Size, Terminal

StartServed = Callable[..., Served]

STORM: tuple[Size, ...] = tuple((60 + n * 37 % 150, 16 + n * 23 % 50) for n in range(40))
LARGE: Size = (200, 60)


def unmoving(text: str) -> list[str]:
    """The lines without what goes on by itself: clocks, rates, bars, and the turns' story."""
    return [re.sub(r"[\d.,:%]+[a-zKM]*|[▁-█▏▎▍▌▋▊▉░·]+| +", " ", line).strip()
            for line in text.splitlines()]


@pytest.mark.parametrize("size", [NARROW, WIDE, LARGE], ids=["80x24", "120x40", "200x60"])
def test_the_screen_after_a_storm_is_the_one_that_is_drawn_anew(
        served: StartServed, control_path: Path, tmp_path: Path, size: Size) -> None:
    server = served("--control", str(control_path))
    ada = server.client()
    ada.rename("ada")
    terminal = Terminal("-m", "chatops", "attach", str(control_path), cwd=tmp_path, size=size)
    with closing(terminal):
        terminal.see("q quit")
        terminal.type("p")         # the panes stand still
        terminal.see("PAUSED")
        for one in STORM:
            terminal.resize(one)
        terminal.resize(size)
        for _ in range(2):         # the header goes on: a later frame, and all before it is drawn
            terminal.until(lambda: settled(terminal, size))
            now = quiet(terminal)
            terminal.until(lambda: quiet(terminal) not in ("", now))  # noqa: B023  # called here
        before = unmoving(terminal.text)
        with terminal._news:       # somebody writes over all of it, and has it drawn anew
            terminal._screen.reset()
        os.kill(terminal.pid, signal.SIGCONT)
        terminal.see("q quit")
        terminal.until(lambda: unmoving(terminal.text) == before)


def settled(terminal: Terminal, size: Size) -> bool:
    """Its last line is the keys', in the last row, and its first is the header."""
    screen: pyte.Screen = terminal._screen
    lines = terminal.text.splitlines()
    return (len(lines) == size[1] == screen.lines and "q quit" in lines[-1]
            and lines[0].startswith(" chatops") and lines[0].rstrip().endswith("PAUSED")
            and " nothing new " in lines[0])     # from now on the header says so in every frame


def quiet(terminal: Terminal) -> str:
    """For how long nothing has been new, by the header; "" while it is being drawn."""
    found = re.search(r"nothing new (\d+s)", terminal.text)
    return found[1] if found else ""
