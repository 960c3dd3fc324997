"""For how long the log of the nodes waits for readers here."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from chatops.cluster.courtesy import Courtesy
from chatops.server.backpressure import PATIENCE, READERS, WINDOW
from tests.unit.ticking import Ticking

STEP = PATIENCE / 8            # seconds of a turn
EVERYWHERE, HERE = "lobby", "kitchen"


class Rooms(dict[str, SimpleNamespace]):
    open = dict.__getitem__


class Node:
    """One whose rooms are held as the test says."""

    def __init__(self, time: Ticking) -> None:
        self._time, self._now = time, 0.0
        self.state = SimpleNamespace(reactor=time.reactor, held_rooms=(), hub=SimpleNamespace(
            rooms=Rooms({EVERYWHERE: SimpleNamespace(elsewhere=2),
                         HERE: SimpleNamespace(elsewhere=0)})))
        self.courtesy = Courtesy(cast(Any, self.state))
        time.reactor.hooks.append(self.courtesy.look)

    def hold(self, *rooms: str) -> None:
        self.state.held_rooms = rooms

    def waits(self, seconds: float) -> float:
        """How long of these seconds it did, give or take a step."""
        waited = 0.0
        for _ in range(round(seconds / STEP)):
            self._now += STEP
            self._time.turn_at(self._now)
            waited += STEP * self.courtesy.waits()
        return waited


@pytest.fixture
def node() -> Iterator[Node]:
    with Ticking() as time:
        yield Node(time)


def test_nothing_waits_where_nobody_is_waited_for(node: Node) -> None:
    assert node.waits(PATIENCE) == 0


def test_it_waits_a_second_at_once_for_however_long_a_room_is_held(node: Node) -> None:
    node.hold(EVERYWHERE)
    assert node.waits(5 * PATIENCE) == pytest.approx(PATIENCE, abs=STEP)


def test_it_goes_on_as_soon_as_the_room_is_not_held_and_waits_again_for_the_next(
        node: Node) -> None:
    for _ in range(2):
        node.hold(EVERYWHERE)
        assert node.waits(PATIENCE / 2) == pytest.approx(PATIENCE / 2)
        node.hold()
        assert node.waits(PATIENCE) == 0


def test_rooms_in_which_nobody_else_may_speak_are_of_no_account(node: Node) -> None:
    node.hold(HERE, "gone")
    assert node.waits(PATIENCE) == 0
    node.hold(HERE, EVERYWHERE)
    assert node.waits(PATIENCE) > 0


def test_all_rooms_together_have_it_wait_for_no_longer_than_one_of_them_may(node: Node) -> None:
    waited = 0.0
    for _ in range(20):
        node.hold(EVERYWHERE)
        waited += node.waits(2 * PATIENCE)
        node.hold()
        node.waits(STEP)
    spent = 20 * (2 * PATIENCE + STEP)
    most = READERS * PATIENCE * (1 + spent / WINDOW)
    assert READERS * PATIENCE <= waited <= most + 20 * STEP
