"""Themes: every text can be read on its ground, and the one that is chosen is kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.color import ColorType
from rich.style import Style
from rich.terminal_theme import TerminalTheme
from textual.color import Color

from tests.tui.press import begin, echo, press
from tests.tui.shots import SCENES, Rig, Scene, in_utc
from tui.config import Config, ConfigError
from tui.looks import first_theme
from tui.screens.prompt import Prompt
from tui.terminal import Terminal, look
from tui.theme import NIGHT, THEMES

LEAST = 4.5                    # WCAG 2.2, success criterion 1.4.3
GROUNDS = ("background", "surface", "panel", "block-cursor-background")
TEXTS = ("foreground", "text", "text-muted", "text-disabled", "primary", "secondary", "accent",
         "success", "warning", "error")
CHIPS = ("primary", "secondary", "accent", "success", "warning", "error", "foreground")

# The sixteen colours of xterm(1) and of Linux's console (vt.c), as 0xrrggbb.
XTERM = (0x000000, 0xcd0000, 0x00cd00, 0xcdcd00, 0x0000ee, 0xcd00cd, 0x00cdcd, 0xe5e5e5,
         0x7f7f7f, 0xff0000, 0x00ff00, 0xffff00, 0x5c5cff, 0xff00ff, 0x00ffff, 0xffffff)
LINUX = (0x000000, 0xaa0000, 0x00aa00, 0xaa5500, 0x0000aa, 0xaa00aa, 0x00aaaa, 0xaaaaaa,
         0x555555, 0xff5555, 0x55ff55, 0xffff55, 0x5555ff, 0xff55ff, 0x55ffff, 0xffffff)


RGB = tuple[int, int, int]


def rgb(value: int) -> tuple[int, int, int]:
    return value >> 16, value >> 8 & 255, value & 255


def luminance(color: tuple[int, int, int]) -> float:
    """Relative, 0 to 1, as WCAG defines it."""
    red, green, blue = (c / 255 / 12.92 if c / 255 <= 0.04045 else
                        ((c / 255 + 0.055) / 1.055) ** 2.4 for c in color)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: tuple[int, int, int], other: tuple[int, int, int]) -> float:
    """1 to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def colour(text: str, palette: tuple[int, ...]) -> tuple[int, int, int]:
    """A theme's colour, by its number where it is the terminal's."""
    parsed = Color.parse(text)
    if parsed.ansi is not None:
        assert parsed.ansi >= 0, f"{text}: nobody knows what that is"
        return rgb(palette[parsed.ansi])
    return parsed.rgb


PALETTES = [("night", XTERM), ("day", XTERM), ("contrast", XTERM), ("ansi", XTERM),
            ("ansi", LINUX)]


@pytest.mark.parametrize(("name", "palette"), PALETTES)
def test_every_text_of_a_theme_is_read_on_every_ground(name: str, palette: tuple[int, ...]
                                                       ) -> None:
    colours = THEMES[name].to_color_system().generate()
    for ground in GROUNDS:
        for text in TEXTS:
            found = contrast(colour(colours[text], palette), colour(colours[ground], palette))
            assert found >= LEAST, f"{text} on {ground}: {found:.2f}"
    for chip in CHIPS:
        found = contrast(colour(colours["background"], palette), colour(colours[chip], palette))
        assert found >= LEAST, f"a chip on {chip}: {found:.2f}"


def test_high_contrast_has_seven_to_one_everywhere() -> None:
    colours = THEMES["contrast"].to_color_system().generate()
    least = min(contrast(Color.parse(colours[text]).rgb, Color.parse(colours[ground]).rgb)
                for text in TEXTS for ground in GROUNDS)
    assert least >= 7


def drawn_pairs(rig: Rig, palette: tuple[int, ...]) -> set[tuple[str, float]]:
    """Each text on the screen with its contrast; signs that only decorate are none."""
    theme = TerminalTheme(rgb(palette[0]), rgb(palette[15]), [rgb(c) for c in palette[:8]],
                          [rgb(c) for c in palette[8:]])
    pairs = set()
    strips = list(rig.app.screen._compositor.render_strips())
    if rig.app.screen.is_modal:    # the panes behind a dialog are dimmed on purpose
        box = rig.app.screen.query_one(".box").region
        strips = [strip.crop(box.x, box.right) for strip in strips[box.y:box.bottom]]
    for strip in strips:
        for text, style, _ in strip:
            if any(char.isalnum() for char in text):
                ink, ground = _colours(style or Style(), theme)
                pairs.add((text.strip(), contrast(ink, ground)))
    return pairs


