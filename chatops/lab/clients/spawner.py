"""Built-in clients, good and bad, over real sockets: `spawn slow 3`, `despawn`, `--demo`."""

from __future__ import annotations

import os
import resource
import socket
import threading
from collections import Counter, deque
from collections.abc import Callable
from itertools import count as numbers_from
from selectors import SelectorKey
from typing import cast

from chatops.lab.clients.client import BuiltIn, Numeric
from chatops.lab.clients.kinds import KINDS
from chatops.lab.clients.small_talk import NAMES, Circle
from chatops.loop.reactor import Reactor, Timer
from chatops.system.errors import ChatopsError

AT_ONCE = 500                  # clients of one call
IN_ALL = 2000
CONNECT_BURST = 32             # connects begun in one turn, so that no backlog overflows
CONNECT_PAUSE = 0.01           # seconds to the next ones
CIRCLE = 4                     # who talk with each other
GATHERING = 0.3                # seconds for the others to arrive before anybody speaks
DESCRIPTORS_LEFT = 64          # for everything else in this process


class SpawnError(ChatopsError, ValueError):
    """These clients cannot be had; one line that says why, for the operator."""


class Spawner:
    """Every built-in client of a process, in one thread of their own.

    Every method may be called from any thread, and none waits for the clients' thread but
    `close`.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._closed = False
        self._crew = _BuiltIns(self._changed)
        self._thread = threading.Thread(target=self._crew.run, name="clients", daemon=True)
        self._thread.start()

    def spawn(self, kind: str, count: int, address: tuple[str, int]) -> None:
        """Send `count` clients to a server.  Raises `SpawnError`, and then none comes."""
        _check_kind(kind)
        if not 1 <= count <= AT_ONCE:
            raise SpawnError(f"from 1 to {AT_ONCE} clients at once, not {count}")
        numeric = _resolved(address)
        with self._lock:
            if self._closed:
                raise SpawnError("the built-in clients are closed")
            present = self._counts.total()
            if present + count > IN_ALL:
                raise SpawnError(f"{present:,} built-in clients are here, and {IN_ALL:,} are "
                                 "the most; `despawn` sends them away")
            _check_descriptors(count)
            self._counts[kind] += count
        self._crew.reactor.submit(lambda: self._crew.enlist(kind, count, numeric))

    def despawn(self, kind: str = "") -> int:
        """Send those of a kind away, or all; how many there are to go."""
        if kind:
            _check_kind(kind)
        with self._lock:
            leaving = self._counts[kind] if kind else self._counts.total()
        self._crew.reactor.submit(lambda: self._crew.dismiss(kind))
        return leaving

    def counts(self) -> dict[str, int]:
        """How many there are of each kind, those on their way included; no zeros."""
        with self._lock:
            return {kind: n for kind, n in self._counts.items() if n > 0}

    def close(self) -> None:
        """Send all away and end the thread.  Idempotent."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self._crew.reactor.submit(self._crew.stop)
        self._thread.join(2.0)

    def bring_back(self, kind: str, nick: str, seconds: float, address: tuple[str, int]) -> None:
        """Send one that the server has sent away again after so many seconds, unless it is
        dismissed meanwhile.
        """
        numeric = _resolved(address)
        self._crew.reactor.submit(lambda: self._crew.bring_back(kind, nick, seconds, numeric))

    def _changed(self, kind: str, by: int) -> None:
        with self._lock:
            self._counts[kind] += by


def spawn_demo(spawner: Spawner, address: tuple[str, int]) -> None:
    """A few who talk, a bot that pastes, and one who reads too slowly for that: something
    to see at first sight, and within half a minute a queue."""
    spawner.spawn("chat", 6, address)
    spawner.spawn("bot", 1, address)
    spawner.spawn("slow", 1, address)


