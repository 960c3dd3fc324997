"""The terminal under the console: stopped, continued, given back; and who has the errors."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.integration.harness import Served
from tests.integration.terminal import Console, Terminal, assert_left_as_it_was
from tests.integration.until import until
from tests.patience import scaled

StartConsole = Callable[..., Console]

GOODBYE = "*** the server is shutting down; bye"
SOON = scaled(5.0)             # seconds within which a process has to end
BEGIN = b"\x1b[?1049h"          # the alternate screen
ERRORS = "err.log"
# What `2>file` does, for a program that has been started on a terminal.
INTO_FILE = ("import os\n"
             f"os.dup2(os.open({ERRORS!r}, os.O_WRONLY | os.O_CREAT), 2)\n"
             "from chatops import cli\n"
             "cli.main()\n")


def threads(terminal: Terminal) -> int:
    return len(os.listdir(f"/proc/{terminal.pid}/task"))


def stopped(terminal: Terminal) -> bool:
    stat = Path(f"/proc/{terminal.pid}/stat").read_text("ascii")
    return stat.rpartition(") ")[2][0] == "T"


def wipe(terminal: Terminal) -> None:
    """Somebody else has written over the screen."""
    with terminal._news:
        terminal._screen.reset()


def go_on(terminal: Terminal) -> None:
    """Continue it, and wait until it has taken the terminal again: keys typed before are dropped.
    """
    begun = terminal.written.count(BEGIN)
    os.kill(terminal.pid, signal.SIGCONT)
    terminal.until(lambda: terminal.written.count(BEGIN) > begun)


def see_all(chatops: Terminal) -> None:
    """The header, a pane's table, and the keys."""
    for part in (r"chatops .*LIVE", "NICK", "q quit"):
        chatops.see(part)


# -- stopped and continued


def test_being_continued_starts_no_threads_and_the_keys_and_the_end_are_as_ever(
        console: StartConsole) -> None:
    chatops = console()
    ada = chatops.client("ada")
    chatops.see_row(ada)
    before = threads(chatops)
    for _ in range(4):
        wipe(chatops)
        go_on(chatops)
        see_all(chatops)
        until(lambda: threads(chatops) == before, SOON)
    assert chatops.leave(SOON) == 0
    assert_left_as_it_was(chatops)


@pytest.mark.parametrize("number", [signal.SIGTSTP, signal.SIGSTOP])
def test_a_console_that_was_stopped_is_drawn_whole_again(
        console: StartConsole, number: signal.Signals) -> None:
    chatops = console()
    ada = chatops.client("ada")
    chatops.see_row(ada)
    before = threads(chatops)
    for _ in range(2):
        os.kill(chatops.pid, number)
        until(lambda: stopped(chatops), SOON)
        if number == signal.SIGTSTP:
            assert chatops.modes == chatops.modes_before   # the shell has its terminal
        wipe(chatops)
        go_on(chatops)
        see_all(chatops)
        chatops.see_row(ada)
        until(lambda: threads(chatops) == before, SOON)
    assert chatops.leave(SOON) == 0
    assert_left_as_it_was(chatops)


@pytest.mark.parametrize("order", [
    (signal.SIGCONT, signal.SIGTERM), (signal.SIGTERM, signal.SIGCONT),
    (signal.SIGCONT, signal.SIGHUP, signal.SIGCONT), (signal.SIGINT, signal.SIGCONT),
    (signal.SIGTSTP, signal.SIGCONT, signal.SIGTERM),
    (signal.SIGTSTP, signal.SIGTERM, signal.SIGCONT),
], ids=lambda order: " ".join(number.name for number in order))
def test_signals_in_any_order_give_the_terminal_back(
        console: StartConsole, order: tuple[signal.Signals, ...]) -> None:
    chatops = console()
    chatops.must_live = False
    ada = chatops.client("ada")
    chatops.see_row(ada)
    for number in order:
        os.kill(chatops.pid, number)
        if number == signal.SIGTSTP:
            until(lambda: stopped(chatops), SOON)
    assert ada.to_the_end()[-1] == GOODBYE
    assert chatops.status(SOON) == 0
    assert chatops.modes == chatops.modes_before


# -- who is drawn on


def test_errors_that_go_into_a_file_leave_the_console_on_the_terminal(
        console: StartConsole, tmp_path: Path) -> None:
    chatops = console(program=("-c", INTO_FILE))
    see_all(chatops)
    assert chatops.leave(SOON) == 0
    assert_left_as_it_was(chatops)
    assert (tmp_path / ERRORS).read_bytes() == b""


def test_an_attached_console_too(
        served: Callable[..., Served], control_path: Path, tmp_path: Path) -> None:
    served("--control", str(control_path))
    program = ("-c", INTO_FILE, "attach", str(control_path))
    with closing(Terminal(*program, cwd=tmp_path)) as attached:
        see_all(attached)
        os.kill(attached.pid, signal.SIGCONT)
        os.kill(attached.pid, signal.SIGTERM)
        assert attached.status(SOON) == 0
        assert_left_as_it_was(attached)
    assert (tmp_path / ERRORS).read_bytes() == b""


