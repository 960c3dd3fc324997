"""TLS on one socket, behind the calls that a connection makes on a plain one.

An `SSLObject` between two `MemoryBIO`s, which is given a record at a time: what is held of either
direction is never more than one, and what a turn may take is counted in records.
"""

from __future__ import annotations

import errno
import os
import socket
import ssl
from collections.abc import Sequence
from typing import Any

from chatops.net.tls import REASONS, why

RECORD = 1 << 14               # bytes of plaintext in a record, at most (RFC 8446, 5.1)
RECORDS = 64                   # read in one turn: a byte in each must not hold the loop
HEAD = 5                       # bytes of a record before its length is known (RFC 8446, 5.1),
LONGEST = RECORD + 2048        # and of the rest, encrypted (RFC 5246, 6.2.3)
KINDS = frozenset((20, 21, 22, 23))    # of records: changes, alerts, handshakes, words
BARREN = 1000                  # records without a word, of one peer: it changes its keys now and
                               # then, and each time costs as much as many words


class TlsSocket(socket.socket):
    """A non-blocking socket and TLS on it, from the handshake on.  Belongs to the reactor's thread.

    The last byte of a record that the kernel has not taken whole counts as not sent: what is
    encrypted must go out, and cannot be taken back.  So whoever sends keeps that byte, comes back
    with it when there is room, and does not drop what has begun to go out; when the record has
    gone, so has the byte.  A chunk of a single byte would be an exception: nobody sees that it has
    begun, so there must be none.

    A read takes records whole, for what has been decrypted no selector can tell of.
    """

    def __init__(self, sock: socket.socket, context: ssl.SSLContext,
                 server_hostname: str | None = None) -> None:
        """Takes the descriptor over; the server's end, unless it is said whom we have called."""
        super().__init__(sock.family, sock.type, sock.proto, sock.detach())
        self.setblocking(False)
        self.read_needs_room = False   # reading goes on when the kernel takes bytes again
        self.write_needs_input = False     # writing goes on when the peer has sent more
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname is None,
                                     server_hostname)
        self._record = bytearray()     # the beginning of one that is still to come
        self._unsent = b""             # encrypted, and not taken by the kernel
        self._kept = False             # the last byte of what that is counts as not sent
        self._barren = 0               # records without a word, so far
        self._broken: tuple[Any, ...] = ()     # what is raised when next read: it came with words
        self._said_bye = False

    def getpeercert(self, binary_form: bool = False) -> Any:
        """As `ssl.SSLObject` has it; so are `version` and `cipher`."""
        return self._tls.getpeercert(binary_form)

    def version(self) -> str | None:
        return self._tls.version()

    def cipher(self) -> tuple[str, str, int] | None:
        return self._tls.cipher()

    def do_handshake(self) -> None:
        """One step or several.  Raises `ssl.SSLWantReadError` or `ssl.SSLWantWriteError` where it
        is to be gone on with later, or OSError.
        """
        for _ in range(RECORDS):
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                done = False
            except ssl.SSLError:
                self._flush()          # with what it has to say of that
                raise
            else:
                done = True
            if not self._flush():
                raise ssl.SSLWantWriteError
            if done:
                return
            try:
                if not self._feed():
                    raise ssl.SSLEOFError("EOF in the handshake")
            except BlockingIOError:
                break
        raise ssl.SSLWantReadError

    # -- sending

    def send(self, data: bytes | memoryview, _flags: int = 0) -> int:  # type: ignore[override]
        """Bytes taken of this many.  Raises BlockingIOError, or OSError when it is broken."""
        taken = 0
        self.write_needs_input = False
        if self._kept or self._unsent:         # it may have gone since, before an answer
            if not self._flush():
                raise _later()
            taken, self._kept = int(self._kept), False
        size = len(data)
        while taken < size:
            record = data if size <= RECORD and not taken else memoryview(data)[
                taken:taken + RECORD]
            try:
                self._tls.write(record)
            except ssl.SSLWantReadError:
                self.write_needs_input = True      # and none of it is held
                break
            except ssl.SSLError as error:
                raise OSError(why(error)) from None
            taken += len(record)
            if not self._flush():
                self._kept = True
                taken -= 1
                break
        if not taken:
            raise _later()
        return taken

    def sendmsg(self, chunks: Sequence[bytes | memoryview]) -> int:  # type: ignore[override]
        """As `send`, of many chunks; each is a record, or several."""
        taken = 0
        for chunk in chunks:
            try:
                sent = self.send(chunk)
            except OSError:
                if taken:          # they count, and it will be the same the next time
                    break
                raise
            taken += sent
            if sent < len(chunk):
                break
        return taken

    def _flush(self) -> bool:
        """Hand the kernel what is encrypted; whether it took all of it."""
        data = self._unsent + self._outgoing.read() if self._unsent else self._outgoing.read()
        while data:
            try:
                sent = super().send(data)
            except (BlockingIOError, InterruptedError):
                break
            data = data[sent:]
        self._unsent = data
        return not data

    # -- reading

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        """About this many bytes: the rest of the last record comes with them.

        Where it breaks after some words, they are returned, and the next call raises OSError.
        """
        if self._said_bye or flags:
            return super().recv(buflen, flags)     # beneath TLS
        if self._broken:
            raise OSError(*self._broken)
        words: list[bytes] = []
        self.read_needs_room = False
        try:
            ended = self._read_records(buflen, words)
        except OSError as error:
            if not words:
                raise
            ended, self._broken = True, error.args     # a kept exception would keep its frames
        if ended:
            if words:
                self._stay_readable()
        elif not words:
            raise _later()
        return b"".join(words)

    def _read_records(self, buflen: int, words: list[bytes]) -> bool:
        """Add the words of so many records; whether that was the end."""
        size = 0
        for _ in range(RECORDS):
            try:
                if not self._feed():
                    return True
            except BlockingIOError:
                break
            data = self._take()
            if data == b"":
                return True
            if not self._flush():      # of an answer to new keys; nothing is read before it is out
                self.read_needs_room = True
            if data is None:
                self._barren += 1
                if self._barren > BARREN:
                    raise OSError(REASONS["KEYS"])
            else:
                words.append(data)
                size += len(data)
            if size >= buflen or self.read_needs_room:
                break
        return False

    def _feed(self) -> bool:
        """Give OpenSSL one more record, whole; False at the end.  Raises BlockingIOError.

        It never has more than it needs: what it reads of a socket itself it reads for as long as
        records come without a word in them (SSL_MODE_AUTO_RETRY, which Python sets), and whoever
        changes its keys again and again would hold the loop.
        """
        record = self._record
        while (missing := _missing(record)) > 0:
            data = super().recv(missing)
            if not data:
                return False
            record += data
        self._incoming.write(record)
        record.clear()
        return True

    def _take(self) -> bytes | None:
        """What is in a record, b"" at the end, or None where it is without a word."""
        try:
            return self._tls.read(RECORD)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return None
        except ssl.SSLError as error:
            raise OSError(why(error)) from None

    def _stay_readable(self) -> None:
        """The end has been read with what came before it, and must be told of once more: a
        peer may say it in TLS, or speak none any more, and leave TCP open.
        """
        try:
            self.shutdown(socket.SHUT_RD)
        except OSError:
            pass               # it is broken, which the selector tells of as well

    # -- the end

    def say_bye(self) -> bool:
        """Send close_notify, after which only `shutdown` and the rest of the input are left.
        Whether there was room for it; if not, do it again.
        """
        try:
            self._tls.unwrap()
        except OSError:
            pass               # it is out and not answered; or it is broken, and never will be
        try:
            if not self._flush():
                return False
        except OSError:
            pass
        self._said_bye = True
        return True


def _missing(record: bytearray) -> int:
    """How many bytes there must be to go on with it: of its head (RFC 8446, 5.1), or of the rest.
    None of what is no record: OpenSSL is to say so.
    """
    if len(record) < HEAD:
        return HEAD - len(record)
    length = int.from_bytes(record[3:HEAD], "big")
    return 0 if length > LONGEST or record[0] not in KINDS else HEAD + length - len(record)


def _later() -> OSError:
    return BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
