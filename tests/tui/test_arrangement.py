"""Ten thousand rows are gone through when they can have changed, and not with every frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from chatops.api.snapshot import ClientRow, Snapshot
from chatops.replay.history import FREED, TurnHistory
from tests.tui.feed import Feed
from tui.model.arrangement import CLOCK, Arrangement
from tui.model.columns import CellContext
from tui.model.filters import narrows
from tui.model.rates import RateTable
from tui.model.row_texts import RowTexts
from tui.model.rows import arrange_clients
from tui.model.view import CLIENT_COLUMNS, PaneView

SNAPSHOT = Feed(clients=40).snapshot()


class Looked:
    """An arrangement that counts how often it is worked out."""

    def __init__(self) -> None:
        self.times = 0
        self.arrangement = Arrangement(self._work_out)

    def _work_out(self, rows: Sequence[ClientRow], view: PaneView, context: CellContext
                  ) -> list[ClientRow]:
        self.times += 1
        return arrange_clients(rows, view, context)

    def at(self, view: PaneView, context: CellContext, snapshot: Snapshot = SNAPSHOT
           ) -> list[ClientRow]:
        shown = self.arrangement.of(snapshot, snapshot.clients, view, context)
        assert shown == arrange_clients(snapshot.clients, view, replace(context, texts=RowTexts()))
        return shown


def test_what_has_not_changed_is_the_same_list() -> None:
    looked, view, context = Looked(), PaneView(CLIENT_COLUMNS, "NICK"), CellContext(now=5.0)
    first = looked.at(view, context)
    view.cursor = 3
    assert looked.at(view, replace(context, now=99.0, cursor=3, tags={4})) is first
    assert looked.times == 1


@pytest.mark.parametrize("change", [
    lambda view, context: setattr(view, "sort", "ID"),
    lambda view, context: setattr(view, "inverted", True),
    lambda view, context: setattr(view, "filter", "guest"),
    lambda view, context: setattr(context, "rates", RateTable(SNAPSHOT, 1.0)),
])
def test_another_look_is_worked_out_anew(
        change: Callable[[PaneView, CellContext], None]) -> None:
    looked, view, context = Looked(), PaneView(CLIENT_COLUMNS, "NICK"), CellContext(now=5.0)
    looked.at(view, context)
    change(view, context)
    looked.at(view, context)
    assert looked.times == 2


@pytest.mark.parametrize("typed", [
    "guest-12", "lobby gue", "12", "1.5", "!guest", "nick:al", "idle:>1h", "R-", "*",
])
def test_a_filter_being_typed_lets_through_what_it_does_when_typed_at_once(typed: str) -> None:
    looked, view = Looked(), PaneView(CLIENT_COLUMNS, "NICK")
    context = CellContext(now=2_000.0, rates=RateTable(SNAPSHOT, 1.0), tags={4})
    for end in (*range(1, len(typed) + 1), *range(len(typed), 0, -1)):
        view.filter = typed[:end].strip()
        looked.at(view, context)       # which compares


def test_a_word_typed_further_is_looked_for_in_what_was_found() -> None:
    went_through: list[int] = []

    def work_out(rows: Sequence[ClientRow], view: PaneView, context: CellContext
                 ) -> list[ClientRow]:
        went_through.append(len(rows))
        return arrange_clients(rows, view, context)

    arrangement, view, context = Arrangement(work_out), PaneView(CLIENT_COLUMNS), CellContext()
    for view.filter in ("guest", "guest-2", "guest", "guest !2"):
        arrangement.of(SNAPSHOT, SNAPSHOT.clients, view, context)
    guests = sum("guest" in row.nick for row in SNAPSHOT.clients)
    assert 0 < guests < len(SNAPSHOT.clients)
    assert went_through == [len(SNAPSHOT.clients), guests, len(SNAPSHOT.clients), guests]


@pytest.mark.parametrize(("before", "after", "does"), [
    ("al", "ali", True), ("al", "al bo", True), ("a b", "ab bc", True), ("al", "al", True),
    ("", "al", False), ("ali", "al", False), ("al bo", "al", False), ("!al", "!ali", False),
    ("nick", "nick:bob", False), ("appq:>6", "appq:>64", False), ("nick:=a", "nick:=ab", False),
    ("!al", "!al bo", True), ("appq:>6", "appq:>6 bo", True),
])
def test_what_is_typed_further_narrows_unless_it_means_something_else(
        before: str, after: str, does: bool) -> None:
    assert narrows(before, after) is does


def test_texts_of_rows_that_are_gone_are_not_kept() -> None:
    looked, view = Looked(), PaneView(CLIENT_COLUMNS, filter="nobody-is-called-so")
    context = CellContext(now=5.0)
    for n in range(6):
        looked.at(view, context, Feed(clients=20, seed=n).snapshot())
    assert all(len(known) <= 3 * 20 for known in context.texts._known)


def test_another_snapshot_of_the_same_rows_is_worked_out_anew() -> None:
    looked, view, context = Looked(), PaneView(CLIENT_COLUMNS, "!"), CellContext(now=5.0)
    looked.at(view, context)
    looked.at(view, context, Feed(clients=40).snapshot())
    assert looked.times == 2


@pytest.mark.parametrize(("wanted", "context"), [
    ("idle:>1h", CellContext(now=5.0 + CLOCK)), ("*", CellContext(now=5.0, tags={4})),
    (">", CellContext(now=5.0, cursor=3)), ("»", CellContext(now=5.0, cursor=3, followed=3)),
])
def test_a_filter_sees_time_pass_and_what_is_marked(wanted: str, context: CellContext) -> None:
    looked, view = Looked(), PaneView(CLIENT_COLUMNS, "NICK", filter=wanted)
    looked.at(view, CellContext(now=5.0))
    looked.at(view, context)
    assert looked.times == 2


def test_what_a_past_has_forgotten_is_let_go_of_piece_by_piece() -> None:
    feed, past = Feed(clients=FREED + 500, talkative=0), TurnHistory(keyframes=2)
    for _ in range(4):
        feed.turn += 1
        for talker in feed.talkers.values():
            talker.fires += 1
        past.add(feed.snapshot())
    kept = len(past._gone)
    assert kept > FREED
    past.add(None)
    assert kept - len(past._gone) == FREED
    for _ in range(10):
        past.add(None)
    assert not past._gone
