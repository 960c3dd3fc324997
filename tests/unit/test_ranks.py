"""An account keeps its operator rights: whoever comes back with it is an operator again."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from chatops.chat import abroad
from chatops.chat.groups import Sender
from chatops.chat.hub import Hub
from chatops.chat.intake import Intake
from chatops.chat.moderation import KEPT, Rules
from chatops.chat.room_state import RoomState, settle, state_of
from chatops.chat.session import Room, Session
from tests.unit.irc_chat import IrcChat
from tests.unit.irc_login import Later, codes, newcomer, plain, say


@pytest.fixture
def chat(gate: Later) -> IrcChat:
    return gate.chat()


def owner(chat: IrcChat, gate: Later, *then: str) -> Session:
    """Somebody who has just come in with ada's account."""
    ada = newcomer(chat)
    say(chat, ada, "CAP REQ sasl", "NICK ada", "USER ada 0 * :Ada", "AUTHENTICATE PLAIN",
        f"AUTHENTICATE {plain('ada', 'sesame')}", "CAP END", *then)
    gate.answer(chat)
    return ada


def is_op(chat: IrcChat, session: Session) -> bool:
    return session.id in chat.hub.rooms.open("tea").rules.ops


def test_an_account_that_comes_back_is_an_operator_again_and_all_hear_it(
        chat: IrcChat, gate: Later) -> None:
    ada = owner(chat, gate, "JOIN #tea")
    eve, bob = chat.person("eve"), chat.line_user("bob")
    chat.asked(eve, "JOIN #tea")
    chat.send(bob, "/join tea")
    say(chat, ada, "QUIT")
    assert codes(chat, ada)[-1] == ":Closing"
    for client in (eve, bob):
        chat.heard(client)
    again = owner(chat, gate)
    chat.heard(again)
    say(chat, again, "JOIN #tea")
    heard = chat.heard(again)
    assert [line.split(" ")[1] for line in heard] == ["JOIN", "MODE", "353", "366"]
    assert heard[1] == ":irc.test MODE #tea +o ada"
    assert "@ada" in heard[2]
    assert [line.split(" ")[1] for line in chat.heard(eve)] == ["JOIN", "MODE"]
    assert chat.heard(bob)[-1] == "*** mode +o ada"
    assert is_op(chat, again)


def test_who_logs_in_later_is_an_operator_from_then_on(chat: IrcChat, gate: Later) -> None:
    ada = owner(chat, gate, "JOIN #tea")
    eve = chat.person("eve")
    chat.asked(eve, "JOIN #tea")
    say(chat, ada, "PART #tea")
    chat.heard(ada)
    other = newcomer(chat)
    say(chat, other, "NICK other", "USER o 0 * :O", "JOIN #tea")
    chat.heard(other)
    assert not is_op(chat, other)
    say(chat, other, "PRIVMSG NickServ :IDENTIFY ada sesame")
    gate.answer(chat)
    assert "MODE #tea +o other" in "\n".join(chat.heard(eve))
    assert is_op(chat, other)


def test_an_operator_that_logs_in_has_its_account_remembered(chat: IrcChat, gate: Later) -> None:
    ada, eve = newcomer(chat), chat.person("eve")
    say(chat, ada, "NICK ada", "USER a 0 * :A", "JOIN #tea")
    chat.asked(eve, "JOIN #tea")
    say(chat, ada, "PRIVMSG NickServ :IDENTIFY ada sesame")
    gate.answer(chat)
    say(chat, ada, "QUIT")
    chat.heard(ada)
    plain_ada = chat.line_user()
    plain_ada.secure = True
    chat.plain.receive(plain_ada, b"/login ada sesame\n")
    gate.answer(chat)
    chat.send(plain_ada, "/join tea")
    assert is_op(chat, plain_ada)


def test_an_account_that_was_demoted_or_whose_room_has_closed_is_none_any_more(
        chat: IrcChat, gate: Later) -> None:
    ada, eve = owner(chat, gate, "JOIN #tea"), chat.person("eve")
    chat.asked(eve, "JOIN #tea")
    chat.asked(ada, "MODE #tea +o eve")
    chat.asked(eve, "MODE #tea -o ada")
    say(chat, ada, "PART #tea", "JOIN #tea")
    chat.heard(ada)
    assert not is_op(chat, ada)
    assert is_op(chat, eve)
    chat.asked(eve, "MODE #tea +o ada")
    for client in (ada, eve):
        say(chat, client, "PART #tea")
        chat.heard(client)
    chat.asked(eve, "JOIN #tea")
    chat.asked(ada, "JOIN #tea")
    assert is_op(chat, eve)
    assert not is_op(chat, ada)