def _colours(style: Style, theme: TerminalTheme) -> tuple[RGB, RGB]:
    ink, ground = (
        (theme.foreground_color if front else theme.background_color)
        if color is None or color.type == ColorType.DEFAULT
        else color.get_truecolor(theme, foreground=front)
        for color, front in ((style.color, True), (style.bgcolor, False)))
    front, back = (ground, ink) if style.reverse else (ink, ground)
    return (front[0], front[1], front[2]), (back[0], back[1], back[2])


DRAWN = [scene for scene in SCENES if scene.name in (
    "console", "kick-80x24", "command-line-80x24", "lab", "lesson-80x24")]


@pytest.mark.parametrize(("name", "palette"), PALETTES)
@pytest.mark.parametrize("scene", DRAWN, ids=lambda scene: scene.name)
async def test_what_is_drawn_can_be_read(scene: Scene, name: str, palette: tuple[int, ...],
                                         monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATOPS_THEME", name)
    rig = Rig(scene.feed())
    with in_utc():
        async with rig.app.run_test(size=scene.size) as pilot:
            await begin(rig, pilot, 45)
            scene.before(rig.app)
            await press(rig, pilot, *scene.keys)
            for text, found in drawn_pairs(rig, palette):
                assert found >= LEAST, f"'{text}': {found:.2f}"


# -- which one


@pytest.mark.parametrize(("said", "theme", "no_color", "letters"), [
    ({"TERM": "xterm-256color"}, "night", False, 0),
    ({"TERM": "xterm"}, "ansi", False, 0),
    ({"TERM": "xterm", "COLORTERM": "truecolor"}, "night", False, 0),
    ({"TERM": "xterm", "COLORTERM": "24bit"}, "night", False, 0),
    ({"TERM": "screen"}, "ansi", False, 0),
    ({"TERM": "screen-256color"}, "night", False, 0),
    ({"TERM": "tmux-direct"}, "night", False, 0),
    ({"TERM": "vt220"}, "ansi", False, 0),
    ({"TERM": "linux"}, "ansi", False, 0x100),
    ({"TERM": "linux", "LANG": "C"}, "ansi", False, 0x80),
    ({"TERM": "xterm-kitty", "NO_COLOR": "1"}, "ansi", True, 0),
    ({"TERM": "xterm-kitty", "NO_COLOR": ""}, "night", False, 0),
    ({}, "ansi", False, 0),
])
def test_the_environment_says_what_the_terminal_shows(
        said: dict[str, str], theme: str, no_color: bool, letters: int) -> None:
    seen = look(said)
    assert (seen.theme, seen.no_color, seen.letters) == (theme, no_color, letters)


@pytest.mark.parametrize(("said", "utf8"), [
    ({}, True), ({"LANG": "C"}, False), ({"LANG": "POSIX"}, False), ({"LANG": "C.UTF-8"}, True),
    ({"LANG": "de_DE.utf8"}, True), ({"LANG": "de_DE"}, False), ({"LANG": "de_DE@euro"}, False),
    ({"LANG": "ja_JP.eucJP"}, False), ({"LANG": "C", "LC_CTYPE": "en_US.UTF-8"}, True),
    ({"LANG": "en_US.UTF-8", "LC_ALL": "C"}, False), ({"LANG": "sr_RS.UTF-8@latin"}, True),
    ({"LC_ALL": "", "LANG": "C"}, False), ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, False),
    ({"LC_CTYPE": "C.UTF-8"}, True), ({"LANG": "C", "LC_ALL": "C.UTF-8"}, True),
])
def test_a_locale_that_is_not_of_utf8_has_ascii_alone(said: dict[str, str], utf8: bool) -> None:
    assert look({"TERM": "xterm", **said}).letters == (0 if utf8 else 0x80)


def test_without_colours_the_theme_that_reverses_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATOPS_THEME", "day")
    assert first_theme("contrast", Terminal(no_color=True)) is THEMES["ansi"]
    assert first_theme("contrast", Terminal()) is THEMES["day"]
    monkeypatch.delenv("CHATOPS_THEME")
    assert first_theme("contrast", Terminal(sixteen=True)) is THEMES["contrast"]
    assert first_theme("", Terminal(sixteen=True)) is THEMES["ansi"]
    assert first_theme("", Terminal()) is NIGHT


