"""tests/FAULTS.md, TLS (T01, T03, T07): who does not get through, or breaks off, harms nobody."""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from chatops.api.commands import Ban, Spawn
from chatops.api.events import Disconnected, HandshakeFailed, Refused
from chatops.links.local import LocalLink
from chatops.net import handshake
from chatops.net.handshake import DEADLINE
from chatops.net.tls_socket import TlsSocket
from tests.integration.certificates import Authority, Hand
from tests.integration.client import two_can_talk
from tests.integration.handshakes import at_end, failed, knock, under_way
from tests.integration.harness import Clock, Server
from tests.patience import PATIENCE

StartServer = Callable[..., Server]
NO_TLS = b"*** error: only TLS is spoken here\n"


def test_t01_who_is_silent_is_shut_out_at_the_deadline_and_disturbs_nobody(
        secure: StartServer) -> None:
    chat = secure()
    clock = Clock(chat)
    with knock(chat) as silent:
        under_way(chat, 1)
        peer = "{}:{}".format(*silent.getsockname())
        key = next(key for key in chat.snapshot().keys if key.type == "handshake")
        assert (key.data, key.callback, key.events) == (f"handshake {peer}",
                                                        "Handshake.on_ready", 1)
        two_can_talk(chat.address, trust=chat.trust)
        clock.advance(DEADLINE - 0.5)
        under_way(chat, 1)
        clock.advance(1)
        assert at_end(silent) == b""
    assert chat.wait_for(HandshakeFailed).reason == "no handshake within 10 seconds"
    handshakes = chat.chat.acceptor.handshakes
    assert handshakes is not None
    assert chat.call(lambda: len(handshakes.deadlines)) == 0


def test_t01_bytes_that_drip_do_not_extend_the_deadline(
        secure: StartServer, authority: Authority) -> None:
    chat = secure()
    clock = Clock(chat)
    hello = Hand(authority.trust).shake()
    with knock(chat) as dripping:
        under_way(chat, 1)
        for n in range(9):
            dripping.sendall(hello[n:n + 1])
            clock.advance(DEADLINE / 10)
        under_way(chat, 1)
        clock.advance(DEADLINE / 5)
        assert at_end(dripping) == b""
    assert chat.wait_for(HandshakeFailed).reason == "no handshake within 10 seconds"


def test_t01_the_silent_count_among_the_clients(secure: StartServer) -> None:
    chat = secure(max_clients=3)
    clock = Clock(chat)
    here = chat.client()
    with knock(chat), knock(chat):
        under_way(chat, 2)
        with knock(chat) as fourth:
            assert at_end(fourth) == b""
        assert chat.wait_for(Refused).reason.startswith("the server is full (3 clients)")
        clock.advance(DEADLINE + 1)
    here.say("alone again")
    here.expect(f"{here.nick}: alone again")


def test_t01_the_silent_count_among_those_of_their_address(secure: StartServer) -> None:
    chat = secure(per_address=1, trusted="none")
    clock = Clock(chat)
    with knock(chat):
        under_way(chat, 1)
        with knock(chat) as second:
            assert at_end(second) == b""
        chat.client(source="127.0.0.2")
        clock.advance(DEADLINE + 1)
        under_way(chat, 0)
    chat.client().close()          # the place is free again
    chat.open_to_all = False


@pytest.mark.parametrize("words", [b"hello?\n", b"GET / HTTP/1.1\r\n\r\n", b"\n"])
def test_t03_plain_text_is_answered_in_plain_text_and_its_client_shut_out(
        secure: StartServer, words: bytes) -> None:
    chat = secure()
    here = chat.client()
    with knock(chat, words) as plain:
        assert at_end(plain) == NO_TLS
        assert failed(chat, plain.getsockname()) == "it does not speak TLS"
    assert here.heard() == []


def test_t03_rubbish_that_begins_as_tls_is_dropped_and_no_byte_of_it_is_repeated(
        secure: StartServer) -> None:
    chat = secure()
    with knock(chat, b"\x16\x03\x01\x00\x20" + b"\x1b[2J" * 8) as rubbish:
        reason = failed(chat, rubbish.getsockname())
        assert reason.startswith("TLS: ")
        assert reason.isprintable()
    assert chat.call(lambda: len(chat.chat.state.connections)) == 0


@pytest.mark.parametrize("sent", [0, 1, 100, None])
def test_t03_who_leaves_in_the_middle_is_dropped(secure: StartServer, authority: Authority,
                                                 sent: int | None) -> None:
    chat = secure()
    hello = Hand(authority.trust).shake()
    with knock(chat, hello[:sent]) as leaver:
        peer = leaver.getsockname()
        if sent is None:
            leaver.recv(1)         # the answer has come, and there will be none to that
    expected = "it left before it said anything" if sent == 0 else "it left in the middle"
    assert failed(chat, peer) in (expected, "peer reset")      # a reset if it left some unread
    under_way(chat, 0)


