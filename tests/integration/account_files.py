"""Nodes that each have a file of accounts, for tests."""

from __future__ import annotations

import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from chatops.accounts.store import Account, AccountStore
from tests.integration.client import Client
from tests.integration.harness import PYTHON, Server
from tests.integration.nodes import Start, known

HASH = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA"


class Files:
    """One for each node."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def of(self, node: str) -> str:
        return str(self._directory / f"{node}.db")

    def all(self, node: str) -> list[Account]:
        with closing(AccountStore(self.of(node))) as store:
            return store.all()

    def find(self, node: str, name: str) -> Account | None:
        with closing(AccountStore(self.of(node))) as store:
            return store.find(name)

    def add(self, node: str, *names: str) -> None:
        with closing(AccountStore(self.of(node))) as store:
            for name in names:
                store.add(name, HASH)

    def cli(self, node: str, *words: str, password: str = "") -> None:
        """`chatops account …`, by a process of its own."""
        subprocess.run([PYTHON, "-m", "chatops", "account", *words, "--accounts", self.of(node)],
                       input=f"{password}\n".encode(), check=True, capture_output=True)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def begin(node: Start, files: Files, name: str, knows: int = 0) -> Server:
    return node(name, knows=knows, accounts=files.of(name), registration="on", irc_port=0)


def irc_port(server: Server) -> int:
    return server.call(lambda: server.chat.intake.irc_port)


def two(node: Start, files: Files) -> tuple[Server, Server]:
    a, b = begin(node, files, "a"), begin(node, files, "b", 1)
    a.until(lambda chat: known(chat) == {"b"})
    return a, b


def end(node: Server) -> None:
    node.must_live = False
    node.thread.close()


def logs_in(client: Client, name: str, password: str) -> bool:
    client.say(f"/login {name} {password}")
    answers = (f"*** you are logged in as {name}",
               "*** error: the name or the password is wrong")
    return client.read_until(lambda line: line in answers)[-1] == answers[0]


def registers(client: Client, name: str, password: str) -> None:
    client.say(f"/register {name} {password}")
    client.read_until(f"*** you are logged in as {name}")
