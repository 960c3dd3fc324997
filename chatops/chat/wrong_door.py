"""What those say first who have come to the wrong port: TLS, HTTP and IRC.

A browser can be made to send words to any port, so a request for a web page is not talk; and an
IRC client that is greeted as a person is would wait for ever for an answer that it knows.
"""

from __future__ import annotations

import re
from typing import Literal

Stranger = Literal["TLS", "HTTP", "IRC"]

_TLS_HELLO = b"\x16\x03"           # a record of a handshake, of any version (RFC 8446, 5.1)
_REQUEST = re.compile(rb"[A-Z]{3,7} \S+ HTTP/1\.[01]\r?\n")
_CAP = re.compile(rb"CAP LS(?: 302)?\r?\n")
_INTRODUCTION = re.compile(rb"(?:NICK \S+|USER \S+ \S+ \S+ :?.*|PASS \S+)\r?\n")


def stranger(first: bytes) -> Stranger | None:
    """What the first bytes of a connection are, if they are none of our lines.

    One line of `NICK x` or `PASS x` is talk: only two of them are an IRC client.
    """
    if first.startswith(_TLS_HELLO):
        return "TLS"
    if _REQUEST.match(first):
        return "HTTP"
    if _CAP.match(first):
        return "IRC"
    begun = _INTRODUCTION.match(first)
    if begun is not None and _INTRODUCTION.match(first, begun.end()):
        return "IRC"
    return None


def introduces(line: bytes) -> bool:
    """Whether this is one line that an IRC client without CAP may begin with; what it says next
    tells.
    """
    return _INTRODUCTION.fullmatch(line) is not None
