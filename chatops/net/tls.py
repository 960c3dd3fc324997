"""TLS on one socket, behind the calls that a connection makes on a plain one.

An `SSLSocket` and not an `SSLObject` between two `MemoryBIO`s: it has those calls already,
OpenSSL writes into the kernel itself, so that a chunk is one call here too, and what it holds
of either direction is never more than one record.
"""

from __future__ import annotations

import errno
import os
import socket
import ssl
from collections.abc import Sequence
from hashlib import sha256
from typing import NoReturn, cast

from chatops.net.state import reason_of
from chatops.system import files
from chatops.system.errors import ChatopsError

RECORD = 1 << 14               # bytes of plaintext in a record, at most (RFC 8446, 5.1)
RECORDS = 64                   # read in one turn: a byte in each must not hold the loop

REASONS = {
    "CERTIFICATE_VERIFY_FAILED": "nobody here vouches for its certificate",
    # Seen with OpenSSL 3.0: it would answer the second change of keys between the two halves of
    # a record, and takes that for a wrong retry of the record.
    "BAD_LENGTH": "it changed its keys again, and had not read in between",
    "NO_SHARED_CIPHER": "no cipher in common",
    "NO_SHARED_SIGNATURE_ALGORITHMS": "no kind of signature in common",
    "UNSUPPORTED_PROTOCOL": "its TLS is older than 1.2",
    "SSLV3_ALERT_BAD_CERTIFICATE": "it does not accept the certificate",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "the certificate has expired, it says",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "it does not accept the certificate",
    "TLSV1_ALERT_UNKNOWN_CA": "it does not know who signed the certificate",
}


class CertificateError(ChatopsError, ValueError):
    """A certificate or its key cannot be used; one line that says which and why."""


