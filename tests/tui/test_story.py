"""A row's own story: what was said, what it was watched for, and where its queue is going."""

from __future__ import annotations

from msgspec.structs import replace

from chatops.api import events as e
from chatops.api.snapshot import Change, ClientRow, Snapshot, Turn
from chatops.units import format_seconds
from tests.tui.feed import BEGAN, Feed
from tests.tui.press import begin, on_screen, press
from tests.tui.shots import Rig
from tui.model.state import ConsoleState
from tui.model.story import CHANGES, LINES, Story, lines_of
from tui.widgets.client_page import client_page, key_page

START = BEGAN + 100.0
BOB = Feed(clients=2).snapshot().clients[1]        # in the lobby


def told(*happened: e.Event, row: ClientRow = BOB) -> list[tuple[str, str, str]]:
    return [(line.way, line.who, line.text or line.note)
            for line in lines_of(row, list(happened))]


def test_what_it_said_and_what_its_room_said_is_told_and_other_rooms_are_not() -> None:
    assert told(e.Said(1.0, 1, "alice", "lobby", "hello"), e.Said(2.0, 2, "bob", "lobby", "hi"),
                e.Said(3.0, 3, "carol", "ops", "psst"),
                e.Acted(4.0, 1, "alice", "lobby", "waves")) == [
        ("told", "alice", "hello"), ("said", "bob", "hi"), ("told", "* alice", "waves")]


def test_of_a_whisper_only_that_it_passed_is_told_and_strangers_do_not_hear_of_it() -> None:
    assert told(e.Whispered(1.0, 2, "bob", 1, "alice"), e.Whispered(2.0, 1, "alice", 2, "bob"),
                e.Whispered(3.0, 1, "alice", 3, "carol")) == [
        ("said", "bob", "whispered to alice"), ("told", "alice", "whispered")]


def test_a_whisper_to_another_node_is_not_for_who_has_the_same_number_here() -> None:
    assert told(e.Whispered(1.0, 1, "alice", 2, "eve", "b")) == []


def test_what_was_said_in_the_room_it_came_from_counts_up_to_the_move() -> None:
    assert told(e.Said(1.0, 1, "alice", "ops", "in ops"),
                e.Said(1.5, 3, "carol", "lobby", "not heard"),
                e.Moved(2.0, 2, "bob", "ops", "lobby"),
                e.Said(3.0, 3, "carol", "lobby", "in the lobby")) == [
        ("told", "alice", "in ops"), ("told", "carol", "in the lobby")]


def test_who_is_in_several_rooms_is_told_what_each_of_them_heard_while_it_was_there() -> None:
    row = replace(BOB, room="#a", rooms=("#a", "#b"))
    assert told(e.Said(1.0, 1, "alice", "#b", "not yet"),
                e.Said(2.0, 1, "alice", "#c", "in c"),
                e.Joined(3.0, 2, "bob", "#b"), e.Joined(3.0, 1, "alice", "#a"),
                e.Said(4.0, 1, "alice", "#b", "in b"), e.Acted(5.0, 1, "alice", "#a", "waves"),
                e.Parted(6.0, 2, "bob", "#c"),
                e.Said(7.0, 1, "alice", "#c", "no more"), row=row) == [
        ("told", "alice", "in c"), ("told", "alice", "in b"), ("told", "* alice", "waves")]


def test_nothing_is_told_of_the_time_before_it_came() -> None:
    assert told(e.Said(1.0, 1, "alice", "lobby", "early"),
                e.Connected(2.0, 2, 9, "bob", "10.0.0.1:1"),
                e.Said(3.0, 1, "alice", "lobby", "late")) == [("told", "alice", "late")]


def test_a_broadcast_is_told_to_everybody_unless_it_failed() -> None:
    assert told(e.AdminDid(1.0, "broadcast lunch", "said to 2 clients"),
                e.AdminDid(2.0, "broadcast nobody", "refused", ok=False)) == [
        ("told", "the admin", "lunch")]


def test_the_lines_are_bounded_and_the_newest_stay() -> None:
    said = [e.Said(float(n), 1, "alice", "lobby", str(n)) for n in range(100)]
    assert [text for _, _, text in told(*said)] == [str(n) for n in range(100 - LINES, 100)]


