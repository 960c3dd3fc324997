"""What TLS needs before it begins, a certificate and its key, and what is said where it fails."""

from __future__ import annotations

import errno
import ssl
from hashlib import sha256
from typing import NoReturn, cast

from chatops.net.state import reason_of
from chatops.system import files
from chatops.system.errors import ChatopsError

REASONS = {
    "CERTIFICATE_VERIFY_FAILED": "nobody here vouches for its certificate",
    "KEYS": "it did nothing but change its keys",
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
        raise CertificateError(f"{certificate}: {_of_file(error)}") from None
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
        raise CertificateError(f"{clients}: {_of_file(error)}") from None
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


def _of_file(error: ssl.SSLError) -> str:
    return _words(error) if error.reason else "it is damaged, and cannot be read as PEM"


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
