"""Building a `Snapshot` on the reactor's thread, when somebody wants one and it can be afforded."""

from __future__ import annotations

import time
from collections.abc import Callable

from msgspec.structs import replace

from chatops.api.slot import SnapshotSlot
from chatops.api.snapshot import Pulse, RoomRow, Snapshot
from chatops.loop.reactor import Timer
from chatops.loop.rows import key_rows, loop_figures, thread_rows, turns_since
from chatops.server.client_rows import ClientRows, Gathering
from chatops.server.server import ChatServer

SHARE = 0.02                   # of the loop's time that snapshots may take
LONGEST = 1.0                  # seconds between two that are wanted, however dear they are
AT_ONCE = 4_000                # clients whose rows are read in one turn: 24 ms
SLICE = 250                    # of more than those, so many: 1.5 ms
PAUSES = 3.0                   # times a slice's CPU that the loop has before the next


class SnapshotPublisher:
    """Fills the slots of those who look, on demand.

    A snapshot that cost t seconds of CPU is not followed by another for t / `SHARE`, so ten
    thousand clients slow the console down and not the chat.  What counts is the thread's own
    CPU time: a host that stalls, or a core that somebody else has, costs the loop nothing that
    looking less often would give back.  However dear, there is one in `LONGEST`, unless more
    than half of the time would go into them.

    Of many clients the rows are read a slice at a time, with pauses: no turn is as long as all
    of them take.  Such a snapshot says over which time (`spread`), and what happened within
    that is news for the next one.

    `activity` grows with all that happens in the loop, but for what is done only because
    somebody looks: otherwise two consoles would keep an idle server, and each other, awake.
    """

    def __init__(self, server: ChatServer, *,
                 cpu: Callable[[], float] = time.thread_time) -> None:
        """`cpu` tells the seconds of CPU that the calling thread has had."""
        self.cpu = cpu
        self.views: list[SnapshotSlot] = []
        self.activity = 0
        self.looks = 0                 # ready events and calls that only served a look
        self.next_at = 0.0             # monotonic; no snapshot is made before
        self._server = server
        self._cost = 0.0               # seconds of CPU of the last one, and of handing it out
        self._latest: tuple[Snapshot, int] | None = None   # and the activity that it tells of
        self._rows = ClientRows()
        self._gathering: Gathering | None = None           # for the next one
        self._gathered_at = 0          # the activity when that began
        self._timer: Timer | None = None
        self._shown = 0                # the last turn that `build` has told of by itself
        server.on_publish.append(self.publish)

    def view(self) -> SnapshotSlot:
        """A slot for somebody who may look; it is filled from `begin` to `end`."""
        return SnapshotSlot()

    def begin(self, view: SnapshotSlot) -> None:
        """Somebody looks from now on."""
        self._server.selector.watch()
        self.views.append(view)

    def end(self, view: SnapshotSlot) -> None:
        """They do not look any more."""
        self._server.selector.watch(False)
        self.views.remove(view)

    def publish(self) -> None:
        """Called at the end of every turn."""
        reactor = self._server.reactor
        self.activity = (reactor.selector.ready + reactor.calls - reactor.waker.wakes
                         - self.looks)
        due = [view for view in self.views
               if view.wanted or (view.on_news and view.activity != self.activity)]
        if self._gathering is None and due:
            if reactor.now >= self.next_at:
                self._begin(due)
            elif self._timer is None:
                self._timer = reactor.call_later(self.next_at - reactor.now, self._affordable)
        gathering = self._gathering
        if gathering is not None and gathering.complete:
            self._gathering = None
            self._fill(due, gathering)

    def _begin(self, due: list[SnapshotSlot]) -> None:
        state = self._server.state
        if len(state.connections) <= AT_ONCE:
            self._fill(due)
        else:
            self._gathering = Gathering(state, self._rows)
            self._gathered_at = self.activity
            self._gather(self._gathering)

    def fill(self) -> None:
        """Give everybody who looks the last picture, whether it can be afforded or not."""
        self._gathering = None
        self._fill(self.views)

    def charge(self, seconds: float) -> None:
        """Something else done for the last snapshot cost so much CPU: the next one comes later."""
        self._cost += seconds
        now = self._server.reactor.clock()
        latest = self._latest[0] if self._latest is not None else None
        began = latest.mono - latest.spread if latest is not None else now
        self.next_at = max(began + min(LONGEST, self._cost / SHARE), now + self._cost)

    def lend(self, view: SnapshotSlot) -> None:
        """Give a view that cannot wait the last snapshot, with its age, if it has none as new."""
        if self._latest is None:
            return
        snapshot, activity = self._latest
        if view.latest is not None and view.latest.mono >= snapshot.mono:
            return
        view.wanted = False
        turns = turns_since(self._server.selector, view.shown)
        view.latest = replace(
            snapshot, turns=tuple([turn for turn in turns if turn.n <= snapshot.turn]),
            age=max(0.0, self._server.reactor.now - snapshot.mono))
        view.activity = activity

    def pulse(self, view: SnapshotSlot) -> Pulse:
        """The loop's counters as they are; plain reads, so any thread may ask."""
        server = self._server
        selector, context, now = server.selector, server.state.context, server.reactor.clock()
        since = selector.in_turn_since
        lasted = max(0.0, now - since) if since is not None else 0.0
        return Pulse(
            mono=now, turns=selector.turns, ready=selector.ready, waited=selector.waited,
            worked=selector.worked + lasted, activity=self.activity,
            behind=view.activity != self.activity,
            write_interest="always" if context.always_write else "on-demand",
            write_until=context.always_until, off_cpu=selector.off_cpu)

    def _fill(self, views: list[SnapshotSlot], gathering: Gathering | None = None) -> None:
        activity = self.activity if gathering is None else self._gathered_at
        snapshot: Snapshot | None = None
        for view in views:
            view.wanted = view.on_news = False
            if snapshot is None:
                began = self.cpu()
                # The threads' times belong to this moment, on this thread: what kept the loop
                # waiting between two snapshots is read out of their difference.
                snapshot = replace(self.build(view.shown, gathering), threads=thread_rows({}))
                view.latest = snapshot
                self._latest, self._cost = (snapshot, activity), 0.0
                self.charge(self.cpu() - began + (gathering.spent if gathering else 0.0))
            else:
                view.latest = replace(
                    snapshot, turns=turns_since(self._server.selector, view.shown))
            view.activity = activity

    def _gather(self, gathering: Gathering) -> None:
        """Read the rows of some more clients, and go on in a while."""
        began = self.cpu()
        gathering.go_on(SLICE)
        cost = self.cpu() - began
        gathering.spent += cost
        if not gathering.complete:
            self._server.reactor.call_later(cost * PAUSES, lambda: self._go_on(gathering))

    def _go_on(self, gathering: Gathering) -> None:
        self.looks += 1
        if self._gathering is gathering:       # not given up
            self._gather(gathering)

    def _affordable(self) -> None:
        self._timer = None
        self.looks += 1

    def build(self, shown: int | None = None, gathering: Gathering | None = None) -> Snapshot:
        """How things stand now, with the turns from `shown` on, or from the last call on, and
        with the rows that have been gathered.
        """
        server, state = self._server, self._server.state
        selector, reactor, hub, context = (state.selector, state.reactor, state.hub,
                                           state.context)
        began = reactor.clock()
        keys = (key_rows(selector) if gathering is None
                else tuple(map(gathering.key, selector.registrations())))
        masks = {row.fd: row.masks for row in keys}
        now, row = hub.now, self._rows.row if gathering is None else gathering.client
        clients = tuple([row(connection, masks.get(connection.fd, ""), now)
                         for connection in state.connections.values()])
        self._rows.forget_others(clients)
        turns = turns_since(selector, self._shown if shown is None else shown)
        if shown is None:
            self._shown = selector.turns
        return Snapshot(
            turn=selector.turns, at=hub.at, mono=began, started_at=selector.started_at,
            host=server.address[0], port=server.address[1], phase=state.phase,
            loop=loop_figures(
                selector,
                write_interest="always" if context.always_write else "on-demand",
                slow_consumer=context.policy, timers=reactor.timers,
                commands=reactor.commands, next_deadline=reactor.next_deadline,
                write_until=context.always_until),
            clients=clients, keys=keys,
            rooms=tuple([RoomRow(room.name, len(room.members), room.lines, room.elsewhere)
                         for room in hub.rooms.values()]),
            threads=(), turns=turns,
            bytes_in=context.bytes_in,
            bytes_out=state.bytes_out_before + sum([row.bytes_out for row in clients]),
            lines_in=hub.lines_in,
            lines_out=state.lines_out_before + sum([row.lines_out for row in clients]),
            accepted=state.accepted, refused=state.refused, evicted=state.evicted,
            lines_dropped=state.lines_dropped, queued=context.queued,
            kernel_queued=sum([row.kernel_queued for row in clients]),
            built_in=reactor.clock() - began,
            history_fault=state.history.fault if state.history is not None else "",
            accounts_fault=state.accounts_fault,
            refused_by=tuple(state.counts.refused.items()),
            evicted_by=tuple(state.counts.evicted.items()),
            dropped_by=tuple(state.counts.dropped.items()), log_fault=state.log_fault(),
            also=server.also, tls=server.acceptor.handshakes is not None,
            nodes=state.others.rows() if state.others is not None else (),
            elsewhere=state.others.people_rows() if state.others is not None else (),
            engine=state.others.engine_row() if state.others is not None else None,
            spread=began - gathering.began if gathering is not None else 0.0,
        )
