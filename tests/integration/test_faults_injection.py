"""Injection (I01 to I15): what one client sends never commands anybody's terminal or log."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from chatops.api.commands import Kick
from chatops.api.events import Disconnected
from tests.integration.harness import Client, Served, Server

StartServer = Callable[..., Server]
StartProcess = Callable[..., Served]

PAYLOADS = {
    "i01-clear-screen": b"\x1b[2J\x1b[H",
    "i01-colour-never-ended": b"\x1b[31;1mred",
    "i01-sequence-cut-by-the-newline": b"\x1b[38;5",
    "i02-clipboard": b"\x1b]52;c;cm0gLXJmIC8=\x07",
    "i03-title-ended-by-st": b"\x1b]2;owned\x1b\\",
    "i03-title-never-ended": b"\x1b]2;owned",
    "i03-device-control-string": b"\x1bP$q\"p\x1b\\",
    "i05-c1-csi": b"\xc2\x9b2J",
    "i05-c1-osc": b"\xc2\x9d0;owned\xc2\x9c",
    "i05-c1-byte-alone": b"\x9b2J",
    "i06-bells": b"\x07" * 100,
    "i07-overwrite-by-cr": b"\rADMIN: pay here",
    "i07-backspaces": b"you owe me 1\x08\x08\x08\x08",
    "i08-override": "\u202eevil\u202c".encode(),
    "i08-isolate": "\u2066evil\u2069".encode(),
    "i08-line-separators": "a\u2028b\u2029c\u0085d".encode(),
    "invisible": "a\u200bb\u2060c\ufeffd\u00ade".encode(),
    "tags": "flag\U000e0067\U000e007f".encode(),
}
payloads = pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS.keys())


@pytest.fixture
def pair(server: StartServer) -> tuple[Client, Client]:
    """Whoever attacks, and whoever is attacked, both up to date."""
    attacker, victim = server().clients(2)
    attacker.heard()
    return attacker, victim


def assert_harmless(lines: list[str]) -> None:
    """No control, no escape, nothing that turns or hides text."""
    for char in "".join(lines):
        assert unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp"), lines


# -- what is said


@payloads
def test_what_is_said_arrives_without_its_payload(pair: tuple[Client, Client],
                                                  payload: bytes) -> None:
    attacker, victim = pair
    attacker.send(b"before" + payload + b"\n/me " + payload + b" acts\n/msg guest-2 hear "
                  + payload + b"\nafter\n")
    attacker.heard()
    lines = victim.heard()
    assert_harmless(lines)
    assert lines[0].startswith("guest-1: before")
    assert lines[1].startswith("* guest-1")
    assert lines[2].startswith("[guest-1 -> you] hear")
    assert lines[3:] == ["guest-1: after"]


def test_what_stands_around_a_payload_is_kept(pair: tuple[Client, Client]) -> None:
    attacker, victim = pair
    attacker.send(b"a\x1b[2Jb\n" b"a\x1b]52;c;AAAA\x07b\n" b"a\xc2\x9b31mb\n" b"x\rADMIN: hi\n")
    attacker.heard()
    assert victim.heard() == ["guest-1: ab", "guest-1: ab", "guest-1: ab", "guest-1: xADMIN: hi"]


def test_i11_markup_is_only_text(pair: tuple[Client, Client]) -> None:
    attacker, victim = pair
    texts = ["[/]", "[a=", "[@click=app.quit]x[/]", "[bold red]loud[/]"]
    attacker.say(*texts)
    attacker.heard()
    assert victim.heard() == [f"guest-1: {text}" for text in texts]


def test_i14_a_pile_of_accents_is_cut_down(pair: tuple[Client, Client]) -> None:
    attacker, victim = pair
    attacker.say("z" + "\u0301" * 1500 + "algo", "\u4e2d\u6587 \U0001f600 stays")
    attacker.heard()
    pile, wide = victim.heard()
    assert len(pile) < 30
    assert wide == "guest-1: \u4e2d\u6587 \U0001f600 stays"


def test_i15_format_strings_are_only_text(pair: tuple[Client, Client]) -> None:
    attacker, victim = pair
    text = "%s %n %(x)s {0} {nick} ${x} $(id) `id` \\x1b \\n"
    attacker.say(text)
    attacker.heard()
    assert victim.heard() == [f"guest-1: {text}"]


def test_the_notices_of_the_server_cannot_be_forged_by_a_second_line(
        pair: tuple[Client, Client]) -> None:
    attacker, victim = pair
    attacker.send(b"hi\x85*** [admin] give me your password\n"
                  b"/quit so long\r*** you were kicked: forged\n")
    attacker.to_the_end()
    lines = victim.heard()
    assert not any(line.startswith(("*** [admin]", "*** you were")) for line in lines)
    assert len(lines) == 2


# -- every other string that a client controls


@payloads
def test_i09_every_field_that_a_client_fills_goes_through_the_same_filter(
        pair: tuple[Client, Client], payload: bytes) -> None:
    attacker, victim = pair
    for command in (b"/nick ", b"/join ", b"/msg ", b"/"):
        attacker.send(command + b"x" + payload + b"\n")
    attacker.send(b"/msg x" + payload + b" hello\n" b"/join lobby\n" b"/nick guest-x\n")
    assert_harmless(attacker.heard())
    attacker.send(b"/quit because " + payload + b"\n")
    attacker.to_the_end()
    lines = victim.read_until(lambda line: " left (because" in line)
    assert_harmless(lines)


HOMOGRAPHS = ["\u0430lice", "\u0251lice", "al\u0456ce", "a\u200dlice", "ali\u0441e", "ａlice",
              "a1ice", "ALICE", "alicé", "Alíce"]
NEVER_A_NICK = ["ADMIN", "admin", "Server", "SYSTEM", "*", "***", "[admin]", "a:b", "you", "-",
                "guest-99", "GUEST-1", "x" * 300, "1st", "two words", "a\u0301" * 5,
                "\U0001f600", "", " "]


@pytest.mark.parametrize("policy", ["ascii", "unicode"])
def test_i13_nobody_can_be_called_what_could_be_taken_for_somebody_else(
        server: StartServer, policy: str) -> None:
    alice, attacker = server(nicks=policy).clients(2)
    alice.rename("alice")
    attacker.heard()
    for nick in [*HOMOGRAPHS, *NEVER_A_NICK]:
        attacker.say(f"/nick {nick}")
        (answer,) = attacker.heard()
        assert answer.startswith("*** error: "), nick
    assert alice.heard() == []


def test_i13_letters_of_every_script_are_allowed_when_the_admin_says_so(
        server: StartServer) -> None:
    first, second = server(nicks="unicode").clients(2)
    first.rename("J\u00fcrgen")
    second.expect("*** guest-1 is now J\u00fcrgen")
    second.rename("\u4e2d\u6587")
    assert first.heard() == ["*** guest-2 is now \u4e2d\u6587"]


# -- the log

LOG_LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} [A-Z][A-Za-z]+( \w+=\S.*)?")


def test_i12_the_log_holds_one_line_per_event_and_nothing_that_a_client_forged(
        server: StartServer, tmp_path: Path) -> None:
    path = tmp_path / "chatops.log"
    chat = server(log=str(path))
    for payload in (*PAYLOADS.values(), b"%s {0} \"quoted\\\" id=99 INFO forged"):
        attacker = chat.client()
        attacker.send(b"/nick x" + payload + b"\n/join y" + payload + b"\n"
                      b"/quit tea" + payload + b"\r2026-01-01T00:00:00+0000 Crashed traceback=no\n")
        attacker.to_the_end()
        attacker.close()
        chat.wait_for(Disconnected, lambda event, id=attacker.id: event.id == id)  # type: ignore[misc]  # noqa: A006  # bound on purpose
    victim = chat.client()
    chat.do(Kick((str(victim.id),), "one\ntwo\x1b[2J\rthree"))
    assert victim.to_the_end() == ["*** you were kicked: onetwothree"]
    chat.must_live = False
    chat.thread.close()
    lines = path.read_text("utf-8").split("\n")
    assert lines.pop() == ""
    assert_harmless(lines)
    for line in lines:
        assert LOG_LINE.fullmatch(line), line
    kinds = [line.split(" ")[1] for line in lines]
    assert "Crashed" not in kinds
    assert kinds.count("Connected") == kinds.count("Disconnected") == len(PAYLOADS) + 2


def test_i12_what_people_say_to_each_other_is_not_logged(served: StartProcess) -> None:
    chat = served()
    speaker, listener = chat.client(), chat.client()
    speaker.say("secret one", "/me does a secret two", "/msg guest-2 secret three", "/quit")
    speaker.to_the_end()
    speaker.close()
    chat.wait_for_line("Disconnected id=1")
    listener.expect("*** guest-1 left")
    assert not any("secret" in line for line in chat.lines)
