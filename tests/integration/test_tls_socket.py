"""The adapter by itself, at one end of a socket pair: no byte twice, none lost, no waiting."""

from __future__ import annotations

import _ssl
import ctypes
import platform
import select
import socket
import ssl
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chatops.net.tls import load
from chatops.net.tls_socket import BARREN, RECORD, RECORDS, TlsSocket
from tests.integration.certificates import Authority, Hand
from tests.patience import scaled


class Pair:
    """Our end after its handshake, and the peer's as bytes and as TLS."""

    def __init__(self, authority: Authority, pem: Path) -> None:
        ours, self.peer = socket.socketpair()
        ours.setblocking(False)
        self.peer.settimeout(scaled(5.0))
        self.ours = sock = TlsSocket(ours, load(str(pem)))
        self.hand = Hand(authority.trust)
        self.peer.sendall(self.hand.shake())
        with pytest.raises(ssl.SSLWantReadError):
            sock.do_handshake()
        self.peer.sendall(self.hand.shake(self.peer.recv(1 << 16)))
        sock.do_handshake()

    def read(self) -> bytes:
        """What has arrived at the peer so far, deciphered."""
        while select.select([self.peer], [], [], 0)[0]:
            data = self.peer.recv(1 << 16)
            if not data:
                break
            self.hand.feed(data)
        return self.hand.read()

    def readable(self) -> bool:
        return bool(select.select([self.ours], [], [], 0)[0])


@pytest.fixture
def pair(authority: Authority, pem: Path) -> Iterator[Pair]:
    pair = Pair(authority, pem)
    with pair.ours, pair.peer:
        yield pair


def until_full(send: Callable[[int], int]) -> int:
    """Send on and on, from so many bytes; how many were taken."""
    taken = 0
    try:
        while True:
            taken += send(taken)
    except BlockingIOError:
        return taken


def test_the_last_byte_of_a_record_that_is_half_out_stays_with_the_sender(pair: Pair) -> None:
    stream = b"".join(b"%d\n" % n for n in range(200_000))
    taken = until_full(lambda taken: pair.ours.send(stream[taken:taken + RECORD]))
    heard = pair.read()
    assert heard == stream[:len(heard)]
    assert len(heard) < taken      # the rest of it lies with OpenSSL
    assert pair.ours.send(stream[taken:taken + 1]) == 1
    assert heard + pair.read() == stream[:taken + 1]


def test_every_byte_arrives_once_and_in_order(pair: Pair) -> None:
    chunk = bytes(range(256)) * 1000
    heard, taken = b"", 0
    while taken < len(chunk):
        try:
            taken += pair.ours.send(chunk[taken:])
        except BlockingIOError:
            heard += pair.read()
    heard += pair.read()
    assert heard == chunk


def test_many_chunks_go_as_one_stream(pair: Pair) -> None:
    chunks = [b"%d\n" % n * (n % 700 + 1) for n in range(2000)]
    whole, heard, taken = b"".join(chunks), b"", 0
    while taken < len(whole):
        waiting = memoryview(whole)[taken:]
        batch = [waiting[at:at + 700] for at in range(0, min(len(waiting), 44_800), 700)]
        try:
            taken += pair.ours.sendmsg(batch)
        except BlockingIOError:
            heard += pair.read()
    heard += pair.read()
    assert heard == whole


def test_a_read_leaves_nothing_where_no_selector_sees_it(pair: Pair) -> None:
    pair.peer.sendall(pair.hand.say(b"x" * RECORD) + pair.hand.say(b"y" * RECORD))
    assert pair.ours.recv(1) == b"x" * RECORD
    assert pair.ours._tls.pending() == 0
    assert pair.readable()
    assert pair.ours.recv(1) == b"y" * RECORD
    assert not pair.readable()
    with pytest.raises(BlockingIOError):
        pair.ours.recv(1)


def test_a_read_takes_a_bounded_number_of_records(pair: Pair) -> None:
    pair.peer.sendall(b"".join(pair.hand.say(b"x") for _ in range(RECORDS + 1)))
    assert pair.ours.recv(1 << 16) == b"x" * RECORDS
    assert pair.readable()
    assert pair.ours.recv(1 << 16) == b"x"


def test_an_end_read_together_with_words_is_told_of_again(pair: Pair) -> None:
    pair.peer.sendall(pair.hand.farewell(b"last words"))
    assert pair.ours.recv(1 << 16) == b"last words"
    assert pair.readable()
    assert pair.ours.recv(1 << 16) == b""


def test_our_end_is_said_in_tls_and_what_comes_after_it_is_not_deciphered(pair: Pair) -> None:
    pair.ours.send(b"bye\n")
    pair.peer.sendall(pair.hand.say(b"unread"))
    assert pair.ours.say_bye()
    pair.ours.shutdown(socket.SHUT_WR)
    assert pair.read() == b"bye\n"
    assert pair.hand.at_end()
    late = pair.hand.say(b"unread")
    pair.peer.sendall(late)
    assert pair.ours.recv(1 << 16).endswith(late)
    pair.peer.close()
    assert pair.ours.recv(1 << 16) == b""


