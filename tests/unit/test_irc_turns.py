"""A turn of the loop has only so much time for those who ask for much."""

from __future__ import annotations

import pytest

from chatops.chat.intake import TURN_LINES
from chatops.chat.irc.door import TURN_MOST
from chatops.chat.login import Outcome, Told
from chatops.chat.session import Session
from tests.unit.irc_chat import IrcChat

ASKERS = 12
CROWD = 200
ROOMS = ",".join(f"#r{n}" for n in range(90))

# What costs a line more than a line, and how much more at least.
DEAR = {
    "WHO *": CROWD // 8, "WHO *x*": CROWD // 8, "WHO #lobby": CROWD // 8, "NAMES #lobby": 3,
    f"LIST {','.join(['*a*'] * 50)}": 1, f"JOIN {ROOMS}\r\nJOIN 0": 90,
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
    """Answers at once, as it does whoever has tried too often."""

    registration = "on"

    def certified(self, _session: Session, _name: str, _given: str, answer: Told) -> None:
        answer(Outcome("", reason="not now"))

    verify = register = change = certified


def test_who_is_answered_at_once_asks_again_in_the_next_turn(chat: IrcChat) -> None:
    chat.irc.irc.gate = Refuses()
    ada = chat.person("ada")
    ada.secure = True
    ada.door.receive(ada, b"REGISTER * * sesame\r\n" * 100)
    for turn in range(1, 4):
        chat.delivery.flush()
        assert chat.wires[ada.id].out.count(b"not now") == turn
        (go_on,) = chat.soon
        chat.soon.clear()
        go_on()


def test_an_operators_password_is_not_to_be_guessed(chat: IrcChat) -> None:
    eve, ada = chat.person("eve"), chat.person("ada", peer="192.0.2.8:4000")
    assert chat.codes(eve, *["OPER root wrong"] * 3) == ["464"] * 3
    assert "try again in 1m" in chat.asked(eve, "OPER root secret")[0]
    again = chat.person("eve2")        # of the same address
    assert chat.codes(again, "OPER root secret") == ["464"]
    assert chat.codes(ada, "OPER root secret") == ["381", "MODE"]
    chat.hub.now += 61
    assert chat.codes(eve, "OPER root secret") == ["381", "MODE"]
