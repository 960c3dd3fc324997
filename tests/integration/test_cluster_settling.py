"""Who asks for a room before its node knows of it waits until it does, and no longer than that."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from types import MethodType

import pytest

from chatops.cluster import start
from chatops.cluster.member import Member
from tests.integration.engine import Engine, needs_engine
from tests.integration.harness import Client, Server
from tests.integration.irc_client import IrcClient
from tests.integration.nodes import Start, known, of, up
from tests.patience import scaled

pytestmark = [needs_engine, pytest.mark.timeout(scaled(60))]

PATIENT = scaled(600)          # seconds that it may wait where it must not come to that


def silent(node: Server) -> None:
    """From here on it tells nobody who is there, and how its rooms stand."""
    def hush(_: Member) -> None:
        """Nothing."""

    node.call(lambda: setattr(of(node.chat), "_send_roster",
                              MethodType(hush, of(node.chat))))


def speaking(node: Server) -> None:
    def speak() -> None:
        del of(node.chat)._send_roster
        of(node.chat).owe_roster()

    node.call(speak)


def waits(node: Server, client: Client) -> None:
    node.until(lambda chat: chat.hub.sessions[client.id].parked)


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch, engine: Engine) -> None:
    monkeypatch.setattr(start, "PACE", replace(start.PACE, settle=PATIENT))


def irc(node: Server, nick: str, caps: str = "") -> IrcClient:
    port = node.call(lambda: node.chat.intake.irc_port)
    return IrcClient((node.address[0], port), nick, caps)


@pytest.fixture
def closed(node: Start, patience: None) -> Iterator[Server]:
    """A node with a room that has a key, which does not tell of it yet."""
    a = node("a", irc_port=0)
    with closing(irc(a, "ada")) as ada:
        ada.asked("JOIN #dev", "MODE #dev +k tea")
        silent(a)
        a.until(lambda chat: not len(of(chat).queue))      # it is in the log, and in the past
        yield a


def test_one_without_the_key_is_refused_though_it_asks_before_its_node_knows_of_it(
        node: Start, closed: Server) -> None:
    c = node("c", knows=-1)
    c.until(up)
    carl = c.client()
    carl.say("before", "/join dev", "after")
    waits(c, carl)
    carl.expect(f"{carl.nick}: before")
    assert c.call(lambda: not c.chat.hub.rooms.open("dev").population)
    speaking(closed)
    carl.expect("*** error: you may not come into dev: it has a key, /join ROOM KEY")
    carl.expect(f"{carl.nick}: after")         # nothing of what it sent is lost, nor said twice
    carl.say("/join dev tea")
    carl.expect("*** you are in dev with 1 other")


def test_one_of_irc_is_answered_once_and_under_its_label(node: Start, closed: Server) -> None:
    c = node("c", knows=-1, irc_port=0)
    c.until(up)
    with closing(irc(c, "carl", "labeled-response batch")) as carl:
        carl.say("@label=x1 JOIN #dev,#own tea", "PING :after")
        c.until(lambda chat: any(session.parked for session in chat.hub.sessions.values()))
        speaking(closed)
        lines = carl.until("PONG")
        assert len([line for line in lines if "label=x1" in line]) == 1
        assert not [line for line in lines if "ACK" in line]
        joins = [line.split()[-4:] for line in lines if " JOIN " in line]
        assert len([line for line in joins if "#dev" in line]) == 1
        assert len([line for line in joins if "#own" in line]) == 1


def test_who_waits_is_let_in_when_the_engine_is_lost(
        node: Start, engine: Engine, closed: Server) -> None:
    c = node("c", knows=-1)
    c.until(up)
    carl = c.client()
    carl.say("/join dev")
    waits(c, carl)
    engine.kill()
    carl.expect("*** you are in dev with 0 others")


def test_one_that_goes_while_it_waits_is_no_harm(node: Start, closed: Server) -> None:
    c = node("c", knows=-1)
    c.until(up)
    carl = c.client()
    carl.say("/join dev")
    waits(c, carl)
    carl.reset()
    speaking(closed)
    c.until(lambda chat: known(chat) == {"a"} and carl.id not in chat.hub.sessions)
    dora = c.client()
    dora.say("/join dev tea")
    dora.expect("*** you are in dev with 1 other")


def test_a_node_that_holds_its_lease_and_says_nothing_keeps_nobody_waiting_for_ever(
        node: Start, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "PACE", replace(start.PACE, settle=0.2))
    a = node("a")
    silent(a)
    c = node("c", knows=-1)
    carl = c.client()
    carl.say("/join dev")
    carl.expect("*** you are in dev with 0 others")


def test_a_node_that_has_not_renewed_its_lease_in_time_keeps_nobody_waiting(
        node: Start, engine: Engine, patience: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "PACE", replace(start.PACE, lease=scaled(60)))
    for name, left in (("dead", start.PACE.renewed / 2), ("living", 2 * start.PACE.lease)):
        engine.ask("SADD", "{chatops}:nodes", name)
        engine.ask("SET", f"{{chatops}}:node:{name}", name, "PX", int(left * 1000))
    c = node("c", knows=-1)
    carl = c.client()
    carl.say("/join dev")
    waits(c, carl)
    # It waits from its start on, and for whom once the engine has said who is there.
    c.until(lambda chat: of(chat)._settling._awaited)
    assert c.call(lambda: of(c.chat)._settling._awaited) == {"living"}
    engine.ask("DEL", "{chatops}:node:living")
    d = node("d", knows=1)
    dora = d.client()
    dora.say("/join tea")
    dora.expect("*** you are in tea with 0 others")


def test_where_nobody_else_is_nobody_waits(node: Start, patience: None) -> None:
    a = node("a")
    ada = a.client()
    ada.say("/join dev")
    ada.expect("*** you are in dev with 0 others")


def test_where_no_engine_is_nobody_waits(node: Start, engine: Engine, patience: None) -> None:
    engine.kill()
    a = node("a", knows=-1)
    ada = a.client()
    ada.say("/join dev")
    ada.expect("*** you are in dev with 0 others")
