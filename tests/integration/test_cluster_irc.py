"""IRC clients and plain ones on several nodes: each hears the others in its own dialect."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.integration.client import Client
from tests.integration.engine import needs_engine
from tests.integration.harness import Server
from tests.integration.irc_client import IrcClient
from tests.integration.nodes import Start, known, sees
from tests.patience import scaled

pytestmark = [needs_engine, pytest.mark.timeout(scaled(60))]


@pytest.fixture
def pair(node: Start) -> Iterator[tuple[Server, Server, IrcClient, Client]]:
    """Ada, by IRC on node a, and bob, by `nc` on node b, in one room."""
    a, b = node("a", irc_port=0), node("b", knows=1)
    a.until(lambda chat: known(chat) == {"b"})
    port = a.call(lambda: a.chat.intake.irc_port)
    with closing(IrcClient((a.address[0], port), "ada")) as ada:
        ada.asked("JOIN #lobby")
        b.until(lambda chat: sees(chat, "ada") and chat.hub.lobby.elsewhere)
        bob = b.client()
        bob.rename("bob")
        a.until(lambda chat: sees(chat, "bob"))
        ada.until("NICK")
        yield a, b, ada, bob


def test_each_hears_the_other_in_its_own_dialect(
        pair: tuple[Server, Server, IrcClient, Client]) -> None:
    _, _, ada, bob = pair
    ada.say("PRIVMSG #lobby :hello", "PRIVMSG #lobby :\x01ACTION waves\x01")
    assert bob.read_until("* ada waves")[-2:] == ["ada: hello", "* ada waves"]
    bob.say("hi", "/me nods")
    assert ada.until("PRIVMSG")[-1].endswith("PRIVMSG #lobby :hi\r")
    assert ada.until("PRIVMSG")[-1].endswith("PRIVMSG #lobby :\x01ACTION nods\x01\r")
    bob.say("/msg ada psst")
    assert ada.until("PRIVMSG")[-1].endswith("PRIVMSG ada :psst\r")
    ada.say("PRIVMSG bob :what")
    bob.expect("[ada -> you] what")


def test_who_is_in_no_channel_is_found_on_the_other_node_from_its_registration_on(
        pair: tuple[Server, Server, IrcClient, Client]) -> None:
    a, b, _, bob = pair
    port = a.call(lambda: a.chat.intake.irc_port)
    with closing(IrcClient((a.address[0], port))) as eve:
        eve.say("WHOIS bob")
        assert eve.read_line().split(" ")[2] == "*"        # nobody yet, not a guest
        eve.say("NICK eve", "USER eve 0 * :Eve")
        eve.until("376")
        b.until(lambda chat: sees(chat, "eve"))
        bob.say("/nick eve", "/msg eve psst")
        bob.expect("*** error: 'eve' is taken, or looks like 'eve', on node a")
        assert eve.until("PRIVMSG")[-1].endswith("PRIVMSG eve :psst\r")
    b.until(lambda chat: not sees(chat, "eve"))


def test_lists_and_questions_of_irc_know_who_is_on_the_other_node(
        pair: tuple[Server, Server, IrcClient, Client]) -> None:
    _, _, ada, _ = pair
    names = ada.asked("NAMES #lobby")[0].partition(" :")[2].split()
    assert sorted(name.lstrip("@+") for name in names) == ["ada", "bob"]
    assert [line.split(" ")[7] for line in ada.asked("WHO #lobby") if " 352 " in line] == [
        "ada", "bob"]
    assert [line.rpartition(" ")[2] for line in ada.asked("WHO #lobby %tn,7")
            if " 354 " in line] == ["ada", "bob"]
    assert " 312 ada bob b :" in "\n".join(ada.asked("WHOIS bob"))
    assert ada.asked("ISON bob")[0].endswith(" bob")
    assert ada.asked("LIST")[1].split(" ")[4] == "2"


def test_a_node_that_goes_takes_its_people_out_of_the_lists_of_irc_clients(
        pair: tuple[Server, Server, IrcClient, Client]) -> None:
    _, b, ada, bob = pair
    b.thread.close()
    b.must_live = False
    lines = [line.rstrip("\r") for line in ada.until("QUIT")]
    assert lines[-1].endswith("QUIT :node b was shut down")
    assert lines[-1].startswith(f":{bob.nick}!")
    assert any("NOTICE #lobby :node b was shut down" in line for line in lines)
    assert ada.asked("NAMES #lobby")[0].partition(" :")[2].split() in (["ada"], ["@ada"])


def test_a_room_with_a_key_is_closed_to_those_on_other_nodes(
        node: Start, pair: tuple[Server, Server, IrcClient, Client]) -> None:
    _, b, ada, bob = pair
    ada.asked("JOIN #dev", "MODE #dev +k tea", "TOPIC #dev :brewing")
    b.until(lambda chat: "dev" in chat.hub.rooms and chat.hub.rooms.open("dev").rules.topic)
    bob.say("/join dev")
    bob.expect("*** error: you may not come into dev: it has a key, /join ROOM KEY")
    c = node("c", knows=2)                     # which was not there when it was said
    c.until(lambda chat: "dev" in chat.hub.rooms and chat.hub.rooms.open("dev").rules.key)
    carl = c.client()
    carl.say("/join dev")
    carl.expect("*** error: you may not come into dev: it has a key, /join ROOM KEY")
    bob.say("/join dev tea", "/topic")
    bob.read_until(lambda line: line.startswith("*** dev: brewing, set by ada"))
    bob.say("/topic mine")
    bob.expect("*** error: only operators of dev set its topic")


def test_who_is_banned_from_a_room_or_not_invited_into_it_is_so_on_the_other_node(
        pair: tuple[Server, Server, IrcClient, Client]) -> None:
    _, b, ada, bob = pair
    ada.asked("JOIN #dev", "MODE #dev +b bob")
    b.until(lambda chat: "dev" in chat.hub.rooms and chat.hub.rooms.open("dev").guarded)
    bob.say("/join dev")
    bob.expect("*** error: you may not come into dev: you are banned there")
    ada.asked("MODE #dev -b+i bob")
    b.until(lambda chat: not chat.hub.rooms.open("dev").guarded)
    bob.say("/join dev")
    bob.expect("*** error: you may not come into dev: nobody has invited you")
    assert any(" 341 ada bob #dev" in line for line in ada.asked("INVITE bob #dev"))
    bob.expect("*** ada invites you to dev: /join dev")
    bob.join("dev")
    bob.say("hello")
    assert ada.until("PRIVMSG")[-1].endswith("PRIVMSG #dev :hello\r")
    assert any(" 443 " in line for line in ada.asked("INVITE bob #dev"))
