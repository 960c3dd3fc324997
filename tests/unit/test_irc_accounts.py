"""Logging in by SASL, NickServ, REGISTER and /login, with an answer that comes later."""

from __future__ import annotations

from base64 import b64encode

import pytest

from chatops.chat.irc.client import Client
from chatops.chat.login import Outcome, Told
from chatops.chat.session import Session
from tests.unit.irc_chat import IrcChat


class Later:
    """Knows ada, whose password is sesame; answers when it is told to."""

    registration = "on"

    def __init__(self) -> None:
        self.accounts = {"ada": "sesame"}
        self.waiting: list[tuple[Told, Outcome]] = []

    def verify(self, _session: Session, name: str, password: str, answer: Told) -> None:
        good = self.accounts.get(name) == password
        self.waiting.append((answer, Outcome(name if good else "", admin=good,
                                             reason="" if good else "wrong")))

    def register(self, _session: Session, name: str, password: str, answer: Told) -> None:
        new = self.accounts.setdefault(name, password) is password
        self.waiting.append((answer, Outcome(name) if new else Outcome(
            "", reason="there is an account already")))

    def change(self, _session: Session, name: str, password: str, answer: Told) -> None:
        self.accounts[name] = password
        self.waiting.append((answer, Outcome(name)))

    def answer(self, chat: IrcChat) -> None:
        """What has been asked is answered, and everybody goes on."""
        waiting, self.waiting = self.waiting, []
        for answer, outcome in waiting:
            answer(outcome)


@pytest.fixture
def gate() -> Later:
    return Later()


@pytest.fixture
def chat(gate: Later) -> IrcChat:
    chat = IrcChat()
    chat.irc.irc.gate = chat.plain.gate = gate
    return chat


def newcomer(chat: IrcChat, *, secure: bool = True) -> Client:
    client = chat.come()
    client.secure = secure
    assert isinstance(client, Client)
    return client


def plain(name: str, password: str) -> str:
    return b64encode(f"\0{name}\0{password}".encode()).decode()


def say(chat: IrcChat, session: Session, *lines: str) -> None:
    """Whole lines in one piece; what is parked stays so."""
    session.door.receive(session, "".join([f"{line}\r\n" for line in lines]).encode())


def codes(chat: IrcChat, session: Session) -> list[str]:
    return [line.split(" ")[0 if line.startswith("AUTH") else 1] for line in chat.heard(session)]


def test_all_in_one_burst_is_answered_in_order(chat: IrcChat, gate: Later) -> None:
    ada = newcomer(chat)
    say(chat, ada, "CAP LS 302", "NICK ada", "USER ada 0 * :Ada", "CAP REQ sasl",
        "AUTHENTICATE PLAIN", f"AUTHENTICATE {plain('ada', 'sesame')}", "CAP END", "JOIN #tea")
    assert codes(chat, ada) == ["CAP", "CAP", "AUTHENTICATE"]
    assert ada.parked
    gate.answer(chat)
    heard = codes(chat, ada)
    assert heard[:3] == ["900", "903", "001"]
    assert heard[-3:] == ["JOIN", "353", "366"]
    assert (ada.sender.account, ada.is_oper) == ("ada", True)


@pytest.mark.parametrize(("lines", "code"), [
    (["PLAIN", plain("ada", "wrong")], "904"), (["PLAIN", "!!!"], "904"), (["PLAIN", "*"], "906"),
    (["PLAIN", "x" * 401], "905"), (["PLAIN", *["x" * 400] * 21], "904"), (["FROB"], "904"),
    (["PLAIN", b64encode(b"bob\0ada\0sesame").decode()], "904"), (["PLAIN", "+"], "904"),
])
def test_what_is_wrong_with_sasl_is_said_and_the_client_stays(
        chat: IrcChat, gate: Later, lines: list[str], code: str) -> None:
    ada = newcomer(chat)
    say(chat, ada, "NICK ada", "USER ada 0 * :Ada")
    chat.heard(ada)
    say(chat, ada, *[f"AUTHENTICATE {line}" for line in lines])
    gate.answer(chat)
    assert codes(chat, ada)[-1] == code
    assert ada.sender.account == ""
    say(chat, ada, "PING x")
    assert codes(chat, ada) == ["PONG"]


