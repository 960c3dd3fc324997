"""The whole thing, as somebody meets it: the real command on a terminal, real clients, keys."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.integration.client import Client
from tests.integration.terminal import NARROW, WIDE, Console, Size, assert_left_as_it_was

StartConsole = Callable[..., Console]


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["120x40", "80x24"])
def test_people_come_talk_are_kicked_are_told_and_the_server_drains(
        console: StartConsole, size: Size) -> None:
    chatops = console(size=size)
    chatops.must_live = False
    chatops.see("nobody is here")
    ada, bob = chatops.client("ada"), chatops.client("bob")
    descriptors = {chatops.see_row(ada), chatops.see_row(bob)}
    assert len(descriptors) == 2
    chatops.see(r"clients +2\b")

    ada.say("hello there")
    assert bob.expect("ada: hello there") == ada.expect("ada: hello there")
    chatops.type("3")              # the events
    chatops.see("ada: hello there")

    chatops.type("1")
    kick(chatops, bob, "too loud")
    assert bob.to_the_end()[-1] == "*** you were kicked: too loud"
    bob.close()
    ada.expect("*** bob left (kicked: too loud)")
    chatops.see(r":kick 2 too loud +✓ kicked #2 bob")
    chatops.see(r"clients +1\b")
    chatops.miss(r" 2 +\d+ bob ")
    chatops.see_row(ada)

    chatops.type("b")
    chatops.see("Say to the only client")
    chatops.type("lunch!\r")
    ada.expect("*** [admin] lunch!")
    chatops.miss("Say to the only client")
    chatops.type(":")
    chatops.see("tab .* complete")
    chatops.type("broadcast back at two\r")
    ada.expect("*** [admin] back at two")
    chatops.see(":broadcast back at two +✓")

    quit_and_drain(chatops)
    assert ada.to_the_end()[-1] == "*** the server is shutting down; bye"
    assert chatops.status() == 0
    assert_left_as_it_was(chatops)


def kick(chatops: Console, victim: Client, reason: str) -> None:
    """With keys alone, the way the dialog says."""
    chatops.type("\x1b[B")         # down, from the first row to the second
    chatops.see(rf">\s+{victim.id}\s")
    chatops.type("k")
    chatops.see(rf"Kick #{victim.id} {victim.nick}\?")
    chatops.focus_on("Cancel")
    chatops.type("\x1b[Z")         # shift+tab, to the reason
    chatops.focus_on("")
    chatops.type(reason)
    chatops.see(f":kick {victim.id} {reason}")
    chatops.type("\t")
    chatops.focus_on("Cancel")
    chatops.type("\t")
    chatops.focus_on("Kick")
    chatops.type("\r")


def quit_and_drain(chatops: Console) -> None:
    chatops.type("q")
    chatops.see("Stop the server")
    chatops.type("d")
