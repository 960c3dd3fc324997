"""One try to join: two connections, the lease, and where the log and the other nodes stand.

What is written and asked goes *out*, the log comes *in* by a read that waits at the engine.  That
one must be answered every few seconds, and so shows a peer that has vanished.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from hiredis import ReplyError

from chatops.cluster.engine import TIME, EngineAddress, Keys, readable, refusal, seconds
from chatops.cluster.pace import Pace
from chatops.cluster.pipe import Address, Pipe, TlsTo
from chatops.loop.reactor import Reactor
from chatops.net.context import Reapable


class EngineFound(NamedTuple):
    """What is to be known before the log can be read."""

    held: float                    # monotonic, since when we have the lease
    anew: bool                     # it had run out, or there never was one
    epoch: str                     # what the log is called
    end: str                       # the log's last entry
    oldest: str                    # and the first that it has still
    time: float                    # by the engine's clock
    took: float                    # seconds between asking for that and knowing it
    living: Sequence[str]          # nodes that have renewed their leases in time
    rulings: Mapping[bytes, bytes]     # that the engine keeps


class Connecting:
    """Belongs to the reactor's thread.  Over when `found` has been called, or when the connections
    have been closed by whom it was told that they are lost.
    """

    def __init__(self, reactor: Reactor, address: Address, engine: EngineAddress, keys: Keys,
                 pace: Pace, *, tls: TlsTo | None, bury: Callable[[Reapable], None],
                 found: Callable[[EngineFound], None], lost: Callable[[str], None],
                 taken: Callable[[], None]) -> None:
        """`lost` is told why, also later on; `taken` that another node has the lease.  Raises
        OSError where no descriptors are left.
        """
        self._reactor = reactor
        self._keys = keys
        self._found = found
        self._lost = lost
        self._taken = taken
        self._pace = pace
        self.out = Pipe(reactor, address, "out", pace.answer, lost, bury, tls)
        try:
            self.into = Pipe(reactor, address, "in", pace.block + pace.answer, lost, bury, tls)
        except OSError:
            self.out.close()
            raise
        for pipe in (self.out, self.into):
            for command in keys.greeting(engine):
                pipe.ask(command, self._accepted)
        self.out.ask(keys.hold(pace.lease), self._held)

    def _accepted(self, answer: Any) -> None:
        if isinstance(answer, ReplyError):
            self._lost(str(answer))

    def _held(self, answer: Any) -> None:
        if isinstance(answer, bytes):
            self._taken()
            return
        if isinstance(answer, ReplyError):
            self._lost(refusal(answer, self._keys.hold(self._pace.lease)))
            return
        held, answers = self._reactor.now, list[Any]()

        def gathered(more: Any) -> None:
            answers.append(more)
            if len(answers) == len(commands):
                self._gathered(commands, answers, held, answer == 2)

        keys = self._keys
        commands = (keys.begin(), keys.end(), keys.first(), keys.living(self._pace.renewed),
                    keys.ruled())
        for command in commands:
            self.out.ask(command, gathered)

    def _gathered(self, commands: Sequence[bytes], answers: list[Any], held: float, anew: bool
                  ) -> None:
        for command, answer in zip(commands, answers, strict=True):
            if isinstance(answer, ReplyError):
                self._lost(refusal(answer, command))
                return
        epoch, newest, oldest, living, ruled = answers
        end = newest[0][0].decode() if newest else "0-0"
        asked = self._reactor.clock()

        def timed(answer: Any) -> None:
            if isinstance(answer, ReplyError):
                self._lost(str(answer))
                return
            self._found(EngineFound(
                held, anew, readable(epoch), end, oldest[0][0].decode() if oldest else end,
                seconds(answer), self._reactor.clock() - asked, [readable(node) for node in living],
                dict(zip(ruled[::2], ruled[1::2], strict=True))))

        self.out.ask(TIME, timed)      # by itself: nothing else is between question and answer
