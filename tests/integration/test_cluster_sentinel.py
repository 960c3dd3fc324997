"""An engine that has a replica and a sentinel: nodes go where the sentinel says that it is."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatops.api.events import EngineBack
from chatops.bench.ports import HeldPort
from chatops.system.errors import StartError
from tests.integration.engine import Engine, needs_engine
from tests.integration.harness import Client
from tests.integration.nodes import Start, both, of
from tests.integration.until import until
from tests.patience import scaled

PROGRAM = shutil.which("redis-server")
pytestmark = [needs_engine, pytest.mark.timeout(scaled(120)), pytest.mark.skipif(
    PROGRAM is None, reason="redis-server is not installed, which is a sentinel as well")]


class Sentinel(Engine):
    """A `redis-server --sentinel` that watches an engine, `chat`, all by itself."""

    def __init__(self, directory: Path, master: Engine, nobody: int) -> None:
        self._master = master
        self._nobody = nobody
        super().__init__(directory)

    @property
    def url(self) -> str:
        # One that is not there is asked first.
        return f"redis+sentinel://127.0.0.1:{self._nobody},127.0.0.1:{self.port}/chat"

    def start(self) -> None:
        config = self._directory / "sentinel.conf"
        config.write_text(f"bind 127.0.0.1\nport {self.port}\ndir {self._directory}\n"
                          f"sentinel monitor chat 127.0.0.1 {self._master.port} 1\n")
        assert PROGRAM is not None
        self._process = subprocess.Popen([PROGRAM, str(config), "--sentinel"],
                                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(self._answers)

    @property
    def found(self) -> int:
        """The port of whom it takes for the master."""
        return int(self.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "chat")[1])


@pytest.fixture
def replica(engine: Engine, tmp_path: Path) -> Iterator[Engine]:
    (tmp_path / "replica").mkdir()
    replica = Engine(tmp_path / "replica")
    replica.ask("REPLICAOF", "127.0.0.1", engine.port)
    until(lambda: b"master_link_status:up" in replica.ask("INFO", "replication"))
    yield replica
    replica.close()


@pytest.fixture
def nobody() -> Iterator[int]:
    """A port where nobody listens."""
    with HeldPort() as held:
        yield held.number


@pytest.fixture
def sentinel(engine: Engine, replica: Engine, nobody: int, tmp_path: Path) -> Iterator[Sentinel]:
    (tmp_path / "sentinel").mkdir()
    sentinel = Sentinel(tmp_path / "sentinel", engine, nobody)
    until(lambda: sentinel.ask("SENTINEL", "REPLICAS", "chat"))
    yield sentinel
    sentinel.close()


@pytest.fixture
def secret(tmp_path: Path) -> str:
    path = tmp_path / "secret"
    path.write_text("sixteen bytes or more")
    path.chmod(0o600)
    return str(path)


def lines_of(client: Client, last: str) -> list[str]:
    return [line for line in client.read_until(f"ada: {last}") if line.startswith("ada: ")]


def test_nodes_follow_the_engine_to_its_replica_and_no_line_is_lost(
        node: Start, engine: Engine, replica: Engine, sentinel: Sentinel, secret: str) -> None:
    def begin(name: str, *, url: str = "", knows: int = 0) -> object:
        return node(name, url=sentinel.url, knows=knows, cluster_secret=secret)

    a, b, ada, bob = both(begin)  # type: ignore[arg-type]  # fewer arguments
    ada.say("before")
    assert lines_of(bob, "before") == ["ada: before"]
    until(lambda: sentinel.ask("SENTINEL", "FAILOVER", "chat") == b"OK")
    until(lambda: sentinel.found == replica.port)
    until(lambda: b"role:master" in replica.ask("INFO", "replication"))
    engine.kill()
    ada.say("meanwhile")
    assert lines_of(bob, "meanwhile") == ["ada: meanwhile"]
    assert "chat/0 of" in a.wait_for(EngineBack).engine
    assert b.call(lambda: of(b.chat).numbers.missing) == 0
    assert replica.ask("XLEN", "{chatops}:log") > 0


def test_without_a_secret_it_does_not_begin_for_a_sentinel_may_name_any_machine(
        node: Start, sentinel: Sentinel) -> None:
    with pytest.raises(StartError, match="--cluster-secret FILE is needed"):
        node("a", url=sentinel.url)


def test_a_name_that_no_sentinel_knows_is_said(
        node: Start, sentinel: Sentinel, secret: str) -> None:
    with pytest.raises(StartError, match="no sentinel knows of tea"):
        node("a", url=sentinel.url.replace("/chat", "/tea"), cluster_secret=secret)


def test_without_any_sentinel_it_begins_alone_and_says_why(
        node: Start, nobody: int, secret: str) -> None:
    url = f"redis+sentinel://127.0.0.1:{nobody}/chat"
    a = node("a", url=url, knows=-1, cluster_secret=secret)
    a.until(lambda chat: of(chat).link.reason == "no sentinel answers")


def test_what_a_sentinel_says_that_does_not_answer_is_the_reason(
        node: Start, engine: Engine, secret: str) -> None:
    url = f"redis+sentinel://127.0.0.1:{engine.port}/chat"
    a = node("a", url=url, knows=-1, cluster_secret=secret)
    a.until(lambda chat: of(chat).link.reason.startswith(
        f"the sentinel at 127.0.0.1:{engine.port} says: ERR unknown command"))
