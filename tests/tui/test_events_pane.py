"""The events and the log: every kind has its line, filters work, hidden panes do no work."""

from __future__ import annotations

import typing

import msgspec
import pytest
from msgspec.structs import replace

from chatops.api import events as e
from tests.tui.feed import Feed
from tests.tui.press import begin, on_screen, press
from tests.tui.shots import Rig
from tui.panes.events import EventsPane
from tui.panes.log import LogPane
from tui.text.event_lines import KINDS, kind_of, line_of, matches, whole_of, words_of
from tui.widgets.line_view import LINES_KEPT, LineView

AT = 1_760_000_000.0
SAID = e.Said(AT, 3, "bob", "lobby", "hello [/foo]")
NASTY = ("[/foo]", "[@click=app.quit]x[/]", "[bold", "\\[x]")


def lines_in(rig: Rig, pane: type[EventsPane]) -> list[str]:
    view = next(p for p in rig.app.query(pane) if type(p) is pane).query_one(LineView)
    return [line.text().plain for line in view._lines]


@pytest.mark.parametrize(("event", "words"), [
    (e.Whispered(AT, 1, "ada", 4, "cy", "b"), "ada whispers to b#4 cy"),
    (e.Whispered(AT, 1, "ada", 4, "cy"), "ada whispers to #4 cy"),
    (e.Whispered(AT, 1, "ada", 0, "cy"), "ada whispers to cy"),
    (e.NodeUp(AT, "b", 0), "node b is there, with nobody"),
    (e.NodeUp(AT, "b", 2), "node b is there, with 2 clients"),
    (e.NodeGone(AT, "b", 1, "is gone"), "node b is gone, with 1 client on it"),
    (e.NodeGone(AT, "b", 0, "was shut down"), "node b was shut down, with nobody on it"),
    (e.Disconnected(AT, 3, 9, "guest-a3", "lobby", "::1", "left", 0), "guest-a3 left"),
    (e.Disconnected(AT, 3, 9, "guest-a3", "lobby", "::1", "left", 2),
     "guest-a3 left, 2 lines lost"),
    (e.Disconnected(AT, 3, 9, "guest-a3", "lobby", "::1", "kicked", 0), "guest-a3 left: kicked"),
])
def test_an_event_says_who_is_meant_and_nothing_twice(event: e.Event, words: str) -> None:
    assert line_of(event).plain.rstrip().endswith(words)


def test_every_event_there_is_has_a_line_of_its_own() -> None:
    assert set(KINDS) == set(typing.get_args(e.AnyEvent))
    assert all(len(kind.glyph) == 1 for kind in KINDS.values())


def test_a_filter_knows_topics_clients_words_and_their_opposite() -> None:
    assert matches(SAID, "")
    assert matches(SAID, "chat #3 HELLO")
    assert matches(SAID, "!leave bob")
    assert not matches(SAID, "!hello")
    assert not matches(SAID, "#30")
    thirty = e.Said(AT, 30, "eve", "lobby", "x")
    assert not matches(thirty, "#3")


def test_what_the_admin_did_in_vain_looks_like_it() -> None:
    assert kind_of(e.AdminDid(AT, "kick 9", "no client 9", ok=False)).glyph == "✗"
    assert kind_of(e.AdminDid(AT, "kick 3", "kicked")).glyph == "✓"


@pytest.mark.parametrize(("reason", "lost", "words"), [
    ("left", 0, "bob left"), ("left", 3, "bob left, 3 lines lost"),
    ("the stage closed it, 1.0M behind", 0, "bob left: the stage closed it, 1.0M behind")])
def test_who_has_just_left_is_not_said_to_have_left_because_it_left(
        reason: str, lost: int, words: str) -> None:
    gone = e.Disconnected(AT, 3, 9, "bob", "lobby", "10.0.0.1:1", reason, lost)
    assert words_of(gone) == f"leave #3 {words} room:lobby"


