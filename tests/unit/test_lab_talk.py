"""What the chatty clients say."""

from __future__ import annotations

import re

from chatops.chat.names import check_nick
from chatops.lab.clients.small_talk import CONVERSATIONS, NAMES, Circle


def lines_of(seed: int, members: list[str], count: int) -> list[tuple[float, str, str]]:
    circle = Circle(seed)
    for nick in members:
        circle.join(nick)
    return [circle.next_line() for _ in range(count)]


def test_the_same_seed_says_the_same() -> None:
    people = ["alice", "bob", "carol"]
    assert lines_of(7, people, 60) == lines_of(7, people, 60)
    assert lines_of(7, people, 60) != lines_of(8, people, 60)


def test_people_speak_every_few_seconds() -> None:
    pauses = [pause for pause, _, _ in lines_of(1, ["alice", "bob", "carol"], 300)]
    assert all(0.5 < pause < 9 for pause in pauses)
    assert 1.5 < sum(pauses) / len(pauses) < 4


def test_a_pair_has_conversations_and_one_alone_has_asides() -> None:
    assert {who for _, who, _ in lines_of(1, ["alice", "bob"], 40)} == {"alice", "bob"}
    assert {who for _, who, _ in lines_of(1, ["alice"], 10)} == {"alice"}


def test_who_has_left_says_nothing_more() -> None:
    circle = Circle(3)
    for nick in ("alice", "bob", "carol"):
        circle.join(nick)
    circle.next_line()
    circle.leave("bob")
    assert "bob" not in {circle.next_line()[1] for _ in range(40)}


def test_no_conversation_leaves_a_place_holder_in_its_text() -> None:
    texts = [text for _, _, text in lines_of(2, ["alice", "bob", "carol", "dave"], 400)]
    assert not [text for text in texts if re.search(r"[{}]", text)]


def test_every_conversation_is_within_what_a_line_and_a_circle_hold() -> None:
    for lines in CONVERSATIONS:
        assert 1 <= len({speaker for speaker, _ in lines}) <= 3
        assert all(text and len(text) < 200 for _, text in lines)


def test_every_name_is_a_nick_and_there_is_one_of_each() -> None:
    for name in NAMES:
        check_nick(name)
    assert len(set(NAMES)) == len(NAMES)
