"""Textual's `pilot.pause`, made to hold on a machine that gives a process no CPU."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from time import monotonic, process_time
from typing import Any

import pytest
import textual.app
import textual.pilot

FRAME = 0.02                   # seconds, longer than the one that Textual draws a screen after
BUSY = 0.001                   # seconds of CPU time in a frame that are more than nothing


@pytest.fixture(scope="session", autouse=True)
def _idle_is_when_nothing_waits_to_be_run() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(textual.pilot, "wait_for_idle", wait_for_idle)
        patch.setattr(textual.app, "wait_for_idle", wait_for_idle)
        yield


async def wait_for_idle(min_sleep: float = FRAME, max_sleep: float = 1.0) -> None:
    """Until nothing is ready to run, and what was due within a frame of that has been done.

    Textual takes a process that has used no CPU for a while for one that has nothing to do; on
    a machine whose cores belong to others it has everything to do yet.
    """
    loop: Any = asyncio.get_running_loop()
    began, drawn = monotonic(), False
    while True:
        used = process_time()
        await asyncio.sleep(FRAME)
        waited = monotonic() - began
        if loop._ready:
            continue
        if waited >= max_sleep:
            return                 # something moves all the time
        if waited >= min_sleep and process_time() - used < BUSY:
            due = loop.time() + FRAME
            if drawn or not any(timer.when() < due for timer in loop._scheduled):
                return
            drawn = True           # once: there may be an animation
