"""Operators of a room are so for members of all nodes: they are seen, and promote and kick."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from tests.integration.engine import needs_engine
from tests.integration.harness import Server
from tests.integration.irc_client import IrcClient
from tests.integration.nodes import Start, known, sees
from tests.patience import scaled

pytestmark = [needs_engine, pytest.mark.timeout(scaled(60))]


class Dev:
    """Ada on node a, who has made #dev, and eve on node b, who is in there."""

    def __init__(self, a: Server, b: Server, ada: IrcClient, eve: IrcClient) -> None:
        self.a, self.b, self.ada, self.eve = a, b, ada, eve

    def names(self, client: IrcClient) -> list[str]:
        [line] = [line for line in client.asked("NAMES #dev") if " 353 " in line]
        return sorted(line.partition(" #dev ")[2].removeprefix(":").split())

    def ask(self, client: IrcClient, line: str) -> str:
        """The last line of the answer."""
        return client.asked(line)[-1]

    def rank(self, server: Server, nick: str, wanted: str | None) -> None:
        """Wait until a node sees it like this in the room; None: not in there."""
        def so(_: object) -> bool:
            there = server.chat.hub.elsewhere
            person = there.find(nick) if there is not None else None
            inside = person is not None and "dev" in person.rooms
            if wanted is None:
                return not inside
            return person is not None and inside and person.prefixes("dev") == wanted

        server.until(so)


@pytest.fixture
def dev(node: Start) -> Iterator[Dev]:
    a, b = node("a", irc_port=0), node("b", knows=1, irc_port=0)
    a.until(lambda chat: known(chat) == {"b"})
    with ExitStack() as stack:
        def irc(server: Server, nick: str) -> IrcClient:
            port = server.call(lambda: server.chat.intake.irc_port)
            return stack.enter_context(closing(IrcClient((server.address[0], port), nick)))

        ada = irc(a, "ada")
        ada.asked("JOIN #dev")
        b.until(lambda chat: sees(chat, "ada") and "dev" in chat.hub.rooms)
        eve = irc(b, "eve")
        eve.asked("JOIN #dev")
        ada.until("JOIN")
        dev = Dev(a, b, ada, eve)
        dev.rank(a, "eve", "")
        dev.rank(b, "ada", "@")
        yield dev


def test_who_is_an_operator_is_seen_on_all_nodes(dev: Dev) -> None:
    assert dev.names(dev.eve) == ["@ada", "eve"]
    who = [line.split(" ")[8] for line in dev.eve.asked("WHO #dev") if " 352 " in line]
    assert sorted(who) == ["H", "H@"]
    assert any(" 319 " in line and line.endswith("@#dev") for line in dev.eve.asked("WHOIS ada"))


def test_one_who_is_promoted_on_another_node_is_an_operator_there_until_that_is_taken_away(
        dev: Dev) -> None:
    dev.ada.say("MODE #dev +v eve")
    assert dev.eve.until("MODE")[-1].rstrip().endswith("MODE #dev +v eve")
    dev.rank(dev.a, "eve", "+")
    dev.ada.say("MODE #dev -v+o eve eve")
    assert dev.eve.until("MODE")[-1].rstrip().endswith("MODE #dev -v+o eve eve")
    dev.rank(dev.a, "eve", "@")
    assert dev.names(dev.ada) == dev.names(dev.eve) == ["@ada", "@eve"]
    dev.eve.say("TOPIC #dev :brewing")
    assert dev.ada.until("TOPIC")[-1].rstrip().endswith("TOPIC #dev :brewing")
    dev.eve.say("MODE #dev -o ada")            # as it would be on one server
    dev.ada.until("MODE")
    dev.rank(dev.b, "ada", "")
    assert " 482 " in dev.ask(dev.ada, "TOPIC #dev :mine")


def test_an_operator_kicks_a_member_of_another_node_and_all_hear_it_once(dev: Dev) -> None:
    dev.ada.say("KICK #dev eve :tea time")
    for client in (dev.ada, dev.eve):
        assert client.until("KICK")[-1].rstrip().endswith("KICK #dev eve :tea time")
    dev.rank(dev.a, "eve", None)
    assert dev.names(dev.ada) == ["@ada"]
    assert " 442 " in dev.ask(dev.eve, "TOPIC #dev :mine")
    assert not [line for line in dev.ada.asked() if "KICK" in line or "PART" in line]
    assert " 441 " in dev.ask(dev.ada, "KICK #dev eve")
    assert " 441 " in dev.ask(dev.ada, "MODE #dev +o eve")


def test_one_who_is_no_operator_kicks_and_promotes_nobody_on_another_node(dev: Dev) -> None:
    assert " 482 " in dev.ask(dev.eve, "KICK #dev ada")
    assert " 482 " in dev.ask(dev.eve, "MODE #dev -o ada")
    assert dev.names(dev.eve) == ["@ada", "eve"]


def test_a_plain_client_that_is_kicked_by_another_node_finds_itself_in_the_lobby(
        dev: Dev) -> None:
    bob = dev.b.client()
    bob.rename("bob")
    bob.join("dev")
    dev.rank(dev.a, "bob", "")
    dev.ada.say("KICK #dev bob :out")
    bob.expect("*** you are in lobby")
    dev.rank(dev.a, "bob", None)
