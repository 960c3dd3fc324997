"""A recording as a film: an SVG that shows the console while the recording plays.

Nothing in it is fetched from elsewhere or run: text, rectangles, and for each line when it is
to be seen (SMIL, which browsers play in an `img`, too).  A line that stays the same is in it
once, whatever the number of frames.  Viewers that know no animation show the first frame.
"""

from __future__ import annotations

import asyncio

from textual.pilot import Pilot

from chatops.links.replay import ReplayLink
from chatops.replay.recording import Recording
from tui.app import ConsoleApp
from tui.vector import Frame, draw, frame_of

FRAMES = 24                    # unless it is said otherwise
MOST_FRAMES = 120
MOST_BYTES = 2 << 20           # a film that would be larger has fewer frames
SHORTEST, LONGEST = 0.25, 1.0  # seconds that a frame is shown
PULL = 0.1                     # seconds of the recording between two looks at it
PULLS_PER_FRAME = 100          # at most: of an hour, not every picture is looked at


def film(recording: Recording, size: tuple[int, int] = (120, 40), frames: int = FRAMES) -> str:
    """The SVG, the same each time for the same recording and time zone.

    It has at most `frames` frames, and half of them, and half again, until it is no larger
    than `MOST_BYTES`.
    """
    count = max(1, min(frames, MOST_FRAMES, len(recording.moments)))
    while True:
        shot = shoot(recording, size, count)
        svg = draw(shot, size, _pace(recording, count))
        if len(svg.encode()) <= MOST_BYTES or count == 1:
            return svg
        count //= 2


def _pace(recording: Recording, count: int) -> float:
    """Seconds that a frame is shown: as it happened, if that is not too fast or too slow."""
    return min(LONGEST, max(SHORTEST, recording.duration / count))


# -- shooting


def shoot(recording: Recording, size: tuple[int, int], count: int) -> list[Frame]:
    """What the screen shows at `count` moments, evenly over the recording."""
    now = 0.0
    shot: list[Frame] = []
    app = ConsoleApp(ReplayLink(recording, clock=lambda: now), replay=True, ticking=False,
                     clock=lambda: now)

    async def play(pilot: Pilot[object]) -> None:
        nonlocal now
        try:
            step = recording.duration / count
            pulls = max(1, min(PULLS_PER_FRAME, round(step / PULL)))
            await _settle(app, pilot)
            for number in range(count):
                for pull in range(pulls if number else 1):
                    now = step * (number + ((pull + 1) / pulls - 1 if number else 0))
                    app.pull()
                await _settle(app, pilot)
                shot.append(frame_of(app.screen._compositor.render_strips()))
        finally:
            app.exit()

    asyncio.run(app.run_async(headless=True, size=size, auto_pilot=play))
    if len(shot) != count:
        raise RuntimeError("the console ended before the recording did")
    return shot


async def _settle(app: ConsoleApp, pilot: Pilot[object]) -> None:
    """Draw, and draw again what a first drawing has moved."""
    for _ in range(2):
        app.redraw()
        await pilot.pause()