# -- its queue


def picture(mono: float, queued: int, *, limit: int = 1000, turns: tuple[Turn, ...] = (),
            turn: int = 0) -> Snapshot:
    base = Feed(clients=2).snapshot()
    rows = tuple(replace(row, queued=queued if row.id == 2 else 0, queue_limit=limit)
                 for row in base.clients)
    return replace(base, turn=turn or round(mono * 10), mono=mono, clients=rows, turns=turns)


def followed(*pictures: Snapshot) -> tuple[ConsoleState, Story]:
    state = ConsoleState()
    for number, one in enumerate(pictures):
        state.feed(one, (), number / 10)
    story = Story(2)
    story.follow(state)
    return state, story


def page(state: ConsoleState, story: Story) -> str:
    row = state.client(2)
    assert row is not None
    return client_page(row, state, story, 92).plain


def test_a_queue_that_grows_is_evicted_when_it_will_be_full() -> None:
    state, story = followed(*(picture(START + s, 100 + s * 10) for s in range(31)))
    row = state.client(2)
    assert row is not None
    trend = story.trend(row)
    assert trend is not None
    assert round(trend.growth) == 10
    assert trend.seconds is not None
    assert round(trend.seconds) == 60
    assert "evicted in" in page(state, story)
    assert "at +10B/s" in page(state, story)


def test_a_policy_that_drops_lines_evicts_nobody() -> None:
    pictures = [picture(START + s, 100 + s * 10) for s in range(31)]
    dropping = [replace(one, loop=replace(one.loop, slow_consumer="drop-oldest"))
                for one in pictures]
    state, story = followed(*dropping)
    assert "evicted" not in page(state, story)
    assert "then drop-oldest" in page(state, story)


def test_a_queue_that_shrinks_is_empty_in_some_time_and_an_empty_one_has_no_outlook() -> None:
    state, story = followed(*(picture(START + s, 900 - s * 20) for s in range(31)))
    assert "empty in 15s at -20B/s" in page(state, story)
    state, story = followed(*(picture(START + s, 0) for s in range(31)))
    row = state.client(2)
    assert row is not None
    assert story.trend(row) is None


# -- its mask


def turn(n: int, before: int, after: int, name: str = "#2 bob") -> Turn:
    return Turn(n, START + n, None, 0.1, 0.0, (), (Change("modify", 9, before, after, name,
                                                          "Connection.update_interest"),))


def test_of_somebody_to_whom_nothing_was_sent_it_is_not_said_how_fast_it_reads() -> None:
    state = ConsoleState()
    state.feed(Feed(clients=2).snapshot(), [], 1.0)
    for row, said in ((replace(BOB, bytes_out=9), "reads as fast as it is sent to"),
                      (replace(BOB, bytes_out=0, kernel_queued=0), "nothing waits for it")):
        (line,) = [line for line in client_page(row, state, Story(row.id), 90).plain.split("\n")
                   if line.strip().startswith("peer ") and "its own buffer" in line]
        assert said in line


def test_the_changes_of_its_mask_are_told_with_their_times_and_nobody_elses() -> None:
    turns = (turn(1, 1, 3), turn(2, 1, 3, "#20 bobby"), turn(3, 3, 1, "#2"), turn(4, 1, 3, "#1 x"))
    state, story = followed(picture(START, 0, turn=1),
                            picture(START + 9, 0, turns=turns, turn=5))
    assert [(c.at, c.before, c.after) for c in story.changes] == [
        (START + 1, 1, 3), (START + 3, 3, 1)]
    assert "R- → RW  8s ago" in page(state, story)


def test_a_turn_that_comes_twice_is_told_once_as_it_was_last() -> None:
    early = replace(turn(5, 1, 3), changes=())
    state, story = followed(picture(START, 0, turn=4),
                            picture(START + 5, 0, turns=(early,), turn=5))
    state.feed(picture(START + 6, 0, turns=(turn(5, 1, 3), turn(6, 3, 1)), turn=6), (), 1.0)
    story.follow(state)
    assert [c.after for c in story.changes] == [3, 1]


