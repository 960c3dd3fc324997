"""What the lints' texts say of select, poll and epoll, tried on the real system calls."""

from __future__ import annotations

import os
import selectors
import socket
from collections.abc import Iterator

import pytest

from chatops.lints import find
from chatops.loop import rows as inspect
from chatops.loop.observed import ObservedSelector
from tests.unit.imagined import READ, WRITE, snapshot

BACKENDS = [name for name in ("SelectSelector", "PollSelector", "EpollSelector")
            if hasattr(selectors, name)]


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    theirs.send(b"x")
    with ours, theirs:
        yield ours, theirs


Pair = tuple[socket.socket, socket.socket]


def watched(name: str, pair: Pair) -> selectors.BaseSelector:
    """A selector of this kind in which one end is registered and then closed."""
    selector: selectors.BaseSelector = getattr(selectors, name)()
    selector.register(pair[0], READ)
    pair[0].close()
    return selector


@pytest.mark.skipif("SelectSelector" not in BACKENDS, reason="no select here")
def test_select_fails_as_a_whole_for_a_closed_descriptor(pair: Pair) -> None:
    other = os.dup(pair[1].fileno())
    with watched("SelectSelector", pair) as selector:
        selector.register(other, WRITE)
        with pytest.raises(OSError, match="Bad file descriptor"):
            selector.select(0)
    os.close(other)


@pytest.mark.skipif("PollSelector" not in BACKENDS, reason="no poll here")
def test_poll_reports_a_closed_descriptor_on_every_turn(pair: Pair) -> None:
    with watched("PollSelector", pair) as selector:
        assert [len(selector.select(0)) for _ in range(3)] == [1, 1, 1]


@pytest.mark.skipif("EpollSelector" not in BACKENDS, reason="no epoll here")
def test_epoll_forgets_a_closed_descriptor_silently(pair: Pair) -> None:
    with watched("EpollSelector", pair) as selector:
        assert selector.select(0) == []
        assert len(selector.get_map()) == 1


@pytest.mark.skipif("EpollSelector" not in BACKENDS, reason="no epoll here")
def test_epoll_goes_on_to_report_a_closed_descriptor_that_has_a_duplicate(pair: Pair) -> None:
    fd = pair[0].fileno()
    duplicate = os.dup(fd)
    try:
        with watched("EpollSelector", pair) as selector:
            assert [key.fd for key, _ in selector.select(0)] == [fd]
            selector.unregister(pair[0])
            assert len(selector.get_map()) == 0
            with pytest.raises(OSError, match="Bad file descriptor"):
                os.fstat(fd)
    finally:
        os.close(duplicate)


@pytest.mark.parametrize("name", BACKENDS)
def test_the_number_of_a_closed_descriptor_cannot_be_registered_again(
        name: str, pair: Pair) -> None:
    fd = pair[0].fileno()
    with watched(name, pair) as selector:
        os.dup2(pair[1].fileno(), fd)      # the next socket gets this number
        try:
            with pytest.raises(KeyError, match="already registered"):
                selector.register(fd, READ)
        finally:
            os.close(fd)


@pytest.mark.parametrize("name", BACKENDS)
def test_the_lint_finds_it_in_a_real_selector(name: str, pair: Pair) -> None:
    with ObservedSelector(getattr(selectors, name)()) as selector:
        selector.register(pair[0], READ)
        fd = pair[0].fileno()
        pair[0].close()
        rows = inspect.key_rows(selector)
        assert [(lint.code, lint.fd) for lint in find(snapshot(100, 10.0, keys=rows))
                if lint.code != "accept-paused"] == [
            ("closed-registered", fd)]


@pytest.mark.parametrize("name", BACKENDS)
def test_an_end_of_file_keeps_a_descriptor_readable_and_the_lint_finds_it(
        name: str, pair: Pair) -> None:
    with ObservedSelector(getattr(selectors, name)()) as selector:
        selector.register(pair[0], READ)
        pair[0].recv(1)
        pair[1].close()
        before = snapshot(100, 10.0, keys=inspect.key_rows(selector))
        for _ in range(100):
            assert [mask for _, mask in selector.select(0)] == [READ]
            assert pair[0].recv(1) == b""
        found = find(snapshot(101, 10.1, keys=inspect.key_rows(selector)), before)
        assert "eof-unhandled" in [lint.code for lint in found]


@pytest.mark.parametrize("name", BACKENDS)
def test_a_socket_with_nothing_to_write_is_ready_on_every_turn(name: str, pair: Pair) -> None:
    with getattr(selectors, name)() as selector:
        selector.register(pair[1], WRITE)
        assert [mask for _ in range(100) for _, mask in selector.select()] == [WRITE] * 100


@pytest.mark.skipif("SelectSelector" not in BACKENDS, reason="no select here")
def test_select_refuses_a_number_from_its_limit_on(pair: Pair) -> None:
    with selectors.SelectSelector() as selector:
        selector.register(1024, READ)
        with pytest.raises(ValueError, match="out of range"):
            selector.select(0)
