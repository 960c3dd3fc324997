"""How often the console draws, told by clocks that are set by hand."""

from __future__ import annotations

import pytest

from tui.model.state import FASTEST
from tui.redraw import LEAST_SHARE, SPARE_SHARE, STILL, RedrawPacer

ASKED = 0.2                    # seconds between frames that the operator wants
FRAME = 0.014                  # seconds of CPU of one


class Rig:
    """A pace whose clock and CPU are turned by hand; the timer asks every `FASTEST`."""

    def __init__(self) -> None:
        self.now = self.cpu = 100.0
        self.version = 0
        self.pace = RedrawPacer(lambda: self.now, lambda: self.cpu)

    def frames(self, seconds: float, *, busy: float, frame: float = FRAME,
               news: bool = True) -> int:
        """Frames drawn in so many seconds."""
        drawn = 0
        for _ in range(round(seconds / FASTEST)):
            self.now += FASTEST
            self.version += news
            if self.pace.is_due(self.version, ASKED, busy):
                self.pace.drew(self.version)
                self.cpu += frame
                drawn += 1
        return drawn


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_the_first_frame_is_due_at_once(rig: Rig) -> None:
    assert rig.pace.is_due(0, ASKED, busy=1.0)


def test_beside_an_idle_reactor_the_console_draws_as_often_as_asked(rig: Rig) -> None:
    assert rig.frames(10.0, busy=0.1) == pytest.approx(10.0 / ASKED, abs=1)


def test_beside_a_busy_reactor_drawing_takes_no_more_than_its_least_share(rig: Rig) -> None:
    frames = rig.frames(20.0, busy=1.0)
    assert frames * FRAME <= 1.3 * 20.0 * LEAST_SHARE      # the timer asks in tenths
    assert frames > 20


@pytest.mark.parametrize("busy", [0.0, 0.5, 0.9, 1.0])
def test_frames_that_cost_ten_times_as_much_come_as_much_later(rig: Rig, busy: float) -> None:
    frame = 10 * FRAME
    share = max(LEAST_SHARE, SPARE_SHARE * (1 - busy))
    assert rig.frames(60.0, busy=busy, frame=frame) * frame <= 1.15 * 60.0 * share


def test_without_news_only_the_clocks_are_brought_up_to_date(rig: Rig) -> None:
    rig.frames(1.0, busy=0.0)
    assert rig.frames(90.0, busy=0.0, news=False) == pytest.approx(90.0 / STILL, rel=0.1)


def test_what_was_asked_for_between_two_frames_is_paid_for_too(rig: Rig) -> None:
    rig.frames(1.0, busy=1.0)
    rig.cpu += 0.5                 # a key, a dialog, a look at the lab
    assert rig.frames(0.5 / LEAST_SHARE / 2, busy=1.0) == 0
