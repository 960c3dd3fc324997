"""What is faster than hands is a paste, and a paste presses no keys."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual import events
from textual.widgets import Input

from chatops.api.commands import Broadcast, Kick
from tests.tui.press import SMALL, echo, on_screen, press
from tests.tui.shots import Rig
from tui.burst import GOES_ON, SEQUENCE_TIME, BurstParser, Bursts


def pasted(*reads: str, apart: float = 1.0) -> str:
    """What of these reads, so many seconds apart, is taken for pasted."""
    bursts = Bursts()
    return "".join(text for n, read in enumerate(reads)
                   for text, is_pasted in bursts.split(read, n * apart) if is_pasted)


@pytest.mark.parametrize("read", [
    "kubectl get pods -n chat\r", "kubectl get\rpods\r", "ls\r", ":kick 3\r", "b rm -rf /\n",
    "\u65e5\u672c\u8a9e\u3067", "kubectl\tget\x07 pods --all\r",
])
def test_text_in_one_read_is_a_paste(read: str) -> None:
    assert pasted(read) == read


@pytest.mark.parametrize("read", [
    "j", "jj", "jjjjjjjjjjjjjjjjjjjj", "jkjkjkjkjk", "\t\t\t\t", "  ", "ab", "qd", "q\r", "abc",
    "\r\r\r\r", "\x7f\x7f\x7f\x7f", "no\x7f\x7fk", "\x1b[B\x1b[B\x1b[B\x1b[A", "\x1bOA\x1bOB\x1bOC",
    "\x1b[<35;10;5M\x1b[<35;11;5M", "\x1b[15;2~", "\x1b", "\x1bj", "\x1b[?2026;2$y", "\x1b[97;5u",
    "\x1b[200~kubectl get pods\r\x1b[201~",
])
def test_held_keys_fast_hands_and_what_terminals_say_are_no_paste(read: str) -> None:
    assert pasted(read) == ""


def test_typing_key_by_key_is_no_paste_however_fast() -> None:
    assert pasted(*"kubectl get pods\r", apart=0.001) == ""


def test_what_follows_a_paste_at_once_belongs_to_it_and_later_does_not() -> None:
    assert pasted("kubectl g", "e", "\r", apart=GOES_ON / 2) == "kubectl ge\r"
    assert pasted("kubectl g", "e", "\r", apart=GOES_ON * 2) == "kubectl g"


def test_a_click_and_the_paste_that_it_makes_are_told_apart() -> None:
    assert pasted("\x1b[<1;10;5Mkubectl get\r") == "kubectl get\r"
    assert pasted("kubectl get\r\x1b[<1;1", "0;5M", apart=0.001) == "kubectl get\r"


def test_sequences_cut_in_two_are_still_sequences() -> None:
    for at in range(1, 12):
        read = "\x1b[<35;10;5M"
        assert pasted(read[:at], read[at:], apart=0.001) == ""
    for at in range(1, 6):
        read = "\x1b[200~kubectl get pods\x1b[201~"
        assert pasted(read[:at], read[at:], apart=0.001) == ""
    assert pasted("\x1b", "kubectl get pods\r", apart=SEQUENCE_TIME * 2) == "kubectl get pods\r"


@given(st.lists(st.text(st.sampled_from("ab:\r\x1b[O<20~1;5M]\x07j"), min_size=1), max_size=6),
       st.sampled_from([0.001, 0.06, 1.0]))
def test_nothing_is_lost_or_turned_round(reads: list[str], apart: float) -> None:
    bursts = Bursts()
    given_out = "".join(text for n, read in enumerate(reads)
                        for text, _ in bursts.split(read, n * apart))
    assert given_out == "".join(reads)


def test_the_parser_makes_one_paste_of_a_burst_and_keys_of_keys() -> None:
    parser = BurstParser(clock=lambda: 0.0)
    (paste,) = parser.feed("kubectl get\rpods\r\n")
    assert isinstance(paste, events.Paste)
    assert paste.text == "kubectl get\npods\n"
    (more,) = parser.feed("q\r")
    assert isinstance(more, events.Paste)
    assert more.text == "\nq\n"           # a line of its own, of the same paste
    parser = BurstParser(clock=lambda: 0.0)
    keys = [event.key for read in ("j", "\x1b[B", "jj") for event in parser.feed(read)
            if isinstance(event, events.Key)]
    assert keys == ["j", "down", "j", "j"]


# -- what a paste does


async def test_a_paste_over_the_table_runs_nothing_and_says_what_was_ignored() -> None:
    rig = Rig()
    async with rig.app.run_test(size=SMALL) as pilot:
        rig.run(1)
        rig.app.post_message(events.Paste("kubectl get pods\nbye\n"))
        await pilot.pause()
        assert "a paste of 21 characters in 2 lines was ignored" in echo(rig)
        assert "kubectl get pods" in echo(rig)
        assert rig.link.asked == []
        assert len(rig.app.screen_stack) == 1


async def test_a_pasted_command_line_waits_for_enter() -> None:
    rig = Rig()
    async with rig.app.run_test(size=SMALL) as pilot:
        rig.run(1)
        rig.app.post_message(events.Paste(":broadcast lunch\n"))
        await pilot.pause()
        assert rig.app.screen.query_one("#prompt Input", Input).value == "broadcast lunch"
        assert "pasted: enter runs it" in on_screen(rig)
        assert rig.link.asked == []
        await press(rig, pilot, "enter")
        assert rig.link.asked == [Broadcast("lunch")]


async def test_of_two_lines_pasted_into_the_command_line_the_second_is_not_silently_gone(
        ) -> None:
    rig = Rig()
    async with rig.app.run_test(size=SMALL) as pilot:
        rig.run(1)
        await press(rig, pilot, "colon")
        rig.app.post_message(events.Paste("broadcast one\rkick 3\r"))
        await pilot.pause()
        assert rig.app.screen.query_one("#prompt Input", Input).value == "broadcast one"
        assert "pasted; left out: kick 3" in on_screen(rig)
        await press(rig, pilot, "enter")
        assert not any(isinstance(command, Kick) for command in rig.link.asked)
