"""How things stand: one immutable picture of the server, built by the reactor on demand.

Counters only ever grow; whoever shows a rate divides the difference of two snapshots by
the difference of their `mono`.  Times named `*_at` are on the monotonic clock of the
server, in seconds, the clock of `Snapshot.mono`; ages are `mono - *_at`.  Sizes are bytes.
An interest or readiness mask is `selectors.EVENT_READ | selectors.EVENT_WRITE`.
"""

from __future__ import annotations

from zlib import crc32

import msgspec

from chatops.api.program import Program, TaskRow
from chatops.api.words import MapChange, Phase, SlowConsumer, WriteInterest

CLOSING = frozenset(("draining", "lingering"))      # states of who has been told to go


class ClientRow(msgspec.Struct, frozen=True, gc=False):
    """One connected client.

    Three queues lie between a line and its reader: `queued` (bytes in our outbox),
    `kernel_queued` (bytes sent but not acknowledged by the peer's kernel, SIOCOUTQ), and
    the peer's own receive buffer, which nobody here can see.
    """

    id: int
    fd: int
    nick: str
    room: str
    peer: str
    mask: int                  # interest now; 0 when it is not registered (not read)
    queued: int
    queued_lines: int
    queue_limit: int
    kernel_queued: int
    kernel_limit: int          # SO_SNDBUF as the kernel reports it
    high_water: int            # the most that `queued` has been
    high_water_at: float
    bytes_in: int
    bytes_out: int             # handed to the kernel
    lines_in: int
    lines_out: int             # put on the way, queued ones included
    lines_dropped: int
    connected_at: float
    active_at: float           # when the client last sent something
    progress_at: float         # when its kernel last took bytes from the queue, or it began
    state: str = "open"        # open, throttled, draining, lingering
    muted: bool = False
    masks: str = ""            # recent ready masks, newest last: r, w, or W for both
    tls: str = ""              # version and cipher; "" is plain TCP
    rooms: tuple[str, ...] = ()    # all that it is in; `room` is where it speaks by default
    rtt: float = -1.0          # seconds, smoothed, to the peer's kernel; -1 where nobody tells
    retransmits: int = -1      # segments sent again so far; -1 where nobody tells
    reading: bool = True       # of a program's transport: it has not paused reading
    task: str = ""             # of a program's transport: which task serves it
    protocol: str = "line"     # or "irc"
    capabilities: tuple[str, ...] = ()     # of IRCv3, that it has asked for
    node: str = ""             # another node that it is on; then `id` is below 0, see `far_id`
    account: str = ""          # that it is logged in to

    @property
    def word(self) -> str:
        """As a command names it: `3`, or `b#3` of node b."""
        return f"{self.node}#{-self.id & 0xFFFFFFFF}" if self.node else str(self.id)

    @property
    def closing(self) -> bool:
        """It has been told to go and is nobody's any more; only its socket is still here."""
        return self.state in CLOSING


class KeyRow(msgspec.Struct, frozen=True, gc=False):
    """One entry of the selector's map: who is watched, for what, by whom and since when."""

    fd: int
    type: str                  # listener, waker, connection …
    fileobj: str
    events: int
    callback: str              # "Connection.on_ready"
    data: str                  # "#3 bob"
    client: int                # connection id, 0 for other descriptors
    armed_by: str              # where `register` or the last `modify` was called
    registered_at: float
    armed_at: float            # when the mask last changed
    fires: int
    last_mask: int
    busy: float                # seconds spent in its callback
    slowest: float             # seconds of its slowest call
    masks: str = ""            # recent ready masks, newest last: r, w, or W for both
    stale: bool = False        # its file object no longer has this descriptor
    at_eof: bool = False       # it keeps firing and there is nothing left to read
    slowest_off_cpu: float = 0.0   # of `slowest`, seconds that its thread did not run


