"""Columns, saved views, alerts and pictures: by command, as they are kept and undone."""

from __future__ import annotations

import math
import re
import tomllib
from pathlib import Path

import msgspec
import pytest
from textual.pilot import Pilot

from chatops.api.command_line import parse
from chatops.api.commands import Save
from chatops.units import format_size
from tests.tui.feed import Feed
from tests.tui.press import begin, echo, on_screen, press, table, until
from tests.tui.shots import Rig, crowd
from tui.config import Config
from tui.model import chosen, rows
from tui.model.columns import CellContext, place
from tui.model.completion import complete
from tui.model.state import ConsoleState
from tui.panes.totals import TotalsLine
from tui.screens.listing import ListScreen

WIDE = (120, 40)


async def command(rig: Rig, pilot: Pilot[int], line: str) -> str:
    """Type it, and read the echo row."""
    await press(rig, pilot, "colon")
    rig.app.query_one("#prompt Input").value = line  # type: ignore[attr-defined]
    await pilot.pause()
    await press(rig, pilot, "enter")
    await pilot.pause()
    return echo(rig)


def headings(rig: Rig) -> list[str]:
    return [placed.column.name for placed in table(rig).places]


def offered(line: str) -> list[str]:
    return [candidate.line for candidate in complete(line, ConsoleState()).candidates]


@pytest.mark.parametrize("typed", ["{}/my", '"{}/My', '"{}/My ', '"{}/My Film.rec"', "'{}/My F"])
def test_a_file_name_with_a_blank_is_completed_to_a_line_that_is_understood(
        tmp_path: Path, typed: str) -> None:
    for name in ("My Film.rec", "other.rec", "Film.rec"):
        (tmp_path / name).touch()
    [line] = offered(f":save {typed.format(tmp_path)}")
    assert parse(line) == Save(f"{tmp_path}/My Film.rec")
    assert offered(line) == [line]


def test_what_lies_in_a_folder_with_a_blank_is_completed_too(tmp_path: Path) -> None:
    folder = tmp_path / 'a "b'
    folder.mkdir()
    (folder / "x\\y.rec").touch()
    [line] = offered(f":save {tmp_path}/a")
    [line] = offered(line)                         # all that is in it
    assert parse(line) == Save(f"{folder}/x\\y.rec")


# -- columns


@pytest.mark.parametrize("width", ["0", "000", "201", "0012345", "9999999", "²", ""])
def test_a_width_is_within_its_bounds_however_it_is_written(width: str) -> None:
    with pytest.raises(chosen.ChoiceError, match="is no width"):
        chosen.change(rows.CLIENTS, (), [f"nick:{width}"])


def test_zeros_before_a_width_mean_nothing() -> None:
    assert chosen.change(rows.CLIENTS, (), ["nick:00200"]) == ("NICK:200",)


async def test_columns_are_chosen_ordered_and_sized_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    rig = Rig(config=Config(path))
    async with rig.app.run_test(size=WIDE) as pilot:
        await begin(rig, pilot)
        assert "✓" in await command(rig, pilot, "columns appq nick:20 id")
        assert headings(rig) == ["!", "", "APPQ", "NICK", "ID"]
        assert next(p.width for p in table(rig).places if p.column.name == "NICK") == 20
        await command(rig, pilot, "columns +room -appq")
        assert headings(rig) == ["!", "", "NICK", "ID", "ROOM"]
        assert tomllib.loads(path.read_text()) == {
            "columns": {"clients": ["NICK:20", "ID", "ROOM"]}}
    again = Rig(config=Config(path))
    async with again.app.run_test(size=WIDE) as pilot:
        await begin(again, pilot)
        assert headings(again) == ["!", "", "NICK", "ID", "ROOM"]
        assert "`:columns usual` brings all back" in await command(again, pilot, "columns")
        await pilot.press("escape")
        await command(again, pilot, "columns default")     # as others call it
        assert headings(again)[:4] == ["!", "", "ID", "FD"]
    assert tomllib.loads(path.read_text()) == {}


@pytest.mark.parametrize(("line", "says"), [
    ("columns shoe", "no column 'shoe' here; there is id, fd"),
    ("columns nick:0", "'0' is no width"), ("columns nick:9999", "is no width"),
    ("columns nick:", "'' is no width"), ("columns !", "no column '!'"),
])
async def test_a_column_that_is_none_is_said(line: str, says: str) -> None:
    rig = Rig()
    async with rig.app.run_test(size=WIDE) as pilot:
        await begin(rig, pilot)
        before = headings(rig)
        assert says in await command(rig, pilot, line)
        assert headings(rig) == before


