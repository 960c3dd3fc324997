"""What nodes write to their shared log: frames of items, versioned, numbered and signed.

A frame is a MessagePack array, behind an HMAC-SHA256 (RFC 2104) of it where the nodes share a
secret.  Its items are still packed when its head has been read, so that the frame of a newer
version can be told from garbage.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from functools import lru_cache
from hashlib import sha256
from typing import Annotated

import msgspec

from chatops.chat.bounds import Crowd, Few, Many, Moment, Name
from chatops.chat.elsewhere import Person
from chatops.chat.groups import Group
from chatops.chat.room_state import RoomState
from chatops.server.orders import Ordered
from chatops.settings.kinds import NODE
from chatops.system.errors import ChatopsError

VERSION = 4
LARGEST = 256 << 10            # bytes of a frame that is sent; far below any engine's limit
READ = 1 << 20                 # bytes of one that is read: more is garbage, whoever wrote it; an
                               # older node writes all that a room hears in a turn as one item
STALE = 300.0                  # seconds between writing a frame and its place in the log, at most:
                               # an engine that stood still may find it in a buffer
MAC = sha256().digest_size
LONGEST_BOOT = 64


class BadFrame(ChatopsError, ValueError):  # noqa: N818  (reads as what it is)
    """These bytes are no frame of ours, or somebody else has signed them; a few words why."""


class OtherVersion(BadFrame):
    """A frame of another version of chatops; `node` wrote it."""

    def __init__(self, node: str, version: int) -> None:
        super().__init__(f"node {node} speaks version {version} of the frames, not {VERSION}")
        self.node = node


class Heard(msgspec.Struct, frozen=True, array_like=True, tag="h"):
    """What a room hears.  `kept_as` is where the node's history has it, if not under its name
    (`Room.kept_as`): a node that is away has not heard that the room was closed.
    """

    room: Name
    groups: Annotated[list[Group], Crowd]
    kept_as: Name = ""


class Changed(msgspec.Struct, frozen=True, array_like=True, tag="c"):
    """Somebody came, went or is called something else, which these rooms are to be told."""

    rooms: Annotated[tuple[Name, ...], Few]
    group: Group


class Here(msgspec.Struct, frozen=True, array_like=True, tag="p"):
    """How somebody stands now: a newcomer, or one that is known already."""

    person: Person


class Gone(msgspec.Struct, frozen=True, array_like=True, tag="g"):
    """Somebody is no more on this node."""

    id: int


class Roster(msgspec.Struct, frozen=True, array_like=True, tag="r"):
    """All who are on this node, in as many items as that takes; the `first` begins anew."""

    people: Annotated[list[Person], Many]
    first: bool = True
    last: bool = True


class AllTold(msgspec.Struct, frozen=True, array_like=True, tag="e"):
    """That was all that there is to know of this node: its roster, and its rooms."""


class RosterWanted(msgspec.Struct, frozen=True, array_like=True, tag="a"):
    """Somebody has missed something of this node and asks for its roster."""

    node: str


class Whisper(msgspec.Struct, frozen=True, array_like=True, tag="w"):
    """For one client of one node alone."""

    node: str
    id: int
    group: Group


class NickTaken(msgspec.Struct, frozen=True, array_like=True, tag="n"):
    """A client of a node has to give up its nick (`chatops.chat.effects.MakeWay`)."""

    node: str
    id: int
    nick: Name
    account: Name
    close: bool


class RoomsStand(msgspec.Struct, frozen=True, array_like=True, tag="s"):
    """What holds in rooms.  Times are the engine's."""

    states: Annotated[list[RoomState], Many]


class Order(msgspec.Struct, frozen=True, array_like=True, tag="o"):
    """An admin wants something done on a node, or on all others if that is "".

    It is for one `boot` alone if that is not "".  A `number` of 0 wants no answer.  Times are
    the engine's.
    """

    node: str
    boot: str
    number: int
    what: Ordered


class OrderDone(msgspec.Struct, frozen=True, array_like=True, tag="d"):
    """How an order of this `node` and boot went."""

    node: str
    boot: str
    number: int
    ok: bool
    text: str


class AccountsChanged(msgspec.Struct, frozen=True, array_like=True, tag="u"):
    """What the engine keeps of these accounts, by their folded names, is another now."""

    names: Annotated[tuple[Name, ...], Many]


class NodeEnds(msgspec.Struct, frozen=True, array_like=True, tag="x"):
    """This node ends in good order, and everybody on it goes.  It keeps a history that
    `catches_up` when it is back.
    """

    catches_up: bool = False


