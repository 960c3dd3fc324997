"""The header's lint line: what comes of it, and the keys that help, as far as there is room."""

from __future__ import annotations

from msgspec.structs import replace

from chatops.api.link import LinkStatus
from chatops.api.snapshot import Lint, Snapshot
from chatops.lints import find
from tests.tui.feed import BEGAN, Feed
from tests.tui.program_feed import ProgramFeed
from tui.model.state import ConsoleState
from tui.widgets.lint_line import LintLine

START, LIMIT = BEGAN + 100.0, 64 << 10
FILLING = tuple(range(20 << 10, 31 << 10, 1 << 10))    # bytes, a second apart
FULL = "! #2 bob does not read: 30.0K of 64.0K, evicted in 34s"


def picture(mono: float, queued: int, base: Snapshot) -> Snapshot:
    rows = tuple(replace(row, queued=queued if row.id == 2 else 0, queue_limit=LIMIT,
                         progress_at=START - 9.0) for row in base.clients)
    return replace(base, turn=round(mono * 10), mono=mono, clients=rows, keys=(), turns=(),
                   lints=())


def seen(*queued: int, policy: str = "evict", base: Snapshot | None = None,
         cursor: int | None = None) -> ConsoleState:
    """A console that has seen this outbox of #2, a second apart."""
    state, before = ConsoleState(), None
    start = base if base is not None else Feed(clients=3).snapshot()
    start = replace(start, loop=replace(start.loop, slow_consumer=policy))
    for second, bytes_waiting in enumerate(queued):
        now = picture(START + second, bytes_waiting, start)
        before = replace(now, lints=find(now, before))
        state.feed(before, (), float(second))
    state.views["clients"].cursor = cursor
    return state


def line(state: ConsoleState, width: int) -> str:
    text = LintLine().line(state, width)
    assert text.cell_length <= width
    return text.plain


def test_who_does_not_read_is_told_of_with_the_end_of_it() -> None:
    shown = line(seen(*FILLING), 80)
    assert FULL in shown
    assert shown.endswith("l explains")


def test_keys_of_the_row_are_named_where_they_would_take_it_and_there_is_room() -> None:
    assert line(seen(*FILLING, cursor=2), 120).endswith(f"{FULL} — enter shows, k kicks")
    assert "kicks" not in line(seen(*FILLING, cursor=1), 120)
    narrow = line(seen(*FILLING, cursor=2), 80)
    assert FULL in narrow
    assert "kicks" not in narrow


def test_a_tagged_client_is_the_one_that_keys_take() -> None:
    state = seen(*FILLING, cursor=2)
    state.toggle_tag(1)
    assert "kicks" not in line(state, 120)


def test_nobody_is_kicked_where_one_may_only_look() -> None:
    state = seen(*FILLING, cursor=2)
    state.feed(None, (), 99.0, status=LinkStatus(alive=True, read_only=True))
    assert line(state, 120).endswith("— enter shows")


def test_where_lines_are_dropped_nobody_is_evicted() -> None:
    assert "30.0K of 64.0K, full in 34s" in line(seen(*FILLING, policy="drop-oldest"), 80)


def test_what_stands_still_is_told_as_the_server_has_it() -> None:
    assert "! #2 bob does not read: 20.0K queued, stuck" in line(seen(*[20 << 10] * 11), 80)


def test_of_a_stage_and_of_a_program_nothing_is_foretold() -> None:
    state = seen(*FILLING)
    state.refusal = lambda command: f"the stage knows no '{command}'"
    assert "evicted" not in line(state, 120)
    assert "evicted" not in line(seen(*FILLING, base=ProgramFeed(clients=3).snapshot()), 120)


def test_where_there_is_little_room_the_figures_give_way_before_the_end_does() -> None:
    assert "! #2 bob does not read, evicted in 34s" in line(seen(*FILLING), 64)


def test_a_recording_that_goes_back_is_measured_anew() -> None:
    state, told = seen(*FILLING), LintLine()
    assert "evicted" in told.line(state, 80).plain
    state.past.__init__()          # type: ignore[misc]
    state.forget()
    early = picture(START - 50.0, 1000, Feed(clients=3).snapshot())
    state.feed(replace(early, lints=find(replace(early, mono=START))), (), 100.0)
    assert "evicted" not in told.line(state, 80).plain


def of_a_call(at: str, times: int = 5) -> ConsoleState:
    """A console that sees a program whose loop is blocked there again and again."""
    took = f"{times}×, 401ms at worst" if times > 1 else "401ms"
    lint = Lint("blocking-call", f"time.sleep blocks the loop, {at}: {took}; `await "
                "asyncio.sleep(…)`", since=START - 9, place=at, times=times, worst=0.401,
                last=START - 1)
    state = ConsoleState()
    state.feed(replace(Feed(clients=3).snapshot(), lints=(lint,)), (), 0.0)
    return state


def test_how_long_a_call_held_the_loop_is_told_however_long_its_name_is() -> None:
    shown = line(of_a_call("handle (chat.py:12)", times=1), 80)
    assert "time.sleep blocks the loop, handle (chat.py:12): 401ms" in shown
    for width in (60, 80, 120):
        shown = line(of_a_call(f"{'crunch_' * 20} (report.py:12)"), width)
        assert "! 5×, 401ms: time.sleep blocks the lo" in shown
    assert "asyncio.sleep" in line(of_a_call("handle (chat.py:12)"), 120)