# -- a console, or a thread, that fails

FAULT = "a fault put there by the test"
BEFORE = ("from chatops import cli\nfrom chatops.server import server\n"
          "from chatops.storage import worker\nfrom tui import app, dispatch\n")
FAIL = f"def fail(*_, **__): raise RuntimeError({FAULT!r})\n"
MAIN = "cli.main()\n"


def test_a_console_that_cannot_be_made_tells_the_clients_and_fails(tmp_path: Path) -> None:
    program = ("-c", BEFORE + FAIL + "from tui.screens import main\n"
               "main.MainScreen.compose = fail\n" + MAIN)
    with closing(Terminal(*program, "--port", "0", "--log-file", "log", cwd=tmp_path)) as chatops:
        assert chatops.status(SOON) == 1
        assert FAULT in chatops.written.decode()
        assert chatops.modes == chatops.modes_before
    assert "ServerStopping" in (tmp_path / "log").read_text("utf-8")


def test_a_console_that_cannot_go_on_drains_the_server(console: StartConsole) -> None:
    chatops = console(program=("-c", BEFORE + "def out(self, line): self._app.panic('no more')\n"
                               "dispatch.Dispatcher.typed = out\n" + MAIN))
    chatops.must_live = False
    ada = chatops.client("ada")
    chatops.see_row(ada)
    chatops.type(":zoom\r")
    assert ada.to_the_end()[-1] == GOODBYE
    assert chatops.status(SOON) == 1
    assert_left_as_it_was(chatops)


def test_an_action_that_raises_is_shown_and_logged_and_the_chat_goes_on(
        console: StartConsole, tmp_path: Path) -> None:
    chatops = console("--log-file", "log", program=(
        "-c", BEFORE + FAIL + "from chatops.api.commands import Zoom\n"
        "dispatch.ACTIONS[Zoom] = fail\n" + MAIN))
    ada = chatops.client("ada")
    chatops.see_row(ada)
    chatops.type(":zoom\r")
    chatops.see(f"(?s)the chat goes on.*{FAULT}")
    ada.say("still here?")
    ada.expect("ada: still here?")
    chatops.type(":invert\r")
    chatops.see("smallest first")
    log = tmp_path / "log"
    until(lambda: "CallbackFailed" in log.read_text("utf-8"), SOON)
    assert "Traceback" in log.read_text("utf-8")
    assert chatops.leave(SOON) == 0
    assert_left_as_it_was(chatops)
    assert FAULT in chatops.written.decode()[-2000:]


def test_a_slash_behind_an_unknown_user_ends_nothing(console: StartConsole) -> None:
    chatops = console()
    ada = chatops.client("ada")
    chatops.see_row(ada)
    for line in ("save ~nobody-here/", "record ~nobody-here"):
        chatops.type(f":{line}\r")
        chatops.see("there is no user 'nobody-here'")
        chatops.type(":invert\r")
        chatops.see(r":invert +✓")
    ada.say("still here?")
    ada.expect("ada: still here?")
    assert chatops.leave(SOON) == 0


@pytest.mark.parametrize("thread", ["journal", "spare"])
def test_a_thread_that_dies_is_told_in_a_banner_and_in_the_status(
        console: StartConsole, thread: str) -> None:
    fault = {"journal": "worker.Journal._work = fail\n",
             "spare": "import threading\n"
                      "dispatch.Dispatcher.typed = lambda self, line: threading.Thread("
                      "target=fail, name='spare').start()\n"}[thread]
    chatops = console(program=("-c", BEFORE + FAIL + fault + MAIN))
    ada = chatops.client("ada")
    chatops.see_row(ada)
    if thread == "spare":
        chatops.type(":zoom\r")
    chatops.see(rf"(?s) ! .*thread.*{FAULT}|{thread} thread died")
    ada.say("still here?")
    ada.expect("ada: still here?")
    assert chatops.leave(SOON) == 1
    assert_left_as_it_was(chatops)


def test_the_death_of_the_server_thread_gives_the_terminal_back(console: StartConsole) -> None:
    chatops = console(program=("-c", BEFORE + "usual = server.ChatServer._publish\n"
                               "def bad(self):\n"
                               f"    if self.hub.lines_in: raise RuntimeError({FAULT!r})\n"
                               "    usual(self)\n"
                               "server.ChatServer._publish = bad\n" + MAIN))
    chatops.must_live = False
    ada = chatops.client()
    ada.say("die")
    chatops.see("the server crashed")
    os.kill(chatops.pid, signal.SIGCONT)
    chatops.type("q")
    assert chatops.status(SOON) == 1
    assert_left_as_it_was(chatops)
