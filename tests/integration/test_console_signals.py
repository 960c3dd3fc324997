"""The console's life and death on a terminal: signals, hang-ups, stalls (Z07 to Z10)."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from chatops.bench.ports import HeldPort
from tests.integration import terminal
from tests.integration.client import Client
from tests.integration.talk import numbered, say_and_hear
from tests.integration.terminal import NARROW, Console, Terminal, assert_left_as_it_was
from tests.integration.until import until
from tests.patience import PATIENCE, Deadline, scaled

StartConsole = Callable[..., Console]

GOODBYE = "*** the server is shutting down; bye"
STARTS = scaled(10.0)          # seconds within which it listens
SOON = scaled(5.0)             # seconds within which a process has to end
MEMORY = 16 << 20              # bytes that may come on top while nothing is drawn
NO_LIMIT = ("--rate-limit", "off")


# -- signals


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT,
                                    signal.SIGUSR2])
def test_z09_a_signal_drains_and_leaves_the_terminal_as_it_was(
        console: StartConsole, number: signal.Signals) -> None:
    chatops = console(size=NARROW)
    chatops.must_live = False
    ada = chatops.client("ada")
    chatops.see_row(ada)
    os.kill(chatops.pid, number)
    assert ada.to_the_end()[-1] == GOODBYE     # a reset would raise
    assert chatops.status(SOON) == 0
    assert_left_as_it_was(chatops)


def test_z09_sigquit_ends_it_at_once_by_that_signal_and_leaves_the_terminal_as_it_was(
        console: StartConsole) -> None:
    chatops = console(size=NARROW)
    chatops.must_live = False
    os.kill(chatops.pid, signal.SIGQUIT)
    assert chatops.status(SOON) == -signal.SIGQUIT
    assert_left_as_it_was(chatops)


def test_z09_a_signal_in_the_middle_of_a_dialog_is_answered_too(console: StartConsole) -> None:
    chatops = console(size=NARROW)
    chatops.must_live = False
    chatops.type("q")
    chatops.see("Stop the server")
    os.kill(chatops.pid, signal.SIGTERM)
    assert chatops.status(SOON) == 0
    assert_left_as_it_was(chatops)


def test_z10_a_second_signal_stops_at_once(console: StartConsole) -> None:
    chatops = console("--drain", "1h", *NO_LIMIT)
    chatops.must_live = False
    stuck(chatops)
    os.kill(chatops.pid, signal.SIGTERM)
    chatops.see("DRAINING")
    os.kill(chatops.pid, signal.SIGTERM)
    assert chatops.status(PATIENCE) == 0       # long before the hour is over
    assert_left_as_it_was(chatops)


def test_z10_a_drain_from_the_keyboard_is_cut_short_from_the_keyboard(
        console: StartConsole) -> None:
    chatops = console("--drain", "60s", *NO_LIMIT)
    chatops.must_live = False
    stuck(chatops)
    for key, sign in (("d", "DRAINING"), ("s", "")):
        chatops.type("q")
        chatops.see("Stop the server")
        chatops.focus_on("Cancel")
        chatops.type(key)
        if sign:
            chatops.see(sign)
    assert chatops.status(SOON) == 0
    assert_left_as_it_was(chatops)


def stuck(chatops: Console) -> Client:
    """A client with more to read than any kernel takes, who does not read."""
    client = chatops.client(rcvbuf=4096)
    talker = chatops.client()
    for _ in range(16):
        talker.say(*("x" * 4000 for _ in range(16)))
        talker.heard()
    return client


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_z01_a_signal_before_the_console_is_there_drains_too(
        tmp_path: Path, number: signal.Signals) -> None:
    with HeldPort() as held:
        port = held.number
        with closing(Terminal("-m", "chatops", "--port", str(port), cwd=tmp_path)) as chatops:
            with connected(port) as early:
                os.kill(chatops.process.pid, number)
                assert early.to_the_end()[-1] == GOODBYE
            assert chatops.status(SOON) == 0


def connected(port: int) -> Client:
    """The first client of a server that is about to listen."""
    came: list[Client] = []

    def attempt() -> bool:
        try:
            came.append(Client(("127.0.0.1", port)))
        except ConnectionRefusedError:
            pass
        return bool(came)

    until(attempt, STARTS)
    return came[0]


# -- the terminal goes


def drains_when_it_hangs_up(chatops: Console) -> None:
    chatops.must_live = False
    ada = chatops.client("ada")
    chatops.see_row(ada)
    chatops.hang_up()
    assert ada.to_the_end()[-1] == GOODBYE
    assert chatops.status(SOON) == 0


def test_z09_when_the_window_is_closed_the_server_drains_and_the_process_ends(
        console: StartConsole) -> None:
    drains_when_it_hangs_up(console(size=NARROW))


def test_z09_a_hang_up_is_noticed_by_one_whose_controlling_terminal_it_is_not(
        console: StartConsole, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "TAKE_TERMINAL", "import os, sys; "
                        "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])")
    drains_when_it_hangs_up(console(size=NARROW))


# -- the terminal takes nothing


def test_z08_a_terminal_that_stalls_stops_neither_the_chat_nor_a_signal(
        console: StartConsole) -> None:
    chatops = console(*NO_LIMIT)
    chatops.must_live = False
    ada, bob = chatops.client("ada"), chatops.client("bob")
    chatops.see_row(bob)
    chatops.stall()
    fill(chatops, ada, bob)
    before = chatops.memory()
    say_and_hear(ada, numbered(0, 20_000), [bob])
    assert chatops.memory() - before < MEMORY
    os.kill(chatops.pid, signal.SIGTERM)
    assert bob.to_the_end()[-1] == GOODBYE
    assert chatops.status(SOON) == 0
    chatops.flow()
    chatops.status()
    assert_left_as_it_was(chatops)


def test_z08_a_terminal_that_takes_again_is_drawn_again(console: StartConsole) -> None:
    chatops = console(*NO_LIMIT)
    ada, bob = chatops.client("ada"), chatops.client("bob")
    chatops.see_row(bob)
    chatops.stall()
    fill(chatops, ada, bob)
    late = chatops.client("late")
    chatops.flow()
    chatops.see_row(late)
    chatops.see(r"clients +3\b")


def fill(chatops: Console, ada: Client, bob: Client) -> None:
    """Talk until the console waits for its terminal: then it uses no processor time."""
    deadline = Deadline(scaled(60.0))
    before, used = 0.0, 1.0
    n = 0
    while used > 0:
        assert deadline.left() > 0, "it never had to wait for its terminal"
        # Half a second: several times what it lets pass between two redraws.
        until = time.monotonic() + 0.5
        while time.monotonic() < until:
            say_and_hear(ada, numbered(n, n + 1), [bob])
            n += 1
        used, before = chatops.cpu_of_main() - before, chatops.cpu_of_main()


# -- the server dies under the console


FAULT = """
from chatops import cli
from chatops.server import server
publish = server.ChatServer._publish
def bad(self):
    if self.hub.lines_in: raise RuntimeError('a fault put there by the test')
    publish(self)
server.ChatServer._publish = bad
cli.main()
"""


def test_z07_when_the_server_dies_the_console_says_so_and_the_status_is_not_0(
        console: StartConsole) -> None:
    chatops = console(program=("-c", FAULT))
    chatops.must_live = False
    ada = chatops.client()
    chatops.see_row(ada)
    ada.say("die")
    chatops.see("the server crashed: the server thread died: RuntimeError: a fault put there")
    chatops.see("FAILED")
    assert ada.to_the_end() == ["guest-1: die"]
    chatops.type("q")
    assert chatops.status(SOON) == 1
    assert_left_as_it_was(chatops)
    after = chatops.written.rpartition(b"\x1b[?1049l")[2].decode()
    assert "Traceback (most recent call last):" in after
    assert "RuntimeError: a fault put there by the test" in after
    assert after.rstrip().endswith("chatops: the server thread died; above is why")
