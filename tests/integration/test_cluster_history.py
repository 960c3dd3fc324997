"""The history of a node that was away has what was said meanwhile, once and in order."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from chatops.api.events import Warned
from tests.integration.engine import Engine, needs_engine
from tests.integration.harness import Client, Served, Server
from tests.integration.nodes import QUICK, Start, both, known, of, sees
from tests.integration.until import until
from tests.patience import scaled

pytestmark = [needs_engine, pytest.mark.timeout(scaled(90))]

# `chatops serve`, in a process that can be killed, with the tests' pace.
PROGRAM = f"""
from chatops.cluster import start
from chatops.cluster.link import Pace
start.PACE = {QUICK!r}
from chatops.cli import main
main(prog_name="chatops")
"""


def history(client: Client, text: str = "ada: ") -> list[str]:
    """What a client finds, without the time."""
    client.say("/history 50", "that was all")
    found = client.read_until(lambda line: line.endswith(": that was all"))
    # The answer comes from a disk, and what is said does not wait for it.
    client.say("/history 1 nothing has this text in it")
    found += client.read_until("*** nothing like that is kept here")
    return [line[10:] for line in found if line.startswith("*** ") and line[10:].startswith(text)]


def talk(client: Client, *lines: str) -> None:
    for line in lines:
        client.say(line)
        client.expect(f"ada: {line}")


def written(node: Server) -> None:
    """All that was said there is in the log."""
    node.until(lambda chat: not of(chat).queue.flying)


def caught_up(node: Server) -> None:
    node.until(lambda chat: of(chat).link.caught_up)


def pair(node: Start, path: Path) -> tuple[Server, Server, Client, Client]:
    """As `both`, where b keeps a history."""
    a = node("a")
    b = node("b", knows=1, history=str(path))
    a.until(lambda chat: known(chat) == {"b"})
    ada, bob = a.client(), b.client()
    ada.rename("ada")
    b.until(lambda chat: sees(chat, "ada"))
    ada.expect(lambda line: line.startswith(f"*** guest-b{bob.id} "))
    return a, b, ada, bob


def said(first: int, last: int) -> list[str]:
    return [f"ada: {n}" for n in range(first, last)]


def test_what_was_said_while_a_node_was_down_is_in_its_history_once_and_not_shown(
        node: Start, engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "b.db"
    a, b, ada, bob = pair(node, path)
    talk(ada, *map(str, range(5)))
    bob.expect("ada: 4")
    b.thread.close()
    b.must_live = False
    ada.expect("*** node b was shut down, and 1 member of lobby with it")
    talk(ada, *map(str, range(5, 10)))
    ada.say("/me waves")
    written(a)
    again = node("b", knows=1, history=str(path))
    caught_up(again)
    assert "5 lines" not in again.wait_for(Warned).text
    bob = again.client()
    ada.expect(lambda line: line == f"*** guest-b{bob.id} joined")
    talk(ada, "10")
    heard = bob.read_until("ada: 10")
    assert not [line for line in heard if line in said(0, 10)]
    assert history(bob) == said(0, 11)
    assert history(bob, "* ada") == ["* ada waves"]
