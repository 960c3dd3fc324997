"""The screenshots: scenes from the deterministic feed, drawn as SVG.

`python -m tests.tui.shots` writes them to `screenshots/`; a test fails when they are stale.
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tui.app
from tests.tui.feed import FakeLink, Feed
from tests.tui.lab_scenes import go_always, learnt, measured, spinning
from tests.tui.lab_stage_scene import spinning_stage
from tests.tui.program_feed import ProgramFeed
from tui.app import ConsoleApp
from tui.config import Config
from tui.looks import ABLE
from tui.terminal import Terminal

FOLDER = Path(__file__).parents[2] / "screenshots"
CELL = 12.2                    # width of a cell in the SVG that Textual writes
NBSP = "&#160;"

_TEXT = re.compile(r'<text (class="[^"]*") x="([\d.]+)" (y="[\d.]+") textLength="([\d.]+)"'
                   r'( clip-path="[^"]*")>([^<]*)</text>')
_FONT_FACES = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
_SERIAL = re.compile(r"terminal-\d+")


@dataclass(frozen=True)
class Scene:
    """One picture: a feed that has run for a while, a size, and the keys pressed then."""

    name: str
    size: tuple[int, int]
    keys: tuple[str, ...] = ()
    feed: Callable[[], Feed] = Feed
    seconds: float = 60.0
    events: Mapping[float, Callable[[Any], object]] = field(default_factory=dict)
    before: Callable[[ConsoleApp], object] = lambda app: None


class StrictApp(ConsoleApp):
    """The console; what it survives fails the test, unless the test is `forgiving`."""

    CSS_PATH = str(Path(tui.app.__file__).with_name("console.tcss"))
    forgiving = False

    def tell(self, error: BaseException, where: str) -> None:
        super().tell(error, where)
        if not self.forgiving and self._exception is None and isinstance(error, Exception):
            self._exception = error        # where Textual keeps it for `run_test` to raise
            self._exception_event.set()


class Rig:
    """A console on a fake link, with a clock that only `run` moves."""

    def __init__(self, feed: Feed | None = None, *, attached: bool = False,
                 config: Config | None = None, terminal: Terminal = ABLE,
                 in_browser: bool = False) -> None:
        self.link = FakeLink(feed)
        self.time = 0.0
        self.app = StrictApp(self.link, attached=attached, ticking=False,
                              clock=lambda: self.time, config=config, terminal=terminal,
                              in_browser=in_browser)

    @property
    def feed(self) -> Feed:
        return self.link.feed

    def run(self, seconds: float, step: float = 0.1) -> None:
        """Let time pass, for the server and for the console, which draws at the end."""
        for _ in range(round(seconds / step)):
            self.feed.step(step)
            self.time += step
            self.app.pull()
        self.app.redraw()


@contextmanager
def in_utc() -> Iterator[None]:
    """Wherever the pictures are made, their clocks show the same."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = "UTC"
    time.tzset()
    try:
        yield
    finally:
        if before is None:
            del os.environ["TZ"]
        else:
            os.environ["TZ"] = before
        time.tzset()


async def draw(scene: Scene) -> str:
    """The SVG of a scene."""
    with in_utc():
        return await _drawn(scene)


async def _drawn(scene: Scene) -> str:
    rig = Rig(scene.feed())
    async with rig.app.run_test(size=scene.size) as pilot:
        passed = 0.0
        for at, happens in sorted(scene.events.items()):
            rig.run(at - passed)
            happens(rig.feed)
            passed = at
        rig.run(scene.seconds - passed)
        await pilot.pause()
        begun = scene.before(rig.app)
        if isinstance(begun, Awaitable):       # a screen that has to be mounted
            await begun
        for key in scene.keys:
            await pilot.press(key)
            await pilot.pause()
        rig.app.redraw()
        await pilot.pause()
        return tidy(rig.app.export_screenshot(title=""))


