"""Passwords: hashed with Argon2id, and compared in the same time whether the name is known or not.

Needs `argon2-cffi` (the extra `accounts`); it releases the interpreter while it hashes, so a
thread that does nothing else keeps nobody waiting.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from hashlib import sha256
from typing import TYPE_CHECKING, Protocol, TypeVar

from chatops.accounts.store import AccountError

if TYPE_CHECKING:              # imported where the first password comes, see below
    from argon2 import PasswordHasher

# OWASP's second choice for Argon2id (Password Storage Cheat Sheet): 19 MiB, two passes, one
# lane.  The library's own default of 64 MiB and four lanes takes twenty times as long, and
# after a restart everybody logs in at once.
MEMORY, PASSES, LANES = 19 << 10, 2, 1
LONGEST = 1024                 # bytes of a password; more would only keep the hasher busy
REMEMBERED = 10_000            # passwords that have been right, as keyed digests


T = TypeVar("T")


class Doing(Protocol):
    """How a piece of work is done: see `chatops.accounts.background.Background.do`."""

    def __call__(self, job: Callable[[], T]) -> T: ...


def at_once(job: Callable[[], T]) -> T:
    """Here and now."""
    return job()


def hasher() -> PasswordHasher:
    """Raises `AccountError` where the library is missing, with what to install."""
    try:
        from argon2 import PasswordHasher
    except ImportError:
        raise AccountError("accounts need argon2-cffi: pip install 'chatops[accounts]'") from None
    return PasswordHasher(time_cost=PASSES, memory_cost=MEMORY, parallelism=LANES)


class Passwords:
    """Hashes and verifies.  Belongs to one thread: some 20 ms each.

    What was right once is remembered for as long as the process lives, as a digest under a key
    that nobody else has: after a network has gone and come back, its users cost nothing.
    """

    def __init__(self, do: Doing = at_once) -> None:
        """`do` has a hash made.  Raises `AccountError` where argon2-cffi is missing."""
        self._do = do
        self._hasher = hasher()
        self._key = secrets.token_bytes(32)
        self._right: dict[bytes, None] = {}
        self._nobody = self._hasher.hash(secrets.token_hex(16))

    def hash(self, password: str) -> str:
        """For the store.  Raises `AccountError` for one that is empty or too long."""
        if not password or len(password.encode()) > LONGEST:
            raise AccountError(f"a password has 1 to {LONGEST} bytes")
        return self._do(lambda: self._hasher.hash(password))

    def verify(self, stored: str | None, password: str) -> bool:
        """Whether it is the one behind `stored`; None, for a name that is not known, takes as
        long as a wrong one.
        """
        from argon2.exceptions import Argon2Error, InvalidHashError

        if len(password.encode("utf-8", "surrogatepass")) > LONGEST:
            return False
        mark = self._mark(stored or "", password)
        if mark in self._right:
            return True
        try:
            self._do(lambda: self._hasher.verify(stored or self._nobody, password))
        except (Argon2Error, InvalidHashError, UnicodeEncodeError):
            return False
        if stored is None:
            return False
        if len(self._right) >= REMEMBERED:
            self._right.pop(next(iter(self._right)))
        self._right[mark] = None
        return True

    def _mark(self, stored: str, password: str) -> bytes:
        text = stored.encode() + b"\0" + password.encode("utf-8", "surrogatepass")
        return hmac.digest(self._key, text, sha256)