@pytest.mark.parametrize(("more", "words"), [
    ({}, "listening on 127.0.0.1:9999 with epoll"),
    ({"also": ("[::1]:9999",), "tls": True},
     "listening on 127.0.0.1:9999 and [::1]:9999 over TLS with epoll"),
    ({"irc": 6667}, "listening on 127.0.0.1:9999 with epoll, for IRC on 6667"),
    ({"irc_tls": 6697}, "listening on 127.0.0.1:9999 with epoll, for IRC over TLS on 6697"),
    ({"irc": 6667, "irc_tls": 6697, "metrics": "127.0.0.1:9100"},
     "listening on 127.0.0.1:9999 with epoll, for IRC on 6667 and over TLS on 6697, "
     "for metrics on 127.0.0.1:9100")])
def test_a_server_that_starts_names_all_of_its_ports(
        more: dict[str, typing.Any], words: str) -> None:
    started = e.ServerStarted(AT, "127.0.0.1", 9999, "epoll", **more)
    assert words_of(started).endswith(words)


def test_a_server_that_an_older_recording_tells_of_has_the_ports_that_it_had_then() -> None:
    was = {"type": "ServerStarted", "at": AT, "host": "127.0.0.1", "port": 9999,
           "selector": "epoll", "also": (), "irc": 6667}
    started = msgspec.msgpack.decode(msgspec.msgpack.encode(was), type=e.AnyEvent)
    assert words_of(started).endswith("with epoll, for IRC on 6667")


def test_a_chunk_of_many_lines_is_one_line_that_says_so() -> None:
    text = line_of(e.Said(AT, 3, "bob", "lobby", "\n".join("abcdef"), 6)).plain
    assert "bob: a ⏎ b ⏎ c ⏎ … 3 more" in text
    assert "\n" not in text


@pytest.mark.parametrize("text", NASTY)
def test_what_clients_write_is_text_and_carries_no_action(text: str) -> None:
    for event in (e.Said(AT, 3, text, text, text), e.Renamed(AT, 3, text, text),
                  e.Disconnected(AT, 3, 9, text, text, "peer", text),
                  e.CallbackFailed(AT, "Connection.on_ready", 9, text)):
        line = line_of(event)
        assert text in line.plain
        assert text in words_of(event)
        assert text in whole_of(event)
        assert "\x1b" not in whole_of(e.Warned(AT, "\x1b[2J"))
        assert not any("@" in str(span.style) for span in line.spans)


async def test_events_are_drawn_newest_last_and_a_hidden_pane_does_nothing() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot, 5.0)
        assert lines_in(rig, EventsPane) == []          # the clients pane is in front
        await press(rig, pilot, "3")
        shown = lines_in(rig, EventsPane)
        held = rig.app.state.events.newest(10_000)
        assert shown == [line_of(event).plain for event in held]
        assert held[-1] in rig.app.state.events.newest(3)
        view = rig.app.query_one("#events-pane LineView", LineView)
        assert view.scroll_y == view.max_scroll_y
        assert shown[-1][:30] in on_screen(rig)


async def test_a_filter_keeps_what_matches_of_the_past_and_of_what_comes() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "3")
        rig.app.dispatcher.typed("filter join")
        rig.run(0.1)
        assert lines_in(rig, EventsPane)
        rig.feed.join(77, "newcomer")
        rig.feed.happened.append(SAID)
        rig.run(0.2)
        shown = lines_in(rig, EventsPane)
        assert "newcomer connected" in shown[-1]
        assert all("connected" in line for line in shown)


async def test_while_paused_nothing_new_appears_and_then_all_of_it() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "3", "p")
        before = lines_in(rig, EventsPane)
        rig.feed.happened.append(e.Warned(rig.feed.wall, "later"))
        rig.run(0.5)
        assert lines_in(rig, EventsPane) == before
        await press(rig, pilot, "p")
        assert any("later" in line for line in lines_in(rig, EventsPane))


async def test_who_has_scrolled_up_is_left_to_read() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot, 20.0)
        await press(rig, pilot, "3")
        view = rig.app.query_one("#events-pane LineView", LineView)
        view.scroll_to(y=2, animate=False, immediate=True)
        await pilot.pause()
        rig.run(2.0)
        await pilot.pause()
        assert view.scroll_y == 2
        view.scroll_end(animate=False, immediate=True)
        await pilot.pause()
        rig.run(2.0)
        await pilot.pause()
        assert view.scroll_y == view.max_scroll_y


