"""Frames that no node would write: whoever can write to the log of nodes without a secret."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from math import inf
from typing import Any

import msgspec
import pytest

from chatops.api.commands import Bans, Broadcast
from chatops.api.events import CallbackFailed
from chatops.chat.elsewhere import Person
from chatops.chat.groups import Group, Sender
from chatops.cluster.arrivals import ORDERS
from chatops.cluster.frames import AllTold, Codec, Heard, Item, Order, Roster, Whisper, pack
from chatops.server.orders import Rulings
from chatops.server.rulings import Ruling
from tests.integration.client import Client
from tests.integration.engine import Engine, needs_engine
from tests.integration.harness import Server
from tests.integration.irc_client import IrcClient
from tests.integration.nodes import Start, known, of
from tests.patience import scaled

pytestmark = [needs_engine, pytest.mark.timeout(scaled(60))]

EVIL = Sender(1, "eve", "e", "host")
Write = Callable[..., None]


def said(text: bytes, kind: Any = "talk") -> Group:
    return Group(EVIL, kind, text, at=time.time())


@pytest.fixture
def alone(node: Start, engine: Engine) -> Iterator[tuple[Server, Client, IrcClient, Write]]:
    """Node a with ada and, by IRC, ian in the lobby; and what writes frames of a node `evil`, and
    waits until they have been read.
    """
    a = node("a", irc_port=0)
    port = a.call(lambda: a.chat.intake.irc_port)
    codec, seq = Codec("evil", "b1"), iter(range(1, 1000))

    def write(*items: Item) -> None:
        number = next(seq)
        engine.write(codec.seal(number, time.time(), [pack(item) for item in items]))
        a.until(lambda chat: of(chat).numbers.last.get(("evil", "b1"), 0) >= number
                and not of(chat).reader.unfinished)

    engine.ask("SET", "{chatops}:node:evil", "b1", "PX", "60000")
    write(Roster([Person(EVIL, ("lobby",))]), AllTold())
    a.until(lambda chat: known(chat) == {"evil"})
    ada = a.client()
    ada.rename("ada")
    with closing(IrcClient((a.address[0], port), "ian")) as ian:
        ian.asked("JOIN #lobby")
        yield a, ada, ian, write


def failures(server: Server) -> list[str]:
    return [event.error for event in server.events() if isinstance(event, CallbackFailed)]


def test_a_nick_as_long_as_a_frame_is_no_nick_and_the_node_answers(
        alone: tuple[Server, Client, IrcClient, Write]) -> None:
    a, ada, ian, write = alone
    ident = a.call(lambda: max(a.chat.hub.sessions))
    name = "n" * 100_000
    # As a hand would write it: our own structs do not hold to what the decoder holds to.
    write(Whisper("a", ident, Group(Sender(1, name, name, name, name), "talk", name.encode(),
                                    target=name)))
    ada.say("still here")
    assert ian.until("PRIVMSG")[-1].endswith(":still here\r")


@pytest.mark.parametrize("kind", ["action", "notice", "talk"])
def test_own_lines_are_heard_whatever_another_node_says(
        alone: tuple[Server, Client, IrcClient, Write], kind: Any) -> None:
    a, ada, ian, write = alone
    for n in range(5):
        ada.say(f"before {n}")
        write(Heard("lobby", [said(b"\xff\xfe", kind), said(b"x")]))
        ada.say(f"after {n}")
    ada.say("/me done")
    lines = ian.read_until(lambda line: "ACTION done" in line)[:-1]
    assert [line.rpartition(" :")[2].strip() for line in lines
            if line.startswith(":ada!") and "PRIVMSG" in line] == [
        f"{when} {n}" for n in range(5) for when in ("before", "after")]
    assert failures(a) == []


def test_no_terminal_is_hurt_by_what_another_node_says(
        alone: tuple[Server, Client, IrcClient, Write]) -> None:
    _, ada, _, write = alone
    hostile = "\x1b[2J\u202ehello\x9b1m"
    write(Heard("lobby", [said(hostile.encode())]))
    assert ada.read_until(lambda line: "eve: " in line)[-1] == "eve: hello"
    write(Heard("lobby", [said(hostile.encode(), "topic")]))
    assert ada.read_until(lambda line: "topic" in line)[-1] == "*** eve set the topic: hello"


def test_a_node_that_no_node_can_be_called_like_is_not_announced(
        alone: tuple[Server, Client, IrcClient, Write], engine: Engine) -> None:
    a, ada, _, write = alone
    for name in ("", "\x1b[2Jx", "n" * 100_000):
        engine.write(msgspec.msgpack.encode([4, name, "b1", 1, time.time(), 0.0, [
            msgspec.Raw(pack(Roster([Person(EVIL, ("lobby",))])))]]))
    write(Heard("lobby", [said(b"ok")]))
    assert not [line for line in ada.read_until("eve: ok") if "is there" in line]
    assert known(a.chat) == {"evil"}


def test_bans_are_listed_whatever_another_node_has_banned(
        alone: tuple[Server, Client, IrcClient, Write]) -> None:
    a, _, _, write = alone
    now = time.time()
    write(Order("a", "", 0, Rulings((
        Ruling("10.9.9.9", now, inf, "x"), Ruling("not a net", now), Ruling("10.8.8.8", now)))))
    assert [row.split()[0] for row in a.do(Bans()).rows] == ["10.8.8.8"]
    assert failures(a) == []


def test_a_frame_full_of_orders_is_carried_out_a_few_in_each_turn(
        alone: tuple[Server, Client, IrcClient, Write]) -> None:
    a, ada, _, write = alone
    by_turn = [0]

    def count() -> None:
        reader, arrivals = of(a.chat).reader, of(a.chat).arrivals
        obeys, flush = reader.obeys, arrivals.flush

        def obeyed(*order: Any) -> None:
            by_turn[-1] += 1
            obeys(*order)

        def flushed() -> None:
            by_turn.append(0)
            flush()

        reader.obeys, arrivals.flush = obeyed, flushed     # type: ignore[method-assign]

    a.call(count)
    write(*[Order("a", "", n, Broadcast(f"word {n}")) for n in range(1, 4 * ORDERS + 1)])
    heard = ada.read_until(f"*** [admin] word {4 * ORDERS}")
    assert [line for line in heard if "word" in line] == [
        f"*** [admin] word {n}" for n in range(1, 4 * ORDERS + 1)]
    assert sum(by_turn) == 4 * ORDERS
    assert max(by_turn) == ORDERS
