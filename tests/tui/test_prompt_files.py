"""Paths on the command line: what is listed of a folder, and how tab goes through them."""

from __future__ import annotations

from pathlib import Path

from textual.widgets import Input

from tests.tui.press import begin, on_screen, press
from tests.tui.shots import Rig
from tui.screens.prompt import Prompt


def line_of(rig: Rig) -> str:
    return rig.app.query_one("#prompt Input", Input).value


async def test_tab_goes_into_the_folder_that_stands_and_the_arrows_walk_past_it(
        tmp_path: Path) -> None:
    for file in ("first/inner/one.rec", "first/two.rec", "second/three.rec"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    rig = Rig()
    async with rig.app.run_test() as pilot:
        await begin(rig, pilot)
        rig.app.query_one(Prompt).open(f"save {tmp_path}/")
        await press(rig, pilot, "tab")
        assert line_of(rig) == f"save {tmp_path}/first/"
        await press(rig, pilot, "down")
        assert line_of(rig) == f"save {tmp_path}/second/"
        await press(rig, pilot, "shift+tab", "tab", "tab")
        assert line_of(rig) == f"save {tmp_path}/first/inner/"
        await press(rig, pilot, "tab", "tab")
        assert line_of(rig) == f"save {tmp_path}/first/inner/one.rec "


async def test_files_are_listed_by_their_names_however_deep_the_folder_lies(
        tmp_path: Path) -> None:
    folder = tmp_path / "a-rather-long-name" / "another-one" / "a-third"
    folder.mkdir(parents=True)
    names = [f"MyRecordingOf{day}AtTheOffice-{day}.rec" for day in ("Monday", "Tuesday")]
    for name in (*names, "My own.rec"):
        (folder / name).touch()
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot)
        rig.app.query_one(Prompt).open(f"save {folder}/My")
        await pilot.pause()
        rows = [line.strip() for line in on_screen(rig).splitlines()]
        assert [row for row in rows if row.startswith("My")] == ["My own.rec", *names]
        rig.app.query_one(Prompt).open(f"save {folder}/own")     # which no path begins with
        await pilot.pause()
        assert "My own.rec" not in on_screen(rig)
