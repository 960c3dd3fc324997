"""tests/FAULTS.md, rates and fairness (R01-R05): who says too much slows nobody but itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event

import pytest

from chatops.api.commands import Kick, Quit
from chatops.api.events import Disconnected, Throttled
from tests.integration.client import Client
from tests.integration.harness import Clock, Server
from tests.integration.talk import accounted, meanwhile, numbered, say_and_hear
from tests.patience import scaled

StartServer = Callable[..., Server]

SOON = scaled(0.2)             # seconds
PACE = 0.02                    # seconds between lines that are timed: within the rate
TOLD = ("*** error: you are over 50 lines a second; you are read more slowly for now, and "
        "nothing is lost")


@contextmanager
def flooding(client: Client) -> Iterator[None]:
    """Somebody who says as much as a socket takes, and reads what comes of it."""
    lines = b"flood flood flood\n" * 4096
    client.sock.setblocking(False)

    def flood(over: Event) -> None:
        for step in (lambda: client.sock.send(lines), lambda: client.sock.recv(1 << 20)):
            try:
                step()
            except BlockingIOError:
                over.wait(0.0005)

    with meanwhile(flood):
        yield


def p95(speaker: Client, hearer: Client, count: int = 40, *, seconds: float = 0.0) -> float:
    """Seconds between saying and hearing, for all but one in twenty, of so many lines and for
    so long at least.
    """
    took: list[float] = []
    start = time.perf_counter()
    while len(took) < count or time.perf_counter() - start < seconds:
        n = len(took)
        began = time.perf_counter()
        speaker.say(f"ping {n}")
        hearer.expect(f"{speaker.nick}: ping {n}")
        speaker.expect(f"{speaker.nick}: ping {n}")
        took.append(time.perf_counter() - began)
        Event().wait(PACE)
    return sorted(took)[int(len(took) * 0.95)]


def test_r01_a_flood_in_the_same_room_leaves_the_others_fast(server: StartServer) -> None:
    speaker, hearer, flooder = server().clients(3)
    with flooding(flooder):
        assert p95(speaker, hearer, seconds=5) < SOON


def test_r01_a_flood_without_a_rate_limit_leaves_other_rooms_fast(server: StartServer) -> None:
    speaker, hearer, flooder = server(rate_limit=0.0).clients(3)
    flooder.join("noise")
    with flooding(flooder):
        assert p95(speaker, hearer) < SOON


@pytest.mark.parametrize("line", ["", "é", "/", "/who", "quit it"])
def test_r01_short_lines_that_are_dear_to_read_leave_the_others_fast(
        server: StartServer, line: str) -> None:
    chat = server()
    speaker, hearer, flooder = chat.clients(3)
    flooder.join("noise")
    over = Event()
    thread = threading.Thread(target=_pour, args=(flooder, f"{line}\n".encode(), over))
    thread.start()
    try:
        assert p95(speaker, hearer, 20) < SOON
    finally:
        over.set()
        chat.submit(Kick((str(flooder.id),)))
        flooder.sock.close()
        thread.join()


def _pour(client: Client, line: bytes, over: Event) -> None:
    data = line * ((1 << 16) // len(line))
    client.sock.settimeout(0.05)
    while not over.is_set():
        try:
            client.sock.send(data)
        except TimeoutError:
            pass
        except OSError:
            return


# -- storms of notices


def lines_out(server: Server) -> int:
    return server.snapshot().lines_out


def test_r03_in_a_large_room_a_storm_of_joins_and_renames_costs_a_line_each(
        server: StartServer) -> None:
    chat = server()
    members = [chat.client() for _ in range(200)]
    chat.turn()
    before = lines_out(chat)
    for n in range(200):
        with Client(chat.address) as passing:
            passing.say(f"/nick passing{n}")
            passing.expect(f"*** {passing.nick} is now passing{n}")
    chat.until(lambda chat: len(chat.state.connections) == 200)
    assert lines_out(chat) - before == 200 * 2
    assert members[0].heard()[-1:] != [f"*** {passing.nick} joined"]


def test_r03_in_a_small_room_notices_are_told_at_a_bounded_rate(server: StartServer) -> None:
    chat = server(rate_limit=0.0)
    clock = Clock(chat)
    chat.call(lambda: setattr(chat.chat.reactor, "clock", lambda: 1e6 + clock.ahead))
    hearer, restless = chat.clients(2)
    hearer.join("quiet")
    restless.join("quiet")
    clock.advance(60)
    for n in range(500):
        restless.say(f"/nick restless{n}")
    restless.expect("*** restless498 is now restless499")
    heard = [line for line in hearer.heard() if "is now" in line]
    assert 10 <= len(heard) <= 20


# -- over the rate


def bursting(server: Server) -> tuple[Client, Client, Clock]:
    """Somebody to say too much, somebody to hear it, and the time it takes."""
    clock = Clock(server)
    talker, hearer = server.clients(2)
    return talker, hearer, clock


@pytest.mark.parametrize("count", [5, 50])
def test_r05_a_paste_is_nothing_special(server: StartServer, count: int) -> None:
    chat = server()
    talker, hearer, _ = bursting(chat)
    say_and_hear(talker, numbered(0, count), [hearer])
    assert TOLD not in talker.heard()
    assert not any(isinstance(event, Throttled) for event in chat.events())


def test_r05_of_5000_lines_at_once_nothing_is_lost_and_the_talker_is_told_once(
        server: StartServer) -> None:
    chat = server()
    talker, hearer, clock = bursting(chat)
    other = chat.client()
    hearer.heard()
    talker.heard()
    talker.say(*numbered(0, 5000, 20))     # more than one read, and cut inside a line
    lines: list[str] = []
    while len(lines) < 5000:
        other.say("and I?")
        hearer_lines = hearer.read_until(f"{other.nick}: and I?")
        lines += [line for line in hearer_lines[:-1] if not line.endswith("joined")]
        clock.advance(1)
    assert accounted(lines, talker.nick) == (5000, 5000)
    event = chat.wait_for(Throttled)
    assert event.id == talker.id
    assert talker.heard().count(TOLD) == 1
    assert not any(isinstance(event, Disconnected) for event in chat.events())
    assert sum(isinstance(event, Throttled) for event in chat.events()) == 1


def test_r05_while_it_has_no_tokens_a_talker_is_not_read(server: StartServer) -> None:
    chat = server()
    talker, _, clock = bursting(chat)
    chat.call(lambda: setattr(chat.chat.reactor, "clock", lambda: 1e6 + clock.ahead))
    clock.advance(60)
    talker.say(*numbered(0, 1000))
    talker.expect(TOLD)
    chat.turn()
    row = chat.row(talker)
    assert (row.mask, row.state) == (0, "throttled")
    for _ in range(20):
        clock.advance(1)
    talker.expect(f"{talker.nick}: 999 ")
    chat.turn()
    row = chat.row(talker)
    assert (row.mask, row.state) == (1, "open")


def test_r05_a_line_cut_by_a_pause_of_ours_is_not_held_against_the_talker(
        server: StartServer) -> None:
    chat = server(rate_limit=1.0, rate_burst=1, line_deadline=10.0)
    talker, hearer, clock = bursting(chat)
    talker.send(b"".join(b"%d\n" % n for n in range(100)) + b"never")
    for _ in range(103):
        clock.advance(1)
    talker.say(" mind")
    clock.advance(5)
    hearer.expect(f"{talker.nick}: never mind")


def test_r05_who_leaves_after_a_burst_is_heard_to_the_end(server: StartServer) -> None:
    chat = server()
    talker, hearer, clock = bursting(chat)
    talker.say(*numbered(0, 2000))
    talker.half_close()
    lines: list[str] = []
    while f"*** {talker.nick} left" not in lines:
        clock.advance(1)
        lines += hearer.heard()
    assert accounted(lines[:-1], talker.nick) == (2000, 2000)


def test_r05_what_is_held_when_the_server_stops_is_said_before_the_goodbye(
        server: StartServer) -> None:
    chat = server()
    chat.must_live = False
    talker, hearer, _ = bursting(chat)
    talker.say(*numbered(0, 1000))
    talker.expect(TOLD)
    chat.do(Quit("drain"))
    *lines, goodbye = hearer.to_the_end()
    assert accounted(lines, talker.nick) == (1000, 1000)
    assert goodbye == "*** the server is shutting down; bye"