async def test_columns_alone_lists_what_there_is() -> None:
    rig = Rig()
    async with rig.app.run_test(size=WIDE) as pilot:
        await begin(rig, pilot)
        await command(rig, pilot, "columns nick:20 id")
        await command(rig, pilot, "columns")
        assert isinstance(rig.app.screen, ListScreen)
        shown = on_screen(rig)
        assert "+ nick        20" in shown
        assert "+ peer" not in shown
        assert "peer" in shown


def test_a_narrow_table_lets_chosen_columns_go_in_the_usual_order() -> None:
    columns = chosen.choose(rows.CLIENTS, ("ROOM", "NICK", "APPQ"))
    assert [p.column.name for p in place(columns, 30)] == ["!", "", "NICK", "APPQ"]


async def test_the_room_is_shown_where_the_table_is_wide() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(120, 23)) as pilot:      # one pane, all of the width
        await begin(rig, pilot)
        assert "ROOM" in headings(rig)


# -- saved views


async def test_a_view_keeps_filter_order_and_columns(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    rig = Rig(crowd(), config=Config(path))
    async with rig.app.run_test(size=WIDE) as pilot:
        await begin(rig, pilot)
        for line in ("filter appq:>0", "sort kernq", "columns id nick kernq"):
            await command(rig, pilot, line)
        assert "✓" in await command(rig, pilot, "view save slow")
        for line in ("filter", "sort nick", "columns usual", "pane selector"):
            await command(rig, pilot, line)
        assert "filter appq:>0" in await command(rig, pilot, "view slow")
        view = rig.app.state.view
        assert (rig.app.state.pane, view.filter, view.sort, view.inverted, view.shown) == (
            "clients", "appq:>0", "KERNQ", True, ("ID", "NICK", "KERNQ"))
        assert headings(rig) == ["!", "", "ID", "NICK", "KERNQ"]
        await command(rig, pilot, "views")
        assert "slow" in on_screen(rig)
        await press(rig, pilot, "escape")
    assert Config(path).preferences.views == rig.app.state.preferences.views
    again = Rig(config=Config(path))
    async with again.app.run_test(size=WIDE) as pilot:
        await begin(again, pilot)
        assert "forgotten" in await command(again, pilot, "view forget slow")
        assert "no view 'slow' is saved" in await command(again, pilot, "view slow")
    assert not Config(path).preferences.views


@pytest.mark.parametrize(("line", "says"), [
    ("view save", "usage: view save NAME"), ("view none", "no view 'none' is saved"),
    ("view forget none", "no view 'none'"), ("view save save", "cannot be told"),
    ("view slow fast", "usage: view NAME"),
])
async def test_a_view_that_is_none_is_said(line: str, says: str) -> None:
    rig = Rig()
    async with rig.app.run_test(size=WIDE) as pilot:
        await begin(rig, pilot)
        assert says in await command(rig, pilot, line)


async def test_a_view_from_a_file_that_fits_no_table_is_said(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text('[views.a]\npane = "cellar"\n[views.b]\nsort = "SHOE"\n'
                    '[views.c]\ncolumns = ["SHOE"]\n'
                    '[views.d]\nfilter = "bob shoe:>1"\n'
                    '[views.e]\npane = "selector"\nfilter = "fd:>low"\n')
    rig = Rig(config=Config(path))
    async with rig.app.run_test(size=WIDE) as pilot:
        await begin(rig, pilot)
        assert "'cellar', which is none" in await command(rig, pilot, "view a")
        assert "'SHOE', which is no column" in await command(rig, pilot, "view b")
        assert "no column 'shoe'" in await command(rig, pilot, "view c")
        assert "✗ 'd': no column 'shoe' here" in await command(rig, pilot, "view d")
        assert "✗ 'e': fd: 'low' is no number" in await command(rig, pilot, "view e")
        assert (rig.app.state.pane, rig.app.state.view.filter) == ("clients", "")


def test_completion_knows_themes_columns_views_and_alerts() -> None:
    state = ConsoleState()

    def ends(line: str) -> list[str]:
        return [candidate.line for candidate in complete(line, state).candidates]

    assert ends("theme d") == ["theme day"]
    assert ends("columns id ni") == ["columns id nick"]
    assert ends("columns +ro") == ["columns +room"]
    assert ends("view sa") == ["view save"]
    assert "alert queued>" in ends("alert qu")


# -- pictures


async def test_a_screenshot_is_text_or_svg_by_its_name(tmp_path: Path) -> None:
    rig = Rig(Feed())
    async with rig.app.run_test(size=WIDE) as pilot:
        await begin(rig, pilot, 5)
        await command(rig, pilot, f"screenshot {tmp_path / 'a.txt'}")
        await command(rig, pilot, f"screenshot {tmp_path / 'a.svg'}")
        await rig.app.workers.wait_for_complete()
        assert "a.svg" in echo(rig)
        text = (tmp_path / "a.txt").read_text()
        assert "alice" in text
        assert "esc leaves" not in text            # the command line is shut by then
        assert len(text.splitlines()) == WIDE[1]
        drawn = (tmp_path / "a.svg").read_text()
        assert drawn.startswith("<svg")
        assert "alice" in drawn
        assert "animate" not in drawn
        # Viewers that know no textLength, and have not our font, show each word in its place.
        assert re.findall(r"url\(|>[ \u00a0]+[^<]|[ \u00a0]</text>|&#160;", drawn) == []
        (tmp_path / "a.txt").write_text("mine")
        await command(rig, pilot, f"screenshot {tmp_path / 'a.txt'}")
        await rig.app.workers.wait_for_complete()
        await pilot.pause()
        assert "File exists" in echo(rig)
        assert (tmp_path / "a.txt").read_text() == "mine"


async def test_a_screenshot_is_no_picture_of_dots(tmp_path: Path) -> None:
    rig = Rig(Feed())
    async with rig.app.run_test(size=WIDE) as pilot:
        await begin(rig, pilot, 5)
        said = await command(rig, pilot, f"screenshot {tmp_path / 'a.png'}")
        assert "a picture is written as .svg, not as .png" in said
        assert not (tmp_path / "a.png").exists()


async def test_a_column_that_finds_no_room_is_told_of_and_one_with_a_width_stays() -> None:
    rig = Rig(Feed())
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot, 5)
        said = await command(rig, pilot, "columns +rtt")
        assert "RTT" not in headings(rig)
        assert "no room for rtt; a width keeps it: +rtt:6" in said
        assert "no room" not in await command(rig, pilot, "columns +rtt:6")
        assert "RTT" in headings(rig)


@pytest.mark.parametrize("size", [(60, 16), (80, 24)])
async def test_how_a_pane_is_looked_at_is_told_whole_where_there_is_little_room(
        size: tuple[int, int]) -> None:
    rig = Rig(Feed())
    async with rig.app.run_test(size=size) as pilot:
        await begin(rig, pilot, 5)
        tabs = next(x for x in on_screen(rig).splitlines() if "[1 Clients]" in x)
        assert "APPQ ▼" in tabs
        if size[0] >= 80:
            await command(rig, pilot, "filter in/s:>0")
            tabs = next(x for x in on_screen(rig).splitlines() if "[1 Clients]" in x)
            assert "/in/s:>0" in tabs
            assert "APPQ ▼" in tabs


# -- totals, and what colours say


async def test_the_line_beneath_adds_up_the_rows_that_are_shown() -> None:
    rig = Rig(crowd())
    async with rig.app.run_test(size=WIDE) as pilot:
        await begin(rig, pilot, 40)
        everyone = rig.app.state.snapshot
        assert everyone is not None
        await until(rig, pilot, lambda: format_size(everyone.queued) == _beneath(rig, "APPQ"))
        line = _totals(rig)
        assert line.split()[:2] == ["14", "total"]
        assert format_size(sum(row.queued for row in everyone.clients)) in line
        # Beneath its column: both end in the same cell.
        heading = next(x for x in on_screen(rig).splitlines() if "▼APPQ" in x)
        at = next(p for p in table(rig).places if p.column.name == "APPQ")
        assert heading.index("APPQ") + len("APPQ") == 1 + at.left + at.width
        await command(rig, pilot, "columns id nick:6 peer appq")
        assert _totals(rig).split()[:2] == ["14", "total"]     # wider than its column
        await command(rig, pilot, "columns usual")
        await command(rig, pilot, "filter nick:bob")
        assert _totals(rig) == ""              # one row is its own total
        await command(rig, pilot, "filter appq:>0")
        assert _totals(rig).split()[:2] == ["2", "total"]


def _beneath(rig: Rig, name: str) -> str:
    """What the line of totals says in the cells of this column."""
    at = next(p for p in table(rig).places if p.column.name == name)
    return _totals(rig)[at.left:at.left + at.width].strip()


def _totals(rig: Rig) -> str:
    line = rig.app.query_one(TotalsLine)
    return str(line.content) if line.display else ""


def test_what_the_colour_of_a_queue_says_a_letter_says_too() -> None:
    flag = rows.CLIENTS[0].text
    row = Feed(clients=1).snapshot().clients[0]
    for share, letter in ((0.0, " "), (0.4, " "), (0.5, "h"), (0.9, "f"), (1.0, "f")):
        full = msgspec.structs.replace(row, queued=math.ceil(row.queue_limit * share))
        kernel = msgspec.structs.replace(row, kernel_queued=math.ceil(row.kernel_limit * share))
        assert flag(full, CellContext()) == flag(kernel, CellContext()) == letter
    muted = msgspec.structs.replace(row, muted=True, queued=row.queue_limit)
    assert flag(muted, CellContext()) == "M"       # and its queue is half full or more
