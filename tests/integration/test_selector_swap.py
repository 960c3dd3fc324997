"""Changing the selector, the interest in writing and the slow-consumer policy under load."""

from __future__ import annotations

import os
import re
import resource
import selectors
import threading
from collections.abc import Callable, Iterator

import pytest

from chatops.api.commands import Selector, SlowConsumer, WriteInterest
from chatops.api.events import Disconnected, LinesDropped, Warned
from chatops.loop import backends
from tests.integration.harness import PATIENCE, Client, Clock, Server

StartServer = Callable[..., Server]

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
BACKENDS = [name for name in ("select", "poll", "epoll") if name in backends.available()]
CLIENTS = 50
LINES = 40                     # from each of them


class Listeners(threading.Thread):
    """Reads what many clients are sent, until each has heard so many lines of others."""

    def __init__(self, clients: list[Client], lines: int) -> None:
        super().__init__(name="listeners")
        self.heard: dict[int, list[str]] = {client.id: [] for client in clients}
        self.failure: BaseException | None = None
        self._clients = clients
        self._lines = lines

    def run(self) -> None:
        try:
            with selectors.DefaultSelector() as selector:
                for client in self._clients:
                    selector.register(client.sock, READ, client)
                while selector.get_map():
                    ready = selector.select(PATIENCE)
                    assert ready, {who: len(lines) for who, lines in self.heard.items()}
                    for key, _ in ready:
                        heard = self.heard[key.data.id]
                        heard += key.data.read_available()
                        if len(heard) >= self._lines:
                            selector.unregister(key.fileobj)
        except BaseException as error:
            self.failure = error


def test_nobody_loses_a_line_while_the_selector_is_swapped_under_load(
        server: StartServer) -> None:
    chat = server()
    clients = [chat.client() for _ in range(CLIENTS)]
    for client in clients:
        client.heard()
    before = {row.id: (row.fd, row.peer) for row in chat.snapshot().clients}
    listeners = Listeners(clients, CLIENTS * LINES)
    listeners.start()
    swaps = []
    for n in range(LINES):
        for client in clients:
            client.say(f"{n}")
        backend = BACKENDS[n % len(BACKENDS)]
        swaps.append(chat.thread.submit(Selector(backend)))
    listeners.join(PATIENCE)
    assert listeners.failure is None
    assert all(swap.result(PATIENCE).ok for swap in swaps)
    # Everybody heard the same lines in the same order, and each speaker's in its own.
    first, *others = listeners.heard.values()
    assert all(other == first for other in others)
    for client in clients:
        prefix = f"{client.nick}: "
        assert [line for line in first if line.startswith(prefix)] == [
            f"{prefix}{n}" for n in range(LINES)]
    assert {row.id: (row.fd, row.peer) for row in chat.snapshot().clients} == before


@pytest.mark.parametrize("backend", BACKENDS)
def test_every_backend_serves_on_its_own_and_is_named(server: StartServer, backend: str) -> None:
    chat = server(selector=backend)
    assert chat.snapshot().loop.backend == backend
    first, second = chat.clients(2)
    first.say("hello")
    second.expect("guest-1: hello")
    again = chat.do(Selector(backend))
    assert again.text == f"the selector is {backend} already"


def test_a_swap_tells_how_many_descriptors_moved_and_keeps_what_is_known_of_them(
        server: StartServer) -> None:
    chat = server(selector="poll")
    (client,) = chat.clients(1)
    before = {row.fd: row for row in chat.snapshot().keys}
    assert chat.do(Selector("select")).text == "poll -> select: 3 descriptors moved"
    after = {row.fd: row for row in chat.snapshot().keys}
    assert after.keys() == before.keys()
    for fd, row in before.items():
        assert (after[fd].registered_at, after[fd].armed_by) == (row.registered_at, row.armed_by)
    client.heard()


