"""An account as nodes tell each other of it, and what holds where they know different things."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace


class AccountRecord(msgspec.Struct, frozen=True, array_like=True, tag="account"):
    """What is known of one name.  Times are the engine's, in seconds.

    An account that was made by `removed_at` is no more (0: none ever was removed).  `born_at` of
    0 is no account.  `changed_at` is when its password, its certificates or whether it is an
    operator's were set last.
    """

    name: str
    removed_at: float = 0.0
    born_at: float = 0.0
    changed_at: float = 0.0
    hash: str = ""
    admin: bool = False
    certificates: tuple[str, ...] = ()

    @property
    def lives(self) -> bool:
        """Whether there is such an account."""
        return self.born_at > self.removed_at


def merged(one: AccountRecord, other: AccountRecord) -> AccountRecord:
    """What holds of this name where both are known; the same in whatever order it is asked.

    A removal is of everything that was made before it, whatever has been changed meanwhile.  Of
    two accounts that were made where nobody knew of the other, the older holds: nobody takes an
    account over by making it once more on a node that is cut off.  Of one account, the later
    change.
    """
    removed_at = max(one.removed_at, other.removed_at)
    living = [record for record in (one, other) if record.born_at > removed_at]
    if not living:
        return AccountRecord(one.name.lower(), removed_at)
    born_at = min(record.born_at for record in living)
    latest = max((record for record in living if record.born_at == born_at), key=_later)
    return replace(latest, removed_at=removed_at)


def _later(record: AccountRecord) -> tuple[float, str, str, bool, tuple[str, ...]]:
    return record.changed_at, record.hash, record.name, record.admin, record.certificates
