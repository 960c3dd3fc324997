"""The turns of a watched loop are noted as numbers, and told with the names of their time."""

from __future__ import annotations

import selectors
import socket
from collections.abc import Iterator

import pytest

from chatops.loop import backends
from chatops.loop.rows import turns_since
from chatops.watch.selector import WatchedSelector
from chatops.watch.turn_log import READY_KEPT, TURNS

READ = selectors.EVENT_READ
Pair = tuple[socket.socket, socket.socket]


class Owner:
    """Whose a descriptor is."""

    def __init__(self, label: str) -> None:
        self.label = label


@pytest.fixture
def selector() -> Iterator[WatchedSelector]:
    with WatchedSelector(backends.make("poll")) as made:
        made.asyncio = True            # its calls are not timed by going through what is ready
        made.watch()
        yield made


@pytest.fixture
def ready() -> Iterator[Pair]:
    one, other = socket.socketpair()
    other.send(b"x")
    with one, other:
        yield one, other


def test_like_turns_are_one_and_the_counts_are_of_all(selector: WatchedSelector, ready: Pair
                                                       ) -> None:
    selector.register(ready[0], READ, Owner("bob"))
    for _ in range(5):
        selector.select(0)
    (turn,) = turns_since(selector, 0)
    assert (turn.repeats, [(each.fd, each.mask, each.name) for each in turn.ready]) == (
        4, [(ready[0].fileno(), READ, "bob")])
    (registration,) = selector.registrations()
    assert (registration.fires, registration.last_mask) == (5, READ)
    assert list(registration.masks or ()) == [READ] * 5


def test_a_change_is_told_in_the_turn_that_made_it_at_once(selector: WatchedSelector,
                                                            ready: Pair) -> None:
    selector.select(0)
    selector.register(ready[0], READ, Owner("bob"))
    assert [change.what for change in turns_since(selector, 0)[-1].changes] == ["register"]
    selector.modify(ready[0], READ | selectors.EVENT_WRITE, Owner("bob"))
    assert [change.what for change in turns_since(selector, 0)[-1].changes] == [
        "register", "modify"]
    selector.select(0)
    before, after = turns_since(selector, 0)
    assert len(before.changes) == 2
    assert after.changes == ()


def test_a_descriptor_that_has_another_owner_now_is_told_by_the_one_it_had(
        selector: WatchedSelector, ready: Pair) -> None:
    selector.register(ready[0], READ, Owner("alice"))
    selector.select(0)
    selector.unregister(ready[0])
    selector.register(ready[0], READ, Owner("bob"))
    assert [each.name for each in turns_since(selector, 0)[0].ready] == ["alice"]
    selector.select(0)
    assert [each.name for each in turns_since(selector, 2)[-1].ready] == ["bob"]


def test_of_a_crowd_as_many_are_noted_as_are_shown_and_all_are_counted(
        selector: WatchedSelector) -> None:
    pairs = [socket.socketpair() for _ in range(READY_KEPT + 10)]
    for one, other in pairs:
        other.send(b"x")
        selector.register(one, READ, None)
    selector.select(0)
    assert len(turns_since(selector, 0)[-1].ready) == READY_KEPT
    assert sum(each.fires for each in selector.registrations()) == len(pairs)
    for pair in pairs:
        for end in pair:
            end.close()


def test_what_is_remembered_is_bounded_and_forgotten_when_nobody_looks(
        selector: WatchedSelector, ready: Pair) -> None:
    for _ in range(TURNS + 10):        # alternately something is ready, and nothing
        selector.register(ready[0], READ, None)
        selector.select(0)
        selector.unregister(ready[0])
        selector.select(0)
    assert len(selector.turn_log.turns) == TURNS
    selector.watch(False)
    assert turns_since(selector, 0) == ()
