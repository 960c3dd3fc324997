"""Certificates made for a test, and the clients that trust whoever signed them."""

from __future__ import annotations

import ssl
from hashlib import sha256
from pathlib import Path

import trustme

HOST = "127.0.0.1"


class Authority:
    """Signs certificates for this host; `trust` is for the clients of such a server."""

    def __init__(self) -> None:
        self._ca = trustme.CA()
        self.trust = self.up_to(ssl.TLSVersion.MAXIMUM_SUPPORTED)

    def up_to(self, version: ssl.TLSVersion) -> ssl.SSLContext:
        """As `trust`, for clients that know no newer version."""
        context = ssl.create_default_context()
        context.maximum_version = version
        self._ca.configure_trust(context)
        return context

    def write_trust(self, path: Path) -> None:
        """What its clients trust, into this file."""
        self._ca.cert_pem.write_to_path(path)

    def client(self, name: str = "ada@example.org") -> tuple[ssl.SSLContext, str]:
        """A client that trusts this authority and has a certificate of it; its fingerprint."""
        made = self._ca.issue_cert(name)
        context = ssl.create_default_context()
        self._ca.configure_trust(context)
        made.configure_cert(context)
        der = ssl.PEM_cert_to_DER_cert(made.cert_chain_pems[0].bytes().decode())
        return context, sha256(der).hexdigest()

    def write(self, certificate: Path, key: Path | None = None) -> None:
        """A new certificate into this file, its key into another or the same one."""
        made = self._ca.issue_cert(HOST)
        pem = b"".join(blob.bytes() for blob in made.cert_chain_pems)
        if key is None:
            certificate.write_bytes(made.private_key_pem.bytes() + pem)
        else:
            certificate.write_bytes(pem)
            key.write_bytes(made.private_key_pem.bytes())


class Hand:
    """The client's side of TLS without a socket: a test moves the bytes as it likes."""

    def __init__(self, trust: ssl.SSLContext) -> None:
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = trust.wrap_bio(self._in, self._out, server_hostname=HOST)

    def shake(self, received: bytes = b"") -> bytes:
        """Go on with the handshake; what is to be sent."""
        self._in.write(received)
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            pass
        return self._out.read()

    def farewell(self, data: bytes) -> bytes:
        """The last words and close_notify, as they are to be sent."""
        self.tls.write(data)
        try:
            self.tls.unwrap()
        except ssl.SSLWantReadError:
            pass
        return self._out.read()

    def say(self, data: bytes) -> bytes:
        """These bytes as one record."""
        self.tls.write(data)
        return self._out.read()

    def sent(self) -> bytes:
        """What it has to send by now."""
        return self._out.read()

    def feed(self, data: bytes) -> None:
        """This has arrived."""
        self._in.write(data)

    def read(self) -> bytes:
        """All that can be deciphered of what has arrived."""
        data = b""
        try:
            while part := self.tls.read(1 << 16):
                data += part
        except ssl.SSLWantReadError:
            pass
        return data

    def at_end(self) -> bool:
        """Whether the other side has said in TLS that it is over."""
        try:
            return self.tls.read(1) == b""
        except ssl.SSLWantReadError:
            return False