def test_an_end_for_which_there_is_no_room_is_said_later(pair: Pair) -> None:
    until_full(lambda _: socket.socket.send(pair.ours, b"x"))      # beneath TLS
    assert not pair.ours.say_bye()
    while select.select([pair.peer], [], [], 0)[0]:
        assert pair.peer.recv(1 << 16).strip(b"x") == b""
    assert pair.ours.say_bye()
    assert pair.read() == b""
    assert pair.hand.at_end()


def test_a_byte_that_was_tampered_with_ends_it_with_a_reason(pair: Pair) -> None:
    record = bytearray(pair.hand.say(b"hello\n"))
    record[-1] ^= 1
    pair.peer.sendall(record)
    with pytest.raises(OSError, match="TLS: decryption failed or bad record mac"):
        pair.ours.recv(1 << 16)


def test_words_are_heard_though_what_comes_with_them_was_tampered_with(pair: Pair) -> None:
    words, record = pair.hand.say(b"last words\n"), bytearray(pair.hand.say(b"and more\n"))
    record[-1] ^= 1
    pair.peer.sendall(words + record)
    assert pair.ours.recv(1 << 16) == b"last words\n"
    assert pair.readable(), "or nobody would ask what has become of it"
    with pytest.raises(OSError, match="TLS: decryption failed or bad record mac"):
        pair.ours.recv(1 << 16)


def test_words_are_heard_though_the_peer_reset_the_connection_after_them(pair: Pair) -> None:
    pair.ours.send(b"never read, so its close is a reset\n")
    pair.peer.sendall(pair.hand.say(b"last words\n"))
    pair.peer.close()
    assert pair.ours.recv(1 << 16) == b"last words\n"
    assert pair.readable()
    with pytest.raises(ConnectionResetError):
        pair.ours.recv(1 << 16)


# -- new keys (RFC 8446, 4.6.3), which hold no word


def new_keys(hand: Hand, *, asked: bool = False) -> bytes:
    """A record with which the peer changes its keys, and asks for ours to be changed if `asked`.
    Python has no call for it.
    """
    if platform.python_implementation() != "CPython" or sys.version_info >= (3, 14):
        pytest.skip("where Python keeps OpenSSL's object is known of some versions alone")
    library = ctypes.CDLL(_ssl.__file__)
    library.SSL_key_update.argtypes = [ctypes.c_void_p, ctypes.c_int]
    library.SSL_do_handshake.argtypes = [ctypes.c_void_p]
    there = id(vars(hand.tls)["_sslobj"]) + 3 * ctypes.sizeof(ctypes.c_void_p)
    pointer = ctypes.c_void_p.from_address(there).value
    assert library.SSL_key_update(pointer, int(asked)) == 1
    assert library.SSL_do_handshake(pointer) == 1
    return hand.sent()


def test_a_peer_that_only_changes_its_keys_takes_a_bounded_part_of_each_turn_and_is_sent_away(
        pair: Pair) -> None:
    pair.peer.sendall(b"".join([new_keys(pair.hand) for _ in range(RECORDS)])
                      + pair.hand.say(b"words"))
    with pytest.raises(BlockingIOError):       # the words are for the next turn
        pair.ours.recv(1 << 16)
    assert pair.readable()
    assert pair.ours.recv(1 << 16) == b"words"
    pair.peer.sendall(b"".join([new_keys(pair.hand) for _ in range(BARREN)]))
    for _ in range((BARREN - RECORDS) // RECORDS):
        with pytest.raises(BlockingIOError):
            pair.ours.recv(1 << 16)
    with pytest.raises(OSError, match="it did nothing but change its keys"):
        pair.ours.recv(1 << 16)


def test_who_asks_for_new_keys_gets_them_and_understands_what_follows(pair: Pair) -> None:
    pair.peer.sendall(new_keys(pair.hand, asked=True) + pair.hand.say(b"and now?"))
    assert pair.ours.recv(1 << 16) == b"and now?"
    pair.ours.send(b"now, too\n")
    assert pair.read() == b"now, too\n"


def test_an_answer_for_which_there_is_no_room_is_given_before_more_is_read(pair: Pair) -> None:
    taken = until_full(lambda taken: pair.ours.send(b"%9d\n" % taken))
    pair.peer.sendall(new_keys(pair.hand, asked=True) + pair.hand.say(b"words"))
    with pytest.raises(BlockingIOError):
        pair.ours.recv(1 << 16)
    waits = pair.ours.read_needs_room
    heard = pair.read()
    assert pair.ours.recv(1 << 16) == b"words"
    assert (waits, pair.ours.read_needs_room) == (True, False)
    assert pair.ours.send(b"\n") == 1          # that was kept of the last line
    heard += pair.read()
    assert len(heard) == taken + 1
    assert heard.endswith(b"\n")