class _BuiltIns:
    """The clients themselves.  Belongs to the clients' thread, but for `reactor.submit`."""

    def __init__(self, changed: Callable[[str, int], None]) -> None:
        self.reactor = Reactor()
        self.reactor.on_failure = self._failed
        self._changed = changed
        self._clients: dict[str, BuiltIn] = {}       # by nick
        self._waiting: deque[BuiltIn] = deque()      # to be connected
        self._returning: dict[str, tuple[str, Timer]] = {}     # kinds, by nick
        self._circles: list[Circle] = []
        self._numbers = {kind: numbers_from(1) for kind in KINDS}

    def run(self) -> None:
        self.reactor.run()
        self.reactor.close()

    def stop(self) -> None:
        self.dismiss("")
        self.reactor.stop()

    # -- coming

    def enlist(self, kind: str, count: int, address: Numeric) -> None:
        for _ in range(count):
            self._expect(kind, self._nick(kind), address)
        self._connect_some()

    def bring_back(self, kind: str, nick: str, seconds: float, address: Numeric) -> None:
        def again() -> None:
            del self._returning[nick]
            if nick not in self._clients:
                self._changed(kind, 1)
                self._expect(kind, nick, address)
                self._connect_some()

        if nick not in self._returning:
            if nick in self._clients:
                # Who hardly reads learns minutes later: the end comes behind what is unread.
                self._clients[nick].leave()
            self._returning[nick] = kind, self.reactor.call_later(seconds, again)

    def _expect(self, kind: str, nick: str, address: Numeric) -> None:
        client = self._clients[nick] = KINDS[kind](self, nick, address)
        self._waiting.append(client)

    def _connect_some(self) -> None:
        for _ in range(min(CONNECT_BURST, len(self._waiting))):
            client = self._waiting.popleft()
            if self._clients.get(client.nick) is client:   # else it was sent away already
                client.connect()
        if self._waiting:
            self.reactor.call_later(CONNECT_PAUSE, self._connect_some)

    def _nick(self, kind: str) -> str:
        if kind != "chat":
            return f"{kind}-{next(self._numbers[kind])}"
        for turn in numbers_from(1):
            for name in NAMES:
                nick = name if turn == 1 else f"{name}-{turn}"
                if nick not in self._clients:
                    return nick
        raise AssertionError("there is always another number")

    # -- going

    def dismiss(self, kind: str) -> None:
        for client in list(self._clients.values()):
            if kind in ("", client.kind):
                client.leave()
        for nick, (its, timer) in list(self._returning.items()):
            if kind in ("", its):
                timer.cancel()
                del self._returning[nick]

    def gone(self, client: BuiltIn) -> None:
        if self._clients.get(client.nick) is client:
            del self._clients[client.nick]
            self._changed(client.kind, -1)
            for circle in self._circles:
                circle.leave(client.nick)

    def _failed(self, key: SelectorKey | None, _error: Exception) -> None:
        """A fault of one client must not end the others."""
        owner = getattr(key.data, "__self__", None) if key is not None else None
        if isinstance(owner, BuiltIn):
            owner.leave()

    # -- talking

    def arrived(self, client: BuiltIn) -> None:
        if client.kind != "chat":
            return
        circle = next((c for c in self._circles if len(c.members) < CIRCLE), None)
        if circle is None:
            circle = Circle(1 + len(self._circles))
            self._circles.append(circle)
        circle.join(client.nick)
        if not circle.talking:
            circle.talking = True
            self.reactor.call_later(GATHERING, lambda: self._converse(circle))

    def _converse(self, circle: Circle) -> None:
        """Have the next line of this circle said when its time comes."""
        if not circle.members:
            circle.talking = False
            return
        pause, nick, text = circle.next_line()

        def say() -> None:
            client = self._clients.get(nick)
            if client is not None:
                client.say(text)
            self._converse(circle)

        self.reactor.call_later(pause, say)


def _check_kind(kind: str) -> None:
    if kind not in KINDS:
        raise SpawnError(f"no kind '{kind}' of built-in clients; there are {', '.join(KINDS)}")


def _resolved(address: tuple[str, int]) -> Numeric:
    """As the system has it: with the number of its zone, where it is link-local."""
    try:
        found = socket.getaddrinfo(*address, type=socket.SOCK_STREAM)[0][4]
    except OSError as error:
        raise SpawnError(f"no address for {address[0]}: {error.strerror or error}") from None
    return cast("Numeric", found)


def _check_descriptors(count: int) -> None:
    """A client takes two descriptors here: its own, and the server's for it."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if limit == resource.RLIM_INFINITY:
        return
    try:
        used = len(os.listdir("/dev/fd"))
    except OSError:
        return
    left = limit - used - DESCRIPTORS_LEFT
    if 2 * count > left:
        raise SpawnError(f"{count} clients need {2 * count:,} descriptors, two each, and "
                         f"{max(0, left):,} are left (ulimit -n {limit:,})")
