"""Another backend under a running loop, and other people's loops over an observed one."""

from __future__ import annotations

import asyncio
import errno
import selectors
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from chatops.loop import backends
from chatops.loop.observed import ObservedSelector
from tests.patience import PATIENCE

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pairs() -> Iterator[list[Pair]]:
    """Three connected pairs."""
    with ExitStack() as stack:
        yield [(stack.enter_context(a), stack.enter_context(b))
               for a, b in (socket.socketpair() for _ in range(3))]


@pytest.fixture
def selector(pairs: list[Pair]) -> Iterator[ObservedSelector]:
    with ObservedSelector() as selector:
        for n, (ours, _) in enumerate(pairs):
            selector.register(ours, READ, n)
        yield selector


def ready(selector: ObservedSelector) -> set[int]:
    """Whose socket is ready now."""
    return {key.data for key, _ in selector.select(0)}


def test_a_swap_under_load_loses_nobody_and_nothing(selector: ObservedSelector,
                                                    pairs: list[Pair]) -> None:
    pairs[0][1].send(b"before")
    keys = sorted(selector.get_map().values(), key=lambda key: key.fd)
    turns = 0
    for name in (*backends.available(), *backends.available(), "auto"):
        selector.swap(name)
        assert selector.backend == backends.resolve(name).name
        assert sorted(selector.get_map().values(), key=lambda key: key.fd) == keys
        assert ready(selector) == {0}
        turns += 1
    assert selector.turns == turns
    assert [r.fires for r in selector.registrations()] == [turns, 0, 0]
    pairs[2][1].send(b"after")
    assert ready(selector) == {0, 2}


def test_registrations_can_be_changed_after_a_swap(selector: ObservedSelector,
                                                   pairs: list[Pair]) -> None:
    for name in backends.available():
        selector.swap(name)
        selector.modify(pairs[1][0], READ | WRITE, 1)
        assert ready(selector) == {1}
        selector.modify(pairs[1][0], READ, 1)
        assert ready(selector) == set()
        selector.unregister(pairs[2][0])
        selector.register(pairs[2][0], READ, 2)
    assert len(selector.get_map()) == 3


def test_a_swap_within_a_turn_does_not_disturb_it(selector: ObservedSelector,
                                                  pairs: list[Pair]) -> None:
    for _, theirs in pairs:
        theirs.send(b"x")
    selector.watch()
    seen = []
    for key, _ in selector.select(0):
        seen.append(key.data)
        selector.swap("select")
    assert sorted(seen) == [0, 1, 2]
    assert [r.fires for r in selector.registrations()] == [1, 1, 1]


def test_a_backend_that_is_not_here_changes_nothing(selector: ObservedSelector) -> None:
    before = selector.inner
    with pytest.raises(backends.BackendError, match="this machine has"):
        selector.swap("nonsense")
    assert selector.inner is before


class Far:
    """A descriptor with a high number, as far as anybody can see."""

    def fileno(self) -> int:
        return 2000


class Blind(selectors.SelectSelector):
    """Takes any number, and never looks."""


def test_select_is_refused_while_a_descriptor_is_beyond_its_reach() -> None:
    with ObservedSelector(Blind()) as selector:
        selector.register(Far(), READ)
        before = selector.inner
        with pytest.raises(backends.BackendError, match=r"above 1023.*highest is 2000"):
            selector.swap("select")
        assert selector.inner is before
        assert 2000 in [r.fd for r in selector.registrations()]


@pytest.mark.parametrize("reused", [False, True])
@pytest.mark.parametrize(("before", "after"), [
    ("epoll", "select"), ("epoll", "poll"), ("poll", "epoll"), ("select", "poll")])
def test_nothing_is_swapped_while_a_closed_descriptor_is_registered(
        pairs: list[Pair], before: str, after: str, reused: bool) -> None:
    if not {before, after} <= set(backends.available()):
        pytest.skip("this machine has not both")
    with ExitStack() as stack:
        selector = stack.enter_context(ObservedSelector(backends.make(before)))
        gone, other = socket.socketpair()
        stack.enter_context(other)
        fd = gone.fileno()
        selector.register(pairs[0][0], READ, 0)
        selector.register(gone, READ, "gone")
        gone.close()
        if reused:                 # the next to be opened has its number
            newcomers = [stack.enter_context(each) for each in socket.socketpair()]
            assert fd in [each.fileno() for each in newcomers]
        inner = selector.inner
        with pytest.raises(backends.BackendError, match=f"descriptor {fd} was closed and is still"):
            selector.swap(after)
        assert selector.inner is inner
        selector.unregister(gone)
        selector.swap(after)
        pairs[0][1].send(b"x")
        assert ready(selector) == {0}


class Refusing(selectors.SelectSelector):
    """Has no room for one of them."""

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        if data == "refused":
            raise OSError(errno.ENOSPC, "No space left on device")     # epoll_ctl(2)
        return super().register(fileobj, events, data)


def test_a_backend_that_refuses_a_descriptor_changes_nothing(
        pairs: list[Pair], monkeypatch: pytest.MonkeyPatch) -> None:
    with ObservedSelector(backends.make("poll")) as selector:
        selector.register(pairs[0][0], READ, 0)
        selector.register(pairs[1][0], READ, "refused")
        before = selector.inner
        monkeypatch.setattr(backends, "make", lambda _: Refusing())
        with pytest.raises(backends.BackendError, match=r"select refused a descriptor.*No space"):
            selector.swap("select")
        assert selector.inner is before
        assert [r.fd for r in selector.registrations()] == [
            pairs[0][0].fileno(), pairs[1][0].fileno()]


# -- other loops


@pytest.mark.parametrize("watched", [False, True])
def test_asyncio_runs_on_it(watched: bool) -> None:
    selector = ObservedSelector()
    selector.watch(watched)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write((await reader.readline()).upper())
        writer.close()
        await writer.wait_closed()

    async def ask() -> bytes:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        async with server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(b"hello\n")
            line = await reader.readline()
            selector.swap("select")
            writer.close()
            await writer.wait_closed()
            return line

    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner:
        assert runner.run(asyncio.wait_for(ask(), PATIENCE)) == b"HELLO\n"
        assert selector.backend == "select"
        assert selector.ready > 0
    assert selector.registrations() == []


def test_a_tutorials_loop_runs_on_it(pairs: list[Pair]) -> None:
    heard: list[tuple[int, bytes]] = []

    def read(sock: socket.socket, n: int) -> None:
        heard.append((n, sock.recv(100)))

    with ObservedSelector() as selector:
        selector.watch()
        for n, (ours, theirs) in enumerate(pairs):
            selector.register(ours, READ, (read, n))
            theirs.send(b"%d" % n)
        while len(heard) < 3:
            for key, mask in selector.select(20):
                callback, n = key.data
                assert mask == READ
                assert isinstance(key.fileobj, socket.socket)
                callback(key.fileobj, n)
        assert [r.fires for r in selector.registrations()] == [1, 1, 1]
        assert all(r.busy > 0 for r in selector.registrations())
    assert sorted(heard) == [(0, b"0"), (1, b"1"), (2, b"2")]
