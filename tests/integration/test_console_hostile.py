"""Injection into the admin's terminal (I10, I11): clients never draw on it, nor press its keys."""

from __future__ import annotations

import os
import re
import signal
import unicodedata
from collections.abc import Callable, Iterable

import pytest

from tests.integration.client import Client
from tests.integration.terminal import NARROW, WIDE, Console, Size
from tests.integration.test_faults_injection import PAYLOADS

StartConsole = Callable[..., Console]

# A number that Textual has no reason to write inside a sequence: one that holds it came
# from a client.
MARK = b"31337"
MARKED = (b"\x1b[31337;7H", b"\x1b[31337m", b"\x1b[?31337h", b"\x1b[31337", b"\x9b31337J",
          b"\xc2\x9b31337J", b"\x1b]52;c;31337\x07", b"\x1b]2;31337\x1b\\", b"\x1b]8;;31337\x07",
          b"\x1bP31337q\x1b\\", b"\x1b^31337\x1b\\", b"\x1b_31337\x1b\\",
          b"\xc2\x9d0;31337\xc2\x9c")
# What Textual itself writes to steer the terminal.
OURS = re.compile(rb"\x1b\[[?>=<]?[\d;]*\$?[A-Za-z]|\x1b\]22;[a-z]*\x07")
MARKUP = ("[/]", "[a=", "[@click=app.quit]x[/]", "[bold red]loud[/]", "[[", "\\[/]")


def assert_unharmed(chatops: Console) -> None:
    """From the first to the last byte, nobody but the console steered this terminal."""
    chatops.must_live = False
    os.kill(chatops.pid, signal.SIGTERM)
    assert chatops.status() == 0
    written = chatops.written
    for sequence in OURS.findall(written):
        assert MARK not in sequence, sequence
    for char in OURS.sub(b"", written).decode():
        if char not in "\r\n":
            assert unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp"), repr(char)


def attack(chatops: Console, payloads: Iterable[bytes]) -> None:
    """Put each payload into everything that a client says of itself."""
    for number, payload in enumerate(payloads):
        attacker = chatops.client()
        attacker.send(b"said" + payload + b"\n/me acts " + payload + b"\n/nick n" + payload
                      + b"\n/join r" + payload + b"\n/msg " + payload + b" hi\n/" + payload
                      + b"\n")
        attacker.say(f"end of {number}")
        attacker.send(b"/quit " + payload + b" gone" + str(number).encode() + b"\n")
        attacker.to_the_end()
        attacker.close()


def look_everywhere(chatops: Console, last: Client) -> None:
    """Open every pane and screen that shows what clients have sent."""
    for key, sign in (("2", "2 Selector"), ("3", "3 Events"), ("4", "4 Loop"), ("5", "5 Log"),
                      ("1", "1 Clients")):
        chatops.type(key)
        chatops.see(rf"\[?{sign}")
        chatops.see(f":pane {sign[2:].lower()}")
    chatops.see_row(last)


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["120x40", "80x24"])
def test_i10_no_sequence_that_a_client_sent_reaches_the_terminal(
        console: StartConsole, size: Size) -> None:
    chatops = console("--connect-rate", "off", size=size)
    attack(chatops, (*MARKED, *PAYLOADS.values()))
    last = chatops.client("last")
    look_everywhere(chatops, last)
    chatops.type("3")
    chatops.see(rf"gone{len(MARKED) + len(PAYLOADS) - 1}\b")
    assert_unharmed(chatops)


def test_i11_markup_is_shown_as_it_was_sent_and_does_nothing(console: StartConsole) -> None:
    chatops = console(size=NARROW)
    ada = chatops.client("ada")
    chatops.see_row(ada)
    chatops.type("3")
    chatops.see(r"\[3 Events\]")
    for text in MARKUP:
        ada.say(text)
        chatops.see(re.escape(f"ada: {text} "))
    click(chatops, "app.quit")
    ada.say(*(f"/nick {text}" for text in MARKUP), *(f"/join {text}" for text in MARKUP))
    told = ada.heard()[-2 * len(MARKUP):]      # IRC's nicks may be of brackets alone
    assert all(line.startswith("*** error: ") or line.endswith(" is now [[") for line in told)
    ada.say("/nick ada")
    ada.expect("*** [[ is now ada")
    leaver = chatops.client()
    leaver.say("/quit [@click=app.quit]bye[/]")
    leaver.to_the_end()
    chatops.see(r"\[@click=app\.quit\]bye\[/\]")
    click(chatops, "quit]bye")
    chatops.type("1")
    # Where it stays: the row of who left goes above it, and the events come up beneath it.
    chatops.see(r" ada .*\n *\n closed: .*\[@click=app\.quit\]bye\[/\].*\n.* 3 Events ")
    click(chatops, "quit]bye", on="closed: ")
    for line in ("broadcast [/] [a= [@click=app.quit]x[/]", "filter [/]"):
        chatops.type(":")
        chatops.see("tab .* complete")
        chatops.type(line + "\r")
        chatops.see(re.escape(f":{line}   ✓"))
    ada.expect("*** [admin] [/] [a= [@click=app.quit]x[/]")
    chatops.see("no row matches the filter; escape clears it")
    chatops.type("\x1b")
    chatops.see_row(ada)


def click(chatops: Console, text: str, *, on: str = "") -> None:
    """Press and release the left button on the first place where this is to be read, `on` a
    line that reads so too.
    """
    lines = chatops.text.split("\n")
    line = next(n for n, each in enumerate(lines, 1) if text in each and on in each)
    column = lines[line - 1].index(text) + 1
    chatops.type(f"\x1b[<0;{column};{line}M\x1b[<0;{column};{line}m")