def test_the_changes_are_bounded() -> None:
    turns = tuple(turn(n, n % 2, (n + 1) % 2) for n in range(2, 60))
    _, story = followed(picture(START, 0, turn=1), picture(START + 60, 0, turns=turns, turn=60))
    assert len(story.changes) == CHANGES
    assert story.changes[-1].at == START + 59


def test_a_step_back_in_time_takes_later_changes_away() -> None:
    state, story = followed(picture(START, 0, turn=1),
                            picture(START + 3, 0, turns=(turn(2, 1, 3),), turn=3),
                            picture(START + 9, 0, turns=(turn(8, 3, 1),), turn=9))
    assert len(story.changes) == 2
    state.seek(3)
    story.follow(state)
    assert [c.after for c in story.changes] == [3]


def test_of_a_descriptor_whose_calls_nobody_timed_no_time_is_told() -> None:
    """asyncio calls its handles itself: of a stage or a program built on it there are no costs."""
    state = ConsoleState()
    state.feed(Feed(clients=2).snapshot(), [], 1.0)
    assert state.snapshot is not None
    key = state.snapshot.keys[-1]
    timed, untimed, quiet = (replace(key, fires=9, busy=0.002, slowest=0.001),
                             replace(key, fires=9, busy=0.0, slowest=0.0),
                             replace(key, fires=0, busy=0.0, slowest=0.0))
    (told, without, never) = [
        next(line for line in key_page(each, state).plain.split("\n") if "its time" in line)
        for each in (timed, untimed, quiet)]
    assert "2.0ms  slowest call 1.0ms" in told
    assert without.split() == ["its", "time", "-", "not", "measured"]
    assert never.split() == ["its", "time", "-"]


# -- on the screen


async def test_details_tell_the_story_and_the_round_trip() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(120, 70)) as pilot:
        await begin(rig, pilot, 60.0)
        rig.app.dispatcher.typed("details 2")
        await press(rig, pilot)
        text = on_screen(rig)
        assert "round trip 0.2ms, 3 sent again" in text
        assert "Said and told" in text
        assert "← alice: " in text
        assert "! evicted in 2m at +333B/s, or sooner for taking nothing" in text


async def test_a_wide_table_has_a_column_of_round_trips_that_sorts() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(200, 23)) as pilot:
        await begin(rig, pilot)
        rig.app.dispatcher.typed("sort rtt")
        rig.run(0.2)
        await press(rig, pilot, "home")
        lines = on_screen(rig).splitlines()
        heading = next(line for line in lines if "PEER" in line)
        assert "▼RTT" in heading
        first = lines[lines.index(heading) + 1]
        assert rig.app.state.live is not None
        slowest = max(row.rtt for row in rig.app.state.live.clients)
        assert f" {format_seconds(slowest)} " in first


def test_the_page_of_a_client_says_what_it_is_logged_in_to_if_it_is() -> None:
    state = ConsoleState()
    state.feed(Feed(clients=2).snapshot(), [], 1.0)
    page = client_page(replace(BOB, account="kim"), state, Story(BOB.id), 90).plain
    assert "  account    kim" in page.split("\n")
    assert "account" not in client_page(BOB, state, Story(BOB.id), 90).plain


def test_the_page_of_an_irc_client_has_all_its_capabilities_however_narrow_it_is() -> None:
    state = ConsoleState()
    state.feed(Feed(clients=2).snapshot(), [], 1.0)
    asked = tuple(f"draft/capability-{number}" for number in range(17))
    page = client_page(replace(BOB, protocol="irc", capabilities=asked), state, Story(BOB.id),
                       60).plain.split("\n")
    assert "  protocol   irc  asked for 17 capabilities, see below" in page
    start = page.index("Capabilities of IRCv3 that it has asked for") + 1
    listed = page[start:page.index("", start)]
    assert ", ".join(line.strip().rstrip(",") for line in listed).split(", ") == list(asked)
    assert all(len(line) <= 60 for line in listed)
    assert "Capabilities of IRCv3" not in client_page(BOB, state, Story(BOB.id), 60).plain
