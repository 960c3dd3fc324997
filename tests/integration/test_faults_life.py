"""Life and death of the process (Z01 to Z10, without a console)."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Callable
from concurrent.futures import Future

import pytest

from chatops.api.commands import Bans, Broadcast, Command, CommandResult, Quit
from chatops.api.events import CallbackFailed, Crashed, Disconnected, ServerStopped
from chatops.chat.intake import Intake
from chatops.chat.session import Session
from chatops.net.connection import Connection
from chatops.server.admin import Admin
from tests.integration.harness import PATIENCE, Client, Served, Server
from tests.patience import scaled

StartServer = Callable[..., Server]
StartProcess = Callable[..., Served]

GOODBYE = "*** the server is shutting down; bye"


def stuck(chat: Server | Served) -> Client:
    """A client with more to read than any kernel takes, who does not read."""
    client = chat.client(rcvbuf=4096)
    talker = chat.client()
    for _ in range(16):
        talker.say(*("x" * 4000 for _ in range(16)))
        talker.heard()
    talker.close()
    return client


# -- signals


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_z01_a_signal_says_goodbye_closes_in_order_and_exits_with_0(
        served: StartProcess, number: signal.Signals) -> None:
    chat = served()
    chat.must_live = False
    clients = [chat.client() for _ in range(5)]
    clients[0].heard()
    clients[0].say("the last line")
    clients[0].expect("guest-1: the last line")
    chat.signal(number)
    for client in clients:
        assert client.to_the_end()[-1] == GOODBYE            # a reset would raise
    assert chat.status() == 0
    assert chat.lines[-1] == "chatops: stopped"


def test_z01_goodbye_reaches_one_whose_own_lines_have_not_been_read(served: StartProcess) -> None:
    chat = served("--rate-limit", "1/s", "--rate-burst", "1")
    chat.must_live = False
    client = chat.client()
    client.say(*(f"line {n}" for n in range(2000)))
    client.read_until(lambda line: "more slowly" in line)    # from here on it is not read
    chat.signal(signal.SIGTERM)
    assert client.to_the_end()[-1] == GOODBYE
    assert chat.status() == 0


def test_z02_a_stuck_reader_holds_a_drain_no_longer_than_its_deadline(
        served: StartProcess) -> None:
    chat = served("--drain", "1s", "--rate-limit", "off")
    chat.must_live = False
    stuck(chat)
    began = time.monotonic()
    chat.signal(signal.SIGTERM)
    assert chat.status() == 0
    assert time.monotonic() - began > 0.9      # and it ended, though nobody reads


def test_z03_the_port_can_be_had_again_at_once(served: StartProcess) -> None:
    first = served()
    first.must_live = False
    client = first.client()
    first.signal(signal.SIGTERM)
    client.to_the_end()            # the server closed first, so the wait is on its side
    assert first.status() == 0
    second = served("--port", str(first.address[1]))
    assert second.address == first.address


def test_z09_a_terminal_that_goes_takes_nobody_along(served: StartProcess) -> None:
    chat = served()
    client = chat.client()
    chat.signal(signal.SIGHUP)
    client.say("still here")
    client.expect("guest-1: still here")


def test_z10_a_second_signal_stops_at_once(served: StartProcess) -> None:
    chat = served("--drain", "1h", "--rate-limit", "off")
    chat.must_live = False
    stuck(chat)
    chat.signal(signal.SIGTERM)
    chat.wait_for_line("ServerStopping")
    chat.signal(signal.SIGTERM)
    assert chat.status() == 0          # long before the hour is over


def test_no_newcomer_gets_in_while_the_server_drains(served: StartProcess) -> None:
    chat = served("--drain", "1h", "--rate-limit", "off")
    chat.must_live = False
    stuck(chat)
    chat.signal(signal.SIGTERM)
    chat.wait_for_line("ServerStopping")
    with pytest.raises(OSError, match="refused"):
        Client(chat.address)
    chat.signal(signal.SIGINT)
    assert chat.status() == 0


# -- faults inside


@pytest.fixture
def faulty_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    """A door to the hub that fails on certain lines."""
    receive, end = Intake.receive, Intake.end

    def bad_receive(intake: Intake, session: Session, data: bytes) -> None:
        if b"trip over this" in data:
            raise RuntimeError("a fault put there by the test")
        receive(intake, session, data)

    def bad_end(intake: Intake, session: Session) -> None:
        if session.nick == "fragile":
            raise KeyError("another")
        end(intake, session)

    monkeypatch.setattr(Intake, "receive", bad_receive)
    monkeypatch.setattr(Intake, "end", bad_end)


@pytest.mark.usefixtures("faulty_hub")
def test_z06_a_callback_that_raises_costs_its_own_client_and_nobody_else(
        server: StartServer) -> None:
    chat = server()
    victim, other = chat.clients(2)
    other.heard()
    victim.say("trip over this")
    failed = chat.wait_for(CallbackFailed)
    assert failed.callback == "Connection.on_ready"
    assert "RuntimeError: a fault put there by the test" in failed.error
    assert victim.to_the_end() == []
    assert other.heard() == ["*** guest-1 left (internal error)"]
    assert chat.wait_for(Disconnected).reason == "internal error"


@pytest.mark.usefixtures("faulty_hub")
def test_z06_a_fault_at_the_end_of_file_costs_that_client_only(server: StartServer) -> None:
    chat = server()
    victim, other = chat.clients(2)
    victim.rename("fragile")
    other.heard()
    victim.close()
    assert "KeyError" in chat.wait_for(CallbackFailed).error
    other.expect("*** fragile left (internal error)")


def test_z06_an_effect_that_raises_costs_the_client_it_was_for(
        server: StartServer, monkeypatch: pytest.MonkeyPatch) -> None:
    write = Connection.write

    def bad_write(connection: Connection[Session], data: bytes, lines: int = 1) -> None:
        if b"in lobby" in data and connection.client_id == 1:
            raise RuntimeError("a fault put there by the test")
        write(connection, data, lines)

    chat = server()
    victim, other = chat.clients(2)
    monkeypatch.setattr(Connection, "write", bad_write)
    victim.say("before", "/who", "after")
    chat.wait_for(CallbackFailed)
    other.read_until("*** guest-1 left (internal error)")
    assert chat.wait_for(Disconnected).id == victim.id


def test_z06_a_command_that_fails_inside_is_answered_and_logged(
        server: StartServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def bad_run(admin: Admin, command: Command, uid: int) -> CommandResult:
        raise RuntimeError("a fault put there by the test")

    chat = server()
    monkeypatch.setattr(Admin, "run", bad_run)
    result = chat.submit(Bans())
    assert not result.ok
    assert "a fault put there by the test" in result.text
    chat.wait_for(CallbackFailed, lambda event: event.callback == "timer or command")


def test_z06_a_timer_that_raises_is_logged_and_the_loop_goes_on(server: StartServer) -> None:
    chat = server()

    def bad_timer() -> None:
        raise RuntimeError("a fault put there by the test")

    chat.call(lambda: chat.chat.reactor.call_later(0.0, bad_timer))
    assert chat.wait_for(CallbackFailed).fd == -1


@pytest.mark.parametrize("backend", ["select", "poll", "epoll"])
def test_a_socket_closed_behind_the_loops_back_costs_that_client_only(
        server: StartServer, backend: str) -> None:
    chat = server(selector=backend)
    victim, other = chat.clients(2)
    chat.call(lambda: chat.chat.state.connections[victim.id].sock.close())
    other.say("one", "two")
    assert [line for line in other.heard() if line.startswith("guest-2")] == [
        "guest-2: one", "guest-2: two"]
    chat.until(lambda inside: victim.id not in inside.state.connections)


# -- the death of the loop


def test_z07_when_the_loop_dies_it_is_told_and_every_question_is_answered(
        server: StartServer) -> None:
    chat = server()
    chat.must_live = False
    client = chat.client()

    def bad_hook() -> None:
        raise RuntimeError("a fault put there by the test")

    chat.chat.reactor.submit(lambda: chat.chat.reactor.hooks.append(bad_hook))
    crashed = chat.wait_for(Crashed)
    assert "RuntimeError: a fault put there by the test" in crashed.traceback
    assert chat.wait_for(ServerStopped).reason == "crashed"
    assert chat.thread.wait(PATIENCE)
    assert chat.thread.crash is not None
    assert client.to_the_end() == []           # nobody hangs on a dead server
    with pytest.raises(ConnectionRefusedError):
        Client(chat.address)
    result = chat.submit(Broadcast("anybody?"))
    assert (result.ok, result.text) == (False, "the server is not running")


def test_z07_the_process_of_a_dead_loop_ends_with_its_traceback_and_a_status_not_0(
        served: StartProcess) -> None:
    fault = ("from chatops import cli\nfrom chatops.server import server\n"
             "def bad(self):\n"
             "    if self.hub.lines_in: raise RuntimeError('a fault put there by the test')\n"
             "server.ChatServer._publish = bad\n"
             "cli.main()\n")
    chat = served(program=("-c", fault))
    chat.must_live = False
    client = chat.client()
    client.say("die")
    assert client.to_the_end() == ["guest-1: die"]
    assert chat.status() == 1
    assert "RuntimeError: a fault put there by the test" in chat.lines
    assert chat.lines[-1] == "chatops: the server thread died; above is why"


def test_a_command_that_comes_too_late_for_the_last_turn_is_answered(server: StartServer) -> None:
    chat = server()
    chat.must_live = False
    late: list[Future[CommandResult]] = []

    def at_the_end_of_the_turn() -> None:
        if not late:
            late.append(chat.thread.submit(Bans()))

    def stop() -> None:
        chat.chat.on_publish.append(at_the_end_of_the_turn)
        chat.chat.reactor.stop()

    chat.chat.reactor.submit(stop)
    assert chat.thread.wait(PATIENCE)
    assert late[0].result(PATIENCE).text == "the server is not running"


# -- the end


def test_quit_stops_at_once_with_lines_still_queued(server: StartServer) -> None:
    chat = server(drain=60.0, rate_limit=0.0)
    chat.must_live = False
    stuck(chat)
    assert chat.do(Quit("now")).text == "stopped"
    assert chat.thread.wait(scaled(2.0))
    assert chat.wait_for(ServerStopped).reason == "stopped"


def test_closing_the_listener_leaves_no_queue_of_newcomers_behind(server: StartServer) -> None:
    chat = server()
    chat.must_live = False
    chat.do(Quit("drain"))
    assert chat.thread.wait(PATIENCE)
    with socket.socket() as sock:
        assert sock.connect_ex(chat.address) != 0
