"""What a colour says is also said by a letter or a sign, for those who see none."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import pytest

from chatops.api.snapshot import ClientRow, KeyRow
from tests.tui.press import begin, on_screen, press
from tests.tui.shots import Rig, crowd
from tui.model.columns import CellContext, Column
from tui.model.rows import CLIENTS, KEYS
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
