"""What an account may be called that somebody makes for himself, by either door."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from chatops.accounts.authenticator import LoginVerdict
from chatops.accounts.store import Account
from chatops.server.reservations import Reservations
from tests.unit.irc_chat import IrcChat
from tests.unit.irc_login import Later, newcomer, say


@pytest.fixture
def chat(gate: Later) -> IrcChat:
    return gate.chat()


@pytest.mark.parametrize(("name", "why"), [
    ("bob", "'bob' is taken, or looks like 'bob'"), ("B0B", "looks like 'bob'"),
    ("guest-7", "nicks that begin with guest are given by the server"),
    ("admin", "'admin' is reserved"), ("NickServ", "is reserved"), ("7up", "begins with no digit"),
])
def test_nobody_makes_an_account_to_take_the_nick_of_somebody_else(
        chat: IrcChat, gate: Later, name: str, why: str) -> None:
    nc = chat.line_user("zoe")
    bob = chat.person("bob")
    nc.secure = True
    chat.heard(nc)
    nc.door.receive(nc, f"/register {name} secret\n/nick {name}\n".encode())
    gate.answer(chat)
    assert why in chat.heard(nc)[0]
    assert (nc.nick, bob.nick) == ("zoe", "bob")
    assert gate.accounts == {"ada": "sesame"}


def test_who_is_logged_in_makes_no_second_account(chat: IrcChat, gate: Later) -> None:
    nc = chat.line_user("zoe")
    nc.secure = True
    chat.heard(nc)
    nc.door.receive(nc, b"/register zoe secret\n/register eve secret\n")
    gate.answer(chat)
    assert chat.heard(nc) == ["*** the account zoe is yours now", "*** you are logged in as zoe",
                              "*** error: you are logged in as zoe already"]
    assert "eve" not in gate.accounts


def test_a_guest_of_irc_chooses_a_nick_before_it_makes_an_account(chat: IrcChat, gate: Later
                                                                  ) -> None:
    bob = newcomer(chat)
    say(chat, bob, "NICK bob", "USER bob 0 * :Bob")
    chat.hub.rename(bob)
    chat.heard(bob)
    say(chat, bob, "REGISTER * * secret")
    assert "FAIL REGISTER NEED_NICK" in chat.heard(bob)[-1]
    say(chat, bob, "PRIVMSG NickServ :REGISTER secret")
    assert "nicks that begin with guest" in chat.heard(bob)[-1]
    assert not gate.waiting


KNOWN: Any = SimpleNamespace(owned=lambda name, answer: answer(
    LoginVerdict(Account(name, "", False, 0.0, 0.0))))


@pytest.mark.parametrize(("irc", "secure", "how"), [
    (True, True, "/msg NickServ IDENTIFY PASSWORD logs you in"),
    (False, True, "/login ada PASSWORD logs you in"),
    (True, False, "passwords are only taken over TLS, or from this machine")])
def test_who_has_the_nick_of_an_account_is_told_how_to_log_in(
        chat: IrcChat, irc: bool, secure: bool, how: str) -> None:
    state: Any = chat
    state.reactor.now, state.reactor.call_later = 0.0, lambda _seconds, _call: None
    ada = chat.person("ada") if irc else chat.line_user("ada")
    ada.secure = secure
    Reservations(state, KNOWN).named(ada.id, "ada")
    heard = chat.heard(ada)
    assert "ada belongs to an account: log in within 30s" in heard[0]
    assert heard[1].endswith(how)


def test_who_takes_the_nick_again_is_told_how_long_it_has_it_still(chat: IrcChat) -> None:
    state: Any = chat
    due: list[tuple[float, Callable[[], None]]] = []
    state.reactor.now = 100.0
    state.reactor.call_later = lambda seconds, call: due.append((seconds, call))
    state.named = Reservations(state, KNOWN).named
    ada = chat.person("bob")
    assert "log in within 30s" in chat.asked(ada, "NICK ada")[1]
    state.reactor.now = 120.5
    chat.asked(ada, "NICK bob")
    heard = chat.asked(ada, "NICK ada")
    assert "log in within 10s" in heard[1]
    for seconds, call in due:
        assert seconds == 30.0
        call()
    assert ada.guest
