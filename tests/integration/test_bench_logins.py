"""`chatops bench --only logins`: the clients that log in, and what is said of the room."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing, nullcontext
from pathlib import Path

import pytest

from chatops.accounts.passwords import hasher
from chatops.accounts.store import AccountStore
from chatops.bench import logins, usage
from chatops.bench.crowd import LoadError
from chatops.bench.flow import Latency
from chatops.bench.logins import LoginRound, LoginSpec, come, login_lines, name_of
from tests.integration.harness import Server
from tests.patience import scaled

pytest.importorskip("argon2")


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who comes yields to everybody, and with it, here, the server: it is in this process."""
    monkeypatch.setattr(usage, "yielding", lambda pids: nullcontext(True))
    monkeypatch.setattr(logins, "PATIENCE", scaled(logins.PATIENCE))


def accounts(path: Path, count: int, password: str = logins.PASSWORD) -> str:
    with closing(AccountStore(str(path))) as store:
        for number in range(count):
            store.add(name_of(number), hasher().hash(password))
    return str(path)


def logged_in(path: str) -> int:
    with closing(AccountStore(path)) as store:
        return sum(1 for account in store.all() if account.seen_at)


def irc_port(server: Server) -> int:
    return server.call(lambda: server.chat.intake.irc_port)


@pytest.mark.timeout(scaled(60))
def test_all_who_come_log_in(
        server: Callable[..., Server], tmp_path: Path) -> None:
    path = accounts(tmp_path / "accounts.db", 6)
    assert come(LoginSpec(irc_port(server(irc_port=0, accounts=path)), 6, 0.1)).done == 6
    assert logged_in(path) == 6        # each of them by its own password


@pytest.mark.timeout(scaled(60))
def test_who_comes_without_a_password_logs_in_to_nothing(
        server: Callable[..., Server], tmp_path: Path) -> None:
    path = accounts(tmp_path / "accounts.db", 3)
    port = irc_port(server(irc_port=0, accounts=path))
    assert come(LoginSpec(port, 3, 0.1, passwords=False)).done == 3
    assert logged_in(path) == 0


@pytest.mark.timeout(scaled(60))
def test_a_login_that_fails_is_no_login(
        server: Callable[..., Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logins, "PATIENCE", 0.2)
    path = accounts(tmp_path / "accounts.db", 1, "another")
    port = irc_port(server(irc_port=0, accounts=path))
    with pytest.raises(LoadError, match="1 of 1 were never let in"):
        come(LoginSpec(port, 1, 0.1))


def latency(p99: float) -> Latency:
    return Latency(100, p99 / 2, p99, p99, p99, 0.1)


def test_the_ratios_are_within_a_round() -> None:
    text = "\n".join(login_lines([
        LoginRound(latency(100), latency(110), latency(120), 200, 9.0),
        LoginRound(latency(200), latency(210), latency(300), 200, 9.5),
        LoginRound(latency(400), latency(400), latency(440), 199, 9.1)]))
    assert "210   1.05 x" in text
    assert ("300   1.20 x, 1.10 x of without passwords; the last of 199 was let in after 9.5 s"
            in text)


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="no choice of CPUs here")
def test_pinning_ends_with_its_block() -> None:
    before = os.sched_getaffinity(0)
    cpu = max(before)
    with usage.pinned([0], cpu):
        assert os.sched_getaffinity(0) == {cpu}
    assert os.sched_getaffinity(0) == before
