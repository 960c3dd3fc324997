"""This node as one of several: what it tells the others, and what the link tells it."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from chatops.api.snapshot import ClientRow, EngineRow, NodeRow
from chatops.chat import abroad, names
from chatops.chat.effects import Announce, Deliver, Effect, Forward, MakeWay
from chatops.cluster import picture, standing
from chatops.cluster.arrivals import Arrivals, bearable
from chatops.cluster.catching_up import Archive, CatchingUp
from chatops.cluster.claims import Claim, Claims
from chatops.cluster.engine import EngineAddress, Keys
from chatops.cluster.frame_queue import FrameQueue
from chatops.cluster.frames import (
    Changed,
    Codec,
    Gone,
    Heard,
    Here,
    Item,
    NickTaken,
    NodeEnds,
    Whisper,
    packed,
)
from chatops.cluster.introductions import Introductions
from chatops.cluster.kept_rulings import sealed
from chatops.cluster.link import NOTABLE, Link
from chatops.cluster.lost_nicks import give_up, sweep
from chatops.cluster.numbers import Numbers
from chatops.cluster.orders import Orders, shifted
from chatops.cluster.pace import Pace
from chatops.cluster.pipe import Address
from chatops.cluster.reading import Reader
from chatops.cluster.settling import Settling
from chatops.cluster.shared_accounts import SharedAccounts
from chatops.cluster.shared_rulings import adopt, holding
from chatops.cluster.solitude import Solitude
from chatops.server.logins import Logins
from chatops.server.orders import Obeys, Ordered, Rulings, Told
from chatops.server.state import ServerState
from chatops.storage.chat_history import Cursor

TRAVEL = frozenset({Announce, Deliver, Forward, MakeWay})      # effects that others hear of
LONG = 0.001                   # seconds of a turn: the next will be as long, and others come first

# Where the engine and other nodes share a CPU with this one, a busy node would otherwise look for
# more, and find no answer, before the engine had any time to give it; and an engine that has just
# been written to is often put on the writer's CPU, to wait until that is done with its turn.  Where
# nobody wants the CPU this costs a system call, and no time.
_yield_cpu: Callable[[], None] = getattr(os, "sched_yield", lambda: None)


class Member:
    """Belongs to the reactor's thread; made by another, and handed over whole.

    It is what the server asks (`chatops.server.state.OtherNodes`) and what the link tells
    (`chatops.cluster.link.LinkOwner`).
    """

    def __init__(self, state: ServerState, engine: EngineAddress, node: str, boot: str,
                 secret: bytes, *, resolve: Callable[[Callable[[Sequence[Address] | str], None]],
                                                     None], pace: Pace,
                 tls: ssl.SSLContext | None = None, archive: Archive | None = None,
                 since: Cursor | None = None) -> None:
        """`archive` gets what was said while this node was away, from `since` on."""
        self.node = node
        self.boot = boot
        self.claims = Claims()
        self.numbers = Numbers()
        self._state = state
        self._hub = state.hub
        self._codec = Codec(node, boot, secret)
        self.queue = FrameQueue(self._codec, largest=lambda: bearable(state.context.outbox_limit))
        self.link = Link(state.reactor, engine, Keys(node, boot), self, resolve=resolve,
                         bury=lambda pipe: state.context.dead.append(pipe),
                         wall=lambda: state.wall(), pace=pace, tls=tls,
                         archived=(since.log, since.entry) if since is not None else None)
        self._codec.engine_time = self.link.engine_time
        self._catching_up = CatchingUp(state, node, archive, since)
        self._archives = archive is not None
        if since is not None:
            self.numbers.load(since.numbers)
        self.orders = Orders(self._send, lambda: self.reader.peers, state.reactor.call_later,
                             pace.order)
        self.reader = Reader(state, self._codec, pace, self.orders, self._send, self.owe_roster,
                             self._catching_up)
        self._introductions = Introductions()
        self._introduces_later = False
        self.busy = False              # the last turn was long
        self._given = 0.0              # seconds of this turn in which others had the CPU
        # What comes now is taken at once, in addition to what has just come, or in the next turn.
        self.taking: Literal["at once", "more", "later"] = "at once"
        self._leaving = False
        self._untold: list[Effect] = []        # has been decided here
        self._solitude = Solitude(state, node)
        self.claiming: list[Claim] = []
        self._there = abroad.begin(self._hub, node)
        self._settling = Settling(self._there, lambda: abroad.let_in(self._hub),
                                  state.reactor.call_later, pace.settle)
        self.arrivals = Arrivals(state, self._codec, self.link, self.queue, self.numbers,
                                 self.reader, self._catching_up, self._settling)
        self._crowd = picture.FarRows(self._hub)
        state.others = self

    def share(self, logins: Logins) -> None:
        """Accounts are those of all nodes as well; to be called before `begin`."""
        self.reader.accounts = SharedAccounts(self._state, logins, self.link, self._codec,
                                              self._send)

    def begin(self) -> None:
        """From here on it is one of several; to be called on the reactor's thread."""
        self._state.reactor.hooks.insert(1, self.flush)    # after what this turn has decided
        self._settling.begin()
        self.link.begin()

    # -- what the server tells

    def decided(self, effects: Sequence[Effect]) -> None:
        self._untold += [effect for effect in effects if type(effect) in TRAVEL]
        if self.busy:                  # or else own clients come first
            self._write()

    def _tell_all(self) -> None:
        untold, self._untold = self._untold, []
        for effect in untold:
            try:
                self._tell(effect)
            except Exception as error:
                self._state.mishap(type(effect).__name__, -1, error, None)

    def _tell(self, effect: Effect) -> None:
        match effect:
            case Deliver(room, groups, _, kept_as):
                ours = [group for group in groups if not group.sender.node
                        and group.kind not in abroad.PRESENCE and group.kind != "broadcast"]
                if ours and self._travels(room):
                    self._send(Heard(room, ours, kept_as if kept_as != room else ""))
            case Announce(rooms, group):
                if not self._leaving:
                    self._send(Changed(rooms, group))
            case Forward(node, id, group):
                self._send(Whisper(node, id, group))
            case MakeWay(node, id, nick, account, by, close):
                self.claims.take_over(by, names.skeleton(nick))
                self._send(NickTaken(node, id, nick, account, close))

    def _travels(self, room: str) -> bool:
        """Whether anybody elsewhere would hear what is said there; who is on a node that is away,
        or not known yet, may be in there, and reads on where it was.
        """
        rooms = self._hub.rooms
        return bool(self.reader.absent or self.link.state != "up" or not self._there.settled
                    or (room in rooms and rooms.open(room).elsewhere))

    @property
    def obeys(self) -> Obeys:
        return self.reader.obeys

    @obeys.setter
    def obeys(self, does: Obeys) -> None:
        self.reader.obeys = does

    def order(self, node: str, what: Ordered, told: Told) -> None:
        theirs = shifted(what, -self.link.skew)
        if isinstance(theirs, Rulings):
            self.link.rule(sealed(self._codec, theirs.rulings))
        self.orders.give(node, theirs, told)

    def leaving(self) -> None:
        self._leaving = True

    def close(self) -> None:
        self._hub.flush()
        self._tell_all()
        self._send(NodeEnds(self._archives))
        frames = []
        if self.link.state == "up":
            now, at = self._state.reactor.now, self._state.wall()
            self.queue.acknowledge(now)    # it is on its way, before all that follows
            while (frame := self.queue.next(now, at)) is not None:
                frames.append(frame)
                self.queue.acknowledge(now)
        self.link.close(frames)

    def rows(self) -> tuple[NodeRow, ...]:
        return picture.rows(self, self._hub)

    def people_rows(self) -> tuple[ClientRow, ...]:
        return self._crowd.rows()

    def engine_row(self) -> EngineRow:
        link, came = self.link, self.arrivals
        return EngineRow(str(link.engine), link.state, link.reason, link.since, *came.unread)

    def owe_roster(self) -> None:
        """Somebody has to be told who is here."""
        self._introductions.owed = True

    # -- at the end of each turn

    def flush(self) -> None:
        """Write what has not been written yet, and only now ask for more: the answer has all that
        others have written meanwhile, which is one fan-out and not one for each of them.  Where a
        question is older, as after a long turn, its answer is put by for the next one.
        """
        reactor = self._state.reactor
        self.busy = reactor.clock() - reactor.now - self._given > LONG
        self._given = 0.0
        self.arrivals.keep()
        if self._write():
            _yield_cpu()               # nobody waits for what is left of this turn
        if self.busy:
            self.taking = "later"
            self.link.look()
            self.taking = "at once"
        if self.arrivals.wants_more:
            self.link.read_on()
        else:
            self.link.renew()
        self.arrivals.flush()
        if self.busy:
            _yield_cpu()               # before what comes next is looked for: see there

    def _write(self) -> bool:
        """Tell the others what has been decided here, and what has become of people, and write the
        next frame, if there is one and none is under way.
        """
        if self._untold:
            self._tell_all()
        if self._hub.touched or self._hub.touched_rooms:
            self._look_again()
        if self.link.state != "up":
            return False
        now = self._state.reactor.now
        if self._introductions.owed and not self._introduces_later:
            self._introduce(now)
        frame = self.queue.next(now, self._state.wall())
        if frame is not None:
            self.link.write(frame)
        if self.claims and not self.claiming:
            self.claiming = self.claims.take()
            self.link.claim(self.claiming, self._refused)
        return frame is not None

    def _introduce(self, now: float) -> None:
        """Tell all of this node, now or when that may be done again."""
        wait = self._introductions.wait(now)
        if wait:
            self._introduces_later = True
            self._state.reactor.call_later(wait, self._introduce_now)
        else:
            self._introductions.told(now, len(self.reader.peers))
            self._send_roster()

    def _introduce_now(self) -> None:
        self._introduces_later = False     # `flush` does it, at the end of this turn

    def _look_again(self) -> None:
        touched, self._hub.touched = self._hub.touched, {}
        for ident in touched:
            person = standing.person(self._hub, ident, self.link.skew)
            self.claims.set(ident, names.skeleton(person.who.nick)
                            if person is not None and not person.guest else "")
            if not self._leaving:
                self._send(Here(person) if person is not None else Gone(ident))
        rooms, self._hub.touched_rooms = self._hub.touched_rooms, {}
        for item in standing.rooms(
                [self._hub.rooms.open(name) for name in rooms if name in self._hub.rooms],
                self.link.skew):
            self._send(item)

    def _send_roster(self) -> None:
        skew = self.link.skew
        for item in standing.everything(self._hub, holding(self._state, skew), skew):
            self._send(item)

    def _send(self, item: Item) -> None:
        for each in packed(item):
            self.queue.add(each, self._state.reactor.now, self._state.wall())

    # -- what the link tells

    def joined(self, living: Sequence[str], rulings: Mapping[bytes, bytes], *, anew: bool,
               forgotten: bool) -> None:
        self._settling.begin([node for node in living if node != self.node])
        self._look_at_clock()
        self._catching_up.begin(self.link.epoch, self.link.live_from)
        if self.link.gap:
            self.link.gap = False
            self._catching_up.gap()
        adopt(self._state, self._codec, self.link, rulings, self.arrivals.bad_frame, lambda told:
              self.reader.obeys(self.node, shifted(told, self.link.skew), lambda result: None))
        self.reader.grace(self._state.reactor.now)
        self._introductions.owed |= anew or forgotten
        self.claims.again()
        sweep(self.link)
        self.arrivals.look()
        if forgotten:
            self.queue.rewind()
        elif (frame := self.queue.again(self._state.reactor.now)) is not None:
            self.link.write(frame)
        if self.reader.accounts is not None:
            self.reader.accounts.joined()
        self._solitude.end(str(self.link.engine))

    def parted(self, reason: str) -> None:
        self._settling.end()           # without the engine nobody is kept waiting
        self.claims.untold(self.claiming)
        self.claiming = []
        if self.reader.accounts is not None:
            self.reader.accounts.parted()
        self._solitude.begin(str(self.link.engine), reason)

    def read(self, found: Sequence[tuple[str, bytes]]) -> None:
        self.arrivals.take(found, later=self.taking == "later")
        if self.busy and self.arrivals.wants_more and self.taking == "at once":
            # Others may have written since that was answered, and it would wait for a long turn.
            self.taking = "more"
            self.link.read_on()
            began = self._state.reactor.clock()
            _yield_cpu()
            self._given += self._state.reactor.clock() - began
            self.link.look()
            self.taking = "at once"

    def written(self) -> None:
        self.queue.acknowledge(self._state.reactor.now)

    def renewed(self) -> None:
        self._look_at_clock()          # it may have been set while the link was up
        self.link.call_roll(self.reader.peers, self.reader.called)
        if self.reader.accounts is not None:
            self.reader.accounts.renewed()

    def _look_at_clock(self) -> None:
        """Others date what is said here by it, and an idle node would not write."""
        self._introductions.owed |= abs(self.link.skew - self._codec.skew) > NOTABLE
        self._codec.skew = self.link.skew

    # -- nicks

    def _refused(self, taken: list[tuple[str, str]]) -> None:
        self.claiming = []
        give_up(self._state, self.claims, taken)
