"""An imagined server: the real observed selector on a scripted backend, no descriptors."""

from __future__ import annotations

import selectors

from chatops.api.events import Connected, Disconnected, Event
from chatops.api.snapshot import ClientRow, KeyRow, LoopFigures, Ready, Snapshot, Turn
from chatops.loop import rows as inspect
from chatops.loop.observed import ObservedSelector
from tests.unit.scripted import Clock, ScriptedSelector

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
WALL = 1_700_000_000.0
COST = 0.0001


class Peer:
    """A connection of the imagined server."""

    def __init__(self, ident: int, fd: int) -> None:
        self.client_id = ident
        self.fd = fd
        self.label = f"#{ident} guest-{ident}"
        self.queued = 0

    def on_ready(self, mask: int) -> None: ...


class Server:
    """A server on a scripted selector and a clock of its own; it remembers every truth."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.inner = ScriptedSelector(self.clock)
        self.selector = ObservedSelector(self.inner, clock=self.clock)
        self.selector.watch()
        self.peers: dict[int, Peer] = {}
        self.events: list[Event] = []
        self.joined = 0
        self.shown = 0             # the turn of the last snapshot
        self.truth: dict[int, Snapshot] = {}
        self.join(3)

    def turn(self, ready: list[int], actions: list[tuple[str, int]]) -> None:
        """`ready` and actions name peers by number, counted round."""
        fds = sorted(self.inner.keys)
        chosen = sorted({fds[i % len(fds)] for i in ready}) if fds else []
        self.inner.script.append([(fd, self.inner.keys[fd].events) for fd in chosen])
        self.clock.now += 0.01
        leaving = [which for what, which in actions if what == "leave"]
        for key, _ in self.selector.select(None):
            self.clock.now += COST
            if leaving and key.fd == chosen[0]:
                self.leave(key.data.__self__)
        for what, which in actions:
            if what == "join":
                self.join(3 + which % 5)
            elif self.peers:
                self.act(what, which, list(self.peers.values())[which % len(self.peers)])
        self.truth[self.selector.turns] = self.picture()

    def act(self, what: str, which: int, peer: Peer) -> None:
        registered = peer.fd in self.inner.keys
        if what == "arm" and registered:
            self.selector.modify(peer.fd, which % 3 + 1, peer.on_ready)
        elif what == "queue" and peer.queued != which:
            peer.queued = which
            self.selector.queue(peer.client_id, which)
        elif what == "throttle" and registered:
            self.selector.unregister(peer.fd)
        elif what == "unthrottle" and not registered:
            self.selector.register(peer.fd, READ, peer.on_ready)

    def join(self, fd: int) -> None:
        if any(peer.fd == fd for peer in self.peers.values()):
            return
        self.joined += 1
        peer = self.peers[self.joined] = Peer(self.joined, fd)
        self.selector.register(fd, READ, peer.on_ready)
        self.events.append(Connected(WALL + self.clock.now, self.joined, fd, f"guest-{self.joined}",
                                     f"10.0.0.{self.joined}:1"))

    def leave(self, peer: Peer) -> None:
        self.selector.unregister(peer.fd)
        del self.peers[peer.client_id]
        self.events.append(Disconnected(WALL + self.clock.now, peer.client_id, peer.fd,
                                        "", "", "", ""))

    def picture(self) -> Snapshot:
        keys = inspect.key_rows(self.selector)
        masks = {row.client: row for row in keys}
        clients = tuple(
            client(p.client_id, p.fd, queued=p.queued,
                   mask=masks[p.client_id].events if p.client_id in masks else 0,
                   masks=masks[p.client_id].masks if p.client_id in masks else "")
            for p in self.peers.values())
        return snapshot(self.selector.turns, self.clock.now, clients, keys,
                        loop=inspect.loop_figures(self.selector),
                        turns=inspect.turns_since(self.selector, self.shown))

    def snapshot(self) -> tuple[Snapshot, list[Event]]:
        picture, events = self.picture(), self.events
        self.events, self.shown = [], self.selector.turns
        self.truth[self.shown] = picture
        return picture, events


def client(ident: int, fd: int, *, queued: int = 0, mask: int = READ,
           masks: str = "") -> ClientRow:
    return ClientRow(ident, fd, f"guest-{ident}", "lobby", f"10.0.0.{ident}:1", mask, queued,
                     1 if queued else 0, 65536, 0, 87040, queued, 0.0, 0, 0, 0, 0, 0, 0.0, 0.0,
                     0.0, masks=masks)


LOOP = LoopFigures("epoll", "on-demand", "evict", 0, 0, 0, 0.0, 0.0, 0.0, "", 0.0, 0.0, 0, 0)


def snapshot(turn: int, mono: float, clients: tuple[ClientRow, ...] = (),
             keys: tuple[KeyRow, ...] = (), *, loop: LoopFigures = LOOP,
             turns: tuple[Turn, ...] = (), started_at: float = 0.0) -> Snapshot:
    return Snapshot(turn, WALL + mono, mono, started_at, "127.0.0.1", 9999, "running", loop,
                    clients, keys, (), (), turns=turns,
                    queued=sum(row.queued for row in clients))


def idle_turn(n: int, repeats: int = 0, at: float | None = None) -> Turn:
    return Turn(n, n / 10 if at is None else at, None, 0.1, 0.0, (Ready(7, READ, "waker", COST),),
                repeats=repeats)


Moments = list[tuple[Snapshot, list[Event]]]


def moments(count: int = 30) -> Moments:
    """A server's life, in which something happens in every turn."""
    server = Server()
    taken = [server.snapshot()]
    for n in range(count):
        server.turn([n, n + 2], [("join" if n % 3 else "leave", n), ("queue", n)])
        taken.append(server.snapshot())
    return taken


def as_read(taken: Moments) -> list[tuple[Snapshot, tuple[Event, ...]]]:
    return [(s, tuple(events)) for s, events in taken]
