"""The way to the engine: connected, lost and found again, with nothing that waits but select()."""

from __future__ import annotations

import random
import ssl
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, Protocol

from hiredis import ReplyError

from chatops.cluster.claims import Claim
from chatops.cluster.connecting import Connecting, EngineFound
from chatops.cluster.engine import (
    TIME,
    EngineAddress,
    Keys,
    begins,
    entries,
    moment,
    readable,
    refusal,
    seconds,
)
from chatops.cluster.pace import Pace
from chatops.cluster.peers import Leases, leases_in
from chatops.cluster.pipe import Address, Pipe, TlsTo
from chatops.loop.reactor import Reactor, Timer
from chatops.net.context import Reapable

RULINGS = 500                  # in one command: a few milliseconds of the engine's time
NOTABLE = 0.5                  # seconds by which a clock has been set

State = Literal["away", "joining", "up", "refused"]


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
        self.since = self._began = reactor.now     # monotonic, of this state and of the link
        self.skew = 0.0                # seconds that this machine's clock is ahead of the engine's
        self.pace = pace
        self._tls = TlsTo(tls, engine.host) if tls is not None else None
        self._reactor = reactor
        self.keys = keys
        self._owner = owner
        self._resolve = resolve
        self._bury = bury
        self._wall = wall
        self._engine_ahead = 0.0       # seconds, of our monotonic clock; or less than that
        self._cursor = ""              # the entry that was read last; "" before the first
        self._archived = archived
        self._begin_live("0-0")        # what comes after that was written since this node began
        self.gap = False               # of what came before, the log lacks some
        self._end = "0-0"              # the log's last entry when this link came up
        self.epoch = ""                # what the log is called
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
        try:
            connecting = Connecting(
                self._reactor, found[self._tries % len(found)], self.engine, self.keys, self.pace,
                tls=self._tls, bury=self._bury, found=self._found, lost=self._lose,
                taken=self._taken)
        except OSError as error:
            self._lose(error.strerror or str(error))
            return
        self._out, self._in = connecting.out, connecting.into

    def _taken(self) -> None:
        self._lose("another node of this name lives", "refused")

    def _found(self, found: EngineFound) -> None:
        """From here on the log can be read."""
        anew, self._was_gone = found.anew or self._was_gone, False
        self._renew_at = found.held + self.pace.renew
        self.skew = self._skew(found.time, found.took)
        self._engine_ahead = found.time - self._reactor.now
        self._end = end = found.end
        forgotten = False
        if not self._cursor:
            # What was said since this node began, as others could reach the engine sooner.
            start = f"{int((found.time - (self._reactor.now - self._began)) * 1000)}-0"
            self._cursor = min(start, end, key=moment)
            self._begin_live(self._cursor)
            self._go_back(found.epoch, found.oldest)
        elif found.epoch != self.epoch or moment(end) < moment(self._cursor):
            # From its beginning, not from its end: others may have written to it already, and
            # numbers drop what is old.
            self._cursor, forgotten = "0-0", True
            self._begin_live("0-0")
        self.epoch = found.epoch
        self._enter("up", "")
        self._reading = False
        self.read_on()
        if self.state != "up":         # it was lost by that
            return
        self._owner.joined(found.living, found.rulings, anew=anew, forgotten=forgotten)

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

    def _begin_live(self, entry: str) -> None:
        self.live_from, self._live_from = entry, moment(entry)

    def age(self, entry: str) -> float | None:
        """Seconds since that was written, or less than that; no clock that anybody may set on this
        machine counts.  None if it was before this node began.
        """
        written = moment(entry)
        if written <= self._live_from:
            return None
        return self._reactor.now + self._engine_ahead - written[0] / 1e3

    def engine_time(self) -> float:
        """What the engine's clock says, as far as is known; 0 before it has been asked."""
        return self._reactor.now + self._engine_ahead if self._engine_ahead else 0.0

    # -- while it is up

    def write(self, frame: bytes) -> None:
        """Add to the log; the owner is told when that is done.  One at a time."""
        if self._out is not None:
            self._out.ask(self.keys.write(frame), self._written)

    def claim(self, claims: Sequence[Claim],
              refused: Callable[[list[tuple[str, str]]], None]) -> None:
        """As `Keys.claim`; `refused` gets looks and their owners."""
        def answered(answer: Any) -> None:
            words = [readable(word) for word in answer]
            refused(list(zip(words[::2], words[1::2], strict=True)))

        self.ask(self.keys.claim(claims), answered)

    def ask(self, command: bytes, told: Callable[[Any], None]) -> None:
        """Have the engine do something; `told` is not called where it cannot, or is lost."""
        def answered(answer: Any) -> None:
            if isinstance(answer, ReplyError):
                self._lose(refusal(answer, command))
            else:
                told(answer)

        if self._out is not None:
            self._out.ask(command, answered)

    def rule(self, rulings: Sequence[tuple[str, bytes]], *, over: bool = False) -> None:
        """As `Keys.rule`."""
        if self.state == "up":
            for n in range(0, len(rulings), RULINGS):
                self.ask(self.keys.rule(rulings[n:n + RULINGS], over=over), lambda _: None)

    def call_roll(self, nodes: Iterable[str], told: Callable[[Leases], None]) -> None:
        """Which boots of these nodes hold their lease; a node that does not is left out."""
        asked = list(nodes)

        def answered(answer: Any) -> None:
            if not isinstance(answer, ReplyError):
                told(leases_in(answer, asked))

        if self._out is not None and asked:
            self._out.ask(self.keys.roll(asked), answered)

    def _written(self, answer: Any) -> None:
        if isinstance(answer, ReplyError):
            self._lose(refusal(answer, self.keys.end()))
        elif answer is None:
            self._forgotten()
        else:
            self._owner.written()

    def read_on(self) -> None:
        """Have what is in the log next, as soon as there is something.  Harmless if that has been
        asked for already.
        """
        if self._in is not None and self.state == "up" and not self._reading:
            self._reading = True
            self._in.ask(self.keys.read(self._cursor, self.pace.block), self._came)

    def look(self) -> None:
        """Read what the engine has answered by now."""
        if self._in is not None:
            self._in.look()

    def _came(self, answer: Any) -> None:
        if isinstance(answer, ReplyError):
            self._lose(refusal(answer, self.keys.end()))
            return
        self._reading = False
        found = entries(answer)
        if found:
            self._cursor = found[-1][0]
            if not found[0][1] and (log := begins(answer)):
                del found[0]
                if log != self.epoch:
                    self._renew_at = 0.0       # it will be told whether it has read another
        if self._reactor.now >= self._renew_at:
            self.renew()
        if found:
            self._owner.read(found)
        else:
            self.read_on()

    def renew(self) -> None:
        """Have the lease hold for longer, if it is time; whoever does not read on has to ask."""
        if self.state == "up" and self._reactor.now >= self._renew_at:
            self._renew_at = self._reactor.now + self.pace.renew
            self._ask_time()
            self.ask(self.keys.hold(self.pace.lease, self.epoch), self._renewed)

    def _ask_time(self) -> None:
        asked = self._reactor.clock()

        def timed(answer: Any) -> None:
            self._engine_ahead = seconds(answer) - self._reactor.now
            took = self._reactor.clock() - asked
            skew = self._skew(seconds(answer), took)
            if abs(skew - self.skew) > NOTABLE + took:
                self.skew = skew

        self.ask(TIME, timed)

    def _skew(self, time: float, took: float) -> float:
        """Seconds that our clock is ahead, as it was `time` by the engine's in the middle of the
        seconds that the answer `took`; or half of these more or less.
        """
        return self._wall() - took / 2 - time

    def _renewed(self, answer: Any) -> None:
        if isinstance(answer, bytes):
            self._taken()
        elif answer == 2:
            self._forgotten()
        else:
            self._owner.renewed()

    def _forgotten(self) -> None:
        """Either we stood still for so long, or the engine has lost what it kept, and its ids may
        begin before our cursor: nothing would be read, without a word.
        """
        self._was_gone = True
        self._lose("it has forgotten this node")

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
        if self.state == "up" and self._reactor.now - self.since >= self.pace.last:
            self._tries = 0            # or it may be lost again as soon
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
            self._out.push(b"".join([self.keys.write(frame) for frame in last])
                           + self.keys.release())
        if self._timer is not None:
            self._timer.cancel()
        for pipe in self.pipes:
            pipe.close()
        self._out = self._in = None
        self._enter("away", "closed")
