"""What is said in one piece is heard as what is said line by line."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatops.chat.irc.runs import run
from tests.unit.irc_chat import IrcChat

LINE = st.one_of(
    st.text("ab :", max_size=12).map(lambda text: f"PRIVMSG #tea :{text}"),
    st.sampled_from(["PRIVMSG #tea :x", "PRIVMSG #Tea :x", "PRIVMSG #den :x", "PRIVMSG #tea x",
                     "PRIVMSG #tea :\x02bold", "PRIVMSG #tea :\x01ACTION x\x01", "NOTICE #tea :n",
                     "PRIVMSG #tea :é", "PRIVMSG #tea :PRIVMSG #tea :", "PING x",
                     f"PRIVMSG #tea :{'x' * 480}", f"PRIVMSG #tea :{'x' * 440}", ""]))


def heard(pieces: list[bytes]) -> tuple[list[str], list[str], int]:
    """By bob in #tea, by ada who says these, and how many lines are counted."""
    chat = IrcChat()
    ada, bob = chat.person("ada", "echo-message"), chat.person("bob", "message-tags")
    chat.send(ada, "JOIN #tea")
    chat.send(bob, "JOIN #tea")
    chat.heard(ada), chat.heard(bob)
    for piece in pieces:
        chat.raw(ada, piece)
    return chat.heard(bob), chat.heard(ada), ada.lines_in


@settings(deadline=None)
@given(st.lists(LINE, min_size=1, max_size=8), st.booleans())
def test_a_run_is_heard_as_its_lines_are(lines: list[str], crlf: bool) -> None:
    end = "\r\n" if crlf else "\n"
    raw = [f"{line}{end}".encode() for line in lines]
    bob, ada, count = heard([b"".join(raw)])
    bob_each, ada_each, count_each = heard(raw)
    assert (bob, sorted(ada), count) == (bob_each, sorted(ada_each), count_each)


@pytest.mark.parametrize("spoil", ["MODE #tea +m", "MODE #tea +b bob!*@*", "PART #tea"])
def test_who_may_not_speak_is_never_in_a_run(spoil: str) -> None:
    chat = IrcChat()
    ada = chat.person("ada")
    lines = b"PRIVMSG #tea :x\r\n" * 3
    chat.send(ada, "JOIN #tea")
    assert run(chat.hub, ada, lines) is not None  # type: ignore[arg-type]  # a Client
    chat.send(ada, spoil)
    assert run(chat.hub, ada, lines) is None  # type: ignore[arg-type]  # a Client


def test_more_than_its_rate_allows_is_no_run() -> None:
    chat = IrcChat()
    ada = chat.person("ada")
    chat.send(ada, "JOIN #tea")
    ada.tokens = 2
    assert run(chat.hub, ada, b"PRIVMSG #tea :x\r\n" * 3) is None  # type: ignore[arg-type]


def test_more_than_a_turn_may_bring_is_no_run() -> None:
    chat = IrcChat()
    chat.hub.limits.turn = 2
    ada = chat.person("ada")
    chat.send(ada, "JOIN #tea")
    for count, is_run in ((2, True), (3, False)):
        found = run(chat.hub, ada, b"PRIVMSG #tea :x\r\n" * count)  # type: ignore[arg-type]
        assert (found is not None) == is_run


def test_it_is_remembered_where_somebody_spoke_and_as_whom() -> None:
    chat = IrcChat()
    ada, bob = chat.person("ada"), chat.person("bob")
    for person in (ada, bob):
        chat.send(person, "JOIN #tea,#den")
    chat.heard(bob)
    said = [("PRIVMSG #tea :x", ":ada!"), ("PRIVMSG #den :x", ":ada!"), ("NICK eve", ":ada!"),
            ("PRIVMSG #den :x", ":eve!"), ("PRIVMSG #den :y", ":eve!")]
    for line, source in said:
        chat.send(ada, line)
        heard, = chat.heard(bob)
        assert heard.startswith(source), line


@pytest.mark.parametrize("anew", [["PART #den", "JOIN #den"], ["PART #den"]])
def test_a_room_that_was_left_is_not_where_it_speaks(anew: list[str]) -> None:
    """With its last member the room is gone, and another one comes under its name."""
    chat = IrcChat()
    ada = chat.person("ada")
    lines = b"PRIVMSG #den :x\r\n"
    chat.send(ada, "JOIN #den")
    first = run(chat.hub, ada, lines)  # type: ignore[arg-type]  # a Client
    for line in anew:
        chat.send(ada, line)
    again = run(chat.hub, ada, lines)  # type: ignore[arg-type]  # a Client
    assert first is not None
    if len(anew) == 1:
        assert again is None
    else:
        assert again is not None
        assert again.room is chat.hub.rooms.open("den")
        assert again.room is not first.room
