"""What a colour says is also said by a letter or a sign, for those who see none."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import pytest
from msgspec.structs import replace
from textual.content import Content

from chatops.api.link import LinkStatus
from chatops.api.snapshot import ClientRow, KeyRow, Pulse
from tests.tui.feed import Feed
from tests.tui.press import begin, on_screen, press
from tests.tui.shots import Rig, crowd
from tui.model.columns import CellContext, Column
from tui.model.rows import CLIENTS, KEYS
from tui.model.state import ConsoleState
from tui.panes import loop
from tui.plain import plain
from tui.terminal import Terminal
from tui.text.event_lines import FAILED_DEED, KINDS, UNKNOWN

LIMIT = 10_000
QUEUES = (0, 100, 6_000, 9_500)
STATES = ("open", "throttled", "draining", "lingering")
PRESSED = {"warn", "error"}
NOTHING = CellContext(now=1.0)


def client(state: str, muted: bool, queued: int, kernel: int, limit: int, mask: int) -> ClientRow:
    return ClientRow(1, 8, "ada", "lobby", "127.0.0.1:5", mask, queued, 3, limit, kernel, limit,
                     queued, 0.0, 10, 10, 1, 1, 0, 0.0, 0.0, 0.0, state, muted)


def fd(events: int, stale: bool, at_eof: bool, kind: str) -> KeyRow:
    return KeyRow(9, kind, "<socket>", events, "on_ready", "#1 ada", 1, "accept", 0.0,
                  0.0, 4, 1, 0.0, 0.0, "rrr", stale, at_eof)


def said(row: object, columns: Sequence[Column[Any]]) -> tuple[str, ...]:
    return tuple(column.text(row, NOTHING) for column in columns)


def coloured(row: object, columns: Sequence[Column[Any]]) -> tuple[str, ...]:
    return tuple(column.style(row, NOTHING) for column in columns)


def test_two_clients_that_read_alike_are_coloured_alike() -> None:
    """But for how full a queue is of one that has another letter: half or wholly."""
    seen: dict[tuple[str, ...], tuple[str, ...]] = {}
    for how in product(STATES, (False, True), QUEUES, QUEUES, (LIMIT, 100 * LIMIT), (0, 1, 3)):
        row = client(*how)
        letter = CLIENTS[0].text(row, NOTHING)
        colours = tuple("pressed" if c in PRESSED and letter.isupper() else c
                        for c in coloured(row, CLIENTS))
        assert seen.setdefault(said(row, CLIENTS), colours) == colours, how


def test_two_descriptors_that_read_alike_are_coloured_alike() -> None:
    seen: dict[tuple[str, ...], tuple[str, ...]] = {}
    for how in product((0, 1, 2, 3), (False, True), (False, True), ("connection", "listener")):
        row = fd(*how)
        colours = coloured(row, KEYS)
        assert seen.setdefault(said(row, KEYS), colours) == colours, how


@pytest.mark.parametrize("letters", [0x110000, 0x80])
def test_an_events_sign_tells_errors_and_warnings_from_the_rest(letters: int) -> None:
    grave: dict[str, str] = {}
    for kind in (*KINDS.values(), FAILED_DEED, UNKNOWN):
        sign = plain(kind.glyph, letters) if letters < 0x110000 else kind.glyph
        colour = kind.style.split()[-1]
        weight = colour if colour in ("$error", "$warning") else "neither"
        assert grave.setdefault(sign, weight) == weight, kind.glyph


def loop_lines(*, off_cpu: float, dropped: int, late: bool, slowest: float) -> list[Content]:
    """What the loop pane says of a server in this state."""
    feed = Feed(clients=4, off_cpu_share=off_cpu)
    state = ConsoleState()
    for n in range(1, 4):
        feed.step(0.5)
        shot = feed.snapshot()
        state.feed(replace(shot, loop=replace(shot.loop, slowest=slowest)), (), 0.5 * n,
                   dropped=dropped)
    if late:
        state.feed(None, (), 9.0, status=LinkStatus(alive=True, pulse=Pulse(
            mono=feed.now + 7.5, turns=1, ready=1, waited=1.0, worked=1.0, activity=1,
            behind=True, write_interest="on-demand", write_until=0.0, off_cpu=0.0)))
        state.feed(None, (), 11.0, status=state.status)
    assert state.snapshot is not None
    return loop._figures(state, state.snapshot, 60)


@pytest.mark.parametrize("letters", [0x110000, 0x80])
def test_two_lines_of_the_loop_pane_that_read_alike_are_coloured_alike(letters: int) -> None:
    seen: dict[str, set[str]] = {}
    for off_cpu, dropped, late, slowest in product(
            (0.0, 0.5), (0, 7), (False, True), (0.0004, 0.4)):
        for line in loop_lines(off_cpu=off_cpu, dropped=dropped, late=late, slowest=slowest):
            words = plain(line.plain, letters) if letters < 0x110000 else line.plain
            grave = {colour for span in line.spans if span.start < span.end
                     for colour in ("$error", "$warning") if colour in str(span.style)}
            assert seen.setdefault(words, grave) == grave, words
    assert {"$error", "$warning"} <= set().union(*seen.values())


@pytest.mark.parametrize(("keys", "words"), [
    (("1",), ["[1 Clients]", "▼"]), (("2",), ["[2 Selector]", "▲"]), (("3",), ["[3 Events]"]),
    (("4",), ["[4 Loop]", "busy"]), (("p",), ["PAUSED"]), (("space",), ["*", "1 tagged"]),
    (("slash", "b", "enter"), ["filter: b"]), (("F",), ["»"]),
])
@pytest.mark.parametrize("terminal", [Terminal(no_color=True), Terminal(sixteen=True)],
                         ids=["no-color", "ansi"])
async def test_where_one_is_and_what_is_chosen_stands_there_without_a_colour(
        keys: tuple[str, ...], words: list[str], terminal: Terminal) -> None:
    rig = Rig(crowd(), terminal=terminal)
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot, 30.0)
        await press(rig, pilot, *keys)
        for word in words:
            assert word in on_screen(rig)


def reversed_rows(rig: Rig) -> list[str]:
    """Of the screen, what is drawn the other way round in each row that has any of it."""
    rows = ["".join(text for text, style, _ in strip if style is not None and style.reverse)
            for strip in rig.app.screen._compositor.render_strips()]
    return [row.strip() for row in rows if any(char.isalpha() for char in row)]


@pytest.mark.parametrize(("keys", "marked"), [
    (("question_mark", "down"), "ban CLIENT"), (("ctrl+p", "down"), "ban CLIENT"),
    (("colon", "tab"), "kick CLIENT"), (("L", "down"), "2 echo"), (("L", "right"), "a ○ A read"),
])
@pytest.mark.parametrize("terminal", [Terminal(no_color=True), Terminal(sixteen=True)],
                         ids=["no-color", "ansi"])
async def test_the_row_of_a_list_that_enter_takes_is_marked_without_a_colour(
        keys: tuple[str, ...], marked: str, terminal: Terminal) -> None:
    rig = Rig(crowd(), terminal=terminal)
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot, 1.0)
        await press(rig, pilot, "home", *keys)
        assert [marked in row for row in reversed_rows(rig)].count(True) == 1


async def test_the_button_in_focus_is_told_from_the_others_without_a_colour() -> None:
    rig = Rig(crowd(), terminal=Terminal(no_color=True))
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot, 1.0)
        await press(rig, pilot, "k")
        assert reversed_rows(rig)[-1].split()[0] == "Cancel"
        await press(rig, pilot, "tab")
        assert reversed_rows(rig)[-1].split()[0] == "Kick"