Item = (Heard | Changed | Here | Gone | Roster | RosterWanted | Whisper | NickTaken | RoomsStand
        | AllTold | Order | OrderDone | AccountsChanged | NodeEnds)


class NodeFrame(msgspec.Struct, frozen=True, array_like=True):
    """`boot` is another after each start of a node, and `seq` counts from 1 within it.

    `at` is the wall clock of the node that wrote it when the frame was closed, in seconds, which
    is so many seconds of `skew` ahead of the engine's.  From then on it has `waited` for so many
    seconds by a clock that nobody sets, until it was `written` (for the last time): by the engine's
    clock, as far as the node knows it; 0 if it does not, or is an older one.
    """

    v: int
    node: str
    boot: str
    seq: int
    at: Moment
    skew: Moment
    items: Annotated[list[msgspec.Raw], Crowd]
    waited: Moment = 0.0
    written: Moment = 0.0


_encoder = msgspec.msgpack.Encoder()
_frame = msgspec.msgpack.Decoder(NodeFrame)
_head = msgspec.msgpack.Decoder(list[msgspec.Raw])


def pack(item: Item) -> bytes:
    """An item as it stands in a frame."""
    return _encoder.encode(item)


def packed(item: Item) -> list[bytes]:
    """The same; what a room has heard in as many items as that takes to fit into frames."""
    whole = _encoder.encode(item)
    if len(whole) <= LARGEST or not isinstance(item, Heard) or len(item.groups) < 2:
        return [whole]
    half = len(item.groups) // 2
    return [*packed(Heard(item.room, item.groups[:half], item.kept_as)),
            *packed(Heard(item.room, item.groups[half:], item.kept_as))]


@lru_cache(maxsize=4096)
def _is_node(node: str, boot: str) -> bool:
    """Whether a node, and one of its boots, may be called so."""
    return (NODE.fullmatch(node) is not None and len(boot) <= LONGEST_BOOT
            and (not boot or (boot.isascii() and boot.isalnum())))


def _ours(body: bytes) -> NodeFrame | None:
    """The frame in it, if it is one of this version: that is found out at one go."""
    try:
        frame = _frame.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return frame if frame.v == VERSION and _is_node(frame.node, frame.boot) else None


class Codec:
    """Seals frames and opens them, with the secret that the nodes share, if they share one."""

    def __init__(self, node: str, boot: str, secret: bytes = b"") -> None:
        self.node = node
        self.boot = boot
        self.skew = 0.0                # seconds that our clock is ahead of the engine's
        self.engine_time: Callable[[], float] = lambda: 0.0    # 0 where it is not known
        self._secret = secret

    def seal(self, seq: int, at: float, items: Sequence[bytes], waited: float = 0.0) -> bytes:
        """The frame of these packed items, as it is written."""
        body = _encoder.encode(NodeFrame(VERSION, self.node, self.boot, seq, at, self.skew,
                                         [msgspec.Raw(item) for item in items], waited,
                                         self.engine_time()))
        return hmac.digest(self._secret, body, sha256) + body if self._secret else body

    def open(self, data: bytes, oldest: int = VERSION) -> NodeFrame:
        """The frame in these bytes, its items still packed; of this version, or where it is known
        what older ones mean, from the `oldest` on.  Raises `BadFrame`.
        """
        if len(data) > READ:
            raise BadFrame(f"{len(data)} bytes are no frame")
        body = data
        if self._secret:
            body = data[MAC:]
            if not hmac.compare_digest(data[:MAC], hmac.digest(self._secret, body, sha256)):
                raise BadFrame("it is not signed with the secret of this cluster")
        try:
            if oldest == VERSION and (frame := _ours(body)) is not None:
                return frame
            head = _head.decode(body)
            version = msgspec.msgpack.decode(head[0], type=int)
            node = msgspec.msgpack.decode(head[1], type=str)
            if not _is_node(node, ""):
                raise BadFrame("no node can be called like who wrote it")
            if not oldest <= version <= VERSION:
                raise OtherVersion(node, version)
            frame = _frame.decode(body)
            if not _is_node(node, frame.boot):
                raise BadFrame(f"node {node} has no boot called like that")
            return frame
        except (msgspec.MsgspecError, IndexError, UnicodeDecodeError) as error:
            if not self._secret and _ours(data[MAC:]) is not None:
                raise BadFrame("it is signed, and this node has no --cluster-secret") from None
            raise BadFrame(f"it is no frame of chatops: {error}") from None
