"""IRC messages, masks and formatting, against the field's own vectors and made-up garbage.

The vectors in `irc_vectors/` are those of https://github.com/ircdocs/parser-tests (CC0), as JSON.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatops.chat import formatting, masks
from chatops.chat.irc.message import (
    Message,
    escape,
    format_message,
    format_tags,
    parse,
    split_text,
    unescape,
)

VECTORS = Path(__file__).parent / "irc_vectors"


def vectors(name: str) -> list[Any]:
    tests: list[Any] = json.loads((VECTORS / f"{name}.json").read_text())
    return tests


@pytest.mark.parametrize("vector", vectors("msg-split"), ids=lambda vector: ascii(vector["input"]))
def test_a_line_is_split_as_the_vectors_say(vector: dict[str, Any]) -> None:
    atoms = vector["atoms"]
    message = parse(vector["input"])
    assert message is not None
    assert message.command == atoms["verb"].upper()
    assert message.params == atoms.get("params", [])
    assert message.source == (atoms.get("source") or "")
    assert message.tags == atoms.get("tags", {})


@pytest.mark.parametrize("vector", vectors("msg-join"), ids=lambda vector: str(vector["desc"]))
def test_parts_are_joined_as_the_vectors_say(vector: dict[str, Any]) -> None:
    atoms = vector["atoms"]
    line = format_message(atoms["verb"], atoms.get("params", []), atoms.get("source") or "",
                          atoms.get("tags"))
    assert line in vector["matches"]


@pytest.mark.parametrize("vector", vectors("mask-match"), ids=lambda vector: str(vector["mask"]))
def test_a_mask_stands_for_what_the_vectors_say(vector: dict[str, Any]) -> None:
    assert all(masks.matches(vector["mask"], text) for text in vector["matches"])
    assert not any(masks.matches(vector["mask"], text) for text in vector["fails"])


@given(st.text())
def test_no_text_makes_the_parser_raise(line: str) -> None:
    message = parse(line)
    assert message is None or (message.command and len(message.params) <= 15)


@pytest.mark.parametrize("line", ["", " ", "   ", "@", "@a=b", "@a=b ", ":", ":src", ":src ",
                                  "@a=b :src", ":src  "])
def test_a_line_without_a_command_is_none(line: str) -> None:
    assert parse(line) is None


def test_what_comes_after_the_fifteenth_parameter_belongs_to_it() -> None:
    message = parse("X " + " ".join(str(n) for n in range(20)) + " :the end")
    assert message is not None
    assert message.params[:14] == [str(n) for n in range(14)]
    assert message.params[14] == "14 15 16 17 18 19 the end"


@given(st.text())
def test_a_tag_value_comes_back_as_it_was(value: str) -> None:
    assert unescape(escape(value)) == value
    assert not set(" ;\r\n") & set(escape(value))


WORD = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x2FF,
                             exclude_characters=":;=@\\\x7f"), min_size=1)


@given(command=st.sampled_from(["PRIVMSG", "JOIN", "001"]), params=st.lists(WORD, max_size=10),
       trailing=st.text(st.characters(exclude_characters="\r\n\0")), source=WORD,
       tags=st.dictionaries(WORD, st.text(), max_size=4))
def test_what_was_formatted_is_parsed_again(command: str, params: list[str], trailing: str,
                                            source: str, tags: dict[str, str]) -> None:
    line = format_message(command, [*params, trailing], source, tags)
    assert parse(line) == Message(command, [*params, trailing], source, tags)


def test_tags_without_a_value_stand_alone() -> None:
    assert format_tags({"a": "", "+b": "x;y"}) == "@a;+b=x\\:y "
    assert format_tags({}) == ""


@given(st.text(max_size=300), st.integers(8, 60))
def test_split_text_loses_nothing_but_the_spaces_it_cuts_at(text: str, limit: int) -> None:
    pieces = split_text(text, limit)
    assert all(len(piece.encode()) <= limit for piece in pieces)
    assert "".join(pieces).replace(" ", "") == text.replace(" ", "")


def as_it_was_written(mask: str, text: str) -> bool:
    """The definition: whatever each star may stand for is tried."""
    if not mask:
        return not text
    if mask[0] == "*":
        return as_it_was_written(mask[1:], text) or bool(
            text and as_it_was_written(mask, text[1:]))
    return bool(text) and mask[0] in ("?", text[0]) and as_it_was_written(mask[1:], text[1:])


@given(st.text("ab*?", max_size=8), st.text("ab*?\n", max_size=8))
def test_a_mask_stands_for_what_its_characters_say(mask: str, text: str) -> None:
    assert masks.matches(mask, text) == as_it_was_written(mask, text)


@pytest.mark.parametrize("mask", ["*a" * 200 + "b", "*?" * 200, "*a?" * 16 + "b", "*" * 400 + "b"])
def test_a_mask_that_is_as_long_as_a_line_costs_little(mask: str) -> None:
    def cost(mask: str) -> float:
        began = time.thread_time()
        for _ in range(200):
            assert not masks.matches(mask, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
        return time.thread_time() - began

    usual = min(cost("*nick*") for _ in range(5))
    assert min(cost(mask) for _ in range(5)) < 100 * usual


def test_a_mask_of_many_stars_costs_no_more_than_their_number() -> None:
    def cost(stars: int) -> float:
        mask, text = "*a" * stars + "b", "a" * 400
        best = 1e9
        for _ in range(5):
            began = time.thread_time()
            assert not masks.matches(mask, text)
            best = min(best, time.thread_time() - began)
        return best

    assert cost(100) < 8 * cost(25)            # backtracking would be far beyond any factor


@pytest.mark.parametrize(("mask", "full"), [
    ("nick", "nick!*@*"), ("nick!user", "nick!user@*"), ("u@host", "*!u@host"),
    ("a!b@c", "a!b@c"), ("", "*!*@*"), ("***!**@*****", "*!*@*"), ("!@", "*!*@*"),
])
def test_a_mask_is_completed(mask: str, full: str) -> None:
    assert masks.normalise(mask) == full


@pytest.mark.parametrize(("text", "plain"), [
    ("plain", "plain"), ("\x02bold\x0f not", "bold not"), ("\x0304,12red\x03 x", "red x"),
    ("\x03,5x", ",5x"), ("\x04ff00aa,001122hex", "hex"), ("\x1d\x1f\x1e\x11\x16x", "x"),
    ("\x03123", "3"),
])
def test_formatting_goes_with_its_digits(text: str, plain: str) -> None:
    assert formatting.strip(text) == plain


@given(st.text())
def test_cleaning_keeps_formatting_and_nothing_else_that_is_not_text(text: str) -> None:
    cleaned = formatting.clean(text)
    controls = {char for char in cleaned if ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0}
    assert controls <= set(formatting.CODES)
    assert formatting.strip(cleaned).isprintable() or not text.isprintable()


@pytest.mark.parametrize(("text", "parts"), [
    ("\x01ACTION waves\x01", ("ACTION", "waves")), ("\x01version", ("VERSION", "")),
    ("hello", None), ("\x01\x01", ("", "")),
])
def test_ctcp_is_found_with_its_closing_mark_or_without(text: str, parts: object) -> None:
    assert formatting.ctcp(text) == parts


@pytest.mark.parametrize("limit", [-400, 0, 1, 3])
def test_a_text_for_which_there_is_no_room_ends_all_the_same(limit: int) -> None:
    assert "".join(split_text("h\u00e9llo \U0001f600", limit)) == "h\u00e9llo\U0001f600"