class LoopFigures(msgspec.Struct, frozen=True, gc=False):
    """What the loop has done since it began.  Counters, except where said."""

    backend: str               # "epoll"
    write_interest: WriteInterest
    slow_consumer: SlowConsumer
    registered: int            # gauge: descriptors in the map
    turns: int                 # returns of select()
    ready: int                 # events returned by all turns
    waited: float              # seconds inside select()
    worked: float              # seconds outside it
    slowest: float             # seconds of the slowest callback of the last second or so
    slowest_name: str
    p50: float                 # gauge: seconds per callback, over the recent ones
    p99: float
    timers: int                # gauge: pending timers
    commands: int              # commands carried out
    next_deadline: float | None = None   # seconds until the next timer, None without one
    write_until: float = 0.0   # monotonic: when "always" ends by itself; 0 if it does not
    off_cpu: float = 0.0       # of `worked`, seconds that the thread did not run, while watched
    slowest_off_cpu: float = 0.0   # of `slowest`, the same
    thread: int = 0            # native id of the loop's thread; 0 where it is not known
    cost_counts: tuple[int, ...] = ()    # callbacks by what they took (loop.timed.COST_BUCKETS)
    cost_total: float = 0.0    # seconds of all of them; only while somebody watches
    lag: float = 0.0           # of a program: seconds a due call waited, the worst of late
    queued_calls: int = 0      # gauge, of a program: calls that wait for the next turn


class ThreadRow(msgspec.Struct, frozen=True, gc=False):
    name: str
    native_id: int
    daemon: bool
    cpu: float                 # seconds of CPU so far, NaN where the system does not tell
    doing: str = ""            # what it is there for
    delayed: float = 0.0       # seconds so far that it could have run and had no core


def far_id(node: str, number: int) -> int:
    """What a client of another node is known by among our own: no id of ours is below 0."""
    return -((crc32(node.encode()) & 0x7FFFFFFF) << 32 | number & 0xFFFFFFFF)


def far_row(node: str, number: int, nick: str, rooms: tuple[str, ...], now: float, *,
            muted: bool = False, account: str = "") -> ClientRow:
    """A client of another node: its descriptor and its queues are there, and when it spoke last is
    known there.
    """
    return ClientRow(
        far_id(node, number), -1, nick, rooms[0] if rooms else "", f"node {node}", 0, 0, 0, 0, 0,
        0, 0, now, 0, 0, 0, 0, 0, now, now, now, muted=muted, rooms=rooms, protocol="-",
        node=node, account=account)


class RoomRow(msgspec.Struct, frozen=True, gc=False):
    name: str
    members: int               # on this node
    lines: int
    elsewhere: int = 0         # members on other nodes


class NodeRow(msgspec.Struct, frozen=True, gc=False):
    """One of several nodes that share a chat.  Of other nodes it is what this one has heard."""

    name: str
    state: str                 # "here", "up", "gone" (no word), "left", "other version",
                               # "unknown" (the engine is away)
    clients: int
    rooms: int                 # that they are in
    lag: float                 # seconds that its last frame was on its way: of the node that is
                               # here, there and back; of another, by two clocks, each of which
                               # is set right by its skew
    buffered: int              # bytes that wait for the engine; of the node that is here
    lost: int                  # frames of it that never came; of the node that is here, that
                               # waited for too long
    doubled: int               # frames of it that came again, and were dropped
    skew: float                # seconds that its clock is ahead of the engine's
    seen: float                # monotonic, when it was last heard of


class EngineRow(msgspec.Struct, frozen=True, gc=False):
    """What joins the nodes."""

    address: str               # "127.0.0.1:6379/0"
    state: str                 # "up", "joining", "away", "refused"
    reason: str                # why it is not up
    since: float               # monotonic, when it was last up or ceased to be
    unread: int = 0            # frames in its log that could not be read, of no version
    unread_at: float = 0.0     # monotonic, the last of them


class Lint(msgspec.Struct, frozen=True, gc=False):
    """Something about the live selector that a reviewer would object to."""

    code: str                  # a key of chatops.lints.LINTS
    summary: str
    fd: int = -1
    client: int = 0
    since: float = 0.0         # monotonic
    place: str = ""            # where in a program, or which node, of what happens again and again
    times: int = 1             # that it has happened there since `since`
    worst: float = 0.0         # seconds that the longest of them took
    last: float = 0.0          # monotonic: the end of the latest of them, as far as it is known
    dated: bool = False        # the summary itself says for how long it has been so
    told_by: str = ""          # the code of a more specific one that tells of the same


