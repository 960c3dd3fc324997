"""What passes over the control socket, and how bytes become messages.

A message is four bytes of length, big-endian, and one MessagePack map: a tagged struct
from below, with commands, results, events and snapshots in it just as they are.  A client
says `Hello` first.  Then it may `Ask` for a command, answered by `Done`, and `Poll`, which
is answered by one `Update` as soon as there is something new.  As nothing is pushed, a
client that does not read costs the server one answer at most.
"""

from __future__ import annotations

import msgspec

from chatops.api.commands import (
    Ban,
    Bans,
    Broadcast,
    Cancel,
    Close,
    CommandResult,
    Despawn,
    Kick,
    Limit,
    Loop,
    Mute,
    Quit,
    Reload,
    Reopen,
    Selector,
    SlowConsumer,
    Spawn,
    Unban,
    Unmute,
    WriteInterest,
)
from chatops.api.events import AnyEvent
from chatops.api.snapshot import Pulse, Snapshot

PROTOCOL = 2                   # 2: Welcome says what there is, and which commands it has
OLDEST = 1                     # that a server still speaks
HEAD = 4                       # bytes that hold the length of what follows
MAX_REQUEST = 1 << 20          # bytes of one message to the server
MAX_REPLY = 64 << 20           # to a client: 10,000 clients' rows take 8 MB

ServerCommand = (
    Kick | Ban | Unban | Bans | Mute | Unmute | Broadcast | Limit | Selector | WriteInterest
    | SlowConsumer | Spawn | Despawn | Reload | Reopen | Quit | Close | Cancel | Loop
)


class FrameError(ValueError):
    """The other end does not keep to the protocol; one line that says how."""


class ControlMessage(msgspec.Struct, frozen=True, tag=True):
    """One frame."""


# -- to the server


class Hello(ControlMessage, frozen=True, tag=True):
    """The first message of every client; with `read_only` it may not change anything."""

    protocol: int
    read_only: bool = False


class Ask(ControlMessage, frozen=True, tag=True):
    """Have a command carried out; `Done` with the same `id` says how it went."""

    id: int
    command: ServerCommand


class Poll(ControlMessage, frozen=True, tag="Look"):
    """Tell me when something has happened: once, with the events since the last time.

    With `snapshot`, and with how things stand then; with `now`, even if they are as they
    were.  A later one takes the place of one that is still waiting.
    """

    snapshot: bool = True
    now: bool = False


# -- from the server


class Welcome(ControlMessage, frozen=True, tag=True):
    """The answer to Hello: who this is."""

    protocol: int
    version: str               # of chatops
    pid: int
    host: str
    port: int
    tls: bool = False          # nothing else is spoken on that port
    what: str = "chat"         # or "program": somebody's own, observed by `chatops watch`
    commands: tuple[str, ...] = ()     # by name, what can be asked for; () is all
    read_only: bool = False    # as it was asked for
    history: str = ""          # the file of what is said, if that is kept


class Done(ControlMessage, frozen=True, tag=True):
    """How a command went."""

    id: int
    result: CommandResult


class Update(ControlMessage, frozen=True, tag="Seen"):
    """The answer to `Poll`; `dropped` events are lost to this client in all."""

    events: tuple[AnyEvent, ...]
    dropped: int
    snapshot: Snapshot | None = None
    pulse: Pulse | None = None         # to who looks for snapshots; older servers know of none


class Bye(ControlMessage, frozen=True, tag=True):
    """The last message: why the server ends this connection; `failed` when it crashed,
    `dropped` when only this connection ends.
    """

    detail: str
    failed: bool = False
    dropped: bool = False


Request = Hello | Ask | Poll
Reply = Welcome | Done | Update | Bye

_encoder = msgspec.msgpack.Encoder()
_requests: msgspec.msgpack.Decoder[Request] = msgspec.msgpack.Decoder(Request)
_replies: msgspec.msgpack.Decoder[Reply] = msgspec.msgpack.Decoder(Reply)


def pack(message: ControlMessage) -> bytes:
    """A message as a frame."""
    body = _encoder.encode(message)
    return len(body).to_bytes(HEAD) + body


def read_request(body: bytes) -> Request:
    """What a client wants.  Raises `FrameError`."""
    try:
        return _requests.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise FrameError(f"this is not a request: {error}") from None


def read_reply(body: bytes) -> Reply:
    """What the server says.  Raises `FrameError`."""
    try:
        return _replies.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise FrameError(f"this is not a reply: {error}") from None


class FrameDecoder:
    """Finds the frames in a stream, holding one that has begun and no more than `limit`."""

    def __init__(self, limit: int) -> None:
        """`limit` is the most bytes that one message may have."""
        self._limit = limit
        self._held = bytearray()

    @property
    def held(self) -> int:
        """Bytes of a message that has begun."""
        return len(self._held)

    def feed(self, data: bytes) -> None:
        """Take in what has come.  Call `next` until there is nothing before the next feed."""
        self._held += data

    def next(self) -> bytes | None:
        """The next whole message, None while there is none.  Raises `FrameError`."""
        held = self._held
        if len(held) < HEAD:
            return None
        size = int.from_bytes(held[:HEAD])
        if not 0 < size <= self._limit:
            raise FrameError(f"a message of {size:,} bytes; from 1 to {self._limit:,} may be")
        if len(held) < HEAD + size:
            return None
        body = bytes(held[HEAD:HEAD + size])
        del held[:HEAD + size]
        return body
