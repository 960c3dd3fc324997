"""The operator's file: read, changed by one entry, and never harmed."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tui.press import begin, on_screen, press
from tests.tui.shots import Rig, crowd
from tui.config import Config, ConfigError, dump, edited, usual_path
from tui.model.preferences import SavedView
from tui.screens.help import HelpScreen

HAND_WRITTEN = """\
# mine
theme = "day"    # for the balcony

[keys]
kick = "x,f9"    # k is too near to l

[views.slow]
filter = "appq:>0"
"""


def put(path: Path, text: str) -> Config:
    path.write_text(text, encoding="utf-8")
    return Config(path)


def test_the_file_lies_where_xdg_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    home = Path("/home/ada/.config/chatops/console.toml")
    assert usual_path({"XDG_CONFIG_HOME": "/etc/x"}) == Path("/etc/x/chatops/console.toml")
    assert usual_path({"XDG_CONFIG_HOME": "relative"}) == home
    assert usual_path({}) == home


def test_no_file_is_no_preference(tmp_path: Path) -> None:
    assert Config(tmp_path / "none.toml").preferences.theme == ""
    assert not (tmp_path / "none.toml").exists()


def test_what_is_written_by_hand_is_understood(tmp_path: Path) -> None:
    read = put(tmp_path / "c.toml", HAND_WRITTEN + '[columns]\nclients = ["id", "NICK:20"]\n'
               ).preferences
    assert read.theme == "day"
    assert read.keymap.of("kick") == (("x", "kick"), ("f9", "kick"))
    assert read.views == {"slow": SavedView("clients", "appq:>0")}
    assert read.columns == {"clients": ("ID", "NICK:20")}


@pytest.mark.parametrize(("text", "says"), [
    ("theme = 3", "'theme' is to be a text in quotes"),
    ("theme = 'pink'", "no theme 'pink'; there are night, day, contrast, ansi"),
    ("colour = 'red'", "'colour' is none of theme"),
    ("theme =", "Invalid value"),
    ("[keys]\nkick = 'b'", "[keys] b is given twice, to 'kick' and to 'broadcast'"),
    ("[keys]\nkikc = 'x'", "[keys] no command 'kikc'"),
    ("[keys]\nkick = 'hyper'", "[keys] kick: 'hyper' is no key"),
    ("[keys]\nkick = ':'", "[keys] kick: : is for the command line"),
    ("[keys]\nkick = 7", "'kick' in [keys] is to be a text in quotes"),
    ("[keys]\n'spawn nobody' = 'x'", "[keys] spawn"),
    ("[columns]\nclients = ['ID', 'SHOE']", "[columns] clients: no column 'shoe' here"),
    ("[columns]\nclients = ['ID:0']", "'0' is no width"),
    ("[columns]\nlog = ['ID']", "not of 'log'"),
    ("views = {slow = 3}", "[views] holds sections"),
    ("[views.slow]\nsort = 3", "[views.slow] knows pane, filter"),
    ("alerts = ['queued>lots']", "'lots' is no figure"),
    ("alerts = ['fridge>3']", "'fridge>3' is no condition"),
])
def test_what_is_wrong_is_one_line_that_names_the_file(tmp_path: Path, text: str, says: str
                                                       ) -> None:
    with pytest.raises(ConfigError) as caught:
        put(tmp_path / "c.toml", text)
    said = str(caught.value)
    assert says in said
    assert said.startswith(str(tmp_path / "c.toml"))
    assert "\n" not in said


def test_one_entry_changes_and_comments_stay(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    config = put(path, HAND_WRITTEN)
    config.put("views", "quiet", {"pane": "clients", "sort": "IDLE", "inverted": True})
    config.put("columns", "clients", ["ID", "NICK:20"])
    config.put("", "alerts", ["lint"])
    text = path.read_text()
    for line in HAND_WRITTEN.splitlines():
        assert line in text.splitlines()
    config.put("views", "quiet", None)
    config.put("columns", "clients", None)
    config.put("", "alerts", None)
    assert tomllib.loads(path.read_text()) == tomllib.loads(HAND_WRITTEN)


def test_two_consoles_do_not_undo_what_the_other_wrote(tmp_path: Path) -> None:
    one, other = Config(tmp_path / "c.toml"), Config(tmp_path / "c.toml")
    one.put("", "theme", "day")
    other.put("", "alerts", ["lint"])
    assert tomllib.loads((tmp_path / "c.toml").read_text()) == {"theme": "day", "alerts": ["lint"]}


def test_a_file_that_was_broken_meanwhile_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    config = put(path, HAND_WRITTEN)
    path.write_text("[[[")
    with pytest.raises(ConfigError):
        config.put("", "theme", "day")
    assert path.read_text() == "[[["


def test_a_write_that_fails_leaves_the_file_and_nothing_beside_it(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "c.toml"
    config = put(path, HAND_WRITTEN)

    def full(_fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigError, match="No space left"):
        config.put("", "theme", "night")
    assert path.read_text() == HAND_WRITTEN
    assert os.listdir(tmp_path) == ["c.toml"]


def test_a_link_stays_one_and_the_mode_stays(tmp_path: Path) -> None:
    real = tmp_path / "dotfiles.toml"
    real.write_text(HAND_WRITTEN)
    real.chmod(0o640)
    (tmp_path / "c.toml").symlink_to(real)
    Config(tmp_path / "c.toml").put("", "theme", "night")
    assert (tmp_path / "c.toml").is_symlink()
    assert tomllib.loads(real.read_text())["theme"] == "night"
    assert real.stat().st_mode & 0o777 == 0o640


texts = st.text(max_size=12)
entries = st.one_of(texts, st.booleans(), st.lists(texts, max_size=3))
tables = st.dictionaries(texts, entries, max_size=3)


@given(st.dictionaries(texts, entries, max_size=3), st.dictionaries(
    st.sampled_from(["keys", "columns"]), tables, max_size=2),
    st.dictionaries(texts, tables, max_size=3))
def test_any_document_is_written_so_that_tomllib_reads_it(
        top: dict[str, Any], sections: dict[str, Any], views: dict[str, Any]) -> None:
    document = {**top, **sections, "views": views}
    assert tomllib.loads(dump(document)) == document


@given(texts, texts, tables.filter(bool), st.sampled_from([
    "", HAND_WRITTEN, 'views = {slow = {filter = "x"}}\n', "views.slow.filter = '''a\nb'''\n",
    'alerts = [\n "lint",\n]\n[keys] # those\nkick = "x"\n']))
def test_whatever_is_changed_the_rest_is_as_it_was(name: str, value: str, view: dict[str, Any],
                                                   before: str) -> None:
    document = tomllib.loads(before)
    views = {**document.get("views", {}), name: view}
    after = edited(edited(before, "", "theme", value), "views", name, view)
    assert tomllib.loads(after) == {**document, "theme": value, "views": views}


# -- keys


async def test_keys_that_are_changed_run_and_are_shown(tmp_path: Path) -> None:
    config = put(tmp_path / "c.toml", '[keys]\nkick = "x"\nbroadcast = ""\n"spawn chat 5" = "F5"\n')
    rig = Rig(config=config)
    async with rig.app.run_test(size=(110, 30)) as pilot:
        await begin(rig, pilot)
        assert " x kick " in on_screen(rig)
        assert "broadcast" not in on_screen(rig).splitlines()[-1]
        await press(rig, pilot, "k", "b")
        assert not rig.app.screen.is_modal
        await press(rig, pilot, "f5")
        assert [type(c).__name__ for c in rig.link.asked] == ["Spawn"]
        await press(rig, pilot, "x")
        assert type(rig.app.screen).__name__ == "KickDialog"
        await press(rig, pilot, "escape", "question_mark")
        assert isinstance(rig.app.screen, HelpScreen)
        lines = on_screen(rig).splitlines()
        assert any(" x " in line and "kick CLIENT" in line for line in lines)
        await press(rig, pilot, "escape", "ctrl+p", *"F5")
        assert any("F5" in line and "spawn chat 5" in line for line in on_screen(rig).splitlines())


async def test_the_way_out_stays_where_quit_has_another_key(tmp_path: Path) -> None:
    rig = Rig(config=put(tmp_path / "c.toml", '[keys]\nquit = "X"\n'))
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "q")
        assert not rig.app.screen.is_modal
        for key in ("X", "ctrl+q", "ctrl+c"):
            await press(rig, pilot, key)
            assert type(rig.app.screen).__name__ == "QuitDialog", key
            await press(rig, pilot, "escape")


async def test_every_hint_names_the_key_that_is_in_force(tmp_path: Path) -> None:
    config = put(tmp_path / "c.toml", '[keys]\nlints = "J"\nseek = ""\n"step 1" = "alt+n"\n')
    rig = Rig(crowd(), config=config)
    async with rig.app.run_test(size=(120, 40)) as pilot:
        await begin(rig, pilot, 40)
        shown = on_screen(rig)
        assert "more: J" in shown
        assert "J explains" in shown
        assert "[ alt+n step" in shown
        assert "S seek" not in shown
