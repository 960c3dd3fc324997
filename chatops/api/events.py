"""What happened: one frozen struct per kind of event, used as it is everywhere.

The same structs travel through the bus, the log, recordings and JSON output, so nobody
writes a codec by hand.  `at` is wall-clock time in seconds since the Unix epoch.  Every
string that a client controls has passed `chatops.chat.sanitize` before it gets here.
"""

from __future__ import annotations

import msgspec


class Event(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Something that happened at one moment."""

    at: float


# -- the life of a connection


class Connected(Event, frozen=True, gc=False, tag=True):
    """A client was accepted and greeted."""

    id: int
    fd: int
    nick: str
    peer: str


class Disconnected(Event, frozen=True, gc=False, tag=True):
    """A client is gone; `lines_lost` were queued for it and never reached its kernel."""

    id: int
    fd: int
    nick: str
    room: str
    peer: str
    reason: str
    lines_lost: int = 0


class Refused(Event, frozen=True, gc=False, tag=True):
    """A newcomer was told why and turned away before it became a client."""

    peer: str
    reason: str


class HandshakeFailed(Event, frozen=True, gc=False, tag=True):
    """A newcomer to a TLS port never became a client; nothing in `reason` is the peer's."""

    peer: str
    reason: str


# -- what people say


class Said(Event, frozen=True, gc=False, tag=True):
    """A client said `lines` lines to its room; `text` is how they begin, newlines between."""

    id: int
    nick: str
    room: str
    text: str
    lines: int = 1


class Acted(Event, frozen=True, gc=False, tag=True):
    """A client used `/me`."""

    id: int
    nick: str
    room: str
    text: str


class Whispered(Event, frozen=True, gc=False, tag=True):
    """A private message; the text is not recorded, only that it passed."""

    id: int
    nick: str
    to_id: int
    to_nick: str
    to_node: str = ""          # another node that it is on


# Shown, and never logged: what people say to each other is theirs.
TALK = frozenset({Said, Acted, Whispered})


class Renamed(Event, frozen=True, gc=False, tag=True):
    id: int
    old: str
    new: str


class LoggedIn(Event, frozen=True, gc=False, tag=True):
    """A client has proved to be the owner of an account, or has just made it."""

    id: int
    nick: str
    account: str
    made: bool = False


class Moved(Event, frozen=True, gc=False, tag=True):
    """A client went from one room to another."""

    id: int
    nick: str
    old: str
    new: str


class Joined(Event, frozen=True, gc=False, tag=True):
    """A client came into a room, and stays in those that it is in."""

    id: int
    nick: str
    room: str


class Parted(Event, frozen=True, gc=False, tag=True):
    """A client left one of its rooms."""

    id: int
    nick: str
    room: str
    reason: str = ""


# -- back-pressure and bad input


class QueueGrew(Event, frozen=True, gc=False, tag=True):
    """A client's kernel buffer is full: its outbox has begun to hold bytes."""

    id: int
    nick: str
    queued: int


class QueueEmptied(Event, frozen=True, gc=False, tag=True):
    """The outbox is empty again; `peak` bytes waited at most, for `seconds`."""

    id: int
    nick: str
    peak: int
    seconds: float


class LinesDropped(Event, frozen=True, gc=False, tag=True):
    """The slow-consumer policy threw lines away instead of the client."""

    id: int
    nick: str
    lines: int
    policy: str


class Throttled(Event, frozen=True, gc=False, tag=True):
    """A client spoke faster than its rate allows and is not read for `seconds`."""

    id: int
    nick: str
    seconds: float


class BadInput(Event, frozen=True, gc=False, tag=True):
    """A client sent something that was refused or cleaned: `kind` says what.

    Said once per connection and kind, then once per doubling, so that garbage cannot
    flood the console; `count` is how often it has happened so far.
    """

    id: int
    nick: str
    kind: str
    count: int = 1


class ListenerPaused(Event, frozen=True, gc=False, tag=True):
    """Accepting stopped for `seconds`: out of descriptors, or memory."""

    reason: str
    seconds: float


class ListenerResumed(Event, frozen=True, gc=False, tag=True):
    refused: int = 0


# -- the server and its admin


class ServerStarted(Event, frozen=True, gc=False, tag=True):
    host: str
    port: int
    selector: str
    also: tuple[str, ...] = ()     # other addresses on which it listens, as they are printed
    irc: int = 0               # the port for IRC without TLS, if there is one
    irc_tls: int = 0           # … and with it
    tls: bool = False          # whether host, port and the others speak TLS
    metrics: str = ""          # where collectors are answered, as it is printed


class ServerStopping(Event, frozen=True, gc=False, tag=True):
    """Accepting has ended and queues drain until the deadline, in seconds from now."""

    deadline: float


class ServerStopped(Event, frozen=True, gc=False, tag=True):
    reason: str


class Crashed(Event, frozen=True, gc=False, tag=True):
    """The reactor thread died; the traceback is its last word."""

    traceback: str


class ThreadDied(Event, frozen=True, gc=False, tag=True):
    """Another thread than the reactor's died, and the chat goes on without what it did."""

    name: str
    traceback: str


class CallbackFailed(Event, frozen=True, gc=False, tag=True):
    """A callback raised; only its own connection was closed."""

    callback: str
    fd: int
    error: str


class AdminDid(Event, frozen=True, gc=False, tag=True):
    """A command was carried out; `line` is how it is written on the command line."""

    line: str
    outcome: str
    ok: bool = True
    uid: int = -1              # the user who asked, where the system tells


class Warned(Event, frozen=True, gc=False, tag=True):
    """Something an operator should know that has no event of its own."""

    text: str


# -- several nodes


class EngineLost(Event, frozen=True, gc=False, tag=True):
    """What joins the nodes cannot be reached, and why; the chat of this one goes on."""

    engine: str                # "127.0.0.1:6379/0"
    reason: str


class EngineBack(Event, frozen=True, gc=False, tag=True):
    """It can be reached, after so many seconds without."""

    engine: str
    seconds: float


class NodeUp(Event, frozen=True, gc=False, tag=True):
    """Another node is there, or is there again, with so many people."""

    node: str
    people: int


class NodeGone(Event, frozen=True, gc=False, tag=True):
    """Another node is there no more, nor are its people."""

    node: str
    people: int
    reason: str


class FramesLost(Event, frozen=True, gc=False, tag=True):
    """So many frames of a node, each with some lines, will never come."""

    node: str
    frames: int


class NickLost(Event, frozen=True, gc=False, tag=True):
    """A client's nick was another's on another node first, and it is called `new` now."""

    id: int
    nick: str
    new: str
    node: str


# -- a program that is observed (`chatops watch`)


class Printed(Event, frozen=True, gc=False, tag=True):
    """The program wrote a line; `text` has passed the sanitiser."""

    text: str


class LoopHeld(Event, frozen=True, gc=False, tag=True):
    """A callback holds the loop, or did, for `seconds` so far; `over` once it has let go."""

    seconds: float
    where: str                 # "handle (chat.py:8)"
    inside: str = ""           # what that line calls
    over: bool = False
    loop: int = 0              # which one, by its number; 0 is the one that is shown


class ProgramEnded(Event, frozen=True, gc=False, tag=True):
    """The program is over; `status` is what a shell would say."""

    status: int


AnyEvent = (
    Connected | Disconnected | Refused | HandshakeFailed | Said | Acted | Whispered | Renamed
    | Moved | QueueGrew | QueueEmptied | LinesDropped | Throttled | BadInput | ListenerPaused
    | ListenerResumed | ServerStarted | ServerStopping | ServerStopped | Crashed | CallbackFailed
    | AdminDid | Warned | ThreadDied | Printed | LoopHeld | ProgramEnded | Joined | Parted
    | LoggedIn | EngineLost | EngineBack | NodeUp | NodeGone | FramesLost | NickLost
)
