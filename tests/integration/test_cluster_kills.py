"""An IRC operator's KILL and WALLOPS reach people of all nodes, in the words of one server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest

from chatops.api.events import AdminDid
from tests.integration.engine import Engine, needs_engine
from tests.integration.fault_proxy import before
from tests.integration.harness import Server
from tests.integration.irc_client import IrcClient
from tests.integration.nodes import Start, known, sees
from tests.patience import scaled

pytestmark = [needs_engine, pytest.mark.timeout(scaled(60))]

Person = Callable[[Server, str], IrcClient]
OPERATED = {"irc_port": 0, "oper": "root:secret"}


@pytest.fixture
def irc() -> Iterator[Person]:
    """Comes to a node under a nick."""
    with ExitStack() as stack:
        def come(server: Server, nick: str) -> IrcClient:
            port = server.call(lambda: server.chat.intake.irc_port)
            return stack.enter_context(closing(IrcClient((server.address[0], port), nick)))

        yield come


def pair(node: Start) -> tuple[Server, Server]:
    a, b = node("a", **OPERATED), node("b", knows=1, **OPERATED)
    a.until(lambda chat: known(chat) == {"b"})
    return a, b


def operator(irc: Person, server: Server, nick: str) -> IrcClient:
    client = irc(server, nick)
    client.asked("OPER root secret")
    return client


def test_a_kill_reaches_an_irc_client_of_another_node_and_is_put_on_record_on_both(
        node: Start, irc: Person) -> None:
    a, b = pair(node)
    ada, eve = operator(irc, a, "ada"), irc(b, "eve")
    a.until(lambda chat: sees(chat, "eve"))
    ada.asked("JOIN #dev")
    eve.asked("JOIN #dev")
    ada.until("JOIN")
    ada.say("KILL eve :spam")
    words = "Killed (ada (spam))"
    killed, error = [line.rstrip() for line in eve.to_the_end()][-2:]
    assert killed.startswith(":ada!")
    assert killed.endswith(f" KILL eve :{words}")
    assert error.startswith("ERROR :Closing Link: ")
    assert error.endswith(f" ({words})")
    assert ada.until("QUIT")[-1].rstrip().endswith(f"QUIT :{words}")
    there, here = b.wait_for(AdminDid), a.wait_for(AdminDid)
    who = there.line.split(" ")[1]
    assert (there.line, there.outcome) == (f"kick {who} spam", f"for node a: ada killed {who} eve")
    assert (here.line, here.outcome) == (f"kick b{who} spam", f"ada killed b{who} eve")
    assert here.ok
    assert there.ok
    a.until(lambda chat: not sees(chat, "eve"))
    assert any(" 401 " in line for line in ada.asked("KILL eve :again"))


def test_a_plain_client_of_another_node_is_killed_in_plain_words(
        node: Start, irc: Person) -> None:
    a, b = pair(node)
    ada = operator(irc, a, "ada")
    bob = b.client()
    bob.rename("bob")
    a.until(lambda chat: sees(chat, "bob"))
    ada.say("KILL BOB :spam")
    assert bob.to_the_end()[-1] == "*** error: Killed (ada (spam))"


def test_who_is_no_operator_kills_nobody_on_another_node(node: Start, irc: Person) -> None:
    a, b = pair(node)
    ada, _eve = irc(a, "ada"), irc(b, "eve")
    a.until(lambda chat: sees(chat, "eve"))
    for line in ("KILL eve :spam", "WALLOPS :hello"):
        assert " 481 " in ada.asked(line)[-1]
    assert b.call(lambda: b.chat.hub.nicks.find("eve")) is not None


def test_who_kills_somebody_of_a_node_that_does_not_answer_is_told(
        node: Start, engine: Engine, irc: Person) -> None:
    with before(engine.port) as proxy:
        a, b = node("a", **OPERATED), node("b", knows=1, url=proxy.url)
        ada, bob = operator(irc, a, "ada"), b.client()
        bob.rename("bob")
        a.until(lambda chat: sees(chat, "bob"))
        proxy.mute = True
        ada.say("KILL bob :spam")
        told = ada.until("NOTICE")[-1].rstrip()
        assert f"b#{bob.id} bob was not killed: node b " in told
        assert not a.wait_for(AdminDid).ok
        b.thread.close()
        b.must_live = False


def test_wallops_reaches_operators_and_who_wants_to_hear_them_on_all_nodes_once(
        node: Start, irc: Person) -> None:
    a, b = pair(node)
    ada, bob = operator(irc, a, "ada"), operator(irc, b, "bob")
    eve, dan = irc(b, "eve"), irc(b, "dan")
    eve.asked("MODE eve +w")
    dan.asked("MODE dan -w")
    ada.say("WALLOPS :tea is ready")
    for client in (ada, bob, eve):
        line = client.until("WALLOPS")[-1].rstrip()
        assert line.startswith(":ada!")
        assert line.endswith(" WALLOPS :tea is ready")
    for client in (ada, bob, eve, dan):
        assert not [line for line in client.asked() if "WALLOPS" in line]
