"""Logging in to a chat on wires: accounts that answer later, and clients that ask."""

from __future__ import annotations

from base64 import b64encode

import pytest

from chatops.chat.irc.client import Client
from chatops.chat.login import Outcome, Told
from chatops.chat.session import Session
from tests.unit.irc_chat import IrcChat

CERTIFICATE = "ab" * 32        # ada's


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

    def certified(self, _session: Session, name: str, fingerprint: str, answer: Told) -> None:
        good = fingerprint == CERTIFICATE and name in ("", "ada")
        self.waiting.append((answer, Outcome("ada" if good else "",
                                             reason="" if good else "no account")))

    def register(self, _session: Session, name: str, password: str, answer: Told) -> None:
        new = self.accounts.setdefault(name, password) is password
        self.waiting.append((answer, Outcome(name) if new else Outcome(
            "", reason="there is an account already")))

    def change(self, _session: Session, name: str, password: str, answer: Told) -> None:
        self.accounts[name] = password
        self.waiting.append((answer, Outcome(name)))

    def chat(self) -> IrcChat:
        """One whose accounts these are, by either door."""
        chat = IrcChat()
        chat.irc.irc.gate = chat.plain.gate = self
        return chat

    def answer(self, chat: IrcChat) -> None:
        """What has been asked is answered, and everybody goes on."""
        waiting, self.waiting = self.waiting, []
        for answer, outcome in waiting:
            answer(outcome)


@pytest.fixture
def gate() -> Later:
    return Later()


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
