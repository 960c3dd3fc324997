"""A server that is only imagined, the same each time: for tests and for the screenshots."""

from __future__ import annotations

import random
from concurrent.futures import Future
from dataclasses import dataclass, field
from selectors import EVENT_READ, EVENT_WRITE

from chatops.api import events
from chatops.api.commands import Command, CommandResult
from chatops.api.events import Event
from chatops.api.link import LinkStatus
from chatops.api.snapshot import (
    Change,
    ClientRow,
    KeyRow,
    Lint,
    LoopFigures,
    Ready,
    RoomRow,
    Snapshot,
    ThreadRow,
    Turn,
)
from chatops.api.words import Phase

EPOCH = 1_750_000_000.0        # wall clock of the first moment: 2025-06-15 15:06:40 UTC
BEGAN = 1_000.0                # the server's monotonic clock when it started
LISTENER, WAKER, FIRST_FD = 6, 7, 8
KERNEL_LIMIT, QUEUE_LIMIT = 87_040, 65_536
RW = EVENT_READ | EVENT_WRITE

NICKS = ("alice", "bob", "carol", "dave", "李小龍", "erin", "さくら", "mallory", "frank", "grace",
         "heidi", "ivan", "judy", "olivia", "peggy", "sybil")
LINES = ("has anyone seen the deploy log?", "yes, it is green", "epoll or kqueue?", "brb, coffee",
         "[/foo] is not markup", "the queue is growing again", "大家好", "ship it")


@dataclass
class Talker:
    """One imagined client, and how it behaves."""

    id: int
    fd: int
    nick: str
    room: str
    peer: str
    came: float
    talks: float               # lines per second
    reads: bool = True
    lines_in: int = 0
    bytes_in: int = 0
    lines_out: int = 0
    bytes_out: int = 0
    queued: int = 0
    kernel: int = 0
    high: int = 0
    high_at: float = 0.0
    active: float = 0.0
    grew: float = 0.0
    masks: str = "r"
    fires: int = 1
    state: str = "open"
    muted: bool = False
    tls: str = ""