class Ready(msgspec.Struct, frozen=True, gc=False):
    """One ready event of a turn, and what its callback cost (seconds; NaN unmeasured).

    `off_cpu` of that its thread did not run: another one had the interpreter or the core, or
    the callback waited for something.
    """

    fd: int
    mask: int
    name: str
    cost: float
    off_cpu: float = 0.0


class Change(msgspec.Struct, frozen=True, gc=False):
    """A change of the map within a turn.

    `client` is whose descriptor it is, 0 for nobody's; recordings of older versions have only
    the `name`, which begins with it: see `owner`.
    """

    what: MapChange
    fd: int
    before: int
    after: int
    name: str
    by: str
    client: int = 0

    @property
    def owner(self) -> int:
        """`client`, in whatever version it was written down."""
        if self.client or not self.name.startswith("#"):
            return self.client
        number = self.name[1:].partition(" ")[0]
        return int(number) if number.isascii() and number.isdecimal() else 0


class Turn(msgspec.Struct, frozen=True, gc=False):
    """One turn of the loop; `repeats` more exactly like it followed directly.

    `queues` holds (client id, queued bytes) for each outbox whose size differs from the
    turn before, so that a player can step through queue depths.
    """

    n: int
    at: float                  # monotonic, when select() returned
    timeout: float | None
    waited: float
    worked: float
    ready: tuple[Ready, ...]
    changes: tuple[Change, ...] = ()
    notes: tuple[str, ...] = ()
    queues: tuple[tuple[int, int], ...] = ()
    repeats: int = 0
    off_cpu: float = 0.0       # of `worked`, seconds that the thread did not run


class Snapshot(msgspec.Struct, frozen=True, gc=False):
    """Everything a console shows, at one moment between two turns of the loop."""

    turn: int                  # number of the last finished turn
    at: float                  # wall clock, seconds since the epoch
    mono: float                # monotonic
    started_at: float          # monotonic
    host: str
    port: int
    phase: Phase
    loop: LoopFigures
    clients: tuple[ClientRow, ...]
    keys: tuple[KeyRow, ...]
    rooms: tuple[RoomRow, ...]
    threads: tuple[ThreadRow, ...]
    lints: tuple[Lint, ...] = ()
    turns: tuple[Turn, ...] = ()      # since the previous snapshot, its last one included
    bytes_in: int = 0          # totals over all connections, past ones included
    bytes_out: int = 0
    lines_in: int = 0
    lines_out: int = 0
    accepted: int = 0
    refused: int = 0
    evicted: int = 0
    lines_dropped: int = 0
    queued: int = 0            # gauge: all outboxes together
    kernel_queued: int = 0     # gauge
    built_in: float = 0.0      # seconds it took to build this snapshot
    history_fault: str = ""    # why what is said is not being kept, though it was asked for
    age: float = 0.0           # seconds that it was old when it was handed out: none newer was
                               # to be had at once
    refused_by: tuple[tuple[str, int], ...] = ()     # by reason (chatops.server.counts)
    evicted_by: tuple[tuple[str, int], ...] = ()
    dropped_by: tuple[tuple[str, int], ...] = ()     # lines, by slow-consumer policy
    log_fault: str = ""        # why events are not being logged, though it was asked for
    accounts_fault: str = ""   # why nobody can log in, though there are accounts
    also: tuple[str, ...] = ()     # where it listens besides host and port, as it is printed
    program: Program | None = None     # what is shown, when that is not a chat server
    tasks: tuple[TaskRow, ...] = ()
    nodes: tuple[NodeRow, ...] = ()    # this one first; none where there is but one
    engine: EngineRow | None = None
    elsewhere: tuple[ClientRow, ...] = ()      # people of other nodes, as far as they are shown
    tls: bool = False          # lines are spoken over it, and nothing else
    spread: float = 0.0        # seconds over which the rows were read, this moment the last of
                               # them: many are gone through a few hundred a turn


class Pulse(msgspec.Struct, frozen=True, gc=False):
    """The loop's counters alone, which cost nothing to read: told where a snapshot is late."""

    mono: float
    turns: int
    ready: int
    waited: float
    worked: float              # the turn in progress included
    activity: int              # what has happened so far, looks of consoles not counted
    behind: bool               # something has happened that no snapshot has told of
    write_interest: str = "on-demand"
    write_until: float = 0.0   # monotonic, as in `LoopFigures`
    off_cpu: float = 0.0