def tidy(svg: str) -> str:
    """As Textual wrote it, but the same each time, and without what renderers disagree on:
    blanks at the ends of a text, and fonts from elsewhere."""

    def trimmed(match: re.Match[str]) -> str:
        kind, x, y, length, clip, text = match.groups()
        left = text.removeprefix(NBSP)
        before = 0
        while left != text:
            before, text, left = before + 1, left, left.removeprefix(NBSP)
        after = 0
        while text.endswith(NBSP):
            after, text = after + 1, text[: -len(NBSP)]
        if not text:
            return ""
        place = float(x) + before * CELL
        room = float(length) - (before + after) * CELL
        return f'<text {kind} x="{place:.1f}" {y} textLength="{room:.1f}"{clip}>{text}</text>'

    svg = _FONT_FACES.sub("", svg)
    svg = svg.replace("font-family: Fira Code, monospace",
                      "font-family: Fira Code, Cascadia Code, Menlo, Consolas, monospace")
    return _SERIAL.sub("terminal", _TEXT.sub(trimmed, svg))


def shown(svg: str) -> list[tuple[str, ...]]:
    """What a picture shows: each piece of text with its place.  The rest is a frame that
    may look different with the next version of Textual."""
    return [match.groups()[1:3] + match.groups()[5:] for match in _TEXT.finditer(svg)]


def crowd() -> Feed:
    """The feed of most pictures: some come, some go, one does not read."""
    return Feed(clients=14, slow=(2, 8))


def chat_program() -> Feed:
    """Its connections are `Feed`'s clients, one of whom does not read."""
    return ProgramFeed(clients=9, slow=(2,))


def leavers(feed: Feed) -> None:
    feed.leave(4, "evicted: queue 64K")
    feed.leave(6, "peer reset")


DEPART = {40.0: leavers}

SCENES = (
    Scene("console", (120, 40), feed=crowd, events=DEPART),
    Scene("console-80x24", (80, 24), feed=crowd, events=DEPART),
    Scene("console-60x16", (60, 16), feed=crowd, events=DEPART),
    Scene("console-200x60", (200, 60), ("down", "up"), feed=crowd, events=DEPART),
    Scene("plot", (120, 40), ("g", "right", "right"), feed=crowd, seconds=290.0, events=DEPART),
    Scene("selector-80x24", (80, 24), ("2", "down", "down", "down"), feed=crowd, events=DEPART),
    Scene("loop-80x24", (80, 24), ("4",), feed=crowd, events=DEPART),
    Scene("details-120x40", (120, 40), ("home", "enter"), feed=crowd, events=DEPART),
    Scene("kick-80x24", (80, 24), ("home", "space", "space", "k"), feed=crowd,
          events=DEPART),
    Scene("command-line-80x24", (80, 24), ("colon", *"slow"), feed=crowd, events=DEPART),
    Scene("time-travel", (120, 40), ("p", *["left_square_bracket"] * 9), feed=crowd,
          events=DEPART),
    Scene("write-interest-on-demand", (120, 40), ("4", "z"), feed=spinning,
          events={25.0: go_always}),
    Scene("write-interest-always", (120, 40), ("4", "z"), feed=spinning, events={48.0: go_always}),
    Scene("watch", (120, 40), ("6",), feed=chat_program, events={58.2: ProgramFeed.hold}),
    Scene("lab", (120, 40), ("L",), before=learnt),
    Scene("lab-80x24", (80, 24), ("L",), before=learnt),
    Scene("stage", (120, 40), before=spinning_stage),
    Scene("lesson", (120, 40), ("L", "c", "right", "right", "right", "right"), before=measured),
    Scene("lesson-80x24", (80, 24), ("L", "g", "right", "right", "right", "right", "3"),
          before=measured),
    Scene("cost-curve", (120, 40), ("L", "f", "right", "right", "right", "right"),
          before=measured),
)


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for scene in SCENES:
        (FOLDER / f"{scene.name}.svg").write_text(asyncio.run(draw(scene)), encoding="utf-8")
        print(f"{scene.name}.svg")


if __name__ == "__main__":
    main()