async def test_a_flood_of_events_leaves_a_bounded_number_of_lines() -> None:
    rig = Rig(Feed(clients=1))
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "3")
        for _ in range(4):
            rig.feed.happened += [e.Said(AT, 1, "a", "lobby", str(n)) for n in range(1500)]
            rig.run(0.1)
        assert len(lines_in(rig, EventsPane)) == LINES_KEPT


async def test_the_log_holds_deeds_faults_and_warnings_and_a_crash_in_full() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "5")
        rig.feed.happened += [
            SAID, e.AdminDid(AT, "kick 3", "kicked #3 bob"), e.Warned(AT, "disk full"),
            e.Crashed(AT, 'Traceback:\n  File "x.py"\nValueError: [/boom]')]
        rig.run(0.2)
        shown = "\n".join(lines_in(rig, LogPane))
        assert ":kick 3  kicked #3 bob" in shown
        assert "disk full" in shown
        assert 'File "x.py"' in shown
        assert "hello" not in shown


async def test_no_chatter_pushes_a_deed_out_of_the_log() -> None:
    rig = Rig(Feed(clients=1))
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot)
        rig.feed.happened.append(e.AdminDid(AT, "kick 3", "kicked #3 bob"))
        for _ in range(4):
            rig.run(0.1)
            rig.feed.happened += [e.Said(AT, 1, "a", "lobby", str(n)) for n in range(1900)]
        await press(rig, pilot, "5")
        assert ":kick 3  kicked #3 bob" in lines_in(rig, LogPane)[-1]


# -- a loop that is held


HOLD = e.LoopHeld(AT, 0.126, "cruncher (prog.py:17)", "time.sleep(.3)")
LET_GO = e.LoopHeld(AT + 0.2, 0.302, "cruncher (prog.py:17)", "time.sleep(.3)", over=True)


async def test_that_a_hold_is_over_takes_the_place_of_that_it_began() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(100, 30)) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "3")
        state = rig.app.state
        state.feed(None, [HOLD, e.Printed(AT + 0.1, "tick")], state.mono_now)
        rig.app.redraw()
        await pilot.pause()
        assert "has been held for 126ms" in on_screen(rig)
        state.feed(None, [LET_GO, e.Printed(AT + 0.3, "tock")], state.mono_now)
        rig.app.redraw()
        await pilot.pause()
        text = on_screen(rig)
        assert "has been held" not in text
        assert text.count("was held for 302ms") == 1
        told = lines_in(rig, EventsPane)[-3:]
        assert [line.split()[-1] for line in told] == ["time.sleep(.3)", "tick", "tock"]
        assert told[0].startswith(line_of(HOLD).plain[:8])


async def test_holds_of_two_loops_at_once_are_a_line_each() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(100, 30)) as pilot:
        await begin(rig, pilot)
        state = rig.app.state
        state.feed(None, [HOLD, replace(HOLD, loop=2), LET_GO], state.mono_now)
        await press(rig, pilot, "5")
        told = [line for line in lines_in(rig, LogPane) if "held for" in line]
        assert ["the loop was held for 302ms" in told[0], "loop 2 has been held for 126ms" in
                told[1], len(told)] == [True, True, 2]
        state.feed(None, [replace(LET_GO, loop=2)], state.mono_now)
        rig.app.redraw()
        await pilot.pause()
        told = [line for line in lines_in(rig, LogPane) if "held for" in line]
        assert ["loop 2 was held for 302ms" in told[1], len(told)] == [True, 2]


async def test_holds_that_were_over_before_anybody_looked_are_a_line_each() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(100, 30)) as pilot:
        await begin(rig, pilot)
        state = rig.app.state
        state.feed(None, [HOLD, LET_GO] * 3, state.mono_now)
        await press(rig, pilot, "5")
        assert len([line for line in lines_in(rig, LogPane) if "held for" in line]) == 3
        assert "has been" not in on_screen(rig)