def test_a_full_outbox_and_a_held_client_survive_a_swap(server: StartServer) -> None:
    chat = server(selector="select", sndbuf=4096, rate_limit=200.0, rate_burst=400)
    slow, talker = chat.client(rcvbuf=4096), chat.client()
    talker.say(*(f"{n:04} {'x' * 2000}" for n in range(150)))
    chat.until(lambda inside: inside.state.connections[slow.id].queued)
    for backend in ("poll", "epoll", "select"):
        chat.do(Selector(backend))
    lines = slow.read_until(lambda line: line.startswith("guest-2: 0149"))
    assert [line[9:13] for line in lines if line.startswith("guest-2: ")] == [
        f"{n:04}" for n in range(150)]


def test_a_swap_to_what_this_machine_lacks_changes_nothing(server: StartServer) -> None:
    chat = server(selector="poll")
    result = chat.submit(Selector("devpoll"))
    assert not result.ok
    assert result.text.startswith("no selector 'devpoll' here; this machine has ")
    assert chat.snapshot().loop.backend == "poll"


# -- the limit of select


@pytest.fixture
def high_descriptors() -> Iterator[None]:
    """Every descriptor opened from now on is beyond what select can watch."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 1200:
        pytest.skip("this machine allows too few descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 1200), hard))
    opened: list[int] = []
    try:
        while not opened or opened[-1] < 1030:
            opened.append(os.open(os.devnull, os.O_RDONLY))
        yield
    finally:
        for fd in opened:
            os.close(fd)


def test_a_swap_to_select_is_refused_above_its_limit_and_nobody_notices(
        server: StartServer, high_descriptors: None) -> None:
    chat = server(selector="epoll")
    first, second = chat.clients(2)
    result = chat.submit(Selector("select"))
    assert not result.ok
    assert result.text.startswith("select cannot watch descriptors above 1023, and ")
    assert chat.snapshot().loop.backend == "epoll"
    first.say("nothing happened")
    second.expect("guest-1: nothing happened")
    chat.do(Selector("poll"))
    first.say("and poll takes us")
    second.expect("guest-1: and poll takes us")


def test_with_select_a_newcomer_beyond_its_limit_is_told_so(
        server: StartServer, request: pytest.FixtureRequest) -> None:
    chat = server(selector="select")
    client = chat.client()
    request.getfixturevalue("high_descriptors")
    chat.open_to_all = False
    newcomer = chat.client(greeted=False)
    assert newcomer.to_the_end() == [
        "*** error: the server is full: select() cannot watch more descriptors"]
    client.heard()
    chat.do(Selector("poll"))
    chat.client().heard()


# -- interest in writing


def assert_asleep(chat: Server) -> None:
    """The loop turns for nothing but what it is asked."""
    before = chat.snapshot().turn
    for _ in range(50):
        chat.call(lambda: None)
    assert chat.snapshot().turn - before <= 2 * 51


def test_an_idle_server_watches_for_reading_only_and_sleeps(server: StartServer) -> None:
    chat = server()
    chat.clients(10)
    assert {row.mask for row in chat.snapshot().clients} == {READ}
    assert_asleep(chat)


def test_watching_always_for_writing_never_sleeps_and_returns_by_itself(
        server: StartServer) -> None:
    chat = server()
    clock = Clock(chat)
    speaker, listener = chat.clients(2)
    did = chat.do(WriteInterest("always"))
    assert did.text == "watching always for writing; back to on demand in 30s"
    before = chat.snapshot()
    assert before.loop.write_interest == "always"
    assert {row.mask for row in before.clients} == {READ | WRITE}
    chat.until(lambda inside: inside.selector.turns > before.turn + 2000)
    after = chat.snapshot()
    assert after.loop.ready - before.loop.ready >= 2 * 2000    # both, in every turn
    late = chat.client()
    assert chat.row(late).mask == READ | WRITE
    speaker.say("still a chat")
    listener.expect("guest-1: still a chat")
    clock.advance(31)
    chat.wait_for(Warned, lambda event: event.text == "write interest is on demand again")
    assert chat.snapshot().loop.write_interest == "on-demand"
    assert {row.mask for row in chat.snapshot().clients} == {READ}
    assert_asleep(chat)


def test_a_console_that_watches_the_always_mode_does_not_stop_the_chat(
        server: StartServer) -> None:
    chat = server()
    speaker, listener = chat.clients(2)
    chat.call(lambda: chat.chat.selector.watch())
    chat.do(WriteInterest("always", "stay"))
    speaker.say("hello")
    listener.expect("guest-1: hello")
    chat.do(WriteInterest("on-demand"))
    assert_asleep(chat)


def test_to_stay_means_to_stay_and_the_last_word_counts(server: StartServer) -> None:
    chat = server()
    clock = Clock(chat)
    chat.clients(1)
    chat.do(WriteInterest("always"))
    chat.do(WriteInterest("always", "stay"))
    clock.advance(31)
    assert chat.snapshot().loop.write_interest == "always"
    chat.do(WriteInterest("on-demand"))
    chat.do(WriteInterest("always"))
    clock.advance(20)
    assert chat.snapshot().loop.write_interest == "always"
    clock.advance(11)
    assert chat.snapshot().loop.write_interest == "on-demand"


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_always_mode_and_its_end_survive_a_swap(server: StartServer, backend: str) -> None:
    chat = server()
    (client,) = chat.clients(1)
    chat.do(WriteInterest("always", "stay"))
    chat.do(Selector(backend))
    assert chat.row(client).mask == READ | WRITE
    chat.do(WriteInterest("on-demand"))
    assert chat.row(client).mask == READ
    client.heard()


# -- slow consumers


def one_by_one(talker: Client, numbers: range) -> None:
    """Numbered lines of a kilobyte, each in a turn of its own."""
    for n in numbers:
        talker.say(f"{n:04} {'x' * 1000}")
        talker.heard()


def test_the_policy_for_slow_consumers_can_be_changed_while_one_is_slow(
        server: StartServer) -> None:
    chat = server(sndbuf=4096, outbox=8 << 10)
    slow, talker = chat.client(rcvbuf=4096), chat.client()
    assert chat.do(SlowConsumer("drop-newest")).text == "slow-consumer drop-newest"
    one_by_one(talker, range(60))
    assert chat.snapshot().loop.slow_consumer == "drop-newest"
    dropped = chat.row(slow).lines_dropped
    assert dropped > 0
    chat.do(SlowConsumer("drop-oldest"))
    one_by_one(talker, range(60, 120))
    assert chat.row(slow).lines_dropped > dropped
    assert chat.row(slow).queued <= 8 << 10
    lines = slow.read_until(lambda line: line.startswith("guest-2: 0119"))
    heard = [line[9:13] for line in lines if line.startswith("guest-2: ")]
    assert heard == sorted(set(heard))                 # in order, none twice
    assert heard[0] == "0000"                          # the oldest stayed at first
    assert all(len(line) > 1000 for line in lines if line.startswith("guest-2: "))   # none cut
    assert chat.wait_for(LinesDropped).policy in ("drop-newest", "drop-oldest")


def test_back_at_evict_the_slow_one_is_told_and_goes(server: StartServer) -> None:
    chat = server(sndbuf=4096, outbox=8 << 10, slow_consumer="drop-oldest")
    slow, talker = chat.client(rcvbuf=4096), chat.client()
    one_by_one(talker, range(60))
    chat.do(SlowConsumer("evict"))
    one_by_one(talker, range(60, 70))
    last = slow.to_the_end()[-1]
    assert last.startswith("*** error: evicted: queue full (8.0K); ")
    assert re.search(r"; \d+ lines? (was|were) lost$", last)
    slow.close()
    assert chat.wait_for(Disconnected).reason == "evicted: queue full (8.0K)"
