"""Accounts, and that they were removed, as the engine keeps them for all nodes.

They stand in a hash of their own and never in the log, which only says whose have changed: so a
node that was away, or has an empty file, finds them all.  Passwords are there as Argon2id hashes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import isfinite
from typing import NamedTuple

import msgspec

from chatops.accounts.record import AccountRecord
from chatops.accounts.store import NAME, AccountStore, fold
from chatops.cluster.frames import BadFrame, Codec

OLDEST = 3                     # version of the frames since which they are written like this
MOST = 8 << 10                 # bytes of one: a hundred certificates
_HASH = re.compile(r"\$argon2id\$[!-~]{1,240}")
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(AccountRecord)


class KeptChange(NamedTuple):
    """One to be written: what stands there under its folded name now, and what is to; b"" is
    nothing.
    """

    name: str
    before: bytes
    after: bytes


class Exchanged(NamedTuple):
    """What came of comparing a part of the accounts here with what the engine keeps."""

    changes: list[KeptChange]
    adopted: list[AccountRecord]   # which hold here from now on
    lost: list[str]                # accounts of this node whose names were others' before
    bad: list[BadFrame]            # somebody else has written them, or they cannot be told


def exchange(store: AccountStore, codec: Codec, kept: Mapping[str, bytes]) -> Exchanged:
    """Compare these, by their folded names, b"" for one that is not kept.  On the store's thread;
    raises `AccountError`.
    """
    bad: list[BadFrame] = []
    found = []
    for name, value in kept.items():
        try:
            found.append(opened(codec, name, value))
        except BadFrame as error:
            bad.append(error)
            if NAME.fullmatch(name) is not None:
                found.append(AccountRecord(name))      # ours takes its place, if there is one
    settled = store.settle(found, codec.skew)
    changes = []
    for record in settled.news:
        name = fold(record.name)
        try:
            changes.append(KeptChange(name, kept[name], sealed(codec, record)))
        except BadFrame as error:
            bad.append(error)
    return Exchanged(changes, settled.adopted, settled.lost, bad)


def sealed(codec: Codec, record: AccountRecord) -> bytes:
    """As it is written; b"" if nothing is known of this name.  Raises `BadFrame` for one that no
    node would read.
    """
    if not record.lives and not record.removed_at:
        return b""
    _check(record)
    value = codec.seal(0, record.changed_at, [_encoder.encode(record)])
    if len(value) > MOST:
        raise BadFrame(f"the account {record.name} has too many certificates to be told")
    return value


def opened(codec: Codec, name: str, value: bytes) -> AccountRecord:
    """What is kept under this folded name.  Raises `BadFrame`."""
    if not value:
        return AccountRecord(name)
    if len(value) > MOST:
        raise BadFrame(f"{len(value)} bytes are no account")
    frame = codec.open(value, OLDEST)
    try:
        (item,) = frame.items
        record = _decoder.decode(item)
    except (msgspec.MsgspecError, ValueError):
        raise BadFrame("it is no account") from None
    _check(record)
    if fold(record.name) != name:
        raise BadFrame(f"it is the account {record.name}, not {name[:32]}")
    return record


def _check(record: AccountRecord) -> None:
    times = record.removed_at, record.born_at, record.changed_at
    sound = (_HASH.fullmatch(record.hash) is not None if record.lives
             else not record.born_at and record.name == fold(record.name))
    if not sound or NAME.fullmatch(record.name) is None or not all(
            isfinite(at) and at >= 0 for at in times):
        raise BadFrame(f"it is no account that anybody can have: {record.name[:32]!r}")
