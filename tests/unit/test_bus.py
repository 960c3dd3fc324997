"""One writer that never waits, readers that may lag and are told what they lost."""

from __future__ import annotations

import threading
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatops.loop.bus import EventBus, Subscription
from tests.patience import scaled

PATIENCE = scaled(20.0)        # seconds; only a broken bus ever waits so long


def published(bus: EventBus[int], count: int) -> None:
    """The numbers that come next."""
    for n in range(bus.published, bus.published + count):
        bus.publish(n)


def test_events_come_out_in_order_and_once() -> None:
    bus: EventBus[int] = EventBus(8)
    reader = bus.subscribe()
    published(bus, 5)
    assert reader.pending == 5
    assert reader.drain() == [0, 1, 2, 3, 4]
    assert reader.drain() == []
    assert (reader.pending, reader.dropped) == (0, 0)


def test_a_reader_sees_what_comes_after_it_subscribed() -> None:
    bus: EventBus[int] = EventBus(8)
    published(bus, 3)
    reader = bus.subscribe()
    published(bus, 2)
    assert reader.drain() == [3, 4]


@pytest.mark.parametrize(("before", "seen"), [(0, []), (3, [0, 1, 2]), (100, [96, 97, 98, 99])])
def test_a_reader_with_backlog_sees_what_is_still_held(before: int, seen: list[int]) -> None:
    bus: EventBus[int] = EventBus(4)
    published(bus, before)
    reader = bus.subscribe(backlog=True)
    assert reader.drain() == seen
    assert reader.dropped == 0


def test_a_reader_that_lags_loses_the_oldest_and_is_told_how_many() -> None:
    bus: EventBus[int] = EventBus(4)
    reader = bus.subscribe()
    published(bus, 10)
    assert reader.drain() == [6, 7, 8, 9]
    assert reader.dropped == 6


def test_a_full_ring_loses_nothing() -> None:
    bus: EventBus[int] = EventBus(4)
    reader = bus.subscribe()
    for turn in range(7):
        published(bus, 4)
        assert reader.drain() == list(range(turn * 4, turn * 4 + 4))
    assert reader.dropped == 0


def test_a_limit_keeps_the_newest_and_counts_the_rest() -> None:
    bus: EventBus[int] = EventBus(100)
    reader = bus.subscribe()
    published(bus, 50)
    assert reader.drain(limit=3) == [47, 48, 49]
    assert reader.dropped == 47
    published(bus, 1)
    assert reader.drain(limit=0) == []
    assert reader.dropped == 48


def test_readers_do_not_disturb_each_other() -> None:
    bus: EventBus[int] = EventBus(4)
    quick, slow = bus.subscribe(), bus.subscribe()
    published(bus, 4)
    assert quick.drain() == [0, 1, 2, 3]
    published(bus, 4)
    assert quick.drain() == [4, 5, 6, 7]
    assert slow.drain() == [4, 5, 6, 7]
    assert (quick.dropped, slow.dropped) == (0, 4)


def test_a_bus_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        EventBus(0)


@given(st.integers(1, 9), st.lists(st.tuples(st.integers(0, 30), st.none() | st.integers(0, 12))))
def test_every_event_is_either_read_in_order_or_counted_as_dropped(
        size: int, steps: list[tuple[int, int | None]]) -> None:
    bus: EventBus[int] = EventBus(size)
    reader = bus.subscribe()
    read: list[int] = []
    for count, limit in steps:
        published(bus, count)
        events = reader.drain(limit)
        assert len(events) <= size
        read += events
    assert read == sorted(set(read))
    assert len(read) + reader.dropped == bus.published


class Lapping(EventBus[int]):
    """A bus whose writer goes on while a reader copies."""

    __slots__ = ("meanwhile",)

    def __init__(self, size: int, meanwhile: int) -> None:
        super().__init__(size)
        self.meanwhile = meanwhile

    def copy(self, first: int, last: int) -> list[int]:
        half = (first + last) // 2
        held = super().copy(first, half)
        published(self, self.meanwhile)
        return held + super().copy(half, last)


@pytest.mark.parametrize("meanwhile", range(14))
def test_what_the_writer_laps_during_a_copy_is_dropped_and_nothing_else(meanwhile: int) -> None:
    bus = Lapping(6, meanwhile)
    reader = bus.subscribe()
    published(bus, 6)
    first = reader.drain()
    assert first == list(range(min(meanwhile, 6), 6))
    bus.meanwhile = 0
    read = first + reader.drain()
    assert read == sorted(set(read))
    assert len(read) + reader.dropped == bus.published


@pytest.mark.parametrize("size", [1, 64, 4096])
def test_threads_that_read_while_one_writes_account_for_every_event(size: int) -> None:
    total, bus = 60_000, EventBus[int](size)
    done = threading.Event()
    outcomes: list[tuple[list[int], Subscription[int]]] = []

    def read(reader: Subscription[int]) -> None:
        seen: list[int] = []
        while not done.is_set():
            seen += reader.drain()
        seen += reader.drain()
        outcomes.append((seen, reader))

    threads = [threading.Thread(target=read, args=(bus.subscribe(),)) for _ in range(2)]
    for thread in threads:
        thread.start()
    published(bus, total)
    done.set()
    for thread in threads:
        thread.join(PATIENCE)
    assert len(outcomes) == 2
    for seen, reader in outcomes:
        assert all(isinstance(event, int) for event in seen)
        assert all(a < b for a, b in pairwise(seen))
        assert len(seen) + reader.dropped == total
        assert seen[-1] == total - 1


def test_a_flush_wakes_a_reader_that_sleeps() -> None:
    bus: EventBus[int] = EventBus()
    reader = bus.subscribe(wake=True)
    woken: list[list[int]] = []

    def sleep() -> None:
        assert reader.wakeup.wait(PATIENCE)
        woken.append(reader.drain())

    thread = threading.Thread(target=sleep)
    thread.start()
    bus.publish(7)
    bus.flush()
    thread.join(PATIENCE)
    assert woken == [[7]]


def test_a_flush_wakes_nobody_when_nothing_was_published() -> None:
    bus: EventBus[int] = EventBus()
    sleeper, poller = bus.subscribe(wake=True), bus.subscribe()
    bus.flush()
    assert not sleeper.wakeup.is_set()
    bus.publish(1)
    assert not sleeper.wakeup.is_set()
    bus.flush()
    assert sleeper.wakeup.is_set()
    assert not poller.wakeup.is_set()
    sleeper.wakeup.clear()
    bus.flush()
    assert not sleeper.wakeup.is_set()


def test_who_unsubscribed_is_not_woken() -> None:
    bus: EventBus[int] = EventBus()
    reader, poller, stays = bus.subscribe(wake=True), bus.subscribe(), bus.subscribe(wake=True)
    bus.unsubscribe(reader)
    bus.unsubscribe(reader)
    bus.unsubscribe(poller)
    bus.publish(1)
    bus.flush()
    assert not reader.wakeup.is_set()
    assert stays.wakeup.is_set()