def test_nobody_is_asked_for_a_password_that_others_could_read(chat: IrcChat, gate: Later) -> None:
    eve = newcomer(chat, secure=False)
    say(chat, eve, "CAP LS 302", "NICK eve", "USER e 0 * :E", "CAP END")
    assert "sasl" not in chat.heard(eve)[0]
    say(chat, eve, "AUTHENTICATE PLAIN", "PRIVMSG NickServ :IDENTIFY ada sesame")
    assert codes(chat, eve) == ["904", "NOTICE"]
    nc = chat.line_user("zoe")
    chat.send(nc, "/login ada sesame")
    assert "TLS" in chat.heard(nc)[-1]
    assert gate.waiting == []


def test_a_plain_client_logs_in_and_what_it_says_next_comes_after(chat: IrcChat, gate: Later
                                                                   ) -> None:
    nc, other = chat.line_user("zoe"), chat.line_user("bob")
    nc.secure = True
    chat.heard(other), chat.heard(nc)
    nc.door.receive(nc, b"/login ada sesame\nhello\n/who\n")
    assert chat.heard(nc) == []
    gate.answer(chat)
    heard = chat.heard(nc)
    assert heard[0] == "*** you are logged in as ada"
    assert heard[1] == "zoe: hello"
    assert chat.heard(other) == ["zoe: hello"]
    assert not nc.parked


def test_nickserv_is_heard_by_nobody_else_and_logs_in(chat: IrcChat, gate: Later) -> None:
    ada, bob = newcomer(chat), chat.person("bob", "account-notify extended-join")
    say(chat, ada, "NICK ada", "USER ada 0 * :Ada", "JOIN #tea")
    chat.send(bob, "JOIN #tea")
    chat.heard(bob), chat.heard(ada)
    say(chat, ada, "PRIVMSG NickServ :IDENTIFY sesame")
    gate.answer(chat)
    assert codes(chat, ada) == ["900", "MODE", "NOTICE"]
    assert [line.split(" ", 1)[1] for line in chat.heard(bob)] == ["ACCOUNT ada"]
    assert not [event for event in chat.events if "sesame" in repr(event)]
    assert chat.codes(bob, "WHOIS ada").count("330") == 1


def test_an_account_is_made_by_its_nick_and_only_once(chat: IrcChat, gate: Later) -> None:
    bob = newcomer(chat)
    say(chat, bob, "NICK bob", "USER bob 0 * :Bob")
    chat.heard(bob)
    say(chat, bob, "REGISTER eve * secret")
    assert "ACCOUNT_NAME_MUST_BE_NICK" in chat.heard(bob)[-1]
    say(chat, bob, "REGISTER * * secret")
    gate.answer(chat)
    assert codes(chat, bob) == ["REGISTER", "900"]
    say(chat, bob, "REGISTER * * secret")
    assert "ALREADY_AUTHENTICATED" in chat.heard(bob)[-1]
    assert gate.accounts["bob"] == "secret"


def test_who_has_gone_before_the_answer_is_not_logged_in(chat: IrcChat, gate: Later) -> None:
    ada = newcomer(chat)
    say(chat, ada, "NICK ada", "USER ada 0 * :Ada", "PRIVMSG NickServ :IDENTIFY ada sesame")
    chat.hub.disconnect(ada, "peer reset")
    gate.answer(chat)
    assert ada.sender.account == ""


def test_a_ban_of_an_account_holds_wherever_it_comes_from(chat: IrcChat, gate: Later) -> None:
    bob, ada = chat.person("bob"), newcomer(chat)
    chat.send(bob, "JOIN #tea", "MODE #tea +b ~a:ada")
    say(chat, ada, "NICK ada", "USER ada 0 * :Ada", "JOIN #tea", "PART #tea",
        "PRIVMSG NickServ :IDENTIFY sesame")
    gate.answer(chat)
    chat.heard(ada)
    say(chat, ada, "JOIN #tea")
    assert codes(chat, ada) == ["474"]
