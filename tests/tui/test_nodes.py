"""A console of one of several nodes: its header says how they stand, and `nodes` lists them."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from chatops.api.commands import Kick, Mute
from chatops.api.snapshot import EngineRow, NodeRow, Snapshot, far_row
from tests.tui.feed import FakeLink
from tests.tui.press import begin, echo, on_screen, press, until
from tests.tui.shots import Rig
from tui.screens.details import NodeScreen, PersonScreen
from tui.screens.listing import ListScreen
from tui.widgets.far_page import person_page
from tui.widgets.title_line import title_line

UP = EngineRow("127.0.0.1:6379/0", "up", "", 0.0)


class Several(FakeLink):
    """A link to node a of two, with an engine that may be away."""

    engine: EngineRow | None = UP

    def poll(self) -> Snapshot | None:
        found = super().poll()
        if found is None or self.engine is None:
            return found
        nodes = (NodeRow("a", "here", 3, 1, 0.001, 2048, 0, 0, 0.0, found.mono),
                 NodeRow("[/b]", "up", 4, 1, 0.001, 0, 0, 0, 0.0, found.mono))
        far = (far_row("b", 3, "[/b]eve", ("lobby", "dev"), found.mono),
               far_row("c", 3, "carl", (), found.mono))
        return replace(found, nodes=nodes, engine=self.engine, elsewhere=far)


def several(engine: EngineRow | None) -> Rig:
    rig = Rig()
    link = rig.app.link
    assert isinstance(link, FakeLink)
    link.__class__ = Several
    assert isinstance(link, Several)
    link.engine = engine
    return rig


async def test_the_header_counts_the_nodes_or_says_that_this_one_is_alone() -> None:
    for engine, words in ((UP, "nodes 2/2"), (replace(UP, state="away"), "alone "),
                          (None, "")):
        rig = several(engine)
        async with rig.app.run_test(size=(120, 40)) as pilot:
            await begin(rig, pilot, 1.0)
            title = title_line(rig.app.state, 120).plain
            assert (words or "chatops") in title
            assert ("nodes" in title, "buffered" in title) == (
                engine is UP, bool(engine) and engine is not UP)


async def test_nodes_lists_them_and_of_a_server_alone_says_so() -> None:
    rig = several(UP)
    async with rig.app.run_test(size=(120, 40)) as pilot:
        await begin(rig, pilot, 1.0)
        rig.app.dispatcher.typed("nodes")
        await press(rig, pilot)
        screen = rig.app.screen
        assert isinstance(screen, ListScreen)
        assert [row.split()[0] for row in screen._result.rows] == ["NODE", "a", "[/b]"]
    rig = several(None)
    async with rig.app.run_test(size=(120, 40)) as pilot:
        await begin(rig, pilot, 1.0)
        rig.app.dispatcher.typed("nodes")
        await press(rig, pilot)
        assert not isinstance(rig.app.screen, ListScreen)


@pytest.mark.parametrize("column", ["clients", "rooms", "lost", "buffered"])
async def test_no_heading_of_the_nodes_is_cut_where_there_is_room(column: str) -> None:
    rig = several(UP)
    async with rig.app.run_test(size=(120, 40)) as pilot:
        await begin(rig, pilot, 1.0)
        for line in ("pane nodes", f"sort {column}"):
            rig.app.dispatcher.typed(line)
            await press(rig, pilot)
        rig.run(0.2)
        await pilot.pause()
        heading = next(line for line in on_screen(rig).splitlines() if "STATE" in line)
        assert column.upper() in heading
        assert "…" not in heading.split("│")[0].split("┃")[1]


async def test_nodes_are_a_pane_of_one_of_several_with_a_key_a_tab_and_a_line_for_the_engine(
        ) -> None:
    rig = several(UP)
    async with rig.app.run_test(size=(109, 24)) as pilot:
        await begin(rig, pilot, 1.0)
        await press(rig, pilot, "7")
        assert rig.app.state.pane == "nodes"
        shown = on_screen(rig)
        assert "[7 Nodes]" in shown
        assert "127.0.0.1:6379/0 has been reached" in shown
        row = next(line for line in shown.splitlines() if "[/b]" in line)
        assert row.split()[:5] == [">", "[/b]", "up", "4", "1"]
        assert rig.app.state.selected() == ()      # a kick here has nobody to hit
        rig.app.state.view.filter = "state:here"
        await press(rig, pilot, "7")
        assert "[/b]" not in on_screen(rig)


async def test_a_server_alone_has_no_pane_of_nodes_and_says_why() -> None:
    rig = several(None)
    async with rig.app.run_test(size=(109, 24)) as pilot:
        await begin(rig, pilot, 1.0)
        await press(rig, pilot, "7")
        assert rig.app.state.pane == "clients"
        assert "--cluster makes it one of several" in on_screen(rig)


async def test_people_of_other_nodes_are_rows_behind_our_own_that_can_be_filtered_and_kicked(
        ) -> None:
    rig = several(UP)
    async with rig.app.run_test(size=(109, 24)) as pilot:
        await begin(rig, pilot, 1.0)
        shown = on_screen(rig)
        title = str(rig.app.screen.query_one("#clients-pane").border_title)
        assert "12, 2 on other nodes" in title
        rig.app.state.view.filter = "peer:node"
        rig.run(0.2)
        await pilot.pause()
        shown = on_screen(rig)
        rows = [line.replace(">", " ").split()[:3] for line in shown.splitlines()]
        assert ["b#3", "-", "[/b]eve"] in rows
        assert ["c#3", "-", "carl"] in rows
        rig.app.state.view.filter = "node:b"
        rig.run(0.2)
        await pilot.pause()
        shown = on_screen(rig)
        assert "b#3 " in shown
        assert "c#3" not in shown
        assert "it is on node b, whose console shows its queues" in shown
        await press(rig, pilot, "k")
        assert "Kick b#3 [/b]eve?" in on_screen(rig)
        await pilot.click("#choice-1")
        link = rig.app.link
        assert isinstance(link, FakeLink)
        await until(rig, pilot, lambda: link.asked)
        assert link.asked == [Kick(("b#3",))]


async def test_a_ban_of_somebody_elsewhere_says_who_knows_the_address_and_where_it_holds() -> None:
    rig = several(UP)
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot, 1.0)
        rig.app.dispatcher.typed("ban b#3")
        rig.run(0.2)
        await pilot.pause()
        shown = on_screen(rig)
        assert "! Only node b knows the address of b#3" in shown
        assert "It holds on all nodes, and may take others there" in shown
        assert "nobody else" not in shown
        assert rig.app.screen.query_one(".box").max_scroll_y == 0


async def test_a_ban_of_one_of_several_nodes_does_not_say_that_nobody_else_is_there() -> None:
    rig = several(UP)
    rig.feed.talkers[3].peer = "10.0.0.7:50133"
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot, 1.0)
        rig.app.dispatcher.typed("ban 3")
        rig.run(0.2)
        await pilot.pause()
        shown = on_screen(rig)
        assert "This bans 10.0.0.7; nobody else on this node" in shown
        assert "It holds on all nodes, and may take others there" in shown


async def test_a_broadcast_counts_those_on_other_nodes() -> None:
    rig = several(UP)
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot, 1.0)
        await press(rig, pilot, "b")
        assert "Say to 12 clients here and 4 on other nodes" in on_screen(rig)


async def test_enter_on_somebody_elsewhere_tells_what_is_known_and_acts_on_it_by_its_name() -> None:
    rig = several(UP)
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot, 1.0)
        rig.app.state.view.filter = "node:b"
        rig.run(0.2)
        await press(rig, pilot, "enter")
        rig.run(0.2)
        await pilot.pause()
        assert isinstance(rig.app.screen, PersonScreen)
        shown = on_screen(rig)
        assert "b#3 [/b]eve" in shown
        assert "lobby, dev" in shown
        assert "its queues are in the console of node b" in shown
        assert "has left" not in shown
        assert "plot" not in shown
        await press(rig, pilot, "m")
        link = rig.app.link
        assert isinstance(link, FakeLink)
        await until(rig, pilot, lambda: link.asked)
        assert link.asked == [Mute(("b#3",))]


async def test_enter_on_somebody_elsewhere_says_when_it_has_left() -> None:
    rig = several(UP)
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot, 1.0)
        rig.app.dispatcher.typed("details b#3")
        await press(rig, pilot)
        rig.app.link.__class__ = FakeLink
        rig.run(0.2)
        await pilot.pause()
        shown = on_screen(rig)
        assert "b#3 [/b]eve  has left" in shown
        assert "lobby, dev" in shown


async def test_enter_on_a_node_tells_all_that_is_known_of_it() -> None:
    rig = several(UP)
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot, 1.0)
        await press(rig, pilot, "7", "end", "enter")
        rig.run(0.2)
        await pilot.pause()
        assert isinstance(rig.app.screen, NodeScreen)
        shown = on_screen(rig)
        assert "node [/b]" in shown
        for label in ("state", "people", "lag", "lost", "skew", "seen"):
            assert label in shown
        assert "no client" not in echo(rig)


def test_the_page_of_somebody_elsewhere_says_what_it_is_logged_in_to_if_it_is() -> None:
    eve = far_row("b", 3, "eve", ("lobby",), 0.0)
    assert "account" not in person_page(eve).plain
    assert "  account  kim" in person_page(replace(eve, account="kim")).plain.split("\n")


@pytest.mark.parametrize("size", [(60, 16), (80, 19), (80, 24), (110, 24), (110, 27), (110, 28),
                                  (120, 40), (200, 60)])
async def test_how_the_engine_is_can_be_read_beside_the_nodes_on_every_terminal(
        size: tuple[int, int]) -> None:
    rig = several(UP)
    async with rig.app.run_test(size=size) as pilot:
        await begin(rig, pilot, 1.0)
        await press(rig, pilot, "7")
        for key in ("home", "down"):           # another node, and this one
            await press(rig, pilot, key)
            rig.run(0.2)
            await pilot.pause()
            shown = on_screen(rig)
            assert shown.count("127.0.0.1:6379/0 has been") == 1
            assert "[/b]" in shown


async def test_on_a_large_terminal_the_details_are_those_of_the_node_or_of_whoever_is_elsewhere(
        ) -> None:
    rig = several(UP)
    async with rig.app.run_test(size=(200, 60)) as pilot:
        await begin(rig, pilot, 1.0)
        await press(rig, pilot, "7", "home")
        assert "─ node [/b] ─" in on_screen(rig)
        await press(rig, pilot, "down")
        assert "─ node a ─" in on_screen(rig)
        await press(rig, pilot, "1")
        rig.app.state.view.filter = "node:b"
        rig.run(0.2)
        await press(rig, pilot, "home")
        assert "─ b#3 [/b]eve ─" in on_screen(rig)
        assert "its queues are in the console of node b" in on_screen(rig)
