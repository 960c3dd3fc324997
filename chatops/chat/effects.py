"""What the hub wants done: it decides, and somebody who owns sockets does.

A list of these, in order, is all that leaves the hub.  Events (`chatops.api.events`) stand in
the same list, so that what is told and what is done keep one order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from chatops.api.events import Event
from chatops.chat.dialect import PLAIN, Dialect
from chatops.chat.groups import Group, Sender
from chatops.chat.past import ChatArchive


class Deliver(msgspec.Struct, frozen=True, gc=False):
    """What every member of a room is to hear: this many lines, in groups not yet rendered.

    `kept_as` is where its history is, if not under its name (`Room.kept_as`).
    """

    room: str
    groups: list[Group]
    lines: int
    kept_as: str = ""


class Tell(NamedTuple):
    """Lines for one client alone."""

    id: int
    data: bytes
    lines: int = 1             # in `data`


class Answer(NamedTuple):
    """Bytes of a protocol beneath the lines (telnet's), for one client."""

    id: int
    data: bytes


class Enter(NamedTuple):
    """From here on this client gets what the room gets, in this dialect.

    Without `echo` it does not get what it says itself.  `kept_as` is as in `Deliver`.  It was
    there a moment ago if it is `back`, and need not be shown what was said there before.
    """

    id: int
    room: str
    dialect: Dialect = PLAIN
    echo: bool = True
    kept_as: str = ""
    back: bool = False


class Leave(NamedTuple):
    """From here on it does not."""

    id: int
    room: str


class PauseReading(NamedTuple):
    """Do not read this client for so many seconds, then call `Door.resume`."""

    id: int
    seconds: float


class Park(NamedTuple):
    """Do not read this client until `Unpark`: it waits for an answer of ours."""

    id: int


class Unpark(NamedTuple):
    """The answer is there: call `Door.resume`, and read it again."""

    id: int


class Pour(NamedTuple):
    """A long answer for one parked client: send it on as it reads, then do as for `Unpark`."""

    id: int
    data: bytes


class Replay(NamedTuple):
    """Show a client what a room has heard last, now that it knows that it is in there."""

    id: int
    room: str
    kept_as: str


class Recall(NamedTuple):
    """Look up the newest `limit` lines that hold `text` of those its room has heard.  The room
    is named as its history is (`Room.kept_as`).
    """

    id: int
    room: str
    limit: int
    text: str = ""


class LookUp(NamedTuple):
    """Have a parked client's question asked, once all that was heard before it is kept."""

    id: int
    ask: Callable[[ChatArchive], None]


class Announce(NamedTuple):
    """Have other nodes tell their members of these rooms what somebody here has done."""

    rooms: tuple[str, ...]
    group: Group


class Forward(NamedTuple):
    """Something for one client of another node."""

    node: str
    id: int
    group: Group


class Kill(msgspec.Struct, frozen=True, tag="kill"):
    """An IRC operator ends this client of yours."""

    id: int
    by: Sender
    reason: str


class Wallops(msgspec.Struct, frozen=True, tag="wallops"):
    """An IRC operator has this to say to all operators, and to whoever else wants to hear it."""

    by: Sender
    text: str


class Demand(NamedTuple):
    """Have an operator's word done on another node, or on all others if that is "".  `whom` is
    the nick of who is meant, if anybody is.
    """

    node: str
    what: Kill | Wallops
    whom: str = ""


class MakeWay(NamedTuple):
    """A client of another node, if it still has this nick, gives it up to one of ours, `by`, that
    is logged in to the account: one that is so as well is closed, as is any where that is asked
    for; another is renamed.
    """

    node: str
    id: int
    nick: str
    account: str
    by: int
    close: bool = False


class CloseConnection(NamedTuple):
    """Send what is queued, then these last words, and close.  The session is gone."""

    id: int
    reason: str
    last_words: bytes = b""


Effect = (Deliver | Tell | Answer | Enter | Leave | PauseReading | Park | Unpark | Pour | Replay
          | Recall | LookUp | Announce | Forward | Demand | MakeWay
          | CloseConnection | Event)
