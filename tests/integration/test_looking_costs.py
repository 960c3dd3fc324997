"""How often it is looked, and what is said where a look cannot be afforded: no pause blinds it."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chatops.api.commands import WriteInterest
from chatops.api.slot import SnapshotSlot
from chatops.api.snapshot import KeyRow, Pulse
from chatops.control.frames import Poll, Update
from chatops.links.local import LocalLink
from chatops.links.remote import PROBE_AFTER, RemoteLink
from chatops.loop.observed import ObservedSelector
from chatops.loop.rows import key_rows
from chatops.server.snapshots import LONGEST, SHARE
from tests.integration.control import Raw, ctl, seen, settle
from tests.integration.harness import PATIENCE, Client, Clock, Served, Server
from tests.integration.until import until
from tui.model.state import ConsoleState

StartServer = Callable[..., Server]
DEAR = 100.0                   # seconds of CPU: it must be bounded


def hold(let_go: threading.Event) -> None:
    """A turn that does not end before it is told to."""
    assert let_go.wait(PATIENCE * 4)


class Hands:
    """A clock that a test turns by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def chat(server: StartServer, control_path: Path) -> Server:
    return server(control=str(control_path))


@pytest.fixture
def local(chat: Server) -> Iterator[LocalLink]:
    link = LocalLink(chat.thread)
    yield link
    link.close()


def put_off(chat: Server) -> None:
    """From now on the test's clock stands, and a snapshot was so dear that none follows."""
    def stand() -> None:
        now = chat.chat.reactor.clock()
        chat.chat.reactor.clock = lambda: now
        chat.thread.survey.charge(DEAR)

    chat.call(stand)


def look(control_path: Path, ask: Poll | None = None) -> Update:
    with Raw(control_path) as raw:
        raw.send(ask or Poll(now=True))
        reply = raw.read()
    assert isinstance(reply, Update)
    return reply


# -- the budget


