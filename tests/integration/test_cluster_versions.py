"""Nodes of two versions: neither understands the other, says so once, and goes on by itself."""

from __future__ import annotations

import pytest

from chatops.api.events import NodeGone, NodeUp, Warned
from chatops.cluster import frames
from tests.integration.client import Client
from tests.integration.engine import needs_engine
from tests.integration.harness import Server
from tests.integration.nodes import Start, known, of, up
from tests.integration.talk import say_and_hear
from tests.patience import scaled

pytestmark = [needs_engine, pytest.mark.timeout(scaled(60))]


class NewerCodec(frames.Codec):
    """Writes and reads frames of the next version, which look the same but for that."""

    def seal(self, *frame: object, **more: object) -> bytes:
        return _as(frames.VERSION + 1, super().seal(*frame, **more))  # type: ignore[arg-type]

    def open(self, data: bytes, oldest: int = frames.VERSION) -> frames.NodeFrame:
        version = data[1]
        if version <= frames.VERSION:
            raise frames.OtherVersion(super().open(data, version).node, version)
        return super().open(_as(frames.VERSION, data), oldest)


def _as(version: int, frame: bytes) -> bytes:
    """The same frame of another version: its second byte, after that of the array."""
    return frame[:1] + bytes([version]) + frame[2:]


def unheard(server: Server) -> list[str]:
    """What it has said of nodes that it does not understand."""
    return [event.text for event in server.events()
            if isinstance(event, Warned) and "each by itself" in event.text]


@pytest.fixture
def newer(node: Start, monkeypatch: pytest.MonkeyPatch) -> Start:
    """Starts nodes of the next version."""
    def begin(name: str, **options: object) -> Server:
        with monkeypatch.context() as patch:
            patch.setattr("chatops.cluster.member.Codec", NewerCodec)
            return node(name, **options)

    return begin


def talk(chat: Server, client: Client, count: int = 8) -> None:
    """Lines in frames of their own."""
    for n in range(count):
        say_and_hear(client, [f"{n}"])
    chat.turn()


def read(server: Server) -> int:
    """Frames that it could not understand so far."""
    return server.call(lambda: of(server.chat).arrivals.bad)


def strangers(server: Server) -> dict[str, str]:
    return server.call(lambda: {peer.node: peer.state
                                for peer in of(server.chat).reader.peers.values()})


def test_nodes_of_two_versions_go_on_each_by_itself_and_say_so_once(
        node: Start, newer: Start) -> None:
    a = node("a")
    b = newer("b", knows=-1)
    b.until(up)
    ada, bob = a.client(), b.client()
    ada.rename("ada")
    bob.rename("bob")
    a.until(lambda chat: of(chat).arrivals.bad > 0)
    b.until(lambda chat: of(chat).arrivals.bad > 0)
    ada.join("kitchen")
    bob.join("kitchen")
    seen = [read(each) for each in (a, b)]
    talk(a, ada)
    talk(b, bob)
    for name in ("cat", "dog"):                # whatever else is told of people and rooms
        ada.rename(f"{name}-a")
        bob.rename(f"{name}-b")
    a.until(lambda chat: of(chat).arrivals.bad > seen[0] + 1)
    b.until(lambda chat: of(chat).arrivals.bad > seen[1] + 1)
    for each, other, version in ((a, "b", frames.VERSION + 1), (b, "a", frames.VERSION)):
        [text] = unheard(each)
        assert text.startswith(f"node {other} speaks version {version} of the frames, not ")
    assert strangers(a) == {"b": "other version"}
    assert strangers(b) == {"a": "other version"}
    assert not [event for each in (a, b) for event in each.events()
                if isinstance(event, NodeUp | NodeGone)]
    for each in (a, b):
        say_and_hear(each.client(), ["still here"])


def test_one_that_comes_back_in_our_version_is_one_of_us(node: Start, newer: Start) -> None:
    a = node("a")
    b = newer("b", knows=-1)
    a.until(lambda chat: of(chat).arrivals.bad > 0)
    b.must_live = False
    b.thread.close()
    node("b", knows=1)
    a.until(lambda chat: known(chat) == {"b"})
    assert len(unheard(a)) == 1
