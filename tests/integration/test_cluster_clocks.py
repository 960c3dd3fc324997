"""Nodes whose clocks are an hour apart: what is said, banned and kept is dated by the engine's."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from chatops.api.commands import Ban, Bans, Unban
from chatops.cluster import link
from chatops.lints import find
from tests.integration.client import Client
from tests.integration.engine import Engine, needs_engine
from tests.integration.fault_proxy import before
from tests.integration.harness import Server
from tests.integration.irc_client import IrcClient
from tests.integration.nodes import Start, both, known, of, up
from tests.patience import PATIENCE, scaled

pytestmark = [needs_engine, pytest.mark.timeout(scaled(60))]

MINUTE, HOUR = 60.0, 3600.0
Pair = tuple[Server, Server, Client, Client]


@pytest.fixture
def apart(node: Start, engine: Engine) -> Iterator[Pair]:
    """Nodes a and b; the clock of b is an hour ahead, and b has connected by it."""
    with before(engine.port) as proxy:
        a, b, ada, bob = both(node, url=proxy.url)

        def put_ahead() -> None:
            b.chat.state.wall = lambda: time.time() + HOUR

        b.call(put_ahead)
        proxy.mute = True
        b.until(lambda chat: not up(chat))
        proxy.mute = False
        b.until(lambda chat: up(chat) and known(chat) == {"a"})
        a.until(lambda chat: known(chat) == {"b"} and of(chat).reader.peers["b"].skew > HOUR / 2)
        yield a, b, ada, bob
        b.must_live = False
        b.thread.close()


def test_both_see_whose_clock_is_wrong_and_neither_takes_it_for_lag(apart: Pair) -> None:
    a, b, ada, bob = apart
    bob.say("hello")
    ada.expect("bob: hello")
    ada.say("hello")
    bob.expect("ada: hello")
    for server in (a, b):
        shown = server.snapshot()
        rows = {row.name: row for row in shown.nodes}
        assert abs(rows["b"].skew - HOUR) < PATIENCE
        assert abs(rows["a"].skew) < PATIENCE
        assert all(abs(row.lag) < PATIENCE for row in rows.values())
        [lint] = [lint for lint in find(shown) if lint.code == "clock-skew"]
        assert re.fullmatch("the clock of node b is (1h|59m) ahead of the engine's", lint.summary)


def test_a_clock_that_is_set_while_the_node_is_up_is_noticed_and_told(
        node: Start, engine: Engine) -> None:
    a, b, ada, bob = both(node)
    b.call(lambda: setattr(b.chat.state, "wall", lambda: time.time() + HOUR))
    b.until(lambda chat: of(chat).link.skew > HOUR / 2)
    a.until(lambda chat: of(chat).reader.peers["b"].skew > HOUR / 2)     # nobody says a word
    assert up(b.chat)
    b.do(Ban("192.0.2.1", 600.0))
    [row] = a.do(Bans()).rows
    assert row.split()[1].startswith(("9m", "10m"))
    bob.say("hello")
    ada.expect("bob: hello")


def test_a_ban_ends_at_the_same_moment_everywhere_and_the_later_word_holds(
        apart: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    a, b, _, _ = apart
    b.do(Ban("192.0.2.1", 600.0))
    [row] = a.do(Bans()).rows
    assert row.split()[1] in ("9m", "10m") or row.split()[1].startswith("9m")
    # A minute passes, and is not taken for a clock that was set: how far apart clocks are is
    # known as exactly as the engine's answers are quick.
    monkeypatch.setattr(link, "NOTABLE", 2 * MINUTE)
    a.call(lambda: setattr(a.chat.state, "wall", lambda: time.time() + MINUTE))
    a.do(Unban("192.0.2.1"))                   # by its clock, long before it was banned
    assert b.do(Bans()).rows == ()
    a.do(Ban("192.0.2.1"))
    assert len(b.do(Bans()).rows) == 1


def test_what_is_said_is_dated_by_the_clock_of_who_hears_it(node: Start, engine: Engine,
                                                            apart: Pair) -> None:
    _, _, _, bob = apart
    c = node("c", knows=2, irc_port=0)
    port = c.call(lambda: c.chat.intake.irc_port)
    with closing(IrcClient((c.address[0], port), "eve")) as eve:
        eve.asked("CAP REQ server-time", "JOIN #lobby")
        bob.say("hello")
        [line] = [line for line in eve.until("PRIVMSG") if "hello" in line]
        year_to_minute = time.strftime("@time=%Y-%m-%dT%H", time.gmtime())
        assert line.startswith((year_to_minute, time.strftime(
            "@time=%Y-%m-%dT%H", time.gmtime(time.time() - PATIENCE))))
