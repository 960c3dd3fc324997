"""Frames as they are found in the log: which of them are what they say."""

from __future__ import annotations

from collections import deque
from types import SimpleNamespace
from typing import Any, cast

import pytest

from chatops.cluster.arrivals import Arrivals
from chatops.cluster.frame_queue import FrameQueue
from chatops.cluster.frames import STALE, Codec, NodeFrame
from chatops.cluster.numbers import Numbers

SECRET = b"a secret that all share"
LOG = 1_000_000.0              # seconds, by the engine's clock, when node a reads


class Reading:
    """Node a, which reads what others have written; the rest of it stands still."""

    def __init__(self) -> None:
        self.frames: list[NodeFrame] = []
        self.warned: list[str] = []
        context = SimpleNamespace(intake_left=1 << 20, intake_floor=0, reserved=0, dead=deque())
        state = cast(Any, SimpleNamespace(
            context=context, held_rooms=(), hub=SimpleNamespace(at=0.0),
            say=lambda event: self.warned.append(event.text), mishap=self._mishap,
            reactor=SimpleNamespace(now=0.0)))
        self.engine_time = LOG
        link = cast(Any, SimpleNamespace(epoch="log", age=lambda entry: 0.0, caught_up=False,
                                         engine_time=lambda: self.engine_time))
        reader = cast(Any, SimpleNamespace(
            lines=0, take=lambda frame, seen, age: self.frames.append(frame)))
        past = cast(Any, SimpleNamespace(read=lambda log, entry: None, pending=False))
        codec = Codec("a", "boot", SECRET)
        self.arrivals = Arrivals(state, codec, link, FrameQueue(codec), Numbers(), reader, past,
                                 cast(Any, SimpleNamespace(pending=False)))

    def _mishap(self, _name: str, _fd: int, error: Exception, _culprit: Any) -> None:
        raise error

    def finds(self, written: float, entry: float, seq: int = 1) -> bool:
        """A frame that node b wrote then, where the log says it came then; whether it is taken."""
        codec = Codec("b", "boot", SECRET)
        codec.engine_time = lambda: written
        before = len(self.frames)
        self.arrivals.take([(f"{int(entry * 1000)}-0", codec.seal(seq, 0.0, []))])
        return len(self.frames) > before


def test_what_was_signed_long_ago_and_is_written_again_is_not_taken() -> None:
    node = Reading()
    assert node.finds(LOG - 1.0, LOG)
    assert not node.finds(LOG - STALE - 61.0, LOG, 2)
    assert node.warned == ["of the cluster's log 1 frame was not read: node b wrote it 6m before "
                           "it came into the log: somebody has put it there again"]


@pytest.mark.parametrize(("written", "entry", "engine_time"), [
    (LOG - 4000.0, LOG - 3999.0, LOG),             # read late, by a node that was away
    (LOG, LOG + 4000.0, LOG),                      # the engine's clock was set, and we do not know
    (0.0, LOG, LOG),                               # of a node that does not say it
    (LOG - 100.0, LOG, LOG),                       # the engine stood still, with it in a buffer
])
def test_what_is_late_for_another_reason_is(written: float, entry: float, engine_time: float
                                           ) -> None:
    node = Reading()
    node.engine_time = engine_time
    assert node.finds(written, entry)
    assert node.warned == []
