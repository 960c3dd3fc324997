"""An idle server sleeps: no turn of the loop, no timer, no processor time."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event

import pytest

from tests.integration.harness import Served, Server
from tests.integration.talk import numbered, say_and_hear

# What is measured is not measured side by side.
pytestmark = pytest.mark.xdist_group("measures")


@pytest.mark.parametrize("count", [1, 100, 1000])
def test_idle_clients_cause_no_turn_of_the_loop(server: Callable[..., Server], count: int) -> None:
    chat = server()
    clients = [chat.client() for _ in range(count)]
    for client in (clients[0], clients[-1]):
        client.heard()
    assert chat.snapshot().loop.next_deadline is None
    before = chat.chat.selector.turns
    Event().wait(1.0)              # a window to measure in
    assert chat.chat.selector.turns == before


def test_after_a_talk_the_server_sleeps_again(server: Callable[..., Server]) -> None:
    chat = server()
    speaker, *readers = chat.clients(10)
    say_and_hear(speaker, numbered(0, 100), readers)
    chat.turn()
    before = chat.chat.selector.turns
    Event().wait(0.5)              # a window to measure in
    assert chat.chat.selector.turns == before


def test_l04_a_hundred_idle_clients_cost_no_processor_time(served: Callable[..., Served]) -> None:
    server = served()
    clients = [server.client() for _ in range(100)]
    clients[-1].heard()
    before = server.cpu()
    Event().wait(2.0)              # a window to measure in
    assert server.cpu() - before < 0.02 * 2.0
