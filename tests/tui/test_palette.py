"""On a terminal of 256 colours themes are of colours that it has, rounded to none."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.color import Color as RichColor
from rich.color import ColorSystem
from rich.style import Style
from textual.color import Color
from textual.theme import Theme

from tests.tui.press import begin, press
from tests.tui.shots import Rig, Scene, in_utc
from tests.tui.test_themes import CHIPS, DRAWN, GROUNDS, LEAST, TEXTS, contrast
from tui.config import Config
from tui.terminal import Terminal, look
from tui.theme import CONTRAST, DAY, DAY_256, NIGHT, NIGHT_256, PALETTE

NEAR = 6                       # steps of 255 by which a grey may be off: the next one is 10 away
STEP = 40                      # from one colour of the palette's cube to the next
LINES = ("border", "border-blurred", "track", "scrollbar")


def as_drawn(colour: RichColor) -> tuple[int, int, int]:
    """What a terminal of 256 colours is told to draw it in."""
    red, green, blue = colour.downgrade(ColorSystem.EIGHT_BIT).get_truecolor()
    return red, green, blue


def colours_of(theme: Theme) -> dict[str, str]:
    return {**theme.to_color_system().generate(), **theme.variables}


class Drawn:
    """A theme's colours by name, as such a terminal draws them."""

    def __init__(self, theme: Theme) -> None:
        self.meant = colours_of(theme)

    def __call__(self, name: str) -> tuple[int, int, int]:
        return as_drawn(Color.parse(self.meant[name]).rich_color)


@pytest.fixture(params=PALETTE)
def rounded(request: pytest.FixtureRequest) -> Drawn:
    return Drawn(PALETTE[request.param])


@pytest.mark.parametrize("name", [*GROUNDS, *TEXTS, *LINES])
def test_no_colour_becomes_another_one(name: str, rounded: Drawn) -> None:
    meant = Color.parse(rounded.meant[name]).rgb
    assert max(abs(a - b) for a, b in zip(meant, rounded(name), strict=True)) <= NEAR


def test_every_text_is_read_on_every_ground(rounded: Drawn) -> None:
    for ground in GROUNDS:
        for text in TEXTS:
            found = contrast(rounded(text), rounded(ground))
            assert found >= LEAST, f"{text} on {ground}: {found:.2f}"
    for chip in CHIPS:
        assert contrast(rounded("background"), rounded(chip)) >= LEAST


def test_the_grounds_and_what_lies_on_them_are_told_apart(rounded: Drawn) -> None:
    grounds = [rounded(name) for name in GROUNDS]
    assert len(set(grounds)) == len(GROUNDS)
    cursor = rounded("block-cursor-background")
    assert contrast(cursor, rounded("track")) >= 1.5
    for name in GROUNDS[:-1]:      # by its light, or by its colour
        apart = spread(cursor) - spread(rounded(name))
        assert contrast(cursor, rounded(name)) >= 1.3 or apart >= STEP, name


def spread(colour: tuple[int, int, int]) -> int:
    """How far from a grey it is."""
    return max(colour) - min(colour)


@pytest.mark.parametrize("name", PALETTE)
@pytest.mark.parametrize("scene", DRAWN, ids=lambda scene: scene.name)
async def test_what_is_drawn_can_be_read(scene: Scene, name: str,
                                         monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATOPS_THEME", name)
    rig = Rig(scene.feed(), terminal=Terminal(palette=True))
    with in_utc():
        async with rig.app.run_test(size=scene.size) as pilot:
            await begin(rig, pilot, 45)
            scene.before(rig.app)
            await press(rig, pilot, *scene.keys)
            screen = rig.app.screen
            strips = list(screen._compositor.render_strips())
            if screen.is_modal:    # what lies behind a dialog is dimmed on purpose
                box = screen.query_one(".box").region
                strips = [strip.crop(box.x, box.right) for strip in strips[box.y:box.bottom]]
            for text, style, _ in (part for strip in strips for part in strip):
                if any(char.isalnum() for char in text):
                    assert _contrast(style or Style()) >= LEAST, text


def _contrast(style: Style) -> float:
    assert style.color is not None
    assert style.bgcolor is not None
    return contrast(as_drawn(style.color), as_drawn(style.bgcolor))


@pytest.mark.parametrize(("said", "palette"), [
    ({"TERM": "xterm-256color"}, True), ({"TERM": "screen-256color", "COLORTERM": ""}, True),
    ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, False), ({"TERM": "xterm"}, False),
    ({"TERM": "xterm", "COLORTERM": "24bit"}, False), ({"TERM": "linux"}, False),
])
def test_the_environment_says_whether_there_are_256(said: dict[str, str], palette: bool) -> None:
    assert look(said).palette is palette


@pytest.mark.parametrize(("terminal", "night", "day"), [
    (Terminal(), NIGHT, DAY), (Terminal(palette=True), NIGHT_256, DAY_256)])
async def test_night_and_day_are_those_of_the_terminal(terminal: Terminal, night: Theme,
                                                       day: Theme) -> None:
    rig = Rig(terminal=terminal)
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot)
        assert rig.app.current_theme is night
        await press(rig, pilot, "colon", *"theme day", "enter")
        assert rig.app.current_theme is day
        await press(rig, pilot, "colon", *"theme night", "enter")
        assert rig.app.current_theme is night


@pytest.mark.parametrize(("like", "usual"), [*PALETTE.items(), ("contrast", CONTRAST)])
async def test_what_a_theme_of_ones_own_does_not_change_is_of_the_colours_that_there_are(
        tmp_path: Path, like: str, usual: Theme) -> None:
    path = tmp_path / "console.toml"
    path.write_text(f'theme = "solar"\n[themes.solar]\nlike = "{like}"\nsuccess = "#005f5f"\n')
    rig = Rig(terminal=Terminal(palette=True), config=Config(path))
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot)
        theme = rig.app.current_theme
        assert theme.name == "chatops-solar"
        changed = {key for key, value in colours_of(usual).items()
                   if colours_of(theme)[key] != value}
        assert theme.success == "#005f5f"
        assert all("success" in key for key in changed)
