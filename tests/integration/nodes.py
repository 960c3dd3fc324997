"""Several nodes in one process, on a real engine; failures are noticed within a second or two."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chatops.cluster import solitude, start
from chatops.cluster.member import Member
from chatops.cluster.pace import Pace
from chatops.server.server import ChatServer
from tests.integration.client import Client
from tests.integration.engine import Engine
from tests.integration.harness import Server
from tests.patience import scaled

Start = Callable[..., Server]

# As quick as this machine allows: who is slow must not be taken for gone.
QUICK = Pace(block=0.3, answer=scaled(0.5), lease=scaled(1.0), renew=0.3,
             order=scaled(1.5), late=scaled(10.0), first=0.05, last=0.3)


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """A running engine, ended with the test."""
    monkeypatch.setattr(start, "PACE", QUICK)
    monkeypatch.setattr(solitude, "QUIET", 0.5)
    engine = Engine(tmp_path)
    yield engine
    engine.close()


@pytest.fixture
def node(server: Start, engine: Engine) -> Start:
    """Starts nodes: `node("b", knows=1)` is up and knows one other; with -1 nothing is awaited."""
    def begin(name: str, *, url: str = "", knows: int = 0, **overrides: Any) -> Server:
        started = server(cluster=url or engine.url, node=name, **overrides)
        if knows >= 0:
            started.until(lambda chat: up(chat) and len(known(chat)) >= knows)
        return started

    return begin


def of(chat: ChatServer) -> Member:
    assert isinstance(chat.state.others, Member)
    return chat.state.others


def up(chat: ChatServer) -> bool:
    return of(chat).link.state == "up"


def known(chat: ChatServer) -> set[str]:
    """The other nodes that have told who is there."""
    return {peer.node for peer in of(chat).reader.peers.values() if peer.introduced}


def sees(chat: ChatServer, nick: str) -> bool:
    """Whether it knows of somebody of this nick on another node."""
    there = chat.hub.elsewhere
    return there is not None and there.find(nick) is not None


def both(node: Start, *, url: str = "") -> tuple[Server, Server, Client, Client]:
    """Nodes a and b that know each other, and ada and bob, who do as well; b reaches the engine
    by `url`.
    """
    a = node("a")
    b = node("b", knows=1, url=url)
    a.until(lambda chat: known(chat) == {"b"})
    ada = a.client()
    ada.rename("ada")
    b.until(lambda chat: sees(chat, "ada"))
    bob = b.client()
    bob.rename("bob")
    a.until(lambda chat: sees(chat, "bob"))
    ada.expect(f"*** guest-b{bob.id} is now bob")
    return a, b, ada, bob
