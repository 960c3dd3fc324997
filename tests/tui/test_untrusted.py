"""No string that somebody else chose is read as markup, or reaches the terminal raw, wherever
one is shown."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, get_args

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.segment import Segment
from textual.content import Content
from textual.events import Paste

from chatops.api import events as e
from chatops.api.events import AnyEvent, Event
from chatops.api.link import LinkStatus
from chatops.api.snapshot import Change, ClientRow, KeyRow, Lint, Ready, Snapshot, Turn
from tests.tui.feed import BEGAN, EPOCH, Feed
from tests.tui.shots import Rig
from tui.model.preferences import SavedView
from tui.model.state import ConsoleState
from tui.model.story import Story
from tui.panes.turns import turn_lines
from tui.screens.lints import page as lints_page
from tui.text.cells import clean
from tui.text.event_lines import line_of, words_of
from tui.widgets.client_page import client_page, key_page
from tui.widgets.title_line import chip

NASTY = ("[/foo]", "[bold]x[/bold]", "[@click=app.quit]x[/]", "\x1b[2J", "\x1b]52;c;eA==\x07",
         "\x9b31m", "a\u202eb", "\u2066x", "\r\n\t\x00", "e\u0301\u0301\u0301\u0301", "\u200b",
         "\\[", "$primary", "\ud7ff\ufffe", "x" * 300, "大家好", "\x7f", "[", "]", "{0}", "%s")
TEXT = st.one_of(st.sampled_from(NASTY), st.text(max_size=40),
                 st.text(st.sampled_from("[]/@=\x1b\x9b\x07\\$ x\n"), max_size=24))
CLIENTS = 6
PLANTED = "app.quit"           # the action in one of them

COMMON = settings(deadline=None, suppress_health_check=list(HealthCheck))


def is_tame(text: str) -> bool:
    return all(char.isprintable() for char in text)


def assert_tame(*contents: Content) -> None:
    """Nothing but printable text, with no action planted in it."""
    for content in contents:
        assert is_tame(content.plain.replace("\n", "")), repr(content.plain)
        assert "click" not in repr(content.spans)


def event_of(kind: type[Event], text: str) -> Event:
    """One of this kind that says so wherever it has a string of somebody's."""
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(kind):
        if field.name == "at":
            values[field.name] = EPOCH
        elif field.type is str:
            values[field.name] = text
        elif field.default is msgspec.NODEFAULT:
            values[field.name] = 1
    return kind(**values)


KINDS: tuple[type[Event], ...] = get_args(AnyEvent)


def hostile(texts: list[str], feed: Feed) -> Snapshot:
    """A picture of a server in which every string is one of these."""
    words = iter_for_ever(texts)
    shot = feed.snapshot()
    clients = tuple(_with_text(row, words) for row in shot.clients)
    keys = tuple(_with_text(row, words) for row in shot.keys)
    lints = tuple(Lint(next(words), next(words), row.fd, row.id, BEGAN) for row in clients[:2])
    turns = (Turn(shot.turn, shot.mono, None, 0.1, 0.0, (Ready(8, 1, next(words), 0.1),),
                  (Change("modify", 8, 1, 3, f"#1 {next(words)}", next(words)),),
                  (next(words), next(words))),)
    loop = replace(shot.loop, slowest_name=next(words))
    threads = tuple(replace(row, name=next(words), doing=next(words)) for row in shot.threads)
    return replace(shot, clients=clients, keys=keys, lints=lints, turns=turns, loop=loop,
                   threads=threads)


Row = TypeVar("Row", ClientRow, KeyRow)


def _with_text(row: Row, words: Iterator[str]) -> Row:
    strings = {field.name: next(words) for field in msgspec.structs.fields(type(row))
               if field.type is str and field.name not in ("state",)}
    if "peer" in strings:
        strings["peer"] += ":1"        # an address is what stands before it
    return replace(row, **strings)


def iter_for_ever(texts: list[str]) -> Iterator[str]:
    while True:
        yield from texts


@COMMON
@given(TEXT, st.sampled_from(KINDS))
def test_an_event_is_one_line_of_tame_text(text: str, kind: type[Event]) -> None:
    event = event_of(kind, text)
    line = line_of(event)
    assert_tame(line)
    assert "\n" not in line.plain
    assert is_tame(words_of(event))


