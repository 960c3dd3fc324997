"""Stage 4 as a picture: its port, its clients and its wake-ups are imagined."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, cast

from msgspec.structs import replace

from chatops.api.snapshot import KeyRow, LoopFigures, Snapshot
from chatops.lab.stages import StageLink
from chatops.lab.stages.queues import QueuesStage
from tests.tui.feed import LISTENER, FakeLink
from tests.tui.lab_scenes import SpinningFeed
from tui.app import ConsoleApp
from tui.lab.stage import StageScreen

PORT = 40123
BEFORE, AFTER = 14.0, 9.0      # seconds without a client, and with some


class Shown(QueuesStage):
    """It looks as if it ran, and has no thread."""

    @property
    def alive(self) -> bool:
        return True

    def stop(self, deadline: float = 0.0) -> bool:
        self.selector.close()
        return True


class QueuesFeed(SpinningFeed):
    """The same server, called by the names that stage 4 gives to its parts."""

    def snapshot(self) -> Snapshot:
        return replace(super().snapshot(), port=PORT)

    def _loop(self) -> LoopFigures:
        return replace(super()._loop(), write_interest="always", slowest_name="QueuesStage.talk")

    def _keys(self) -> tuple[KeyRow, ...]:
        return tuple([replace(row, callback="QueuesStage.accept", data="stage 4")
                      if row.fd == LISTENER else row
                      for row in super()._keys() if row.type != "waker"])

    def _key(self, t: Any) -> KeyRow:
        return replace(super()._key(t), callback="QueuesStage.talk",
                       armed_by="QueuesStage.accept (queues.py:42)")


def spinning_stage(app: ConsoleApp) -> Awaitable[None]:
    """Open stage 4, in which two clients have come and say nothing; when it is mounted."""
    stage = Shown(port=PORT)
    screen = StageScreen(stage, app, app.navigation, app.navigation.progress)
    feed = QueuesFeed(clients=0)
    screen.link.close()
    screen.link = cast("StageLink", FakeLink(feed))
    for tenth in range(round((BEFORE + AFTER) * 10)):
        if tenth == BEFORE * 10:
            for ident in (1, 2):
                feed.join(ident, f"client-{ident}", talks=0.0).came = feed.now
            feed.always(60)
        feed.step(0.1)
        screen.pull(tenth / 10)
    return app.push_screen(screen)
