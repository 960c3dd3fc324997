"""tests/FAULTS.md, TLS (T02, T04): who gets through chats, however the bytes come."""

from __future__ import annotations

import socket
import ssl
import warnings
from collections.abc import Callable

import pytest

from chatops.api.events import Disconnected, HandshakeFailed
from tests.integration.certificates import Authority, Hand
from tests.integration.client import Client
from tests.integration.handshakes import at_end, knock, under_way
from tests.integration.harness import Server
from tests.integration.talk import numbered, say_and_hear

StartServer = Callable[..., Server]


def test_clients_talk_over_tls_and_the_console_sees_which(secure: StartServer) -> None:
    chat = secure()
    ada, bob = chat.clients(2)
    say_and_hear(ada, numbered(0, 100), [bob])
    assert chat.snapshot().tls
    row = chat.row(ada)
    assert row.tls.startswith("TLSv1.3 TLS_")
    assert row.mask == 1
    key = next(key for key in chat.snapshot().keys if key.client == ada.id)
    assert (key.type, key.fileobj, key.callback) == ("connection", "socket tls",
                                                     "TlsConnection.on_ready")


def test_tls_1_2_is_spoken_too(secure: StartServer, authority: Authority) -> None:
    chat = secure()
    chat.trust = authority.up_to(ssl.TLSVersion.TLSv1_2)
    ada, bob = chat.clients(2)
    say_and_hear(ada, numbered(0, 100), [bob])
    assert chat.row(ada).tls.startswith("TLSv1.2 ")


def test_an_older_tls_is_not(secure: StartServer, authority: Authority) -> None:
    chat = secure()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old = authority.up_to(ssl.TLSVersion.TLSv1_1)
        old.minimum_version = ssl.TLSVersion.TLSv1
    old.set_ciphers("DEFAULT:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError, match=r"(?i)alert protocol version"):
        Client(chat.address, trust=old)
    assert chat.wait_for(HandshakeFailed).reason == "its TLS is older than 1.2"


def test_a_client_that_does_not_trust_the_certificate_is_told_of(secure: StartServer) -> None:
    chat = secure()
    with pytest.raises(ssl.SSLCertVerificationError):
        Client(chat.address, trust=Authority().trust)
    reason = chat.wait_for(HandshakeFailed).reason
    assert reason == "it does not know who signed the certificate"


def test_t02_a_client_hello_that_comes_a_byte_at_a_time_is_understood(
        secure: StartServer, authority: Authority) -> None:
    chat = secure()
    hand = Hand(authority.trust)
    with knock(chat) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in hand.shake():
            sock.sendall(bytes([byte]))
            chat.turn()
        under_way(chat, 1)
        sock.sendall(hand.shake(sock.recv(1 << 16)))
        chat.until(lambda chat: len(chat.state.connections) == 1)


def test_t04_a_hundred_lines_in_one_record_are_handled_in_one_turn(secure: StartServer) -> None:
    chat = secure()
    speaker, reader = chat.clients(2)
    counts: set[int] = set()
    session = chat.chat.hub.sessions[speaker.id]
    before = session.lines_in
    chat.call(lambda: chat.chat.on_publish.append(lambda: counts.add(session.lines_in - before)))
    lines = list(numbered(0, 100, 162))
    speaker.say(*lines)            # 16,300 of the 16,384 bytes that a record may hold
    for line in lines:
        reader.expect(f"{speaker.nick}: {line}")
    chat.turn()
    assert counts == {0, 100}


def test_a_line_in_records_of_a_byte_each_arrives_whole(secure: StartServer) -> None:
    speaker, reader = secure().clients(2)
    text = "x" * 300
    for byte in f"{text}\n".encode():
        speaker.send(bytes([byte]))
    reader.expect(f"{speaker.nick}: {text}")


def test_a_client_that_ends_in_tls_alone_has_left_and_its_last_words_are_heard(
        secure: StartServer, authority: Authority) -> None:
    chat = secure()
    listener = chat.client()
    hand = Hand(authority.trust)
    with knock(chat, hand.shake()) as sock:
        sock.sendall(hand.shake(sock.recv(1 << 16)))
        sock.sendall(hand.farewell(b"bye, all\n"))     # close_notify after it, and no FIN
        event = chat.wait_for(Disconnected)
        assert event.reason == "left"
        at_end(sock)
    listener.expect("guest-2: bye, all")
    listener.expect("*** guest-2 left")
