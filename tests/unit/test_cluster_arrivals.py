"""Frames as they are found in the log: which of them are what they say."""

from __future__ import annotations

from collections import deque
from types import SimpleNamespace
from typing import Any, cast

import pytest

from chatops.cluster.arrivals import ENOUGH, Arrivals
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
            reactor=SimpleNamespace(now=0.0, clock=lambda: 0.0)))
        self.engine_time = LOG
        link = cast(Any, SimpleNamespace(epoch="log", age=lambda entry: 0.0, caught_up=False,
                                         engine_time=lambda: self.engine_time))
        reader = cast(Any, SimpleNamespace(
            lines=0, orders=0, unfinished=False,
            take=lambda frame, seen, age: self.frames.append(frame)))
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


class Slow:
    """A reader to whom each frame is too much for a turn, and a history."""

    def __init__(self) -> None:
        self.did: list[str] = []
        self.lines = self.orders = 0
        self.unfinished = False
        self.pending = False

    def take(self, frame: NodeFrame, _seen: Any, _age: float) -> None:
        self.unfinished = True
        self.did.append(f"began {frame.seq}")

    def go_on(self) -> None:
        self.unfinished = False
        self.did.append("ended")

    def read(self, _log: str, entry: str) -> None:
        self.did.append(f"read {entry}")

    def flush(self, _numbers: Any) -> None:
        self.did.append("kept")


def test_what_follows_waits_for_the_rest_of_a_frame_and_so_does_the_history() -> None:
    node, slow, soon = Reading(), Slow(), list[Any]()
    arrivals, codec = node.arrivals, Codec("b", "boot", SECRET)
    for part in ("_reader", "_past"):
        setattr(arrivals, part, slow)
    state: Any = arrivals._state
    state.reactor.call_soon = soon.append
    state.context.outbox_limit = 1 << 20
    arrivals.take([("1-0", codec.seal(1, 0.0, [])), ("2-0", codec.seal(2, 0.0, []))])
    while soon or not slow.did or slow.did[-1] != "kept":
        arrivals.keep()
        arrivals.flush()
        if not soon:
            break
        slow.did.append("turn")
        soon.pop()()
    assert slow.did == ["began 1", "turn", "ended", "read 1-0", "began 2", "turn", "ended",
                        "read 2-0", "kept"]


def test_a_turn_has_had_enough_of_frames_after_some_milliseconds() -> None:
    node, now = Reading(), [0.0]
    state: Any = node.arrivals._state

    def clock() -> float:
        now[0] += ENOUGH / 10
        return now[0]

    state.reactor.clock = clock
    codec = Codec("b", "boot", SECRET)
    node.arrivals.take([(f"{n}-0", codec.seal(n, 0.0, [])) for n in range(1, 101)])
    assert 1 < len(node.frames) < 20
    assert node.arrivals._goes_on
