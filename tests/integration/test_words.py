"""What is typed nearly right, on a server that runs: done, or refused in one line."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from chatops.api.commands import Ban, Kick, Mute, Unmute
from chatops.api.events import CallbackFailed
from tests.integration.client import Client
from tests.integration.harness import PATIENCE, Server, environment

StartServer = Callable[..., Server]
Ctl = Callable[..., subprocess.CompletedProcess[str]]


def short(value: object) -> str:
    """For a test's name: not all of a number's 5,000 digits."""
    return str(value)[:20]


@pytest.fixture
def chat(server: StartServer, control_path: Path) -> Server:
    return server(control=str(control_path), nicks="unicode")


@pytest.fixture
def ctl(chat: Server, control_path: Path) -> Ctl:
    """`chatops ctl` as a shell runs it; a word may be bytes."""
    def run(*words: str | bytes, flags: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "chatops", "ctl", "--socket", str(control_path), *flags]
        done = subprocess.run([*map(os.fsencode, command), *map(os.fsencode, words)],
                              capture_output=True, timeout=PATIENCE, env=environment())
        answer = subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(),
                                             done.stderr.decode())
        assert "Traceback" not in answer.stderr
        return answer

    return run


def named(chat: Server, nick: str) -> Client:
    client = chat.client()
    client.rename(nick)
    return client


def in_one_line(done: subprocess.CompletedProcess[str], status: int) -> str:
    assert done.returncode == status, done
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    return done.stderr


# -- case 40: durations


@pytest.mark.parametrize(("words", "answer"), [
    (("10min", "spam"), "banned 203.0.113.9/32 for 10m"),
    (("1w",), "banned 203.0.113.9/32 for 7d"),
    (("1", "hour", "x"), "banned 203.0.113.9/32 for 1h"),
    (("1h30",), "banned 203.0.113.9/32 for 1h30m"),
    (("90", "min", "spam"), "banned 203.0.113.9/32 for 1h30m"),
    (("forever", "2", "strikes"), "banned 203.0.113.9/32 for good"),
])
def test_a_ban_holds_for_as_long_as_was_meant(
        chat: Server, ctl: Ctl, words: tuple[str, ...], answer: str) -> None:
    assert ctl("ban", "203.0.113.9", *words).stdout == answer + "\n"


@pytest.mark.parametrize("words", [
    ("2", "strikes"), ("1", "month"), ("10minn", "spam"), ("spam", "10m"), ("0",), ("an", "hour"),
    ("10min spam",), ("9" * 5000,),
], ids=short)
def test_a_ban_of_no_clear_length_is_refused_and_bans_nobody(
        chat: Server, ctl: Ctl, words: tuple[str, ...]) -> None:
    assert "ban: " in in_one_line(ctl("ban", "203.0.113.9", *words), 2)
    assert ctl("bans").stdout == "nobody is banned\n"


# -- case 3: numbers


@pytest.mark.parametrize("digits", ["9" * 5000, "#" + "9" * 5000, "\u0661", "\u00b2"], ids=short)
def test_a_number_that_is_nobodys_is_not_here(chat: Server, digits: str) -> None:
    client = chat.client()
    for command in (Kick((digits,)), Mute((digits,)), Unmute((digits,))):
        result = chat.submit(command)
        assert not result.ok
        assert result.text.endswith("is not here (any more)")
        assert len(result.text) < 80
    refused = chat.submit(Ban(digits))
    assert not refused.ok
    assert "is not a client here" in refused.text
    client.say("still here")
    client.expect("guest-1: still here")
    assert not any(isinstance(event, CallbackFailed) for event in chat.events())


# -- cases 36 and 39: what is to be said


@pytest.mark.parametrize(("words", "heard"), [
    (("-1 is the new limit",), "-1 is the new limit"),
    (("-1", "is", "less"), "-1 is less"),
    (("--", "--json"), "--json"),
    (("-> look", "--here you are"), "-> look --here you are"),
    (("-",), "-"),
    (('"quoted"',), '"quoted"'),
    (("'tis",), "'tis"),
    (("a  b",), "a  b"),
    (("caf\u00e9",), "caf\u00e9"),
])
def test_a_message_is_said_as_it_was_given(
        chat: Server, ctl: Ctl, words: tuple[str, ...], heard: str) -> None:
    client = chat.client()
    assert ctl("broadcast", *words).stdout == "said to 1 client\n"
    client.expect(f"*** [admin] {heard}")


def test_a_flag_is_one_before_and_after_the_command_and_a_misspelt_one_is_no_text(
        chat: Server, ctl: Ctl) -> None:
    assert ctl("clients", "--json").stdout == "[]\n"
    assert ctl("clients", flags=("--json",)).stdout == "[]\n"
    for words in (("clients", "--jsom"), ("broadcast", "--jsom", "hi"), ("kick", "3", "-j")):
        done = ctl(*words)
        assert done.returncode == 2
        assert "No such option" in done.stderr


@pytest.mark.parametrize("words", [
    ("broadcast", b"caf\xe9"), ("kick", b"caf\xe9"), ("kick", "1", b"caf\xe9"),
    ("ban", "1", "10m", b"\xff"), (b"caf\xe9",), ("unban", b"\xff"), ("limit", b"\xff", "1"),
])
def test_bytes_that_are_not_utf_8_are_refused_and_do_nothing(
        chat: Server, ctl: Ctl, words: tuple[str | bytes, ...]) -> None:
    client = chat.client()
    in_one_line(ctl(*words), 2)
    client.say("still here")
    client.expect("guest-1: still here")


@pytest.mark.parametrize("text", ["two\nlines", "two\r\nlines", "two\u2028lines", "two\x85lines"])
def test_what_would_be_two_lines_run_together_is_refused(
        chat: Server, ctl: Ctl, text: str) -> None:
    client = chat.client()
    for words in (("broadcast",), ("kick", "1"), ("ban", "1", "10m"), ("unban",)):
        assert "one line" in in_one_line(ctl(*words, text), 2)
    assert "one line" in in_one_line(ctl(f"broadcast {text}"), 2)
    assert ctl("broadcast", "one line\n").stdout == "said to 1 client\n"
    client.expect("*** [admin] one line")


# -- case 38: who is meant


@pytest.mark.parametrize("word", [
    "zo\u00eb", "ZO\u00cb", "Zoe\u0308", "#zo\u00eb", "1", "#1", "zoe"])
def test_ctl_finds_a_client_in_any_case_and_any_way_of_typing_it(
        chat: Server, ctl: Ctl, word: str) -> None:
    client = named(chat, "zo\u00eb")
    assert ctl("kick", word).stdout == "kicked #1 zo\u00eb\n"
    assert client.to_the_end()[-1].startswith("*** you were kicked")


@pytest.mark.parametrize("word", ["[::1]", "::1", "[fe80::1%eth0]", "fe80::1%eth0"])
def test_ctl_bans_an_address_in_brackets_and_with_a_zone(
        chat: Server, ctl: Ctl, word: str) -> None:
    network = "::1" if "fe80" not in word else "fe80::1"
    assert ctl("ban", word, "1h").stdout == f"banned {network}/128 for 1h\n"
    assert ctl("unban", word).stdout == f"{network}/128 may come in again\n"
