"""The way to the engine: connected, lost and found again, with nothing that waits but select().

Two connections: what is written and asked goes *out*, the log comes *in* by a read that waits
at the engine.  That one must be answered every few seconds, and so shows a peer that has
vanished.
"""

from __future__ import annotations

import random
import ssl
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from hiredis import ReplyError

from chatops.cluster.claims import Claim
from chatops.cluster.engine import TIME, EngineAddress, Keys, entries, moment, seconds
from chatops.cluster.pipe import Address, Pipe, TlsTo
from chatops.loop.reactor import Reactor, Timer
from chatops.net.context import Reapable

RULINGS = 500                  # in one command: a few milliseconds of the engine's time

State = Literal["away", "joining", "up", "refused"]


@dataclass(frozen=True)
class Pace:
    """How often and how long, in seconds."""

    block: float = 3.0             # that a read waits at the engine
    answer: float = 2.0            # that an answer may take, beyond that
    lease: float = 15.0            # that a node lives without a word
    renew: float = 6.0
    order: float = 3.0             # that another node may take to do what an admin wants
    settle: float = 2.0            # that who wants into a room waits for what others know of it
    late: float = 10.0             # after which what was said is not shown as if it were said now
    first: float = 0.1             # between two tries to connect; doubled each time,
    last: float = 5.0              # up to this

    @property
    def renewed(self) -> float:
        """That the lease of a node has left, as long as it can still speak to the engine: it
        renews it with the first answer to a read after `renew`, or else connects anew.
        """
        return max(0.0, self.lease - self.renew - self.block - self.answer)


class LinkOwner(Protocol):
    """What becomes of what the link learns."""

    def joined(self, living: Sequence[str], rulings: Mapping[bytes, bytes], *, anew: bool,
               forgotten: bool) -> None:
        """It is up.  `living` have renewed their leases in time, this node among them; `rulings`
        are what the engine keeps.  `anew`: the others took this node for gone, if they knew it;
        `forgotten`: the engine has lost what it kept.
        """

    def parted(self, reason: str) -> None:
        """It is up no more, or a try to connect has failed."""

    def read(self, found: Sequence[tuple[str, bytes]]) -> None:
        """Frames of the log, in its order; for more it is to ask with `Link.read_on`."""

    def written(self) -> None:
        """The frame under way is in the log."""

    def renewed(self) -> None:
        """The lease holds for longer."""