def test_a_host_that_stalls_while_a_snapshot_is_built_puts_off_no_other(
        chat: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(chat)
    local = LocalLink(chat.thread, clock=lambda: chat.chat.reactor.clock())
    stalls = [60.0]

    def stalled(selector: ObservedSelector) -> tuple[KeyRow, ...]:
        if stalls:
            clock.ahead += stalls.pop()
        return key_rows(selector)

    seen(local)
    monkeypatch.setattr("chatops.server.snapshots.key_rows", stalled)
    client = chat.client()
    assert seen(local, clients=1).built_in >= 60.0
    client.say("still there?")
    until(lambda: (shot := local.poll()) is not None and shot.lines_in == 1)
    local.close()


@pytest.mark.parametrize(("cost", "wait"), [
    (0.0001, 0.0001 / SHARE), (0.01, 0.01 / SHARE), (0.1, LONGEST), (0.4, LONGEST),
    (3.0, 3.0)])       # more than half of the time would go into looking
def test_the_next_snapshot_comes_after_its_share_and_within_a_second(
        chat: Server, cost: float, wait: float) -> None:
    survey = chat.thread.survey
    paid = iter((10.0, 10.0 + cost))

    def fill() -> float:
        now = chat.chat.reactor.clock()
        chat.chat.reactor.clock = lambda: now
        survey.cpu = lambda: next(paid)
        survey._fill([SnapshotSlot()])
        return survey.next_at - now

    assert chat.call(fill) == pytest.approx(wait)


# -- asked by a script


def test_a_look_that_cannot_wait_is_answered_with_the_last_snapshot_and_its_age(
        chat: Server, control_path: Path) -> None:
    look(control_path)
    clock = Clock(chat)
    chat.call(lambda: chat.thread.survey.charge(DEAR))
    chat.client()
    clock.advance(7.0)
    answers = [look(control_path).snapshot for _ in range(10)]
    for shot in answers:
        assert shot is not None
        assert shot.age >= 7.0
        assert shot.clients == ()


def test_a_look_that_can_be_afforded_is_of_now(chat: Server, control_path: Path) -> None:
    chat.client()
    shot = look(control_path).snapshot
    assert shot is not None
    assert (shot.age, len(shot.clients)) == (0.0, 1)


def test_who_has_the_last_snapshot_already_waits_for_the_next(
        chat: Server, control_path: Path) -> None:
    with Raw(control_path) as raw:
        raw.send(Poll(now=True))
        first = raw.read()
        clock = Clock(chat)
        chat.call(lambda: chat.thread.survey.charge(DEAR))
        raw.send(Poll(now=True))
        clock.advance(DEAR * 2)
        second = raw.read()
    assert isinstance(first, Update)
    assert isinstance(second, Update)
    assert first.snapshot is not None
    assert second.snapshot is not None
    assert second.snapshot.mono > first.snapshot.mono
    assert second.snapshot.age == 0.0


def test_ctl_says_how_old_what_it_tells_is(
        chat: Server, control_path: Path) -> None:
    look(control_path)
    put_off(chat)
    chat.call(lambda: setattr(chat.chat.reactor, "clock", later(chat.chat.reactor.clock)))
    status = ctl(control_path, "status")
    assert status.exit_code == 0, status.output
    assert "as of" in status.stdout
    assert "3.0s ago" in status.stdout
    assert status.stderr == ""
    rooms = ctl(control_path, "rooms")
    assert rooms.exit_code == 0
    assert "3.0s ago" in rooms.stderr


def test_an_age_that_cannot_be_written_is_no_reason_to_fail(
        chat: Server, control_path: Path) -> None:
    look(control_path)
    put_off(chat)
    chat.call(lambda: setattr(chat.chat.reactor, "clock", later(chat.chat.reactor.clock)))
    with open("/dev/full", "w") as full:
        asked = subprocess.run([sys.executable, "-m", "chatops", "ctl", "--socket",
                                str(control_path), "rooms"], stdout=subprocess.PIPE, stderr=full,
                               text=True, timeout=PATIENCE * 10, check=False)
    assert asked.returncode == 0
    assert "lobby" in asked.stdout


def later(clock: Callable[[], float]) -> Callable[[], float]:
    then = clock() + 3.0
    return lambda: then


# -- while no snapshot comes


def test_an_embedded_console_knows_that_the_loop_spins_while_no_snapshot_comes(
        chat: Server, local: LocalLink) -> None:
    chat.client()
    seen(local, clients=1)
    put_off(chat)
    assert chat.thread.submit(WriteInterest("always", "stay")).result(PATIENCE).ok
    before = local.status.pulse
    assert before is not None
    until(lambda: pulse_of(local).turns >= before.turns + 1000)
    assert pulse_of(local).behind
    assert pulse_of(local).write_interest == "always"
    assert local.poll() is None
    assert chat.thread.submit(WriteInterest("on-demand")).result(PATIENCE).ok


def test_an_attached_console_is_told_that_the_loop_spins_while_no_snapshot_comes(
        chat: Server, control_path: Path, attach: Callable[[Path], RemoteLink]) -> None:
    link = attach(control_path)
    chat.client()
    seen(link, clients=1)
    clock = Clock(chat)
    until(lambda: link.poll() is None and link.status.pulse is not None)
    chat.call(lambda: chat.thread.survey.charge(DEAR))
    chat.call(lambda: setattr(chat.thread.survey, "next_at", float("inf")))
    assert chat.thread.submit(WriteInterest("always", "stay")).result(PATIENCE).ok
    before = pulse_of(link).turns

    def told() -> bool:
        clock.ahead += 0.01       # or it would take as long as it does
        assert link.poll() is None
        return pulse_of(link).turns >= before + 1000

    until(told)
    assert pulse_of(link).behind
    assert pulse_of(link).write_interest == "always"
    assert chat.thread.submit(WriteInterest("on-demand")).result(PATIENCE).ok


def pulse_of(link: LocalLink | RemoteLink) -> Pulse:
    pulse = link.status.pulse
    assert pulse is not None
    return pulse


def test_an_embedded_console_knows_of_a_turn_that_does_not_end(
        chat: Server, local: LocalLink) -> None:
    settle(local)
    assert not pulse_of(local).behind
    let_go = threading.Event()
    chat.chat.reactor.submit(lambda: hold(let_go))
    try:
        until(lambda: pulse_of(local).behind)
        one = pulse_of(local)
        until(lambda: pulse_of(local).worked > one.worked)
    finally:
        let_go.set()
    until(lambda: local.poll() is None and not pulse_of(local).behind)


def test_an_attached_console_whose_server_falls_silent_asks_once_whether_it_sleeps(
        chat: Server, control_path: Path) -> None:
    hands = Hands()
    link = RemoteLink(control_path, clock=hands)
    try:
        chat.client()
        seen(link, clients=1)
        until(lambda: put_forward(link, hands, PROBE_AFTER) and not link.unsure)
        chat.turn()                # in which its last look is read; this is news, too
        until(lambda: put_forward(link, hands, PROBE_AFTER) and not link.unsure)
        turns = chat.chat.selector.turns
        for _ in range(50):
            put_forward(link, hands, 60.0)
        assert not pulse_of(link).behind
        assert chat.chat.selector.turns <= turns + 1       # its last look, again
    finally:
        link.close()


def put_forward(link: RemoteLink, hands: Hands, seconds: float) -> bool:
    hands.now += seconds
    link.poll()
    return True


def test_an_attached_console_whose_server_does_not_answer_says_so(
        chat: Server, control_path: Path) -> None:
    hands = Hands()
    link = RemoteLink(control_path, clock=hands)
    let_go = threading.Event()
    try:
        seen(link)
        chat.client()
        seen(link, clients=1)
        chat.chat.reactor.submit(lambda: hold(let_go))
        link.submit(WriteInterest("on-demand"))
        until(lambda: put_forward(link, hands, PROBE_AFTER) and pulse_of(link).behind)
        let_go.set()
        until(lambda: link.poll() is None and not pulse_of(link).behind)
    finally:
        let_go.set()
        link.close()


def test_the_rates_of_a_server_that_is_stopped_are_its_last_and_not_nought(
        chat: Server, control_path: Path) -> None:
    hands = Hands()
    link = RemoteLink(control_path, clock=hands)
    state = ConsoleState()
    let_go = threading.Event()

    def pulled(seconds: float) -> ConsoleState:
        hands.now += seconds
        shot = link.poll()
        state.feed(shot, link.drain(), hands.now, status=link.status)
        return state

    try:
        client = chat.client()
        client.say("hello")
        until(lambda: pulled(0.01).live is not None and state.gauges.wakeups > 0)
        chat.chat.reactor.submit(lambda: hold(let_go))
        link.submit(WriteInterest("on-demand"))
        until(lambda: pulled(0.2).late)
        assert (state.asleep, state.chip) == (False, "LATE")
        assert state.gauges.wakeups > 0
        let_go.set()
        until(lambda: not pulled(0.01).late)
    finally:
        let_go.set()
        link.close()


def test_ctl_status_is_answered_while_the_loop_spins(
        served: Callable[..., Served], control_path: Path) -> None:
    process = served("--control", str(control_path))
    assert ctl(control_path, "write-interest", "always", "stay").exit_code == 0
    client = Client(process.address)
    for _ in range(3):
        status = ctl(control_path, "status")
        assert status.exit_code == 0, status.output
        assert "clients" in status.stdout
    client.close()
