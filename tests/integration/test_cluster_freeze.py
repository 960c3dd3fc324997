"""A node, or the engine, stands still for a minute: by the node's own clock, not by the test's."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from chatops.api.events import EngineLost, FramesLost
from chatops.cluster.frame_queue import OLDEST
from tests.integration.engine import Engine, needs_engine
from tests.integration.harness import Client, Clock, Server
from tests.integration.nodes import Start, both, of, up
from tests.patience import PATIENCE, scaled

pytestmark = [needs_engine, pytest.mark.timeout(scaled(60))]

MINUTE = 60.0


@contextmanager
def standing_still(node: Server, clock: Clock) -> Iterator[None]:
    """Its loop takes no turn, as in a process that was stopped; a minute has passed by the end."""
    held, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        held.set()
        go_on.wait(PATIENCE)

    node.chat.reactor.submit(hold)
    assert held.wait(PATIENCE)
    try:
        yield
    finally:
        go_on.set()
    clock.advance(MINUTE)


def said(client: Client, nick: str, last: str) -> list[str]:
    """What somebody has said, now or a while ago."""
    lines = [re.sub(r": \[\d\d:\d\d\] ", ": ", line) for line in client.read_until(
        lambda line: line.startswith(f"{nick}: ") and line.endswith(f" {last}"))]
    return [line for line in lines if line.startswith(f"{nick}: ")]


def test_a_node_that_stood_still_for_a_minute_has_all_lines_once_and_the_others_did_not_wait(
        node: Start, engine: Engine) -> None:
    a, b, ada, bob = both(node)
    clock = Clock(b)
    friend = a.client()
    bob.expect(f"*** {friend.nick} joined")
    with standing_still(b, clock):
        bob.say("what was I saying")           # the kernel keeps it
        for number in range(100):
            ada.say(str(number))
            friend.expect(f"ada: {number}")
        # Its lease has run out by now, and it is taken for gone.
        engine.ask("DEL", "{chatops}:node:b")
        ada.expect("*** node b is gone, and 1 member of lobby with it")
    assert said(bob, "ada", "99") == [f"ada: {number}" for number in range(100)]
    heard = ada.read_until("*** node b is there, and 1 member of lobby with it")
    if "bob: what was I saying" not in heard:  # which is read before the log, or after it
        heard += ada.read_until("bob: what was I saying")
    ada.say("last")
    assert said(bob, "ada", "last") == ["ada: last"]
    heard += ada.read_until("ada: last")
    assert heard.count("bob: what was I saying") == 1
    assert not [event for event in (*a.events(), *b.events()) if isinstance(event, FramesLost)]


def test_what_a_node_has_kept_for_too_long_is_gone_and_that_is_said(
        node: Start, engine: Engine) -> None:
    a, b, ada, bob = both(node)
    clock = Clock(b)
    friend = b.client()
    ada.expect(f"*** {friend.nick} joined")
    engine.freeze()
    bob.say("too early")
    friend.expect("bob: too early")            # own clients wait for nothing
    b.until(lambda chat: not up(chat))
    bob.say("too old")
    friend.expect("bob: too old")
    clock.advance(OLDEST + 1)
    bob.say("hello")
    friend.expect("bob: hello")
    engine.thaw()
    lines = ada.read_until("bob: hello")
    assert "bob: too old" not in lines
    assert any("some lines of node b are missing" in line for line in lines)
    assert "no answer for" in b.wait_for(EngineLost).reason
    ada.say("last")
    assert said(bob, "ada", "last") == ["ada: last"]
    assert a.call(lambda: of(a.chat).numbers.missing) >= 1
