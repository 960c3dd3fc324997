"""An idle server sleeps: no turn of the loop, no timer, no processor time.

The windows to measure in are as long as some talk takes on another server, whatever the machine.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.integration.harness import Served, Server
from tests.integration.talk import numbered, say_and_hear

# What is measured is not measured side by side.
pytestmark = pytest.mark.xdist_group("measures")

LINES = 40_000                 # that are said and heard elsewhere meanwhile


def talk(server: Server | Served) -> None:
    """Between two newcomers, who leave in the end."""
    speaker, reader = server.client(), server.client()
    reader.heard()
    say_and_hear(speaker, numbered(0, LINES), [reader])


@pytest.mark.parametrize("count", [1, 100, 1000])
def test_idle_clients_cause_no_turn_of_the_loop(server: Callable[..., Server], count: int) -> None:
    chat, busy = server(), server(rate_limit=0.0)
    clients = [chat.client() for _ in range(count)]
    for client in (clients[0], clients[-1]):
        client.heard()
    assert chat.snapshot().loop.next_deadline is None
    before = chat.chat.selector.turns, busy.chat.selector.turns
    talk(busy)
    assert chat.chat.selector.turns == before[0]
    assert busy.chat.selector.turns > before[1] + LINES // 100


def test_after_a_talk_the_server_sleeps_again(server: Callable[..., Server]) -> None:
    chat, busy = server(rate_limit=0.0), server(rate_limit=0.0)
    talk(chat)
    chat.turn()
    assert chat.snapshot().loop.next_deadline is None
    before = chat.chat.selector.turns
    talk(busy)
    assert chat.chat.selector.turns == before


def test_l04_a_hundred_idle_clients_cost_no_processor_time(served: Callable[..., Served]) -> None:
    idle, busy = (served("--rate-limit", "off") for _ in range(2))
    clients = [idle.client() for _ in range(100)]
    clients[-1].heard()
    before = idle.cpu(), busy.cpu()
    while busy.cpu() - before[1] < 0.5:
        talk(busy)
    assert idle.cpu() - before[0] < 0.04 * (busy.cpu() - before[1])
