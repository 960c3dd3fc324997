"""Certificates as a person names them: by fingerprint, or by file."""

from __future__ import annotations

import re
import ssl
from hashlib import sha256

from chatops.accounts.store import AccountError
from chatops.system import files
from chatops.system.paths import PathError, expand

_HEX = re.compile(r"(?:[0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2}")
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


def read_fingerprint(text: str) -> str:
    """SHA-256 of a certificate's DER form, in hexadecimal, of what is that already or a file in
    PEM, whose first certificate counts.  Raises `AccountError`.
    """
    if _HEX.fullmatch(text):
        return text.replace(":", "").lower()
    try:
        content = files.read(expand(text), regular=True).decode("ascii", "replace")
    except PathError as error:
        raise AccountError(str(error)) from None
    except OSError as error:
        raise AccountError(f"{text}: neither a SHA-256 in hexadecimal nor a file that can be "
                           f"read: {error.strerror}") from None
    found = _PEM.search(content)
    try:
        der = ssl.PEM_cert_to_DER_cert(found[0]) if found is not None else b""
    except ValueError:
        der = b""
    if not der:
        raise AccountError(f"{text}: there is no certificate in it, in PEM")
    return sha256(der).hexdigest()
