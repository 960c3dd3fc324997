"""What IRC clients are told of those on other nodes, without an engine."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from chatops.api import events
from chatops.chat import abroad
from chatops.chat.elsewhere import Person
from chatops.chat.groups import Sender
from chatops.chat.session import Session
from chatops.cluster import standing
from tests.unit.irc_chat import IrcChat

BOB = Person(Sender(3, "bob", "~bob", "host", "robert", "b"), ("lobby",), guest=False)


@pytest.fixture
def chat() -> IrcChat:
    """Node a, which knows that bob is on node b, in the lobby."""
    chat = IrcChat()
    there = abroad.begin(chat.hub, "a")
    there.nodes.add("b")
    knows(chat, BOB)
    return chat


@pytest.fixture
def ada(chat: IrcChat) -> Session:
    return chat.person("ada")


def knows(chat: IrcChat, person: Person) -> None:
    assert chat.hub.elsewhere is not None
    abroad.count(chat.hub, chat.hub.elsewhere.put(person))


@pytest.mark.parametrize("where", ["bob", "BOB", "b", "a", "irc.test"])
def test_who_is_on_another_node_is_found_by_its_nick_twice_or_by_a_node(
        chat: IrcChat, ada: Session, where: str) -> None:
    assert chat.codes(ada, f"WHOIS {where} bob") == ["311", "312", "330", "318"]


def test_a_server_that_there_is_not_is_none_still(chat: IrcChat, ada: Session) -> None:
    assert chat.codes(ada, "WHOIS c bob") == ["402"]


def test_whois_says_of_those_there_what_it_says_of_those_here(chat: IrcChat, ada: Session) -> None:
    knows(chat, replace(BOB, oper=True, bot=True, tls=True))
    assert chat.codes(ada, "WHOIS bob") == ["311", "312", "313", "330", "335", "671", "318"]
    assert chat.asked(ada, "USERHOST bob")[0].endswith("bob*=+~bob@host")
    assert chat.asked(ada, "WHO bob")[0].split(" ")[8] == "H*B"


def test_other_nodes_are_told_who_is_an_operator_and_who_is_a_bot(chat: IrcChat, ada: Session
                                                                 ) -> None:
    chat.hub.touched.clear()
    chat.send(ada, "OPER root secret")
    assert ada.id in chat.hub.touched
    chat.send(ada, "MODE ada +B")
    person = standing.person(chat.hub, ada.id, 0.0)
    assert person is not None
    assert (person.oper, person.bot, person.tls) == (True, True, False)


def test_lusers_counts_those_of_all_nodes(chat: IrcChat, ada: Session) -> None:
    knows(chat, replace(BOB, hidden=True, oper=True, rooms=("den",)))
    found = {line.split(" ")[1]: line for line in chat.asked(ada, "LUSERS")}
    assert found["251"].endswith(":There are 1 users and 1 invisible on 2 servers")
    assert " 252 ada 1 " in found["252"]
    assert " 254 ada 1 " in found["254"]
    assert found["255"].endswith(":I have 1 clients and 1 servers")
    assert " 265 ada 1 1 " in found["265"]
    assert " 266 ada 2 2 " in found["266"]


def test_lusers_forgets_who_has_gone_but_not_how_many_there_were(chat: IrcChat, ada: Session
                                                                ) -> None:
    assert chat.hub.elsewhere is not None
    knows(chat, replace(BOB, oper=True))
    abroad.count(chat.hub, chat.hub.elsewhere.take("b", 3))
    found = {line.split(" ")[1]: line for line in chat.asked(ada, "LUSERS")}
    assert "252" not in found or " 252 ada 0 " in found["252"]
    assert " 266 ada 1 2 " in found["266"]


def test_a_newcomer_is_a_guest_of_its_node_to_the_operator_and_nobody_to_itself(chat: IrcChat
                                                                               ) -> None:
    eve = chat.come()
    assert chat.codes(eve, "WHOIS bob") == ["451"]
    chat.send(eve, "JOIN #tea", "NICK eve", "USER eve 0 * :Eve")
    assert chat.heard(eve)[0].split(" ")[1:3] == ["451", "*"]
    told = [event for event in chat.events
            if isinstance(event, events.Connected | events.Renamed) and event.id == eve.id]
    assert [getattr(event, "nick", "") or getattr(event, "old", "") for event in told] == [
        f"guest-a{eve.id}"] * 2
