"""A ban that was lifted does not come back with a node that was away, whoever has ended."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatops.api.commands import Ban, Bans, Unban
from chatops.api.events import Warned
from tests.integration.engine import Engine, needs_engine
from tests.integration.harness import Server
from tests.integration.nodes import Start, known, of, up
from tests.patience import scaled

pytestmark = [needs_engine, pytest.mark.timeout(scaled(60))]


def banned(server: Server) -> list[str]:
    return [row.split()[0] for row in server.do(Bans()).rows]


def end(node: Server) -> None:
    node.must_live = False
    node.thread.close()


def parted(node: Start, file: Path) -> tuple[Server, str]:
    """Node a, which has lifted one of two bans that are in the file of node b, which is away."""
    ban_file = str(file)
    a, b = node("a"), node("b", knows=1, ban_file=ban_file)
    a.until(lambda chat: known(chat) == {"b"})
    a.do(Ban("192.0.2.1"))
    a.do(Ban("192.0.2.2"))
    assert banned(b) == ["192.0.2.1/32", "192.0.2.2/32"]
    end(b)
    a.until(lambda chat: not known(chat))
    a.do(Unban("192.0.2.1"))
    return a, ban_file


def holds(server: Server) -> None:
    server.until(lambda chat: len(chat.state.admission.bans) == 1)
    assert banned(server) == ["192.0.2.2/32"]


def test_a_ban_stays_lifted_when_all_have_been_restarted_that_knew_of_it(
        node: Start, tmp_path: Path) -> None:
    a, ban_file = parted(node, tmp_path / "bans.json")
    end(a)
    a = node("a")                      # it has no file: what it knows the engine has told it
    holds(a)
    b = node("b", knows=1, ban_file=ban_file)
    a.until(lambda chat: known(chat) == {"b"})
    holds(b)
    holds(a)
    end(b)                             # and its file has learned it
    assert "192.0.2.1" not in Path(ban_file).read_text()


def test_nor_does_it_come_back_with_a_node_that_is_the_first_to_begin(
        node: Start, tmp_path: Path) -> None:
    a, ban_file = parted(node, tmp_path / "bans.json")
    end(a)
    holds(node("b", ban_file=ban_file))


def test_an_engine_that_has_lost_what_it_kept_is_told_again(
        node: Start, engine: Engine, tmp_path: Path) -> None:
    a, ban_file = parted(node, tmp_path / "bans.json")
    engine.kill()
    a.until(lambda chat: not up(chat))
    a.do(Ban("192.0.2.3"))
    a.do(Unban("192.0.2.3"))           # it cannot be told now
    engine.start()
    a.until(up)
    a.until(lambda _: engine.ask("HLEN", "{chatops}:rulings") == 3)
    end(a)
    holds(node("b", ban_file=ban_file))


def test_a_ban_that_has_run_out_is_kept_no_longer(node: Start, engine: Engine) -> None:
    a = node("a")
    a.do(Ban("192.0.2.1", 0.001))
    a.do(Ban("192.0.2.2"))
    a.until(lambda _: engine.ask("HLEN", "{chatops}:rulings") == 2)
    b = node("b", knows=1)
    holds(b)
    b.until(lambda _: engine.ask("HLEN", "{chatops}:rulings") == 1)


def test_what_somebody_has_written_there_is_said_and_does_nothing(
        node: Start, engine: Engine) -> None:
    engine.ask("HSET", "{chatops}:rulings", "192.0.2.1/32", "9e9 junk")
    a = node("a")
    assert "was not read" in a.wait_for(Warned).text
    assert banned(a) == []
    assert a.call(lambda: of(a.chat).arrivals.bad) == 1
