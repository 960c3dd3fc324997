"""The hub lets whole chunks pass as it would single lines, and no more of them than may."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatops.api import events
from chatops.chat.effects import PauseReading
from chatops.chat.hub import SHOWN
from chatops.chat.intake import TURN_LINES
from tests.unit.test_hub import Chat, kinds

# -- whole chunks and single lines


def test_plain_lines_and_cleaned_ones_are_said_alike() -> None:
    chat = Chat()
    alice, _ = chat.join(2)
    plain = chat.says(alice, b"same\nsame\n")
    cleaned = chat.says(alice, b"s\x07ame\nsame\n")
    assert chat.heard(plain) == chat.heard(cleaned)


@pytest.mark.parametrize("data", [b"/who\n", b"x\n/who\n", b" \n", b"x\n\n", b"quit\n",
                                  b"x\nquit\n", b" /who\n", b"quitters\n"])
def test_the_quick_way_is_never_taken_past_a_command_or_a_blank(data: bytes) -> None:
    quick, slow = Chat(), Chat()
    (one,), (other,) = quick.join(), slow.join()
    quick.says(one, data)
    slow.says(other, data.replace(b"\n", b"\r\n"))       # the CR takes the slow way
    assert quick.seen == slow.seen




@given(st.lists(st.sampled_from(["hello", "été", "日本語", "🎉", "/me waves", "//x", "", " ",
                                 "\u3164", "\u2800x", "quit now", "a\tb", "e" + "\u0301" * 9,
                                 "\x1b[2J!", "\u202eabc"]), max_size=12))
def test_lines_in_one_chunk_are_heard_as_if_each_had_come_alone(lines: list[str]) -> None:
    heard = []
    for pieces in ([lines], [[line] for line in lines]):
        chat = Chat(rate=0.0)
        speaker, _ = chat.join(2)
        said = []
        for piece in pieces:
            effects = chat.says(speaker, "".join(f"{line}\n" for line in piece).encode())
            said += [e.text for e in effects if isinstance(e, events.Said) and len(piece) == 1]
        heard.append(chat.seen[2])
    assert heard[0] == heard[1]
    assert all(text in heard[1] for text in said)


@pytest.mark.parametrize("letter", ["a", "é", "日", "🎉"])
def test_an_event_repeats_no_more_than_the_beginning_of_a_long_line(letter: str) -> None:
    chat = Chat()
    speaker, = chat.join()
    for length in (SHOWN, SHOWN + 1, 1000):
        said, = [effect for effect in chat.says(speaker, f"{letter * length}\n".encode())
                 if isinstance(effect, events.Said)]
        assert said.text == letter * SHOWN + ("..." if length > SHOWN else "")


# -- the rate limit


def test_lines_over_the_rate_are_held_and_none_is_lost_or_said_twice() -> None:
    chat = Chat(rate=10.0, burst=5.0)
    (talker,) = chat.join()
    effects = chat.says(talker, b"".join(b"%d\n" % n for n in range(30)) + b"30")
    (hold,) = [effect for effect in effects if isinstance(effect, PauseReading)]
    assert hold.id == talker.id
    assert sum(isinstance(effect, events.Throttled) for effect in effects) == 1
    for _ in range(40):
        chat.hub.now += hold.seconds
        if chat.intake.resume(talker):
            break
        chat.turn()
    chat.hub.now += 1.0
    chat.says(talker, b"\n")
    said = [line for line in chat.seen[1].split("\n") if line.startswith("guest-1: ")]
    assert said == [f"guest-1: {n}" for n in range(31)]
    assert chat.seen[1].count("you are over 10 lines a second") == 1


def test_a_burst_within_the_limit_is_never_held() -> None:
    chat = Chat(rate=10.0, burst=5.0)
    (talker,) = chat.join()
    for _ in range(10):
        assert PauseReading not in kinds(chat.says(talker, b"a\nb\nc\nd\ne\n"))
        chat.hub.now += 0.5


@pytest.mark.parametrize("limits", [{"rate": 0.0}, {"rate": 50.0, "burst": 1000.0}])
def test_within_the_rate_costly_lines_still_take_turns_and_none_is_lost(
        limits: dict[str, float]) -> None:
    chat = Chat(**limits)
    (session,) = chat.join()
    lines = [f" indented {n}" for n in range(1000)]
    turns = [chat.says(session, "".join(f"{line}\n" for line in lines).encode())]
    while session.held:
        assert PauseReading in kinds(turns[-1])
        chat.intake.resume(session)
        turns.append(chat.turn())
    assert len(turns) == -(-1000 // TURN_LINES)
    assert chat.seen[1].splitlines() == [f"guest-1: {line}" for line in lines]


def test_who_is_heard_out_says_all_its_talk_at_once_and_costly_lines_in_turns() -> None:
    chat = Chat(rate=1.0, burst=1.0)
    talker, asker = chat.join(2)
    chat.says(talker, b"talk\n" * 1000)
    chat.says(asker, b"/rooms\n" * 500)
    chat.intake.hear_out(talker)
    chat.turn()
    assert not talker.held
    assert chat.seen[talker.id].count("guest-1: talk") == 1000
    turns = 0
    while asker.held:
        chat.intake.hear_out(asker)
        chat.turn()
        turns += 1
    assert turns == -(-499 // TURN_LINES)
    assert chat.seen[asker.id].count("*** lobby: 2") == 500


def test_a_held_client_that_is_sent_away_says_nothing_more() -> None:
    chat = Chat(rate=1.0, burst=1.0)
    talker, listener = chat.join(2)
    chat.says(talker, b"one\ntwo\n")
    chat.hub.leave(talker, "kicked")
    chat.turn()
    chat.hub.now += 10.0
    assert not chat.intake.resume(talker)
    chat.turn()
    assert "two" not in chat.seen[listener.id]