@pytest.mark.parametrize(("made_at", "again"), [(900.0, True), (9000.0, False)])
def test_an_account_made_anew_while_nobody_was_logged_in_is_not_the_one_that_was_an_operator(
        chat: IrcChat, made_at: float, again: bool) -> None:
    ada, eve = chat.person("ada"), chat.person("eve")
    chat.hub.log_in(ada, "ada", 900.0)
    chat.send(ada, "JOIN #tea")
    chat.send(eve, "JOIN #tea")
    chat.hub.disconnect(ada, "left")
    chat.hub.at = 10_000.0
    owner = chat.person("ada")
    chat.hub.log_in(owner, "ada", made_at)
    chat.send(owner, "JOIN #tea")
    assert is_op(chat, owner) == again


def test_whoever_becomes_an_operator_with_the_new_account_is_one_again(chat: IrcChat) -> None:
    eve = chat.person("eve")
    chat.send(eve, "JOIN #tea")
    chat.hub.rooms.open("tea").rules.promote(Sender(99, "x", account="ada"), 10.0)
    chat.hub.at = 10_000.0
    was = []
    for _ in range(2):
        ada = chat.person("ada")
        chat.hub.log_in(ada, "ada", 9000.0)
        chat.send(ada, "JOIN #tea")
        was.append(is_op(chat, ada))
        chat.send(eve, "MODE #tea +o ada")
        chat.hub.disconnect(ada, "left")
    assert was == [False, True]


def test_of_too_many_accounts_the_latest_are_remembered() -> None:
    rules = Rules()
    for number in range(KEPT + 5):
        rules.promote(Sender(number, "x", account=f"Account{number}"), float(number))
    rules.promote(Sender(99, "x"), 99.0)           # of nobody's account
    assert [rules.is_op_account(name) for name in ("account4", "ACCOUNT5", "")] == [
        False, True, False]
    assert len(rules.op_accounts) == KEPT


# -- on several nodes


def node(name: str, at: float, account: str) -> tuple[Hub, Room]:
    """One on which somebody with this account has made the room dev at this moment."""
    hub = Hub()
    abroad.begin(hub, name)
    client = Intake(hub).connect(1, 11, "peer:1")
    hub.at = at
    hub.log_in(client, account)
    hub.move(client, "dev")
    return hub, hub.rooms.open("dev")


def test_the_later_change_of_operators_holds_on_all_nodes() -> None:
    (one, here), (two, there) = node("a", 10.0, "ada"), node("b", 10.0, "")
    there.rules.maker = here.rules.maker
    settle(two, state_of(here))
    assert there.rules.is_op_account("ada")
    there.rules.demote(Sender(7, "ada", account="ada"), 20.0)
    settle(one, state_of(there))
    assert not here.rules.is_op_account("ada")
    settle(two, RoomState(*[getattr(state_of(here), field) for field in (
        "room", "created_at", "maker", "topic", "topic_by", "topic_at", "modes_at", "flags",
        "key", "limit", "lists")]))                # of a node that knows of no such thing
    assert there.rules.ops_at == 20.0


def test_of_two_rooms_of_one_name_the_older_keeps_its_accounts_as_well() -> None:
    (one, older), (two, younger) = node("a", 10.0, "ada"), node("b", 20.0, "bob")
    settle(one, state_of(younger))
    settle(two, state_of(older))
    assert list(older.rules.op_accounts) == list(younger.rules.op_accounts) == ["ada"]


def test_other_nodes_know_since_when_and_of_an_older_node_when_it_was_changed_last() -> None:
    (_, here), (two, there) = node("a", 10.0, "ada"), node("b", 10.0, "")
    there.rules.maker = here.rules.maker
    here.rules.promote(Sender(7, "bob", account="bob"), 500.0)
    settle(two, state_of(here).shifted(1000.0))
    assert [there.rules.is_op_account(*each) for each in (
        ("ada", 1010.0), ("ada", 1400.0), ("bob", 1400.0), ("bob", 9000.0))] == [
            True, False, True, False]
    here.rules.promote(Sender(8, "cem", account="cem"), 600.0)
    settle(two, replace(state_of(here).shifted(1000.0), op_since=()))
    assert [there.rules.is_op_account(*each) for each in (("ada", 1400.0), ("ada", 9000.0))] == [
        True, False]
