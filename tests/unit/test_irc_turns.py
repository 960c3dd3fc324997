"""A turn of the loop has only so much time for those who ask for much."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from chatops.accounts.authenticator import LoginVerdict
from chatops.accounts.store import Account
from chatops.chat.intake import TURN_LINES
from chatops.chat.irc.door import TURN_MOST
from chatops.chat.login import Outcome, Told
from chatops.chat.session import Session
from chatops.server.logins import Logins
from tests.unit.irc_chat import IrcChat

ASKERS = 12
CROWD = 200
ROOMS = ",".join(f"#r{n}" for n in range(90))

# What costs a line more than a line, and how much more at least.
DEAR = {
    "WHO *": CROWD // 8, "WHO *x*": CROWD // 8, "WHO #lobby": CROWD // 8, "NAMES #lobby": 3,
    f"LIST {','.join([f'*{n}*' for n in range(50)])}": 1, f"JOIN {ROOMS}\r\nJOIN 0": 90,
}


@pytest.fixture
def chat() -> IrcChat:
    chat = IrcChat()
    for number in range(CROWD):
        chat.send(chat.person(f"p{number}"), "JOIN #lobby")
    return chat


@pytest.mark.parametrize("line", DEAR, ids=lambda line: line[:8])
def test_what_is_much_work_counts_as_so_many_lines(chat: IrcChat, line: str) -> None:
    ada = chat.person("ada")
    chat.hub.costly = 0
    tokens = ada.tokens = 500.0
    ada.tokens_at = chat.hub.now
    ada.door.receive(ada, f"{line}\r\n".encode())
    assert chat.hub.costly > DEAR[line]
    assert tokens - ada.tokens <= chat.hub.costly
    chat.hub.costly = 0
    ada.door.receive(ada, b"PING x\r\n")
    assert chat.hub.costly == 1


@pytest.mark.parametrize("line", DEAR, ids=lambda line: line[:8])
def test_a_crowd_that_asks_much_is_answered_in_many_turns_and_others_meanwhile(
        chat: IrcChat, line: str) -> None:
    askers = [chat.person(f"asker{number}") for number in range(ASKERS)]
    bob = chat.person("bob")
    chat.hub.costly = 0
    dearest = 0
    for asker in askers:
        before = chat.hub.costly
        asker.door.receive(asker, f"{line}\r\n".encode() * TURN_LINES)
        dearest = max(dearest, chat.hub.costly - before)
    assert dearest < TURN_LINES + 600      # with the last line, which is never half done
    assert chat.hub.costly < TURN_MOST + dearest
    assert all(asker.held or asker.parked for asker in askers)
    for _ in range(3):                 # bob is first in the next turn, whoever waits
        chat.hub.flush()
        bob.door.receive(bob, b"PING x\r\n")
        assert not bob.held
        for asker in askers:
            asker.door.resume(asker)
        assert chat.hub.costly < TURN_MOST + dearest


class Refuses:
    """Answers when it is told to."""

    registration = "on"

    def __init__(self) -> None:
        self.asked: list[Told] = []

    def certified(self, _session: Session, _name: str, _given: str, answer: Told) -> None:
        self.asked.append(answer)

    verify = register = change = certified


def test_who_is_answered_asks_again_in_the_next_turn(chat: IrcChat) -> None:
    gate = chat.irc.irc.gate = Refuses()
    ada = chat.person("ada")
    ada.secure = True
    ada.door.receive(ada, b"REGISTER * * sesame\r\n" * 100)
    for turn in range(1, 4):
        (answer,) = gate.asked
        gate.asked.clear()
        answer(Outcome("", reason="not now"))
        chat.delivery.flush()
        assert chat.wires[ada.id].out.count(b"not now") == turn
        assert not gate.asked
        (go_on,) = chat.soon
        chat.soon.clear()
        go_on()


def test_who_has_tried_too_often_is_refused_in_the_next_turn() -> None:
    soon: list[Callable[[], None]] = []
    state: Any = SimpleNamespace(
        connections={}, hub=SimpleNamespace(bad_input=lambda _session, _kind: None),
        reactor=SimpleNamespace(now=0.0, call_soon=soon.append))
    wrong: Any = SimpleNamespace(
        verify=lambda _name, _given, answer: answer(LoginVerdict(None, "wrong")))
    logins, told = Logins(state, wrong, "off"), list[Outcome]()
    session: Any = SimpleNamespace(id=1)
    for _ in range(4):
        logins.verify(session, "ada", "x", told.append)
    assert [outcome.reason for outcome in told] == ["wrong"] * 3
    (later,) = soon
    later()
    assert told[-1].reason == "too many wrong passwords; try again in 1m"


def test_whoever_tries_an_accounts_password_does_not_lock_its_owner_out() -> None:
    hosts = {1: SimpleNamespace(host="192.0.2.1"), 2: SimpleNamespace(host="192.0.2.2"),
             3: SimpleNamespace(host="192.0.2.3")}
    state: Any = SimpleNamespace(
        connections=hosts, hub=SimpleNamespace(
            sessions={}, bad_input=lambda _session, _kind: None), reactor=SimpleNamespace(
            now=0.0, call_soon=lambda call: call(), call_later=lambda _seconds, _call: None))
    ada = Account("ada", "", False, 0.0, 0.0)
    door: Any = SimpleNamespace(verify=lambda _name, given, answer: answer(
        LoginVerdict(ada) if given == "sesame" else LoginVerdict(None, "wrong")))
    logins = Logins(state, door, "off")

    def tries(number: int, given: str) -> str:
        told = list[Outcome]()
        logins.verify(SimpleNamespace(id=number), "ada", given, told.append)  # type: ignore[arg-type]
        return told[0].account or told[0].reason

    assert tries(1, "sesame") == "ada"
    assert [tries(2, "x") for _ in range(3)] == ["wrong"] * 3
    assert "too many" in tries(2, "sesame")
    assert "too many" in tries(3, "sesame")        # nobody has logged in from there
    assert tries(1, "sesame") == "ada"
    assert [tries(1, "x") for _ in range(3)] == ["wrong"] * 3
    assert "too many" in tries(1, "sesame")


def test_an_operators_password_is_not_to_be_guessed(chat: IrcChat) -> None:
    eve, ada = chat.person("eve"), chat.person("ada", peer="192.0.2.8:4000")
    assert chat.codes(eve, *["OPER root wrong"] * 3) == ["464"] * 3
    assert "try again in 1m" in chat.asked(eve, "OPER root secret")[0]
    again = chat.person("eve2")        # of the same address
    assert chat.codes(again, "OPER root secret") == ["464"]
    assert chat.codes(ada, "OPER root secret") == ["381", "MODE"]
    chat.hub.now += 61
    assert chat.codes(eve, "OPER root secret") == ["381", "MODE"]