# -- `:theme`


async def test_a_theme_is_tried_while_it_is_chosen_and_escape_restores_the_last_one() -> None:
    rig = Rig()
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot)
        before = rig.app.theme
        await press(rig, pilot, "colon", *"theme ")
        seen = []
        for _ in THEMES:
            await press(rig, pilot, "tab")
            seen.append(rig.app.theme)
        assert seen == [theme.name for theme in THEMES.values()]
        await press(rig, pilot, "escape")
        assert rig.app.theme == before
        await press(rig, pilot, "colon", *"theme day", "backspace")
        assert rig.app.theme == before         # `theme da` names none


async def test_a_theme_that_is_chosen_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "chatops" / "console.toml"
    rig = Rig(config=Config(path))
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "colon", *"theme contrast", "enter")
        assert rig.app.theme == THEMES["contrast"].name
        assert "✓" in echo(rig)
        assert not rig.app.query_one(Prompt).is_open
    assert Config(path).preferences.theme == "contrast"
    assert Rig(config=Config(path)).app.theme == THEMES["contrast"].name


OWN = """\
theme = "solar"

[themes.solar]
like = "day"
primary = "#8a4b00"
text-muted = "#5c5340"
"""


async def test_a_theme_of_ones_own_is_another_one_changed(tmp_path: Path) -> None:
    path = tmp_path / "console.toml"
    path.write_text(OWN)
    rig = Rig(config=Config(path))
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot)
        assert rig.app.theme == "chatops-solar"
        theme, day = rig.app.current_theme, THEMES["day"]
        assert (theme.primary, theme.secondary) == ("#8a4b00", day.secondary)
        assert not theme.dark
        # What `day` draws in its first colour, its scroll bar for one, is of this one's.
        assert theme.variables["scrollbar-active"] == "#8a4b00"
        assert theme.variables["text-muted"] == "#5c5340"
        assert theme.variables["text-disabled"] == day.variables["text-disabled"]
        await press(rig, pilot, "colon", *"theme night", "enter")
        await press(rig, pilot, "colon", *"theme so", "tab")
        assert rig.app.theme == "chatops-solar"        # it is tried, as the others are
        await press(rig, pilot, "enter")
        assert "your own" in echo(rig)
    kept = Config(path).preferences
    assert kept.theme == "solar"
    assert list(kept.themes) == [*THEMES, "solar"]
    assert path.read_text() == OWN


@pytest.mark.parametrize(("text", "says"), [
    ("[themes.day]", "a name of its own"), ("[themes.\"a b\"]", "a name of its own"),
    ("[themes.x]\nlike = \"ansi\"", "not like 'ansi'"),
    ("[themes.x]\nprimary = \"bluish\"", "not 'bluish'"),
    ("[themes.x]\nprimary = 3", "not 3"),
    ("[themes.x]\nprimary = \"ansi_red\"", "not 'ansi_red'"),
    ("[themes.x]\nfont = \"#fff\"", "not 'font'"), ("[themes]\nx = 1", "[themes.x]"),
    ("theme = \"y\"\n[themes.x]", "night, day, contrast, ansi, x"),
])
def test_what_is_no_theme_is_one_clear_line(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "console.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as error:
        Config(path)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


async def test_a_theme_that_cannot_be_kept_still_holds_and_that_is_said(tmp_path: Path) -> None:
    rig = Rig(config=Config(tmp_path / "file" / "console.toml"))
    (tmp_path / "file").write_text("not a directory")
    async with rig.app.run_test(size=(100, 24)) as pilot:
        await begin(rig, pilot)
        await press(rig, pilot, "colon", *"theme day", "enter")
        assert rig.app.theme == THEMES["day"].name
        assert "only until you leave" in echo(rig)


async def test_without_colours_nothing_is_coloured_and_the_cursor_is_seen(
        monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(terminal=Terminal(no_color=True))
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot, 5)
        styles = [style for strip in rig.app.screen._compositor.render_strips()
                  for _, style, _ in strip if style is not None]
        assert not [s for s in styles if s.color is not None and not s.color.is_default]
        assert not [s for s in styles if s.bgcolor is not None and not s.bgcolor.is_default]
        assert any(style.reverse for style in styles)
