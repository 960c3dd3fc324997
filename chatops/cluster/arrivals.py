"""Frames of the log, opened in its order, as many as fit into a turn."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from chatops.api import events
from chatops.cluster.catching_up import CatchingUp
from chatops.cluster.courtesy import Courtesy
from chatops.cluster.engine import moment
from chatops.cluster.frame_queue import FrameQueue
from chatops.cluster.frames import LARGEST, STALE, BadFrame, Codec, NodeFrame, OtherVersion
from chatops.cluster.link import Link
from chatops.cluster.numbers import Numbers
from chatops.cluster.reading import Reader
from chatops.cluster.settling import Settling
from chatops.net.context import LINE, SHARE
from chatops.server.state import ServerState
from chatops.units import format_age, they_were

AT_ONCE = 1 << 17              # bytes of frames that are read in one turn
AHEAD = 1 << 22                # bytes of them that wait, until the engine is asked for no more
ENOUGH = 0.005                 # seconds of a turn: what is left of a frame is for the next one
ORDERS = 50                    # of a turn: most of what one costs comes at its end, in the rooms
LEAST = 1 << 12                # bytes of a frame, however small outboxes are


def bearable(outbox: int) -> int:
    """Bytes of a frame of which a turn may bring in a few, and own talk, where nodes have
    outboxes of so many.
    """
    return max(LEAST, min(LARGEST, outbox // SHARE // 2))


class Arrivals:
    """Belongs to the reactor's thread."""

    def __init__(self, state: ServerState, codec: Codec, link: Link, queue: FrameQueue,
                 numbers: Numbers, reader: Reader, past: CatchingUp, settling: Settling) -> None:
        """`queue` knows our own frames when they come back; `past` gets what was written before
        this node began, `reader` all else.
        """
        self.bad = 0                   # frames that were none
        self.unread = 0, 0.0           # those of no version at all, and when the last came
        self.trip = 0.0                # seconds that our last frame took, there and back
        self._state = state
        self._codec = codec
        self._link = link
        self._queue = queue
        self._numbers = numbers
        self._reader = reader
        self._past = past
        self._settling = settling
        self._found: deque[tuple[str, str, bytes]] = deque()   # the log's name, entry, frame
        self.behind = 0                # bytes of those
        self._begun: tuple[str, str, bytes] | None = None      # of which only a part has been read
        self._until = 0.0              # monotonic, by which this turn has had enough
        self._orders_until = 0         # and how many orders have been carried out by then
        self._goes_on = False          # later, with what was found
        self._courtesy = Courtesy(state)
        reader.spent = self._spent

    @property
    def wants_more(self) -> bool:
        """Whether the engine is to be asked for more: not while so much waits to be read."""
        return self.behind < AHEAD

    def take(self, found: Sequence[tuple[str, bytes]], *, later: bool = False) -> None:
        """Entries of the log and what is in them, which follow those taken before; they are read
        now, or (`later`) in the next turn.
        """
        log = self._link.epoch
        for entry, frame in found:
            self._found.append((log, entry, frame))
            self.behind += len(frame)
        if later:
            self._goes_on = True
        elif not self._goes_on:
            self._read_on()

    def _read_on(self) -> None:
        """As much as fits into a turn, and as readers here can bear; the rest is for later."""
        context = self._state.context
        size, due = 0, self._goes_on
        context.intake_left += context.reserved
        context.reserved = 0
        self._goes_on = True
        if self._courtesy.waits():
            return
        self._until = self._state.reactor.clock() + ENOUGH
        self._orders_until = self._reader.orders + ORDERS
        if self._begun is not None:
            due = False
            self._read(self._rest, *self._begun)
        while (self._found and size < AT_ONCE and self._begun is None
               and not (size and self._spent())):
            log, entry, data = self._found[0]
            if not (due or context.intake_left - context.intake_floor >= len(data)
                    or self._queue.sent_at(data) is not None):
                break
            due = False
            self._found.popleft()
            size += len(data)
            self.behind -= len(data)
            self._read(self._open, log, entry, data)
        self._goes_on = bool(self._found) or self._begun is not None
        if not self._goes_on:
            self.look()

    def _spent(self) -> bool:
        return (self._state.reactor.clock() > self._until
                or self._reader.orders >= self._orders_until)

    def _read(self, read: Callable[[str, bytes], None], log: str, entry: str, data: bytes) -> None:
        """A frame, or the rest of one."""
        self._begun = None
        try:
            read(entry, data)
        except BadFrame as error:
            self.bad_frame(error, entry)
        except Exception as error:
            self._state.mishap("Arrivals.take", -1, error, None)
        if self._reader.unfinished:
            self._begun = log, entry, data
        else:
            self._past.read(log, entry)

    def keep(self) -> None:
        """At the end of each turn: the history is told how far the log has been read, but for a
        frame of which only a part has.
        """
        if self._begun is None:
            self._past.flush(self._numbers.last)

    def flush(self) -> None:
        """At the end of each turn: what is left is for the next one, of which half is kept free
        for it, or as much as the first frame needs; unless readers are waited for.
        """
        self._courtesy.look()
        if self._goes_on and not self._courtesy.waits():
            context = self._state.context
            share = context.outbox_limit // SHARE
            context.reserved = min(share, max(len(self._found[0][2]) if self._found else 0,
                                              min(self.behind, share // 2)))
            self._state.reactor.call_soon(self._read_on)

    def look(self) -> None:
        """Whether what others know of rooms is known here now."""
        if ((self._past.pending or self._settling.pending) and self._link.caught_up
                and not self._found and self._begun is None):
            self._past.over()
            self._settling.look(self._reader.peers)

    def _open(self, entry: str, data: bytes) -> None:
        if (at := self._queue.sent_at(data)) is not None:
            self.trip = max(0.0, self._state.wall() - at)
            return                     # our own, which need not be opened
        frame = self._codec.open(data)
        if frame.node == self._codec.node:
            return                     # of before a cut, or of another boot
        self._check_age(entry, frame)
        seen = self._numbers.see(frame.node, frame.boot, frame.seq)
        age = self._link.age(entry)
        if age is None:
            self._past.take(frame, seen, self._codec)
        else:
            before = self._reader.lines
            self._reader.take(frame, seen, age + frame.waited)
            self._state.context.intake_left -= (len(data)
                                                + LINE * (self._reader.lines - before))

    def _rest(self, _entry: str, _data: bytes) -> None:
        before = self._reader.lines
        self._reader.go_on()
        self._state.context.intake_left -= LINE * (self._reader.lines - before)

    def _check_age(self, entry: str, frame: NodeFrame) -> None:
        """Whoever can write to the engine may write again what was signed long ago.  An engine
        whose clock was set looks the same to the entry, but not to us.  Raises `BadFrame`.
        """
        lay = moment(entry)[0] / 1e3 - frame.written
        if frame.written and lay > STALE and self._link.engine_time() - frame.written > STALE:
            raise BadFrame(f"node {frame.node} wrote it {format_age(lay)} before it came into the "
                           "log: somebody has put it there again")

    def bad_frame(self, error: BadFrame, entry: str = "") -> None:
        """Say so the first time, then at each doubling; of a node of another version that is there
        now, which wrote this entry, once.
        """
        self.bad += 1
        if entry and self._link.age(entry) is not None:    # else it is of before this node began
            if isinstance(error, OtherVersion):
                self._reader.unreadable(error)
                return
            self.unread = self.unread[0] + 1, self._state.reactor.now
        if self.bad & (self.bad - 1) == 0:
            why = f": {error}" if self.bad == 1 else f"; the last: {error}"
            self._state.say(events.Warned(self._state.hub.at, "of the cluster's log "
                                        f"{they_were(self.bad, 'frame')} not read{why}"))
