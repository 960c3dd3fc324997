"""How things stood after a turn that no snapshot was taken of: a keyframe, played forward.

A `Turn` says what fired, what changed in the map and how the queues stood, so everything
that a learner steps through is exact: who is watched and for what, fires, masks, queues,
the loop's counters.  What turns do not carry (lines, bytes, the kernel's queues) stays as
it was in the keyframe, and so do events beyond the 64 that a turn keeps.  Of a run of
like turns, changes and queues belong to the last one: a change is what ended the run.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from chatops.api.events import Connected, Disconnected, Event
from chatops.api.snapshot import Change, ClientRow, KeyRow, Ready, Snapshot, Turn

MASKS_SHOWN = 16               # as many as the observed selector keeps


def last_of(turn: Turn) -> int:
    """Number of the last of the like turns that this one stands for."""
    return turn.n + turn.repeats


def play(keyframe: Snapshot, turns: Sequence[Turn], until: int, mono: float,
         following: Snapshot, events: Iterable[Event]) -> Snapshot:
    """The state after turn `until`, at `mono` on the server's clock.

    `turns` lead from `keyframe` to `following`, the next one, which tells who came to stay
    and who left in between; `events` are those of about that time.
    """
    return _Player(keyframe, turns, following, events).play(until, mono)


class _Fired:
    """What one registration did since its row was last brought up to date."""

    __slots__ = ("busy", "count", "last_mask", "masks", "slowest", "slowest_off_cpu")

    def __init__(self) -> None:
        self.count = 0
        self.last_mask = 0
        self.masks = ""
        self.busy = 0.0
        self.slowest = self.slowest_off_cpu = 0.0


class _Player:
    """One run from a keyframe; used once."""

    def __init__(self, keyframe: Snapshot, turns: Sequence[Turn], following: Snapshot,
                 events: Iterable[Event]) -> None:
        self.keyframe = keyframe
        self.turns = turns
        self.keys = {row.fd: row for row in keyframe.keys}
        self.clients = {row.id: row for row in keyframe.clients}
        self.next_keys = {row.fd: row for row in following.keys}
        self.next_clients = {row.id: row for row in following.clients}
        self.fired: dict[int, _Fired] = {}
        self.connected: dict[int, Connected] = {}
        self.disconnected: dict[int, Disconnected] = {}
        for event in events:
            if isinstance(event, Connected):
                self.connected[event.id] = event
            elif isinstance(event, Disconnected):
                self.disconnected[event.id] = event
        # A client that is not read for a while is unregistered too: the last time counts.
        self.last_seen = {client: turn.n for turn in turns for change in turn.changes
                          if change.what == "unregister" and (client := change.owner)}

    def play(self, until: int, mono: float) -> Snapshot:
        keyframe = self.keyframe
        loop = keyframe.loop
        done, ready, waited, worked = keyframe.turn, loop.ready, loop.waited, loop.worked
        slowest, slowest_name = loop.slowest, loop.slowest_name
        off_cpu, slowest_off_cpu = loop.off_cpu, loop.slowest_off_cpu
        counted = loop.turns
        for turn in self.turns:
            times = min(until, last_of(turn)) - max(done, turn.n - 1)
            if times <= 0:
                continue
            share = times / (1 + turn.repeats)
            counted += times
            ready += times * len(turn.ready)
            waited += turn.waited * share
            worked += turn.worked * share
            off_cpu += turn.off_cpu * share
            done = turn.n - 1 + times
            for event in turn.ready:
                self._fire(event, times)
                if event.cost > slowest:
                    slowest, slowest_name = event.cost, event.name
                    slowest_off_cpu = event.off_cpu
            if last_of(turn) <= until:
                self._change(turn)
        for fd in list(self.fired):
            self._settle(fd)
        at = keyframe.at + mono - keyframe.mono
        self._see_off(at)
        clients = tuple(self.clients.values())
        return replace(
            keyframe, turn=until, at=at, mono=mono, turns=(), built_in=0.0,
            clients=clients, keys=tuple(self.keys.values()),
            queued=sum(row.queued for row in clients),
            loop=replace(loop, registered=len(self.keys), turns=counted, ready=ready,
                         waited=waited, worked=worked, slowest=slowest,
                         slowest_name=slowest_name, off_cpu=off_cpu,
                         slowest_off_cpu=slowest_off_cpu),
        )

    def _fire(self, event: Ready, times: int) -> None:
        mask, cost = event.mask, event.cost
        fired = self.fired.get(event.fd)
        if fired is None:
            fired = self.fired[event.fd] = _Fired()
        fired.count += times
        fired.last_mask = mask
        fired.masks = (fired.masks + " rwW"[mask & 3] * min(times, MASKS_SHOWN))[-MASKS_SHOWN:]
        if cost == cost:           # NaN: nobody measured
            fired.busy += cost * times
            if cost > fired.slowest:
                fired.slowest, fired.slowest_off_cpu = cost, event.off_cpu

    def _settle(self, fd: int) -> None:
        """Put what has been counted into the row."""
        fired, row = self.fired.pop(fd, None), self.keys.get(fd)
        if fired is None or row is None:
            return
        masks = (row.masks + fired.masks)[-MASKS_SHOWN:]
        self.keys[fd] = replace(
            row, fires=row.fires + fired.count, last_mask=fired.last_mask, masks=masks,
            busy=row.busy + fired.busy)
        if fired.slowest > row.slowest:
            self.keys[fd] = replace(self.keys[fd], slowest=fired.slowest,
                                    slowest_off_cpu=fired.slowest_off_cpu)
        client = self.clients.get(row.client)
        if client is not None:
            self.clients[row.client] = replace(client, masks=masks)

    def _change(self, turn: Turn) -> None:
        for change in turn.changes:
            self._settle(change.fd)
            before = self.keys.get(change.fd)
            client = change.owner
            if change.what == "register":
                if client and client not in self.clients:
                    self._welcome(client, change, turn)
                self.keys.pop(change.fd, None)
                self.keys[change.fd] = self._key(change, client, turn.at)
                self._interest(client, change.after, masks="")
            elif change.what == "modify" and before is not None:
                self.keys[change.fd] = replace(before, events=change.after, armed_at=turn.at,
                                               armed_by=change.by)
                self._interest(client, change.after)
            elif change.what == "unregister":
                self.keys.pop(change.fd, None)
                self._interest(client, 0)
                if self.last_seen.get(client) == turn.n and client not in self.next_clients:
                    self.clients.pop(client, None)
        for client, size in turn.queues:
            row = self.clients.get(client)
            if row is not None:
                self.clients[client] = replace(
                    row, queued=size, queued_lines=max(1, row.queued_lines) if size else 0,
                    high_water=max(size, row.high_water),
                    high_water_at=turn.at if size > row.high_water else row.high_water_at)

    def _interest(self, client: int, mask: int, masks: str | None = None) -> None:
        row = self.clients.get(client)
        if row is not None:
            self.clients[client] = replace(row, mask=mask,
                                           masks=row.masks if masks is None else masks)

    def _key(self, change: Change, client: int, at: float) -> KeyRow:
        """A new row; what the turn does not say is taken from one like it."""
        like = self.next_keys.get(change.fd)
        if like is None or like.client != client:
            like = next((row for row in (*self.keys.values(), *self.next_keys.values())
                         if client and row.client), None)
        return KeyRow(
            fd=change.fd, type=like.type if like else "", fileobj=like.fileobj if like else "",
            events=change.after, callback=like.callback if like else "", data=change.name,
            client=client, armed_by=change.by, registered_at=at, armed_at=at, fires=0,
            last_mask=0, busy=0.0, slowest=0.0)

    def _welcome(self, client: int, change: Change, turn: Turn) -> None:
        """A client came in this turn."""
        like = self.next_clients.get(client) or next(iter(self.clients.values()), None)
        event = self.connected.get(client)
        nick = event.nick if event else change.name.partition(" ")[2]
        peer = event.peer if event else like.peer if like and like.id == client else ""
        self.clients[client] = ClientRow(
            id=client, fd=change.fd, nick=nick, room=like.room if like else "", peer=peer,
            mask=change.after, queued=0, queued_lines=0,
            queue_limit=like.queue_limit if like else 0, kernel_queued=0,
            kernel_limit=like.kernel_limit if like else 0, high_water=0, high_water_at=turn.at,
            bytes_in=0, bytes_out=0, lines_in=0, lines_out=0, lines_dropped=0,
            connected_at=turn.at, active_at=turn.at, progress_at=turn.at)

    def _see_off(self, at: float) -> None:
        """Take out who left by the wall clock while not registered: no turn says when."""
        for client in list(self.clients):
            event = self.disconnected.get(client)
            if (event is not None and event.at <= at and client not in self.next_clients
                    and client not in self.last_seen):
                del self.clients[client]
