"""Faults that a test puts into the console, and what must become of each."""

from __future__ import annotations

from typing import NoReturn

from chatops.api.events import CallbackFailed
from tests.tui.press import Page, on_screen, press
from tests.tui.shots import Rig

SIZE = (120, 40)
FAULT = "a fault put there by the test"


def fail(*_: object, **__: object) -> NoReturn:
    raise LookupError(FAULT)


def forgiving() -> Rig:
    rig = Rig()
    rig.app.forgiving = True
    return rig


async def assert_it_goes_on(rig: Rig, pilot: Page) -> None:
    """It is shown and logged, and the next key and the next second are as ever."""
    rig.run(0.1)
    await pilot.pause()
    assert rig.app.faults.count
    assert FAULT in on_screen(rig), on_screen(rig)
    reported = rig.link.reported[-1]
    assert isinstance(reported, CallbackFailed)
    assert FAULT in reported.error
    assert "Traceback" in reported.error
    assert rig.app.is_running
    before = on_screen(rig).splitlines()[0]
    rig.run(1)
    await pilot.pause()
    assert on_screen(rig).splitlines()[0] != before    # the header's clock goes on
    await press(rig, pilot, "colon")
    assert rig.app._front.prompt.is_open
    await press(rig, pilot, "escape")
