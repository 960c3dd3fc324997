"""Costly lines share a turn, and long ones have their price."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatops.chat.effects import PauseReading
from chatops.chat.intake import LEAST_HOLD, LEAST_LINES, TURN_LINES, TURN_TOTAL
from chatops.chat.lines import COUNTED, affordable, cost, split
from chatops.chat.telnet import STEP_LIMIT
from tests.unit.test_hub import Chat

ASKERS = 100


def test_a_crowd_that_asks_much_has_each_turn_to_itself_only_so_far() -> None:
    chat = Chat(rate=0.0)
    askers = chat.join(ASKERS)
    questions = b"/rooms\n" * (2 * TURN_LINES)
    for asker in askers:
        chat.intake.receive(asker, questions)
    first = sum(asker.lines_in for asker in askers)
    assert first == TURN_TOTAL + LEAST_LINES * (ASKERS - TURN_TOTAL // TURN_LINES)
    turns = 1
    while any(asker.held for asker in askers):
        chat.turn()
        for asker in askers:
            if asker.held:
                chat.intake.resume(asker)
        turns += 1
        assert turns <= 2 * ASKERS
    chat.turn()
    answers = [chat.seen[asker.id].count(f"*** lobby: {ASKERS}") for asker in askers]
    assert answers == [2 * TURN_LINES] * ASKERS


def test_somebody_who_asks_once_is_answered_in_the_turn_of_the_crowd() -> None:
    chat = Chat(rate=0.0)
    *crowd, other = chat.join(ASKERS)
    for asker in crowd:
        chat.intake.receive(asker, b"/rooms\n" * TURN_LINES)
    chat.intake.receive(other, b"/who\n")
    chat.turn()
    assert chat.seen[other.id].count(f"*** {ASKERS} in lobby") == 1


@pytest.mark.parametrize("rate", [0.0, 50.0])
def test_talk_of_many_short_lines_is_shared_out_among_turns(rate: float) -> None:
    chat = Chat(rate=rate, burst=500.0, turn=100)
    talker, hearer = chat.join(2)
    chat.turn()
    chat.seen[hearer.id] = ""
    chat.intake.receive(talker, b"x\n" * 250)
    said = [talker.lines_in]
    while talker.held:
        chat.turn()
        chat.intake.resume(talker)
        said.append(talker.lines_in)
    chat.turn()
    assert said == [100, 200, 250]
    assert chat.seen[hearer.id].count("guest-1: x\n") == 250
    assert not talker.warned           # it is not over its rate


# -- long lines


@pytest.mark.parametrize(("length", "passing"), [
    (1, 10), (COUNTED - 1, 10), (2 * COUNTED - 1, 5), (4 * COUNTED - 1, 2), (20 * COUNTED, 1)])
def test_a_long_line_counts_as_several_of_the_rate(length: int, passing: int) -> None:
    chat = Chat(rate=1.0, burst=10.0)
    (talker,) = chat.join()
    line = b"x" * length + b"\n"
    assert affordable(line * 30, 30, 10.0) == passing
    talker.framer.limit = length
    chat.intake.receive(talker, line * 30)
    assert talker.lines_in == passing


def test_a_line_that_is_dearer_than_the_burst_is_said_and_paid_for_afterwards() -> None:
    chat = Chat(rate=1.0, burst=2.0)
    (talker,) = chat.join()
    long = b"x" * (8 * COUNTED - 1) + b"\n"
    chat.says(talker, long + b"short\n")
    assert (talker.lines_in, talker.tokens) == (1, -6.0)
    for seconds, said in ((6.5, 1), (0.6, 2)):
        chat.hub.now += seconds
        chat.intake.resume(talker)
        assert talker.lines_in == said
    chat.turn()
    assert chat.seen[talker.id].endswith("guest-1: short\n")


@given(st.lists(st.integers(0, 3000), min_size=1, max_size=20), st.floats(-50, 50))
def test_what_passes_is_never_more_than_the_tokens_pay_for_unless_it_is_one_line(
        lengths: list[int], tokens: float) -> None:
    lines = b"".join(b"x" * length + b"\n" for length in lengths)
    count = affordable(lines, len(lengths), tokens)
    passing, rest = split(lines, count)
    assert passing + rest == lines
    assert count == 0 or tokens >= 1
    assert count <= 1 or cost(passing, count) <= tokens
    if count < len(lengths) and tokens >= 1:
        assert cost(split(lines, count + 1)[0], count + 1) >= int(tokens)


# -- negotiation without end


FLOOD = b"\xff\xf1" * (2 * STEP_LIMIT)


def test_who_floods_with_negotiation_is_not_read_for_a_moment() -> None:
    chat = Chat()
    (flooder,) = chat.join()
    holds = [effect for effect in chat.says(flooder, FLOOD) if isinstance(effect, PauseReading)]
    assert holds == [PauseReading(flooder.id, LEAST_HOLD)]
    assert chat.intake.resume(flooder)
    few = chat.says(flooder, FLOOD[:STEP_LIMIT - 2])
    assert not any(isinstance(effect, PauseReading) for effect in few)


def test_who_floods_with_negotiation_and_with_lines_is_held_once() -> None:
    chat = Chat(rate=1.0, burst=2.0)
    (flooder,) = chat.join()
    effects = chat.says(flooder, FLOOD + b"\n" + b"line\n" * 5)
    assert sum(isinstance(effect, PauseReading) for effect in effects) == 1
    chat = Chat()
    (flooder,) = chat.join()
    assert not any(isinstance(effect, PauseReading)
                   for effect in chat.says(flooder, FLOOD + b"\nquit\n"))
