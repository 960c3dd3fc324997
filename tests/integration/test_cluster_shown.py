"""What an operator sees of several nodes: rows, words in the header, lints, and the fd map."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from chatops.api.node_table import facts, summary
from chatops.api.snapshot import EngineRow, NodeRow
from chatops.cluster.peers import Leases
from chatops.control.ctl import _clients, _rooms, people
from chatops.lints import find
from chatops.server.server import ChatServer
from tests.integration.engine import Engine, needs_engine
from tests.integration.harness import PYTHON, environment
from tests.integration.nodes import QUICK, Start, both, of, up
from tests.patience import PATIENCE, scaled
from tests.tui.feed import Feed

pytestmark = [needs_engine, pytest.mark.timeout(scaled(60))]


def test_each_node_has_a_row_and_the_engine_its_two_sockets_in_the_map(node: Start) -> None:
    a, b, _, _ = both(node)
    shown = a.snapshot()
    assert [(row.name, row.state, row.clients, row.rooms) for row in shown.nodes] == [
        ("a", "here", 1, 1), ("b", "up", 1, 1)]
    assert summary(shown) == ("nodes 2/2", True)
    assert sorted(row.data for row in shown.keys if row.type == "engine") == [
        "engine in", "engine out"]
    b.thread.close()
    b.must_live = False
    a.until(lambda chat: chat.state.others and chat.state.others.rows()[1].state == "left")
    assert summary(a.snapshot()) == ("nodes 1/1", True)


def test_people_of_other_nodes_are_in_the_snapshot_until_they_go(node: Start) -> None:
    a, b, _, bob = both(node)
    bob.join("dev")
    a.until(lambda chat: "dev" in chat.hub.rooms)
    [row] = a.snapshot().elsewhere
    assert (row.word, row.nick, row.rooms, row.node) == (f"b#{bob.id}", "bob", ("dev",), "b")
    assert a.snapshot().elsewhere is a.snapshot().elsewhere        # not made anew for each look
    bob.close()
    a.until(lambda chat: chat.hub.elsewhere is not None and not chat.hub.elsewhere.people)
    assert a.snapshot().elsewhere == ()
    assert [row.nick for row in b.snapshot().elsewhere] == ["ada"]


def test_what_waits_for_an_engine_that_is_away_is_shown_and_becomes_a_lint(
        node: Start, engine: Engine) -> None:
    a, _, ada, _ = both(node)
    engine.kill()
    a.until(lambda chat: not up(chat))
    ada.say("x" * 1000)
    ada.expect(f"ada: {'x' * 1000}")
    shown = a.snapshot()
    assert shown.nodes[0].buffered > 1000
    assert [row.state for row in shown.nodes] == ["here", "unknown"]   # nobody can say more of b
    words, well = summary(shown)
    assert words.startswith("alone ")
    assert not well
    # As if it had been so for a while: nobody waits for that here.
    later = replace(shown, mono=shown.mono + 60)
    assert "engine-away" in [lint.code for lint in find(later)]


def test_ctl_lists_the_nodes_as_a_table_and_as_json(node: Start, tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    node("a", control=str(path))

    def ctl(*words: str) -> str:
        return subprocess.run(
            [PYTHON, "-m", "chatops", "ctl", "--socket", str(path), *words], check=True,
            capture_output=True, text=True, timeout=PATIENCE, env=environment()).stdout

    head, row = ctl("nodes").splitlines()
    assert head.split()[:3] == ["NODE", "STATE", "CLIENTS"]
    assert row.split()[:3] == ["a", "here", "0"]
    told = json.loads(ctl("nodes", "--json"))
    assert [each["name"] for each in told["nodes"]] == ["a"]
    assert told["engine"]["state"] == "up"


def test_times_of_nodes_in_json_are_those_of_the_clock_on_the_wall() -> None:
    shown = replace(Feed(clients=1).snapshot(), mono=1000.0, at=1_750_000_000.0,
                    nodes=(NodeRow("b", "up", 0, 0, 0.0, 0, 0, 0, 0.0, 994.5),),
                    engine=EngineRow("127.0.0.1:6379/0", "up", "", 400.0))
    told = json.loads(msgspec.json.encode(facts(shown)))
    assert told["nodes"][0]["seen"] == 1_749_999_994.5
    assert told["engine"]["since"] == 1_749_999_400.0
    assert facts(Feed(clients=1).snapshot()) == {"nodes": [], "engine": None}


def test_the_roll_tells_whose_a_lease_is_and_how_long_ago_it_was_renewed(node: Start) -> None:
    a, b, _, _ = both(node)
    told: list[Leases] = []
    boots: set[str] = set()

    def asked(chat: ChatServer) -> bool:
        of(chat).link.call_roll(["b", "nobody"], told.append)
        return bool(told)

    def known(chat: ChatServer) -> bool:
        boots.add(of(chat).boot)
        return True

    b.until(known)
    a.until(asked)
    [(name, (boot, left))] = told[0].items()
    assert (name, {boot}) == ("b", boots)
    assert 0 < left <= QUICK.lease


def test_ctl_lists_people_and_rooms_of_all_nodes(node: Start) -> None:
    a, _, ada, bob = both(node)
    bob.join("dev")
    a.until(lambda chat: "dev" in chat.hub.rooms)
    ada.join("dev")
    shown = a.snapshot()
    rows = [[str(cell) for cell in row] for row in _clients(shown)]
    assert rows[0] == ["ID", "NICK", "ROOM", "NODE", "PEER", "QUEUED", "KERNEL", "STATE"]
    assert [row[:4] for row in rows[1:]] == [
        [str(ada.id), "ada", "dev", "a"], [f"b#{bob.id}", "bob", "dev", "b"]]
    told = json.loads(msgspec.json.encode(people(shown)))
    assert [(each["word"], each["node"]) for each in told] == [
        (str(ada.id), ""), (f"b#{bob.id}", "b")]
    rooms = {str(name): tuple(rest) for name, *rest in _rooms(shown)}
    assert rooms["ROOM"] == ("MEMBERS", "HERE", "LINES")
    assert {name: found[:2] for name, found in rooms.items() if name != "ROOM"} == {
        "lobby": (0, 0), "dev": (2, 1)}