@COMMON
@given(st.lists(TEXT, min_size=1, max_size=6))
def test_every_page_about_clients_is_tame(texts: list[str]) -> None:
    feed = Feed(CLIENTS)
    feed.step(5.0)
    shot = hostile(texts, feed)
    state = ConsoleState()
    words = iter_for_ever(texts)
    state.feed(shot, [event_of(kind, next(words)) for kind in KINDS], 0.0)
    state.fault, state.status = texts[0], LinkStatus(False, texts[-1])
    for row in shot.clients:
        assert_tame(client_page(row, state, Story(row.id), 80))
    for key in shot.keys:
        assert_tame(key_page(key, state))
    assert_tame(lints_page(shot.lints, state.now), *turn_lines(state, shot, 70, 10))
    assert is_tame(chip(state)[0])


@COMMON
@given(TEXT)
def test_a_text_that_is_plain_is_shown_as_it_is(text: str) -> None:
    plain = clean(text).strip()
    line = line_of(e.Said(EPOCH, 1, "bob", "lobby", plain))
    assert f"bob: {plain}" in line.plain


# -- the whole console, as the terminal gets it


LINES = ("pane log", "plot queued 1m 1", "details 1", "lints", "kick 1", "kick 1,2", "mute 1",
         "ban 1", "ban 2", "ban 3", "ban 1,2", "palette", "help", "pane selector", "details",
         "quit", "tag 1", "filter x", "filter", "kick nobody", "pane clients")
TYPED = ("kick ", "kick 1 ", "ban ", "plot queued 1m ", "view ", "alert ", "columns ", "theme ")


@contextmanager
def none_is_raw() -> Iterator[None]:
    """Whatever is made to be shown is tame where it is made, seen or not, in sight or not."""
    usual = Content.__init__

    def checked(self: Content, text: str = "", *more: Any, **named: Any) -> None:
        assert is_tame(text.replace("\n", "")), f"raw: {text!r}"
        usual(self, text, *more, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Content, "__init__", checked)
        yield


async def drawn(texts: list[str]) -> list[tuple[Segment, ...]]:
    """All that is drawn while somebody looks at everything there is."""
    rig = Rig(Feed(CLIENTS))
    words = iter_for_ever(texts)
    seen: list[tuple[Segment, ...]] = []
    rig.app.state.recording = texts[0]
    for word in texts[:5]:
        rig.app.state.preferences.views[word] = SavedView("clients", word)
    async with rig.app.run_test(size=(200, 60)) as pilot:

        async def look() -> None:
            await pilot.pause()
            rig.app.redraw()
            await pilot.pause()
            seen.extend(tuple(strip) for strip in rig.app.screen._compositor.render_strips())

        for _ in range(2):
            await pilot.pause()
            rig.feed.step(0.3)
            rig.time += 0.3
            rig.app.state.feed(hostile(texts, rig.feed),
                               [event_of(kind, next(words)) for kind in KINDS], rig.time)
            rig.app.redraw()
        prompt = rig.app.dispatcher._prompt
        for line in LINES:
            rig.app.action_command(line)
            await look()
            if rig.app.screen.is_modal:
                rig.app.pop_screen()
        for line in (*TYPED, *(f"filter {word}" for word in texts[:3])):
            prompt.open(line)
            await look()
        prompt.action_close()
        for word in texts[:9]:
            rig.app.screen.post_message(Paste(word))
            rig.app.screen.post_message(Paste(f":say {word}\n{word}"))
            await look()
            prompt.action_close()
            prompt.said(word)
            prompt.outcome(False, word)
            await look()
        rig.app.state.fault, rig.app.state.status = texts[0], LinkStatus(False, texts[-1])
        await look()
    return seen


@settings(deadline=None, max_examples=2, phases=[Phase.explicit, Phase.generate],
          suppress_health_check=list(HealthCheck))
@given(st.lists(TEXT, min_size=3, max_size=9))
@example(["\U000749bf.®®\U000b58b5ðX\U000a9b04Qã¶;:p", "\U000a9b04", "\x9b1"])
def test_nothing_raw_is_drawn_anywhere_and_no_text_is_an_action(texts: list[str]) -> None:
    with none_is_raw():
        lines = asyncio.run(drawn([*texts, *NASTY]))
    for line in lines:
        for segment in line:
            assert segment.control is None
            assert is_tame(segment.text), repr(segment.text)
            meta = segment.style.meta if segment.style is not None else {}
            # The key bar has actions of its own, and none of them is this one.
            assert PLANTED not in repr(meta)
