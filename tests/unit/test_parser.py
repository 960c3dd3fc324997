"""One table says what clients can do; a line is a command or is said (FAULTS.md B09)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatops.chat.lines import is_talk
from chatops.chat.parser import (
    CLIENT_COMMANDS,
    ParsedCommand,
    Say,
    Unknown,
    help_lines,
    parse_line,
    usage_of,
)


@pytest.mark.parametrize("line", ["hello", "  indented", "trailing  ", "a /nick b", "quit now",
                                  "Quit", "QUIT", "quitter", " /who", "quit\u3000x"])
def test_a_line_without_a_slash_is_said_as_it_is(line: str) -> None:
    assert parse_line(line) == Say(line)


@pytest.mark.parametrize("line", ["", " ", "   ", "\u3000", "\u200d", " \u200c \u200d", "\u3164",
                                  "\u2800 \u2800"])
def test_a_line_without_anything_to_see_is_nothing(line: str) -> None:
    assert parse_line(line) is None


@pytest.mark.parametrize("line", ["quit", " quit", "quit  "])
def test_quit_alone_on_a_line_leaves(line: str) -> None:
    assert parse_line(line) == ParsedCommand("quit", "")


@pytest.mark.parametrize(("line", "call"), [
    ("/nick bob", ParsedCommand("nick", "bob")), ("/who", ParsedCommand("who", "")),
    ("/WHO", ParsedCommand("who", "")),
    ("/me  waves at you ", ParsedCommand("me", "waves at you")),
    ("/msg bob /me and  two spaces", ParsedCommand("msg", "bob /me and  two spaces")),
    ("/join #dev", ParsedCommand("join", "#dev")),
    ("/quit so long", ParsedCommand("quit", "so long")),
    ("/help ", ParsedCommand("help", "")),
])
def test_a_slash_calls_a_command(line: str, call: ParsedCommand) -> None:
    assert parse_line(line) == call


@pytest.mark.parametrize(("line", "said"), [("//who", "/who"), ("//", "/"), ("///", "//")])
def test_two_slashes_say_one(line: str, said: str) -> None:
    assert parse_line(line) == Say(said)


@pytest.mark.parametrize(("line", "name"), [("/", ""), ("/ who", ""), ("/nope x", "nope"),
                                            ("/nickname", "nickname")])
def test_what_is_not_in_the_table_is_unknown(line: str, name: str) -> None:
    assert parse_line(line) == Unknown(name)


def test_every_command_of_the_table_is_understood_and_explained() -> None:
    listed = help_lines()
    assert len(listed) == len(CLIENT_COMMANDS)
    for command, line in zip(CLIENT_COMMANDS, listed, strict=True):
        assert parse_line(f"/{command.name}") == ParsedCommand(command.name, "")
        assert line.startswith(usage_of(command.name) + " ")
        assert line.endswith(command.help)
        assert len(line) <= 72
    assert len({line.index(command.help) for command, line
                in zip(CLIENT_COMMANDS, listed, strict=True)}) == 1


def test_the_table_is_what_the_design_promises() -> None:
    assert [command.name for command in CLIENT_COMMANDS] == \
        ["nick", "who", "me", "msg", "join", "rooms", "history", "topic", "away",
         "login", "register", "quit", "help"]
    assert usage_of("msg") == "/msg NICK TEXT"


@given(st.text(max_size=40))
def test_every_line_is_something(line: str) -> None:
    parsed = parse_line(line)
    if isinstance(parsed, Say):
        assert parsed.text
    elif parsed is None:
        assert not line.startswith("/")


openings = st.sampled_from(["/", "//", "", " ", "quit", "\u3164", "\u2800", "\u200d", "a", "日",
                            "é"])


words = st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=3)


@given(st.lists(st.tuples(openings, words).map("".join), min_size=1))
def test_lines_that_are_talk_are_said_as_they_are(lines: list[str]) -> None:
    if is_talk("".join(f"{line}\n" for line in lines).encode()):
        assert [parse_line(line) for line in lines] == [Say(line) for line in lines]


@pytest.mark.parametrize("lines", [b"hello\n", "été\n日本\n".encode(), b"a\nb/c\nnot /quit\n"])
def test_words_are_talk(lines: bytes) -> None:
    assert is_talk(lines)