def load(certificate: str, key: str = "", clients: str = "") -> ssl.SSLContext:
    """All that new connections need, from PEM files; "" is for a key in the same one.

    With a file of `clients`, those are asked for a certificate, and need not have one; one that
    the file does not vouch for ends the handshake.

    It waits for the disk: not for the reactor's thread.  Raises `CertificateError`.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sslsocket_class = TlsSocket
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # A client may make the server sign again and again (CVE-2011-1473), or learn from the
    # length what was said in private (CRIME, CVE-2012-4929).
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    # A chat lasts, so there is little to be resumed; and a ticket that lies unread when a
    # client closes makes its kernel reset the connection, with its last words on the way.
    context.num_tickets = 0
    _look_into(certificate, "CERTIFICATE", "certificate")
    _look_into(key or certificate, "PRIVATE KEY", "private key")
    try:
        context.load_cert_chain(certificate, key or None, password=_encrypted)
    except ssl.SSLError as error:
        # The second is what a key of another kind is called: RSA for a certificate of EC.
        if error.reason in ("KEY_VALUES_MISMATCH", "NO_CERTIFICATE_ASSIGNED"):
            raise CertificateError(
                f"{key or certificate}: the key is not that of the certificate") from None
        raise CertificateError(f"{certificate}: {_words(error)}") from None
    except OSError as error:
        raise CertificateError(f"{certificate}: {error.strerror}") from None
    if clients:
        _ask(context, clients)
    return context


def _ask(context: ssl.SSLContext, clients: str) -> None:
    """Have clients asked for a certificate, signed by one of these, or one of these itself."""
    _look_into(clients, "CERTIFICATE", "certificate")
    context.verify_mode = ssl.CERT_OPTIONAL
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        context.load_verify_locations(clients)
    except ssl.SSLError as error:
        raise CertificateError(f"{clients}: {_words(error)}") from None
    except OSError as error:
        raise CertificateError(f"{clients}: {error.strerror}") from None


def fingerprint(certificate: bytes) -> str:
    """What a certificate is known by: SHA-256 of its DER form, in hexadecimal."""
    return sha256(certificate).hexdigest()


def _look_into(path: str, mark: str, what: str) -> None:
    """OpenSSL says neither which file it could not read nor which part was missing."""
    try:
        text = files.read(path, regular=True)  # it is read again, here and on reload
    except OSError as error:
        raise CertificateError(f"{path}: {error.strerror}") from None
    if f"{mark}-----".encode() not in text:
        raise CertificateError(f"{path}: there is no {what} in it, in PEM")


def _encrypted() -> NoReturn:
    """Without this, OpenSSL would ask the terminal, and wait."""
    raise CertificateError("the private key is encrypted; give one that is not, in a file that "
                           "only you can read")


def why(error: OSError) -> str:
    """What went wrong, in words that a peer cannot choose: OpenSSL's own, or the system's."""
    if isinstance(error, ssl.SSLEOFError):
        return "it left in the middle"
    if isinstance(error, ssl.SSLError):
        return _words(error)
    return "peer reset" if error.errno == errno.ENOTCONN else reason_of(error)


def _words(error: ssl.SSLError) -> str:
    reason = cast("str | None", error.reason)      # OpenSSL may know more than Python's table
    if reason is None:
        return "TLS failed"
    return REASONS.get(reason) or f"TLS: {reason.replace('_', ' ').lower()}"


def _reset() -> OSError:
    return ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))


def _later() -> OSError:
    return BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))


class TlsSocket(ssl.SSLSocket):
    """A server's end after its handshake; non-blocking.  Belongs to the reactor's thread.

    The last byte of a record that the kernel has not taken whole counts as not sent.  OpenSSL
    holds such a record, encrypted, and wants the very same one again: it cannot be taken back.
    So whoever sends keeps that byte, comes back with it when there is room, and does not drop
    what has begun to go out; when the record has gone, so has the byte.  A chunk of a single
    byte would be an exception: nobody sees that it has begun, so there must be none.

    A read takes records whole, for what OpenSSL has decrypted no selector can tell of.
    """

    read_needs_room = False        # reading goes on when the kernel takes bytes again
    write_needs_input = False      # writing goes on when the peer has sent more
    _record = b""                  # given to OpenSSL, and not taken by the kernel whole
    _said_bye = False

    # -- sending

    def send(self, data: bytes | memoryview, _flags: int = 0) -> int:  # type: ignore[override]
        """Bytes taken of this many.  Raises BlockingIOError, or OSError when it is broken."""
        taken = 0
        self.write_needs_input = False
        if self._record:
            if not self._finish_record():
                raise _later()
            taken = 1
        size = len(data)
        while taken < size:
            record = data if size <= RECORD and not taken else memoryview(data)[
                taken:taken + RECORD]
            sent = self._put(record)
            taken += sent
            if not sent:
                if not self.write_needs_input:
                    self._record = bytes(record)
                    taken += len(record) - 1
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

    def _finish_record(self) -> bool:
        while self._record:
            sent = self._put(self._record)
            if not sent:
                return False
            self._record = self._record[sent:]
        return True

    def _put(self, record: bytes | memoryview) -> int:
        """Bytes of a record that have gone; 0 when it must be given again."""
        try:
            return super().send(record)
        except ssl.SSLWantWriteError:
            return 0
        except ssl.SSLWantReadError:
            self.write_needs_input = True      # and none of it is held
            return 0
        except ssl.SSLEOFError:
            raise _reset() from None           # what CPython makes of EPIPE and ECONNRESET
        except ssl.SSLError as error:
            raise OSError(why(error)) from None

    # -- reading

    def recv(self, buflen: int = 1024, _flags: int = 0) -> bytes:
        """About this many bytes: the rest of the last record comes with them."""
        if self._said_bye:
            return socket.socket.recv(self, buflen)    # beneath TLS, to be thrown away
        records: list[bytes] = []
        size = 0
        self.read_needs_room = False
        while size < buflen and len(records) < RECORDS:
            data = self._take()
            if data is None:
                break
            if not data:
                if records:
                    self._stay_readable()
                return b"".join(records)
            records.append(data)
            size += len(data)
        if not records:
            raise _later()
        return b"".join(records)

    def _take(self) -> bytes | None:
        """A record, b"" at the end, or None when there is none yet."""
        try:
            data = super().recv(RECORD)
        except ssl.SSLWantReadError:
            return None
        except ssl.SSLWantWriteError:
            self.read_needs_room = True
            return None
        except ssl.SSLError as error:
            raise OSError(why(error)) from None
        if not data:
            try:
                self.getpeername()
            except OSError:        # and of ECONNRESET here; but there is no peer any more then
                raise _reset() from None
        return data

    def _stay_readable(self) -> None:
        """The end has been read with what came before it, and must be told of once more: a
        peer may say it in TLS and leave TCP open.
        """
        try:
            socket.socket.shutdown(self, socket.SHUT_RD)
        except OSError:
            pass               # it is broken, which the selector tells of as well

    # -- the end

    def say_bye(self) -> bool:
        """Send close_notify, after which only `shutdown` and the rest of the input are left.
        Whether there was room for it; if not, do it again.
        """
        try:
            self.unwrap()
        except ssl.SSLWantWriteError:
            return False
        except OSError:
            pass               # it is out and not answered; or it is broken, and never will be
        self._said_bye = True
        return True
