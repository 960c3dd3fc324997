"""A stage on the screen: shown in the console's panes, and left without harm."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from chatops.api.command_line import parse
from chatops.api.commands import Spawn
from chatops.api.snapshot import Lint, Snapshot
from chatops.lab.clients.kinds import (
    BOT_LINES,
    BOT_PAUSE,
    FLOOD_LINES,
    FLOOD_PAUSE,
)
from chatops.lab.stages import STAGES, StageServer
from chatops.lab.stages.on_demand import QUEUE_LIMIT
from tests.patience import scaled
from tests.tui.feed import FakeLink, Feed
from tests.tui.press import Page, begin, kind, on_screen, press
from tests.tui.shots import Rig
from tui.lab import stage
from tui.lab.menu import LabScreen
from tui.lab.stage import TRIALS, StageScreen
from tui.screens.details import DetailsScreen
from tui.screens.main import MainScreen

SIZES = [(80, 24), (120, 40)]
TRIES = 400                    # turns of the app's loop that a real stage is waited for


class StageFeed(FakeLink):
    """A link to an imagined stage, which can be held."""

    def __init__(self, running: StageServer) -> None:
        super().__init__(Feed(clients=3))
        self.stage = running
        self.held = False

    def poll(self) -> Snapshot | None:
        snapshot = super().poll()
        if snapshot is None or not self.held:
            return snapshot
        lint = Lint("held-loop", "the turn in progress has held the loop for 4.2s")
        return replace(snapshot, lints=(lint,))


@pytest.fixture
def imagined(monkeypatch: pytest.MonkeyPatch) -> list[StageFeed]:
    """Stages whose links are fakes; all that were opened, the newest last."""
    links: list[StageFeed] = []

    def link(running: StageServer, **_purposes: object) -> StageFeed:
        links.append(StageFeed(running))
        return links[-1]

    monkeypatch.setattr(stage, "StageLink", link)
    return links


def front(rig: Rig) -> StageScreen:
    screen = rig.app.screen
    assert isinstance(screen, StageScreen)
    return screen


async def until(rig: Rig, pilot: Page, true: Callable[[], object]) -> None:
    """Let the app go on until something in another thread has shown."""
    for _ in range(TRIES):
        rig.run(0.1)
        await pilot.pause(0.01)
        if true():
            return
    raise AssertionError("it did not come true")


def ended(running: StageServer) -> bool:
    """Wait for its thread, which is told to end by another."""
    running._thread.join(scaled(5.0))
    return not running.alive


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("number", STAGES)
async def test_a_stage_is_shown_in_the_consoles_panes_with_what_to_do_and_to_see(
        number: int, size: tuple[int, int], imagined: list[StageFeed]) -> None:
    rig = Rig()
    async with rig.app.run_test(size=size) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "L", str(number))
        shown = on_screen(rig)
        running = front(rig).stage
        assert f"stage {number} of 6  {running.title}" in shown
        assert running.fault[:30] in shown
        assert f"nc 127.0.0.1 {running.address[1]}" in shown
        assert "look at" in shown
        await press(rig, pilot, "1")
        assert "alice" in on_screen(rig)           # of the imagined stage's clients
    assert ended(running)


async def test_in_a_small_terminal_one_key_shows_why() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "L", "4")
        assert "A socket is writable" not in on_screen(rig)
        await press(rig, pilot, "i")
        assert "registered for reading and for writing" in on_screen(rig)
        await press(rig, pilot, "i")
        assert "look at" in on_screen(rig)


async def test_a_longer_text_takes_its_rows_from_the_events_and_not_from_the_table() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "L", "1")
        await until(rig, pilot, lambda: "3 Events" in on_screen(rig))
        await pilot.press("i")             # and nothing else happens
        await pilot.pause()
        await pilot.pause()
        assert " why " in on_screen(rig)
        assert "ListenStage.accept" in on_screen(rig)
        await press(rig, pilot, "escape")


async def test_a_terminal_that_is_too_small_shows_nothing_of_a_stage_and_only_q_works(
        imagined: list[StageFeed]) -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "L", "3")
        shown = front(rig)
        await pilot.resize_terminal(50, 20)
        await press(rig, pilot, "t", "n", "s", "i", "N", "escape")
        assert [line.strip() for line in on_screen(rig).splitlines() if line.strip()] == [
            "this terminal is 50×20; the console needs 60×16",
            "q leaves; all other keys wait until it is larger"]
        assert rig.app.screen is shown
        assert imagined[0].asked == []
        await press(rig, pilot, "q")
        assert kind(rig) is LabScreen


async def test_a_key_leads_to_the_next_stage_and_the_one_before_it_is_stopped(
        imagined: list[StageFeed]) -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "L", "1")
        for number in (2, 3, 4, 5, 6):
            before = front(rig).stage
            await press(rig, pilot, "n")
            assert front(rig).stage.number == number
            assert ended(before)
        await press(rig, pilot, "N")
        assert front(rig).stage.number == 5
        await press(rig, pilot, "n", "n")
        assert kind(rig) is LabScreen
    assert all(ended(link.stage) for link in imagined)
    assert all(link.closed for link in imagined)


async def test_commands_and_keys_act_on_the_stage_and_not_on_the_chat_server(
        imagined: list[StageFeed]) -> None:
    rig = Rig()
    async with rig.app.run_test(size=(120, 40)) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "L", "3", "t")
        assert imagined[0].asked == [Spawn("chat", 3)]
        assert rig.link.asked == []
        assert ":spawn chat 3   ✓ done" in on_screen(rig)
        await press(rig, pilot, "colon", *"sel", "tab", *"poll", "enter")
        assert len(imagined[0].asked) == 2
        await press(rig, pilot, "p")
        assert front(rig).state.paused
        assert not rig.app.state.paused


@pytest.mark.parametrize(("key", "command"), [
    ("k", "kick"), ("K", "ban"), ("m", "mute"), ("b", "broadcast"), ("w", "write-interest")])
async def test_what_a_stage_does_not_know_is_refused_before_anything_is_asked(
        key: str, command: str, imagined: list[StageFeed]) -> None:
    rig = Rig()
    async with rig.app.run_test(size=(120, 40)) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "L", "5", "1", "down", key)
        assert kind(rig) is StageScreen
        assert f"✗ stage 5 knows no '{command}'; it is a server of a few lines" in on_screen(rig)
        assert imagined[0].asked == []


async def test_details_help_and_palette_of_a_stage_offer_only_what_it_knows(
        imagined: list[StageFeed]) -> None:
    rig = Rig()
    async with rig.app.run_test(size=(120, 40)) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "L", "5", "1", "down", "enter")
        assert kind(rig) is DetailsScreen
        assert "g plot  ↑↓ scroll  esc close" in on_screen(rig)
        assert "kick" not in on_screen(rig)
        await press(rig, pilot, "k")
        assert kind(rig) is DetailsScreen
        await press(rig, pilot, "escape", "ctrl+p", *"kick")
        assert "nothing is called that" in on_screen(rig)
        await press(rig, pilot, "escape", "ctrl+p", *"despawn")
        assert "nothing is called that" not in on_screen(rig)


async def test_the_keys_offer_what_makes_the_fault_show_step_by_step(
        imagined: list[StageFeed]) -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "L", "3")
        for line in (":spawn chat 3", ":spawn mute", ":spawn flood 2", ":despawn",
                     ":spawn chat 3"):
            assert f"t {line}" in on_screen(rig)
            await press(rig, pilot, "t")


def test_the_trial_of_stage_5_leaves_half_a_minute_to_look_at_who_does_not_read() -> None:
    bytes_a_second = {"flood": FLOOD_LINES * 200 / FLOOD_PAUSE, "bot": BOT_LINES * 110 / BOT_PAUSE,
                      "chat": 200, "mute": 0}
    said = sum(bytes_a_second[command.kind] * command.count
               for command in map(parse, TRIALS[5]) if isinstance(command, Spawn))
    assert 5 * 60 > QUEUE_LIMIT / said > 30


async def test_a_stage_that_is_held_is_said_to_be_in_the_header(
        imagined: list[StageFeed]) -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "L", "3")
        assert "● held" not in on_screen(rig)
        imagined[0].held = True
        rig.run(0.5)
        await pilot.pause()
        assert "the turn in progress has held the loop for 4.2s" in on_screen(rig)
        assert "● held 4.2s" in on_screen(rig)


@pytest.mark.parametrize("key", ["escape", "q", "f10"])
async def test_leaving_a_stage_leaves_the_console_and_its_server_alone(
        key: str, imagined: list[StageFeed]) -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "L", "2", key)
        assert kind(rig) is LabScreen
        await press(rig, pilot, "escape")
        assert kind(rig) is MainScreen
        assert not rig.link.closed
        assert rig.link.asked == []
    assert ended(imagined[0].stage)


async def test_a_stage_that_is_paused_names_the_way_on_first(imagined: list[StageFeed]) -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "L", "5", "p")
        assert on_screen(rig).splitlines()[-1].startswith(" p go on ")
        await press(rig, pilot, "p")
        assert "go on" not in on_screen(rig).splitlines()[-1]


async def test_escape_undoes_what_hides_rows_before_it_leaves(imagined: list[StageFeed]) -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "L", "5", "slash", *"bob", "enter", "escape")
        assert front(rig).state.view.filter == ""
        await press(rig, pilot, "escape")
        assert kind(rig) is LabScreen


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_the_real_stage_5_answers_and_is_seen_to(size: tuple[int, int]) -> None:
    rig = Rig()
    async with rig.app.run_test(size=size) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "L", "5")
        screen = front(rig)
        with socket.create_connection(screen.stage.address, 5) as client:
            client.sendall(b"hello\n")
            client.settimeout(scaled(5.0))
            assert client.recv(100) == b"your msg is hello\n"
            await until(rig, pilot, lambda: screen.state.live and screen.state.live.clients)
            await press(rig, pilot, "1")
            assert "client-1" in on_screen(rig)
            await press(rig, pilot, "s")
            await until(rig, pilot, lambda: not screen.stage.alive)
        rig.run(0.5)
        await pilot.pause()
        assert "stage 5: stopped" in on_screen(rig)
        await press(rig, pilot, "s")               # starts again
        assert front(rig) is not screen
        assert front(rig).stage.alive
        again = front(rig).stage
        await press(rig, pilot, "escape")
    assert ended(again)


async def test_a_real_stage_3_that_is_stuck_is_left_at_once_and_comes_to_its_end() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "L", "3")
        running = front(rig).stage
        with socket.create_connection(running.address, 5) as client:
            threading.Thread(target=_fill, args=(client,), daemon=True).start()
            held = front(rig).state
            await until(rig, pilot, lambda: held.live is not None and any(
                lint.code == "held-loop" for lint in held.live.lints))
            await press(rig, pilot, "escape")
            assert kind(rig) is LabScreen
            assert ended(running)


def _fill(client: socket.socket) -> None:
    """Talk without ever reading the echo, until nobody is there."""
    try:
        while True:
            client.sendall(b"x" * 4000 + b"\n")
    except OSError:
        pass
