"""Three nodes under load, one of which comes and goes: who stays reads each line once, in order."""

from __future__ import annotations

import pytest

from tests.integration.engine import needs_engine
from tests.integration.harness import Client
from tests.integration.nodes import Start, known, of, sees
from tests.patience import scaled

pytestmark = [needs_engine, pytest.mark.timeout(scaled(240))]

LETTERS = "bcdfghjkpt"         # no two of which look alike
LINES = 15                     # of one client in a round


def crew(node: Start, name: str, knows: int, each: int) -> list[Client]:
    started = node(name, knows=knows)
    clients = [started.client() for _ in range(each)]
    for number, client in enumerate(clients):
        client.rename(f"{name}x{LETTERS[number // 10]}{LETTERS[number % 10]}")
    return clients


@pytest.mark.parametrize(("each", "rounds"), [
    (8, 10), pytest.param(100, 24, marks=pytest.mark.soak)])
def test_who_stays_reads_every_line_once_and_in_its_senders_order_while_a_node_restarts(
        node: Start, each: int, rounds: int) -> None:
    """`each` clients of a node; in each round everybody speaks and, between, one node restarts."""
    first, second = crew(node, "a", 0, each), crew(node, "b", 1, each)
    stay = [*first, *second]
    passing = node("c", knows=2)
    said: dict[str, list[str]] = {client.nick: [] for client in stay}
    for round_ in range(rounds):
        visitor = passing.client()
        visitor.say(*[f"r{round_} {n}" for n in range(LINES)])
        for client in stay:
            lines = [f"{round_}.{n}" for n in range(LINES)]
            said[client.nick] += lines
            client.say(*lines)
        visitor.expect(f"{visitor.nick}: r{round_} {LINES - 1}")
        passing.until(lambda chat: not len(of(chat).queue))
        said.setdefault(visitor.nick, []).extend(f"r{round_} {n}" for n in range(LINES))
        passing.thread.close()
        passing.must_live = False
        passing = node("c", knows=2)
    for client in stay:
        client.say("over")
    for client in stay:
        heard: dict[str, list[str]] = {}
        over: set[str] = set()
        while len(over) < len(stay):
            nick, _, text = client.read_line().partition(": ")
            if text == "over":
                over.add(nick)
            elif nick in said:
                heard.setdefault(nick, []).append(text)
        assert heard == said
    passing.until(lambda chat: known(chat) == {"a", "b"})
    assert passing.call(lambda: all(sees(passing.chat, client.nick) for client in stay))
    assert passing.call(lambda: passing.chat.hub.lobby.elsewhere) == len(stay)
