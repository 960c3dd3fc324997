"""`python -m chatops.bench.nodes_soak`: it sees what is lost, and ends well where nothing is."""

from __future__ import annotations

import re
import socket

import pytest
from click.testing import CliRunner

from chatops.bench import nodes_soak
from chatops.bench.talkers import Ledger, Talker
from tests.integration.engine import needs_engine
from tests.patience import scaled


def hears(*lines: str) -> tuple[Ledger, Talker]:
    """One client, to which a server says these."""
    ledger = Ledger()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        talker = Talker("x", "a", listener.getsockname()[1], ledger, ear=False)
        server, _ = listener.accept()
        with server, talker.sock:
            talker.sock.setblocking(True)
            for line in lines:
                server.sendall(line.encode())
                talker.listen({})
    return ledger, talker


def test_a_line_that_is_missing_and_one_that_comes_again_are_counted() -> None:
    ledger, talker = hears("bob: b 3\nbob: b 4\n", "bob: b 7\nbob: b ",
                           "4\ncat: [12:34] c 0\n",
                           "*** some lines of node b are missing\n*** bob joined\n")
    assert (ledger.heard, ledger.lost, ledger.doubled, ledger.told) == (5, 2, 1, 1)
    assert ledger.gaps == ["x lacks b 5 to 6"]
    assert list(ledger.notices) == ["x is told: *** some lines of node b are missing",
                                    "x is told: *** bob joined"]
    assert talker.heard == {b"b": 7, b"c": 0}
    assert talker.first == {b"b": 3, b"c": 0}


@needs_engine
@pytest.mark.timeout(scaled(120))
@pytest.mark.parametrize(("arguments", "found"), [
    (["storm", "--seconds", "11", "--clients", "2", "--rate", "20"],
     r"a node ended [1-9] times, .* killed, the engine killed 1 times\n.* 0 lost, 0 doubled .*\n"
     r".* the same on all nodes, 0 of two owners"),
    (["storm", "--seconds", "6", "--clients", "2", "--rate", "20", "--history"],
     r" 0 lost, 0 doubled .*\n.*\n"
     r"(  history of node [abc]: [1-9]\d* lines, 0 lost, 0 doubled\n){3}"),
    (["freeze", "--seconds", "1", "--clients", "2", "--rate", "20"],
     r"one node stood still (.*\n){4}.* 0 lost, 0 doubled, .*\n(.*\n)+the engine stood still "
     r"(.*\n){4}.* 0 lost, 0 doubled, "),
], ids=["storm", "storm of histories", "freeze"])
def test_a_short_one_loses_nothing_and_says_so(arguments: list[str], found: str) -> None:
    result = CliRunner().invoke(nodes_soak.main, arguments)
    assert re.search(found, result.output), result.output
    assert result.exit_code == 0


def test_without_an_engine_it_says_what_is_lacking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    result = CliRunner().invoke(nodes_soak.main, ["storm"])
    assert result.exit_code == 1
    assert "neither redis-server nor valkey-server is installed" in result.output