class Link:
    """Belongs to the reactor's thread."""

    def __init__(self, reactor: Reactor, engine: EngineAddress, keys: Keys, owner: LinkOwner, *,
                 resolve: Callable[[Callable[[Sequence[Address] | str], None]], None],
                 bury: Callable[[Reapable], None], wall: Callable[[], float],
                 pace: Pace, tls: ssl.SSLContext | None = None,
                 archived: tuple[str, str] | None = None) -> None:
        """`resolve` calls back with the engine's addresses, or why there are none.  `archived`
        names a log, and the entry of it after which it is to be read.
        """
        self.engine = engine
        self.state: State = "away"
        self.reason = "not connected yet"
        self.since = reactor.now       # monotonic, of this state
        self.skew = 0.0                # seconds that this machine's clock is ahead of the engine's
        self.pace = pace
        self._tls = TlsTo(tls, engine.host) if tls is not None else None
        self._reactor = reactor
        self.keys = keys
        self._owner = owner
        self._resolve = resolve
        self._bury = bury
        self._wall = wall
        self._began = reactor.now
        self._engine_ahead = 0.0       # seconds, of our monotonic clock; or less than that
        self._cursor = ""              # the entry that was read last; "" before the first
        self._archived = archived
        self.live_from = "0-0"         # what comes after that was written since this node began
        self.gap = False               # of what came before, the log lacks some
        self._end = "0-0"              # the log's last entry when this link came up
        self._epoch = b""
        self._tries = 0
        self._closed = False
        self._out: Pipe | None = None
        self._in: Pipe | None = None
        self._reading = False          # the engine has been asked for what comes next
        self._renew_at = 0.0
        self._was_gone = False         # the others may take this node for gone
        self._timer: Timer | None = None

    @property
    def pipes(self) -> list[Pipe]:
        """The connections that there are now."""
        return [pipe for pipe in (self._out, self._in) if pipe is not None]

    @property
    def epoch(self) -> str:
        """What the log is called."""
        return self._epoch.decode()

    @property
    def caught_up(self) -> bool:
        """Whether all has been read that was in the log when it came up."""
        return self.state == "up" and moment(self._cursor) >= moment(self._end)

    # -- connecting

    def begin(self) -> None:
        """Connect, and go on trying."""
        self._timer = None
        if not self._closed:
            self._enter("joining", self.reason)
            self._resolve(self._connect)

    def _connect(self, found: Sequence[Address] | str) -> None:
        if self._closed:
            return
        if isinstance(found, str) or not found:
            self._lose(str(found))
            return
        address = found[self._tries % len(found)]
        pace = self.pace
        try:
            self._out = Pipe(self._reactor, address, "out", pace.answer, self._lose, self._bury,
                             self._tls)
            self._in = Pipe(self._reactor, address, "in", pace.block + pace.answer, self._lose,
                            self._bury, self._tls)
        except OSError as error:           # no descriptors are left
            self._lose(error.strerror or str(error))
            return
        for pipe in (self._out, self._in):
            for command in self.keys.greeting(self.engine):
                pipe.ask(command, self._accepted)
        self._out.ask(self.keys.hold(pace.lease), self._held)

    def _accepted(self, answer: Any) -> None:
        if isinstance(answer, ReplyError):
            self._lose(str(answer))

    def _held(self, answer: Any) -> None:
        out = self._out
        if out is None or self._refused(answer):
            return
        anew, self._was_gone = answer == 2 or self._was_gone, False
        self._renew_at = self._reactor.now + self.pace.renew
        answers: list[Any] = []

        def gathered(answer: Any) -> None:
            answers.append(answer)
            if len(answers) == len(commands):
                self._found(answers, anew)

        commands = (*self.keys.epochs(), self.keys.end(), self.keys.first(), TIME,
                    self.keys.living(self.pace.renewed), self.keys.ruled())
        for command in commands:
            out.ask(command, gathered)

    def _refused(self, answer: Any) -> bool:
        """Whether this answer to `Keys.hold` is none that we can live with."""
        if isinstance(answer, bytes):
            self._lose("another node of this name lives", "refused")
        elif isinstance(answer, ReplyError):
            self._lose(str(answer))
        return not isinstance(answer, int)

    def _found(self, answers: list[Any], anew: bool) -> None:
        """All that is to be known before the log can be read."""
        wrong = [answer for answer in answers if isinstance(answer, ReplyError)]
        if wrong:
            self._lose(str(wrong[0]))
            return
        _, epoch, newest, oldest, clock, living, ruled = answers
        time = seconds(clock)
        self.skew = self._wall() - time
        self._engine_ahead = time - self._reactor.now
        self._end = end = newest[0][0].decode() if newest else "0-0"
        forgotten = False
        if not self._cursor:
            # What was said since this node began, as others could reach the engine sooner.
            start = f"{int((time - (self._reactor.now - self._began)) * 1000)}-0"
            self._cursor = self.live_from = min(start, end, key=moment)
            self._go_back(epoch.decode(), oldest[0][0].decode() if oldest else end)
        elif epoch != self._epoch or moment(end) < moment(self._cursor):
            # From its beginning, not from its end: others may have written to it already, and
            # numbers drop what is old.
            self._cursor, self.live_from, forgotten = "0-0", "0-0", True
        self._epoch = epoch
        self._enter("up", "")
        self._reading = False
        self.read_on()
        self._owner.joined([node.decode() for node in living],
                           dict(zip(ruled[::2], ruled[1::2], strict=True)),
                           anew=anew, forgotten=forgotten)

    def _go_back(self, log: str, oldest: str) -> None:
        """To where the archive ends, as far as the log goes back: of one that was begun anew all
        is new.
        """
        if self._archived is None:
            return
        name, entry = self._archived
        same = name == log
        self.gap = not same or moment(oldest) > moment(entry)
        self._cursor = min(entry if same else "0-0", self._cursor, key=moment)

    def age(self, entry: str) -> float:
        """Seconds since it was written to the log, or less than that; no clock that anybody may
        set on this machine counts.
        """
        return self._reactor.now + self._engine_ahead - moment(entry)[0] / 1e3

    # -- while it is up

    def write(self, frame: bytes) -> None:
        """Add to the log; the owner is told when that is done.  One at a time."""
        if self._out is not None:
            self._out.ask(self.keys.write(frame, self._epoch), self._written)

    def claim(self, claims: Sequence[Claim],
              refused: Callable[[list[tuple[str, str]]], None]) -> None:
        """As `Keys.claim`; `refused` gets looks and their owners."""
        def answered(answer: Any) -> None:
            words = [word.decode() for word in answer]
            refused(list(zip(words[::2], words[1::2], strict=True)))

        self.ask(self.keys.claim(claims), answered)

    def ask(self, command: bytes, told: Callable[[Any], None]) -> None:
        """Have the engine do something; `told` is not called where it cannot, or is lost."""
        def answered(answer: Any) -> None:
            if isinstance(answer, ReplyError):
                self._lose(str(answer))
            else:
                told(answer)

        if self._out is not None:
            self._out.ask(command, answered)

    def rule(self, rulings: Sequence[tuple[str, bytes]], *, over: bool = False) -> None:
        """As `Keys.rule`."""
        if self._out is not None and self.state == "up":
            for n in range(0, len(rulings), RULINGS):
                self._out.ask(self.keys.rule(rulings[n:n + RULINGS], over=over), self._accepted)

    def call_roll(self, nodes: Iterable[str], told: Callable[[dict[str, str]], None]) -> None:
        """Which boots of these nodes hold their lease; a node that does not is left out."""
        asked = list(nodes)

        def answered(answer: Any) -> None:
            if not isinstance(answer, ReplyError):
                told({node: boot.decode() for node, boot in zip(asked, answer, strict=True)
                      if boot is not None})

        if self._out is not None and asked:
            self._out.ask(self.keys.roll(asked), answered)

    def _written(self, answer: Any) -> None:
        if isinstance(answer, ReplyError):
            self._was_gone |= str(answer).startswith("FORGOTTEN")
            self._lose(str(answer))
        else:
            self._tries = 0
            self._owner.written()

    def read_on(self) -> None:
        """Have what is in the log next, as soon as there is something.  Harmless if that has been
        asked for already.
        """
        if self._in is not None and self.state == "up" and not self._reading:
            self._reading = True
            self._in.ask(self.keys.read(self._cursor, self.pace.block), self._came)

    def _came(self, answer: Any) -> None:
        if isinstance(answer, ReplyError):
            self._lose(str(answer))
            return
        self._tries = 0
        self._reading = False
        found = entries(answer)
        if found:
            self._cursor = found[-1][0]
        if self._reactor.now >= self._renew_at and self._out is not None:
            self._renew_at = self._reactor.now + self.pace.renew
            self.ask(TIME, self._timed)
            self._out.ask(self.keys.hold(self.pace.lease), self._renewed)
        if found:
            self._owner.read(found)
        else:
            self.read_on()

    def _timed(self, answer: Any) -> None:
        self._engine_ahead = seconds(answer) - self._reactor.now

    def _renewed(self, answer: Any) -> None:
        if self._refused(answer):
            return
        if answer == 2:
            # Either we stood still for so long, or the engine has lost what it kept, and its ids
            # may begin before our cursor: nothing would be read, without a word.
            self._was_gone = True
            self._lose("it has forgotten this node")
        else:
            self._owner.renewed()

    # -- the end

    def _enter(self, state: State, reason: str) -> None:
        if (self.state == "up") != (state == "up") or state == "refused":
            self.since = self._reactor.now
        self.state, self.reason = state, reason

    def _lose(self, reason: str, state: State = "away") -> None:
        if self._timer is not None:
            return                         # it is lost already
        for pipe in self.pipes:
            pipe.close()
        self._out = self._in = None
        self._enter(state, reason)
        pause = min(self.pace.last, self.pace.first * 2 ** min(self._tries, 16))
        self._tries += 1
        self._timer = self._reactor.call_later(pause * random.uniform(0.5, 1.0), self.begin)
        self._owner.parted(reason)

    def close(self, last: Sequence[bytes] = ()) -> None:
        """Write these frames, as far as the kernel takes them at once, give the lease back and
        connect no more.
        """
        self._closed = True
        if self.state == "up" and self._out is not None:
            self._out.push(b"".join([self.keys.write(frame, self._epoch) for frame in last])
                           + self.keys.release())
        if self._timer is not None:
            self._timer.cancel()
        for pipe in self.pipes:
            pipe.close()
        self._out = self._in = None
        self._enter("away", "closed")