@dataclass
class Feed:
    """Moves an imagined server on by steps; every figure in it follows from the seed."""

    clients: int = 12
    seed: int = 7
    slow: tuple[int, ...] = (2,)       # ids of those who do not read
    talkative: int = 100               # the others only listen
    now: float = BEGAN + 761.0
    talkers: dict[int, Talker] = field(default_factory=dict)
    turn: int = 18_000
    ready: int = 19_700
    waited: float = 740.0
    worked: float = 2.1
    off_cpu: float = 0.0
    off_cpu_share: float = 0.0     # of all time, spent outside select() without running
    threads: tuple[ThreadRow, ...] = (
        ThreadRow("MainThread", 4100, False, 3.2, "the console"),
        ThreadRow("reactor", 4101, True, 1.1, "sockets, selector, chat"))
    lines_in: int = 0
    lines_out: int = 0
    bytes_out: int = 0
    phase: Phase = "running"
    backend: str = "epoll"
    turns: list[Turn] = field(default_factory=list)
    happened: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        for ident in range(1, self.clients + 1):
            self.join(ident)

    @property
    def wall(self) -> float:
        return EPOCH + self.now - BEGAN

    def join(self, ident: int, nick: str = "", talks: float | None = None) -> Talker:
        """One more client."""
        nick = nick or (NICKS[ident - 1] if ident <= len(NICKS) else f"guest-{ident}")
        talker = Talker(
            ident, FIRST_FD + ident - 1, nick, "lobby" if ident % 5 else "ops",
            f"127.0.0.1:{50_121 + ident * 3}", self.now - 600 + ident * 7 % 590,
            self._habit(ident) if talks is None else talks,
            reads=ident not in self.slow, active=self.now - self.random.randrange(1, 400))
        self.talkers[ident] = talker
        self.happened.append(events.Connected(self.wall, ident, talker.fd, nick, talker.peer))
        return talker

    def _habit(self, ident: int) -> float:
        return self.random.choice((0.0, 0.1, 0.4, 1.2, 2.5)) if ident <= self.talkative else 0.0

    def leave(self, ident: int, reason: str = "left") -> None:
        """This client goes."""
        gone = self.talkers.pop(ident)
        self.happened.append(events.Disconnected(
            self.wall, gone.id, gone.fd, gone.nick, gone.room, gone.peer, reason,
            3 if gone.queued else 0))

    def step(self, seconds: float = 0.1) -> None:
        """Let so much time pass."""
        self.now += seconds
        for talker in list(self.talkers.values()):
            if talker.talks and self.random.random() < talker.talks * seconds:
                self._say(talker)
        self.waited += seconds * (0.992 - self.off_cpu_share)
        self.worked += seconds * (0.008 + self.off_cpu_share)
        self.off_cpu += seconds * self.off_cpu_share

    def _say(self, who: Talker) -> None:
        text = self.random.choice(LINES)
        size = len(who.nick.encode()) + len(text.encode()) + 3
        who.lines_in += 1
        who.bytes_in += size
        who.active = self.now
        who.masks = (who.masks + "r")[-16:]
        who.fires += 1
        self.lines_in += 1
        heard = [t for t in self.talkers.values() if t.room == who.room]
        changes: tuple[Change, ...] = ()
        for other in heard:
            other.lines_out += 1
            self.lines_out += 1
            if not other.reads and other.kernel >= KERNEL_LIMIT * 0.9:
                changes += self._queue(other, size * min(other.id, 5))
                continue
            if not other.reads:
                other.kernel = min(KERNEL_LIMIT, other.kernel + size * 900 // other.id)
            other.bytes_out += size
            self.bytes_out += size
        self.turn += 1
        self.ready += 1
        self.turns.append(Turn(
            self.turn, self.now, None, self.random.uniform(0.01, 0.2), 0.0004,
            (Ready(who.fd, EVENT_READ, "Connection.on_ready", 0.00024),), changes,
            (f"recv {size}B", f"fan-out {len(heard)} x {size}B")))
        self.happened.append(events.Said(self.wall, who.id, who.nick, who.room, text))

    def _queue(self, slow: Talker, size: int) -> tuple[Change, ...]:
        began = not slow.queued
        slow.queued = min(QUEUE_LIMIT - 1, slow.queued + size)
        if slow.queued > slow.high:
            slow.high, slow.high_at = slow.queued, self.now
        slow.masks = (slow.masks + "W")[-16:]
        if not began:
            return ()
        slow.grew = self.now
        self.happened.append(events.QueueGrew(self.wall, slow.id, slow.nick, slow.queued))
        return (Change("modify", slow.fd, EVENT_READ, RW, f"#{slow.id} {slow.nick}",
                       "Connection.update_interest (connection.py:88)"),)

    # -- the pictures

    def snapshot(self) -> Snapshot:
        """How things stand, with the turns since the last one asked for."""
        turns, self.turns = tuple(self.turns), []
        rows = tuple(self._client(t) for t in self.talkers.values())
        return Snapshot(
            turn=self.turn, at=self.wall, mono=self.now, started_at=BEGAN, host="127.0.0.1",
            port=9999, phase=self.phase, loop=self._loop(), clients=rows, keys=self._keys(),
            rooms=(RoomRow("lobby", len(rows) - len(rows) // 5, 900),
                   RoomRow("ops", len(rows) // 5, 70)),
            threads=self.threads, lints=self._lints(), turns=turns,
            bytes_in=sum(r.bytes_in for r in rows),
            bytes_out=self.bytes_out, lines_in=self.lines_in, lines_out=self.lines_out,
            accepted=len(rows) + 3, queued=sum(r.queued for r in rows),
            kernel_queued=sum(r.kernel_queued for r in rows),
            built_in=0.0002)

    def take(self) -> list[Event]:
        """The events since the last call."""
        fresh, self.happened = self.happened, []
        return fresh

    def _loop(self) -> LoopFigures:
        return LoopFigures(
            self.backend, "on-demand", "evict", len(self.talkers) + 2, self.turn, self.ready,
            self.waited, self.worked, 1.91 if self.off_cpu else 0.0004, "Connection.on_ready #8",
            0.00004, 0.0004, 3, 2, off_cpu=self.off_cpu,
            slowest_off_cpu=1.9 if self.off_cpu else 0.0)

    def _client(self, t: Talker) -> ClientRow:
        return ClientRow(
            id=t.id, fd=t.fd, nick=t.nick, room=t.room, peer=t.peer,
            mask=RW if t.queued else 0 if t.state == "throttled" else EVENT_READ,
            queued=t.queued, queued_lines=t.queued // 80, queue_limit=QUEUE_LIMIT,
            kernel_queued=t.kernel, kernel_limit=KERNEL_LIMIT, high_water=t.high,
            high_water_at=t.high_at, bytes_in=t.bytes_in, bytes_out=t.bytes_out,
            lines_in=t.lines_in, lines_out=t.lines_out, lines_dropped=0, connected_at=t.came,
            active_at=t.active, progress_at=t.grew or self.now, state=t.state, muted=t.muted,
            masks=t.masks, tls=t.tls,
            rtt=t.id * 0.00012, retransmits=0 if t.reads else 3)

    def _keys(self) -> tuple[KeyRow, ...]:
        first = (
            KeyRow(LISTENER, "listener", "tcp 127.0.0.1:9999", EVENT_READ, "Listener.on_ready",
                   "Listener", 0, "Listener.open (listener.py:41)", BEGAN, BEGAN,
                   len(self.talkers), EVENT_READ, 0.004, 0.0009, "rr"),
            KeyRow(WAKER, "waker", "unix pair", EVENT_READ, "Waker.on_ready", "-", 0,
                   "Reactor.__init__ (reactor.py:70)", BEGAN, BEGAN, 300 + int(self.now % 97),
                   EVENT_READ, 0.002, 0.0001, "rrrr"))
        return first + tuple(self._key(t) for t in self.talkers.values())

    def _key(self, t: Talker) -> KeyRow:
        return KeyRow(
            t.fd, "conn", f"tcp {t.peer}", RW if t.queued else EVENT_READ, "Connection.on_ready",
            f"#{t.id} {t.nick}", t.id, "Connection.update_interest (connection.py:88)"
            if t.queued else "Listener.accept (listener.py:77)", t.came, t.grew or t.came,
            t.fires, RW if t.queued else EVENT_READ, t.fires * 0.00004, 0.0003, t.masks)

    def _lints(self) -> tuple[Lint, ...]:
        return tuple(
            Lint("slow-reader", f"#{t.id} {t.nick}: queue growing, kernel buffer full: "
                 "slow reader", t.fd, t.id, t.grew)
            for t in self.talkers.values() if t.queued)


class FakeLink:
    """A link to a feed; commands are kept in `asked` and answered at once."""

    def __init__(self, feed: Feed | None = None) -> None:
        self.feed = feed or Feed()
        self.asked: list[Command] = []
        self.answer = CommandResult(True, "done")
        self.pending: list[Future[CommandResult]] = []
        self.hold = False                  # leave the futures unresolved, in `pending`
        self.closed = False
        self.reported: list[Event] = []
        self.events_dropped = 0
        self.status = LinkStatus(alive=True)
        self.in_process = True
        self.silent = False                # the server sleeps: no snapshots

    def submit(self, command: Command) -> Future[CommandResult]:
        self.asked.append(command)
        future: Future[CommandResult] = Future()
        if self.hold:
            self.pending.append(future)
        else:
            future.set_result(self.answer)
        return future

    def drain(self, limit: int | None = None) -> list[Event]:
        fresh = self.feed.take()
        return fresh if limit is None else fresh[-limit:]

    def poll(self) -> Snapshot | None:
        return None if self.silent else self.feed.snapshot()

    def report(self, event: Event) -> None:
        self.reported.append(event)

    def close(self) -> None:
        self.closed = True
