"""Backspaces in a line take back what its typist saw them take back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatops.chat.framing import Framer
from chatops.chat.sanitize import clean, is_clean, is_plain
from tests.unit.test_hub import Chat

ONE_CHARACTER = ["a", "é", "e\u0301", "a\u0308\u0323", "日", "😀", "👍🏽", "👨\u200d👩\u200d👧",
                 "🇩🇪", "❤\ufe0f", "1\ufe0f\u20e3",
                 "\u1112\u1161\u11ab", "한", "\U0001d11e", " ", "\u3000"]


@pytest.mark.parametrize(("raw", "seen"), [
    pytest.param(b"cat\b\b\bdog", "dog", id="48 BS"),
    pytest.param(b"cat\x7f\x7f\x7fdog", "dog", id="48 DEL"),
    pytest.param(b"cat\b\x7f\bdog\r", "dog", id="both, CRLF"),
    pytest.param(b"helo\blo", "hello", id="in the middle"),
    pytest.param(b"\b\b\bdog", "dog", id="more than there is"),
    pytest.param(b"cat\b\b\b\b\b", "", id="nothing is left"),
    pytest.param(b"cat\b \b", "ca", id="as a tty echoes it"),
    pytest.param(b"a\tb\b\bc", "ac", id="a tab is one character"),
    pytest.param(b"cat\x1b[D\x1b[C\bp", "cap", id="48 arrows, CSI"),
    pytest.param(b"cat\x1bOD\x1bOC\bp", "cap", id="48 arrows, SS3"),
    pytest.param(b"ca\0t\x07\b\bow", "cow", id="other controls are no characters"),
    pytest.param(b"caf\xff\b\xc3\xa9", "café", id="a byte that is no UTF-8 is one"),
    pytest.param(b"/whi\bo", "/who", id="commands too"),
])
def test_a_backspace_takes_back_what_stood_before_it(raw: bytes, seen: str) -> None:
    assert clean(raw) == seen


@pytest.mark.parametrize(("raw", "text"), [
    (b"up\x1b[A", "up"), (b"up\x1bOA", "up"), (b"up\xc2\x8fA", "up"), (b"x\x1b[1;5Dy", "xy"),
    (b"x\x1bO5Dy", "xy"), (b"x\x1b[3~y", "xy"), (b"x\x1b[H\x1b[Fy", "xy"), (b"x\x1b[[Ay", "xy"),
    (b"x\x1bOPy", "xy"), (b"x\x1b[15~y", "xy"), (b"x\x1b[200~y\x1b[201~", "xy"),
])
def test_keys_that_a_terminal_sends_as_sequences_are_taken_out_whole(raw: bytes, text: str
                                                                     ) -> None:
    assert clean(raw) == text


@pytest.mark.parametrize("character", ONE_CHARACTER)
@pytest.mark.parametrize("erase", ["\b", "\x7f"])
def test_one_backspace_is_one_character_as_a_reader_counts_them(character: str, erase: str
                                                                ) -> None:
    assert clean(f"x{character}{erase}y".encode()) == "xy"
    assert clean(f"{character}q{erase}".encode()) == clean(character.encode())


def test_a_mark_typed_after_a_backspace_goes_with_its_base() -> None:
    assert clean("xex\b\u0301\by".encode()) == "xy"


@given(st.lists(st.sampled_from([*ONE_CHARACTER[:6], "🇩🇪", "\b", "\x7f"]), max_size=30))
def test_it_is_a_stack_of_characters(typed: list[str]) -> None:
    stack: list[str] = []
    for key in typed:
        if key not in "\b\x7f":
            stack.append(key)
        elif stack:
            stack.pop()
    assert clean("".join(typed).encode()) == "".join(stack)


@pytest.mark.parametrize("unit", ["x\b", "\b", "x\b\u0301", "\u0301\b", "xx\b\u0301x",
                                  "👍🏽\u200d\b"])
def test_the_worst_line_of_backspaces_grows_no_dearer_than_its_length(unit: str) -> None:
    """Were it quadratic, this would take minutes."""
    assert "\b" not in clean(b"e" + "\u0301".encode() * 50_000 + (unit * 100_000).encode())


def test_clean_talk_is_still_told_by_one_look_and_edited_lines_are_not_clean() -> None:
    assert is_plain(b"dog\n")
    for raw in (b"cat\bp\n", b"cat\x7fp\n"):
        assert not is_plain(raw)
        assert not is_clean(raw)


@pytest.mark.parametrize("cut", range(1, 12))
def test_others_hear_the_line_that_was_meant_however_it_came(cut: int) -> None:
    chat = Chat()
    alice, bob = chat.join(2)
    line = "cät\b\b\bdög\r\n".encode()
    chat.says(alice, line[:cut])
    chat.says(alice, line[cut:])
    assert chat.seen[bob.id] == "guest-1: dög\n"


def test_a_line_that_was_wholly_taken_back_is_not_said() -> None:
    chat = Chat()
    alice, bob = chat.join(2)
    chat.says(alice, b"oops\b\b\b\b\nquit\b\b\b\bno\n")
    assert chat.seen[bob.id] == "guest-1: no\n"


def test_backspaces_count_as_bytes_of_a_line() -> None:
    framer = Framer(10)
    assert framer.feed(b"x\b" * 6 + b"\n") == b""
    assert framer.take_overlong() == 1


@pytest.mark.parametrize("erase", [b"\xff\xf7", b"\b"])
def test_telnet_says_erase_character_too(erase: bytes) -> None:
    chat = Chat()
    alice, bob = chat.join(2)
    chat.says(alice, b"cat" + erase * 3 + b"dog\r\n")
    assert chat.seen[bob.id] == "guest-1: dog\n"
