"""A terminal that does not say what is pasted: nothing of it runs by itself."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event

from tests.integration.terminal import NARROW, Console
from tui.burst import GOES_ON

StartConsole = Callable[..., Console]


def test_an_unbracketed_paste_over_the_table_says_nothing_to_anybody(
        console: StartConsole) -> None:
    chatops = console(size=NARROW)
    hearer = chatops.client()
    chatops.see(hearer.nick)
    chatops.paste(b"kubectl get pods\rbye all\r")
    chatops.see(r"a paste of 25 characters in 2 lines was ignored")
    Event().wait(4 * GOES_ON)      # as hands do: what follows at once belongs to the paste
    chatops.type(":")
    chatops.see("tab .* complete")
    chatops.type("broadcast typed\r")
    chatops.see(r":broadcast typed +✓")
    assert hearer.heard() == ["*** [admin] typed"]


def test_an_unbracketed_paste_into_the_command_line_waits_for_enter(
        console: StartConsole) -> None:
    chatops = console(size=NARROW)
    hearer = chatops.client()
    chatops.see(hearer.nick)
    chatops.paste(b":broadcast pasted\rquit now\r")
    chatops.see("pasted; left out: quit now")
    assert hearer.heard() == []
    chatops.type("\r")
    hearer.expect("*** [admin] pasted")


def test_a_held_key_moves_and_is_no_paste(console: StartConsole) -> None:
    chatops = console(size=NARROW)
    chatops.client()
    chatops.see("guest-1")
    chatops.paste(b"\x1b[B" * 30)
    chatops.paste(b"2" * 30)
    chatops.see("FIRES|fires")
