"""The first second on a real terminal: it says that it is starting, and then all is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pyte
import pytest

from tests.integration.harness import Served
from tests.integration.terminal import NARROW, WIDE, Size, Terminal

StartServed = Callable[..., Served]

# Synchronized output: whether the terminal knows it is asked, and where a picture begins and ends.
ASKED, YES = b"\x1b[?2026$p", b"\x1b[?2026;2$y"
BEGINS, ENDS = b"\x1b[?2026h", b"\x1b[?2026l"
PIECE = 256                    # bytes between two looks at the screen
EMPTY = ("nothing has happened yet", "nobody is here", "no descriptor is registered",
         "no snapshot yet")
COMPLETE = {WIDE: ("LIVE", "NICK", " ada ", "4 Loop", "wake-ups/s", "2 Selector map",
                   "Listener.on_ready", "3 Events", "is now ada", "Lint", "q quit"),
            NARROW: ("LIVE", "NICK", " ada ", "[1 Clients]", "q quit")}


def moments(written: bytes, size: Size) -> Iterator[str]:
    """What the screen read, from the first byte on, whenever another piece had been drawn."""
    screen = pyte.Screen(*size)
    stream = pyte.ByteStream(screen)
    for at in range(0, len(written), PIECE):
        stream.feed(written[at : at + PIECE])
        yield "\n".join("".join(line[x].data for x in range(size[0]))
                        for line in (screen.buffer[y] for y in range(size[1])))


def pictures(written: bytes, size: Size) -> Iterator[str]:
    """What the screen read whenever a whole picture had been drawn, from when on that is told:
    between two, it is one half of each.
    """
    screen = pyte.Screen(*size)
    stream = pyte.ByteStream(screen)
    before, *drawn = written.split(BEGINS)
    stream.feed(before)
    for each in drawn:
        stream.feed(each)
        if ENDS in each:
            yield "\n".join(screen.display)


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["120x40", "80x24"])
def test_a_console_comes_up_complete_and_says_that_it_is_starting_until_then(
        served: StartServed, control_path: Path, tmp_path: Path, size: Size) -> None:
    server = served("--control", str(control_path))
    ada = server.client()
    ada.rename("ada")
    terminal = Terminal("-m", "chatops", "attach", str(control_path), cwd=tmp_path, size=size)
    with closing(terminal):
        terminal.see("q quit")
        seen = [text for text in moments(terminal.written, size) if text.strip()]
    assert "chatops  starting" in seen[0]
    assert [text for text in seen if any(word in text for word in EMPTY)] == []
    drawn = next(text for text in seen if "q quit" in text)
    assert [word for word in COMPLETE[size] if word not in drawn] == []
    # Nothing lies between the two but the one being drawn over the other, from the top.
    between = seen[:seen.index(drawn)]
    assert all("starting" in text or "LIVE" in text for text in between)


def test_the_demo_says_how_to_come_in_until_a_command_is_given(tmp_path: Path) -> None:
    terminal = Terminal("-m", "chatops", "--port", "0", "--irc-port", "0", "--demo", cwd=tmp_path)
    with closing(terminal):
        terminal.see(r"come in:  nc 127\.0\.0\.1 [1-9]\d*  or  irssi -c 127\.0\.0\.1 -p [1-9]\d* ")
        terminal.type(":pause\r")
        terminal.until(lambda: "come in:" not in terminal.text)


def test_a_console_with_its_own_server_begins_so_too(tmp_path: Path) -> None:
    terminal = Terminal("-m", "chatops", "--port", "0", "--demo", cwd=tmp_path)
    with closing(terminal):
        terminal.until(lambda: ASKED in terminal.written)
        terminal.paste(YES)
        terminal.see(r"clients +[1-9]")
        terminal.see("q quit")
        terminal.see(r"up 00:00:0[1-9]")       # it has been drawn several times
        written = terminal.written
    seen = [text for text in moments(written, WIDE) if text.strip()]
    assert "chatops  starting" in seen[0]
    crowded = [text for text in pictures(written, WIDE) if "clients 0" not in text]
    assert crowded
    lies = [text for text in crowded if any(word in text for word in EMPTY)]
    assert not lies, lies[0]
