"""The benchmark at work: real processes, real sockets, fractions of a second."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from chatops.bench import attached, relay, runner, stalled, storm
from chatops.bench.cli import bench
from chatops.bench.contenders import ASYNCIO, BARE, CHATOPS, IRC, PYTHON, Contender
from chatops.bench.load import LoadSpec
from chatops.bench.plan import Plan
from chatops.bench.runner import BenchError, NullTerminal, ServerProcess, measure
from tests.patience import scaled

SHORT = LoadSpec(port=0, clients=5, senders=2, warm_up=0.05, seconds=0.2, rate=100.0,
                 latency_seconds=0.2)


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def children_of(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in text.split()]


def test_a_storm_is_measured_in_what_the_server_spends_on_it() -> None:
    found = measure(CHATOPS, storm.spec(60), None)
    assert found.connect_seconds > 0
    assert found.closed == 0
    if sys.platform == "linux":
        assert found.connect_cpu is not None
        assert 0 < found.connect_cpu < found.connect_seconds + 1


@pytest.mark.parametrize(("policy", "stay"), [("evict", 0), ("drop-oldest", 2),
                                              ("drop-newest", 2)])
def test_who_never_reads_is_evicted_or_loses_lines_and_the_others_get_all(policy: str,
                                                                          stay: int) -> None:
    spec = stalled.spec(Plan(room=24, senders=2, rounds=1, seconds=scaled(0.5)), policy)
    found = runner.measure_in_turn(
        stalled.contender(policy), msgspec.structs.replace(spec, stalled=2, turns=3), None)
    assert (found.began, found.stayed) == (2, stay)
    assert found.lines_lost > 2000
    assert (found.lost, found.closed) == (0, 0)
    assert len(found.turns) == 3
    assert all(turn.reading.deliveries_per_s > 0 < turn.stalling.deliveries_per_s
               for turn in found.turns)


def test_a_server_that_dies_in_its_turn_is_named_with_its_last_words() -> None:
    dying = ("import socket, sys\n"
             "s = socket.create_server(('127.0.0.1', int(sys.argv[1])))\n"
             "s.accept(), s.accept()\n"
             "raise SystemExit('no such luck')")
    with pytest.raises(BenchError, match="dying ended with status 1: no such luck"):
        runner.measure_in_turn(Contender("x", "dying", (PYTHON, "-c", dying, "{port}")),
                               stalled.spec(Plan(room=20), "evict"), None)


@pytest.mark.parametrize("contender", [BARE, ASYNCIO, IRC], ids=lambda each: each.name)
def test_a_contender_is_measured_in_processes_of_its_own(contender: Contender) -> None:
    found = measure(contender, SHORT, None)
    assert found.throughput is not None
    assert found.latency is not None
    assert found.throughput.deliveries_per_s > 0
    assert found.latency.samples >= 50
    assert (found.lost, found.closed) == (0, 0)


def test_a_server_is_ended_when_the_block_is_left_by_an_error() -> None:
    with pytest.raises(KeyboardInterrupt), ServerProcess(BARE) as server:  # noqa: PT012
        assert not gone(server.pid)
        raise KeyboardInterrupt
    assert gone(server.pid)


@pytest.mark.skipif(attached.lacking() != "", reason=attached.lacking())
def test_a_server_is_measured_while_it_is_looked_at_and_while_it_is_not() -> None:
    found = attached.measure_attached(SHORT, 2, None)
    assert found.clients == SHORT.clients
    assert found.alone
    assert found.attached
    assert found.kept
    assert found.kept > 0
    assert found.cost is None or found.cost > 0


def test_who_looks_at_a_server_must_look_to_the_end() -> None:
    blind = (PYTHON, "-c", "raise SystemExit('nothing to be seen')")
    with (attached.Onlooker(1, 2, None, blind) as onlooker,
          pytest.raises(BenchError, match="who looked at it ended: nothing to be seen")):
        onlooker.look(on=True)


def test_a_server_that_does_not_start_is_named_with_its_last_words() -> None:
    broken = Contender("x", "broken", (PYTHON, "-c", "raise SystemExit('no such luck')"))
    with pytest.raises(BenchError, match="broken ended with status 1: no such luck"):
        ServerProcess(broken).__enter__()


def test_a_console_that_dies_is_named_with_its_last_words(
        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "SCREEN_WARM_UP", 0.0)
    dying = ("import socket, sys\n"
             "s = socket.create_server(('127.0.0.1', int(sys.argv[1])))\n"
             "s.accept()\n"
             "raise SystemExit('\\x1b[1mno \\x1b[31msuch luck\\x1b[0m')")
    contender = Contender("x", "dying", (PYTHON, "-c", dying, "{port}"), screen=True)
    with pytest.raises(BenchError, match="ended with status 1: no such luck"):
        measure(contender, SHORT, None)


def test_a_server_that_will_not_end_is_made_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "STOP_DEADLINE", 0.1)
    deaf = ("import signal, socket, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
            "s = socket.create_server(('127.0.0.1', int(sys.argv[1])))\n"
            "while True: s.accept()")
    with ServerProcess(Contender("x", "deaf", (PYTHON, "-c", deaf, "{port}"))) as server:
        pass
    assert gone(server.pid)


def test_a_console_gets_a_terminal_of_120_by_40_that_never_fills(
        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "SCREEN_WARM_UP", 0.0)
    drawing = ("import os, socket, sys\n"
               "assert tuple(os.get_terminal_size()) == (120, 40)\n"
               "os.write(1, b'x' * 1_000_000)\n"      # far more than a terminal holds
               "s = socket.create_server(('127.0.0.1', int(sys.argv[1])))\n"
               "while True: s.accept()")
    contender = Contender("x", "drawing", (PYTHON, "-c", drawing, "{port}"), screen=True)
    with ServerProcess(contender) as server:
        terminal = server._terminal
    assert terminal is not None
    assert terminal.drawn == 1_000_000


def test_a_terminal_hangs_up_without_having_been_used() -> None:
    terminal = NullTerminal()
    terminal.close()
    assert not terminal._thread.is_alive()


def test_the_streams_relay_serves_and_survives_a_reset() -> None:
    async def talk() -> bytes:
        listener = relay.listen(0)
        server = asyncio.create_task(relay.serve_streams(listener))
        port = listener.getsockname()[1]
        rude_reader, rude = await asyncio.open_connection("127.0.0.1", port)
        await rude_reader.readline()
        rude.transport.abort()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await reader.readline()
        writer.write(b"still here\n")
        said = await reader.readline()
        writer.close()
        await writer.wait_closed()
        server.cancel()
        await asyncio.gather(server, return_exceptions=True)
        return said

    assert asyncio.run(talk()) == b"still here\n"


def test_the_command_prints_a_table_and_writes_json(tmp_path: Path) -> None:
    written = tmp_path / "bench.json"
    outcome = CliRunner().invoke(bench, [
        "--only", "bare,asyncio,selector", "--clients", "4", "--rounds", "1",
        "--seconds", "0.1", "--json", str(written)])
    assert outcome.exit_code == 0, outcome.output
    assert "bare selectors loop" in outcome.output
    assert "observed selector" in outcome.output
    table = json.loads(written.read_bytes())["table"]
    assert [row["contender"] for row in table] == ["bare", "asyncio"]
    assert table[0]["to_asyncio"] > 0


@pytest.mark.skipif(not Path(f"/proc/self/task/{os.getpid()}/children").exists(),
                    reason="this system does not tell who started whom")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_benchmark_that_is_told_to_end_leaves_no_process(number: signal.Signals) -> None:
    ours = subprocess.Popen(
        [PYTHON, "-c", "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
         "from chatops.bench.cli import bench; bench()", "--only", "bare", "--clients", "2",
         "--seconds", "60"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        assert ours.stderr is not None
        assert b"round 1" in ours.stderr.readline()
        while not (children := children_of(ours.pid)):
            assert ours.poll() is None
        ours.send_signal(number)
        ours.communicate(timeout=scaled(20.0))
        assert ours.returncode == 1
        assert all(map(gone, children))
    finally:
        ours.kill()
        ours.wait()
