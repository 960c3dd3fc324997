"""Clients of several nodes that talk, and know of each line that they hear whether it should come.

A line is `WHO NUMBER`, numbered by its sender from 0: so a listener sees by itself what is
missing, what came twice and what is out of order, whatever the sender is called by then.
"""

from __future__ import annotations

import re
import selectors
import socket
import time
from collections import deque
from collections.abc import Callable, Iterable

import msgspec

from chatops.bench.runner import BenchError

CHUNK = 1 << 18
PATIENCE = 10.0                # seconds until a connection must stand
TICK = 0.01                    # seconds between two looks at who is to speak next
DATE = re.compile(rb"^\[\d\d:\d\d\] ")     # before what is heard long after it was said
MISSING = b"some lines of node"        # in what a node says when it knows that it lacks some
NOTICES = 20                   # of what nodes said besides, the latest that are kept


class Ledger(msgspec.Struct):
    """What listeners have noticed."""

    heard: int = 0             # lines
    lost: int = 0              # that should have come before another one
    doubled: int = 0           # that came again, or too late
    told: int = 0              # notices that lines are missing
    gaps: list[str] = []       # that, in words: who lacks what of whom
    notices: deque[str] = msgspec.field(default_factory=lambda: deque(maxlen=NOTICES))
    ways: list[float] = []     # seconds of lines to a client of their own node


class Talker:
    """One client.  A second life is another one."""

    def __init__(self, name: str, node: str, port: int, ledger: Ledger, *, ear: bool) -> None:
        """An `ear` times the lines of its own node."""
        self.name = name.encode()
        self.node = node
        self.sent = 0
        self.sent_at = 0.0
        self.heard: dict[bytes, int] = {}      # by sender: the latest number
        self.first: dict[bytes, int] = {}      # and the earliest
        self.is_open = True
        self._ledger = ledger
        self._ear = ear
        self._rest = b""
        self.sock = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.setblocking(False)

    def __repr__(self) -> str:
        return (f"<Talker {self.name.decode()}, {'open' if self.is_open else 'closed'}, "
                f"{self.sent} said>")

    def lacks(self, sender: Talker) -> int:
        """How many lines of its it has not heard, at either end of what it has."""
        if not sender.sent:
            return 0
        return (sender.sent - 1 - self.heard.get(sender.name, -1)
                + self.first.get(sender.name, 0))

    def say(self) -> None:
        """The next line, if the kernel takes it."""
        self.sent_at = time.perf_counter()
        if self.send(b"%s %d\n" % (self.name, self.sent)):
            self.sent += 1

    def send(self, data: bytes) -> bool:
        """Whether it has gone out; these are small, so it goes whole or not at all."""
        try:
            return self.is_open and self.sock.send(data) == len(data)
        except BlockingIOError:
            return False
        except OSError:
            self.is_open = False
            return False

    def listen(self, talkers: dict[bytes, Talker]) -> None:
        """Read once, and look at each line."""
        try:
            data = self.sock.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.is_open = False
            return
        *lines, self._rest = (self._rest + data).split(b"\n")
        ledger, heard = self._ledger, self.heard
        for line in lines:
            if line.startswith(b"***"):
                ledger.told += MISSING in line
                ledger.notices.append(f"{self.name.decode()} is told: {line.decode()}")
                continue
            who, _, text = DATE.sub(b"", line.partition(b": ")[2]).partition(b" ")
            if not text.isdigit():
                continue
            number = int(text)
            ledger.heard += 1
            before = heard.get(who)
            if before is None:
                self.first[who] = number
            elif number <= before:
                ledger.doubled += 1
                continue
            elif number > before + 1:
                ledger.lost += number - before - 1
                ledger.gaps.append(f"{self.name.decode()} lacks {who.decode()} "
                                   f"{before + 1} to {number - 1}")
            heard[who] = number
            if self._ear and (sender := talkers.get(who)) is not None \
                    and sender.node == self.node and number == sender.sent - 1:
                ledger.ways.append(time.perf_counter() - sender.sent_at)


class Talkers:
    """All of them, read by one selector."""

    def __init__(self, rate: float) -> None:
        """So many lines a second are said by all together."""
        self.ledger = Ledger()
        self.talkers: dict[bytes, Talker] = {}     # all that have ever been
        self.open: list[Talker] = []
        self._rate = rate
        self._next = 0
        self._selector = selectors.DefaultSelector()

    def close(self) -> None:
        for talker in self.talkers.values():
            talker.sock.close()
        self._selector.close()

    def come(self, node: str, life: int, port: int, count: int) -> list[Talker]:
        """So many new clients of a node.  Raises OSError where they cannot connect."""
        come = []
        for number in range(count):
            talker = Talker(f"{node}{life}.{number}", node, port, self.ledger, ear=not number)
            self.talkers[talker.name] = talker
            self.open.append(talker)
            self._selector.register(talker.sock, selectors.EVENT_READ, talker)
            come.append(talker)
        return come

    def run(self, seconds: float, *, silent: bool = False,
            until: Callable[[], bool] = lambda: False) -> bool:
        """Talk and listen for so long, or `until` that holds, which is asked at each tick."""
        now = began = time.perf_counter()
        due = 0.0
        while now < began + seconds:
            for key, _ in self._selector.select(TICK):
                key.data.listen(self.talkers)
            self._let_go()
            before, now = now, time.perf_counter()
            if until():
                return True
            due = 0.0 if silent else min(due + (now - before) * self._rate, len(self.open))
            while due >= 1 and self.open:
                due -= 1
                self._next = (self._next + 1) % len(self.open)
                self.open[self._next].say()
        return False

    def _let_go(self) -> None:
        for talker in [talker for talker in self.open if not talker.is_open]:
            self._selector.unregister(talker.sock)
            talker.sock.close()
            self.open.remove(talker)

    def lacking(self, listeners: Iterable[Talker], senders: Iterable[Talker]) -> int:
        """Lines of these that those have not heard, at either end of what they have."""
        return sum([listener.lacks(sender) for listener in listeners for sender in senders])

    def account(self, listeners: Iterable[Talker], senders: Iterable[Talker]) -> list[str]:
        """Who lacks what, and what was said besides: for whoever has to find out why."""
        senders = list(senders)
        return [*self.ledger.gaps,
                *[f"{listener} has heard of {sender} from {listener.first.get(sender.name, 0)} to "
                  f"{listener.heard.get(sender.name, -1)}"
                  for listener in listeners for sender in senders if listener.lacks(sender)],
                *self.ledger.notices]


def meet(crowd: Talkers, seconds: float) -> None:
    """Until each has heard one of every node, and then what everybody says next; whatever has not
    come by then is no loss.  Raises `BenchError`.
    """
    nodes = {talker.node for talker in crowd.open}

    def met() -> bool:
        return all({crowd.talkers[who].node for who in talker.heard} == nodes
                   for talker in crowd.open)

    def all_heard() -> bool:
        said = {who: sender.sent - 1 for who, sender in crowd.talkers.items()}
        return all(talker.heard == said for talker in crowd.open)

    if not crowd.run(seconds, until=met):
        raise BenchError(f"the nodes did not find each other within {seconds:.0f} s")
    for talker in crowd.open:
        talker.say()
    if not crowd.run(seconds, silent=True, until=all_heard):
        raise BenchError(f"not everybody heard everybody within {seconds:.0f} s")
    for talker in crowd.open:
        talker.first.clear()
    crowd.ledger.ways.clear()
    crowd.ledger.gaps.clear()
    crowd.ledger.lost = crowd.ledger.doubled = crowd.ledger.told = crowd.ledger.heard = 0