@pytest.mark.parametrize("sent", [0, 1, 100, None])
def test_t03_a_reset_in_the_middle_drops_that_one(secure: StartServer, authority: Authority,
                                                  sent: int | None) -> None:
    chat = secure()
    here = chat.client()
    sock = knock(chat, Hand(authority.trust).shake()[:sent])
    peer = sock.getsockname()
    under_way(chat, 1)
    if sent is None:
        sock.recv(1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
    assert failed(chat, peer) == "peer reset"
    assert here.heard() == []


def test_t07_words_that_a_reset_follows_are_heard(secure: StartServer) -> None:
    chat = secure()
    here, leaver = chat.clients(2)

    def speak_and_go() -> None:
        leaver.say("last words")
        leaver.reset()

    chat.call(speak_and_go)        # the reactor, kept busy by it, finds both in one read
    here.expect(f"{leaver.nick}: last words")
    assert chat.wait_for(Disconnected).reason == "peer reset"


def test_a_banned_address_gets_no_handshake(secure: StartServer) -> None:
    chat = secure()
    banned = chat.chat.state.admission.bans
    chat.call(lambda: banned.add("127.0.0.9", chat.chat.hub.at, 0.0, "rude"))
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        chat.client(source="127.0.0.9")
    assert chat.wait_for(Refused).reason == "you are banned: rude"


def test_a_ban_in_the_middle_of_a_handshake_holds(secure: StartServer, authority: Authority
                                                  ) -> None:
    chat = secure(trusted="none")
    hand = Hand(authority.trust)
    with socket.create_connection(chat.address, PATIENCE, ("127.0.0.9", 0)) as sock:
        sock.sendall(hand.shake())
        answer = sock.recv(1 << 16)
        assert chat.submit(Ban("127.0.0.9", 0.0, "rude")).ok
        sock.sendall(hand.shake(answer))
        hand.feed(at_end(sock))
    assert hand.read() == b"*** error: you are banned: rude\n"
    assert hand.at_end()
    assert chat.wait_for(Refused).reason == "you are banned: rude"
    assert chat.call(lambda: (chat.chat.state.accepted, chat.chat.state.refused)) == (0, 1)


def test_a_burst_of_handshakes_is_spread_over_turns(
        secure: StartServer, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handshake, "SHARE", 1e-9)      # seconds: after one, none in that turn
    chat = secure()
    turns: list[int] = []
    do_handshake = TlsSocket.do_handshake

    def counted(sock: TlsSocket) -> None:
        turns.append(chat.chat.selector.turns)
        do_handshake(sock)

    monkeypatch.setattr(TlsSocket, "do_handshake", counted)
    hands = [Hand(authority.trust) for _ in range(8)]
    with ExitStack() as stack:
        # While the reactor is kept busy here, all of them become ready for one turn.
        socks = chat.call(lambda: [stack.enter_context(knock(chat, hand.shake()))
                                   for hand in hands])
        for hand, sock in zip(hands, socks, strict=True):
            sock.sendall(hand.shake(sock.recv(1 << 16)))
        chat.until(lambda chat: len(chat.state.connections) == 8)
    assert len(turns) == len(set(turns)) >= 8      # an answer may come during the same step


def test_an_error_in_a_handshake_ends_that_one_alone(secure: StartServer,
                                                     monkeypatch: pytest.MonkeyPatch) -> None:
    chat = secure()
    here = chat.client()

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("injected")

    with monkeypatch.context() as patch:
        patch.setattr("chatops.net.tls_socket.TlsSocket.do_handshake", broken)
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            chat.client()
    assert chat.wait_for(HandshakeFailed).reason == "internal error"
    assert here.heard() == []


def test_the_end_of_the_server_ends_the_handshakes(secure: StartServer) -> None:
    chat = secure()
    chat.must_live = False
    with knock(chat) as silent:
        under_way(chat, 1)
        chat.thread.stop()
        assert at_end(silent) == b""
    assert chat.wait_for(HandshakeFailed).reason == "server shut down"


def test_built_in_clients_are_not_sent_to_a_port_that_they_do_not_speak(
        secure: StartServer) -> None:
    link = LocalLink(secure().thread)
    result = link.submit(Spawn("chat", 2)).result(0)
    link.close()
    assert (result.ok, result.text) == (False, "built-in clients do not speak TLS, and this "
                                               "server does nothing else")
