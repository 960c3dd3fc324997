"""The console's link to a server in another process (chatops.api.link.ConsoleLink)."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

from msgspec.structs import replace

from chatops import lints
from chatops.api import events
from chatops.api.command_table import spec_of
from chatops.api.commands import ONLY_LOOKS, Command, CommandResult, Despawn, Quit, Spawn
from chatops.api.link import LinkStatus
from chatops.api.snapshot import Pulse, Snapshot
from chatops.control.client import PATIENCE, ControlClient, CutOffError
from chatops.control.frames import Ask, Bye, ControlMessage, Done, Poll, Reply, Update, pack
from chatops.control.socket_path import ControlError
from chatops.lab.clients.link import BuiltInClients, not_running, reachable

QUIET_LOOK = 1.0               # seconds between looks at a sleeping server's kernel queues
PROBE_AFTER = 1.0              # seconds of silence until it is asked whether it sleeps
EVENTS_KEPT = 8192             # until the console drains them
UNSENT = 1 << 20               # bytes of commands that may wait for a server that is busy
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0    # seconds between two tries to find it again
AT_ONCE = 32                   # reads of one poll, so that a flood cannot hold the console


class RemoteLink:
    """Belongs to the console's thread, and needs none of its own: it reads when it is polled.

    One `Poll` is always with the server, which answers when there is news; so a server
    with nothing to tell sleeps on, whoever looks.  Silence may also be that of a server with
    no time to answer, so one that has just been awake is asked once whether it sleeps.
    """

    in_process = False

    def __init__(self, path: Path, *, read_only: bool = False, reconnect: bool = False,
                 clock: Callable[[], float] = time.monotonic) -> None:
        """Connect.  Raises `chatops.control.socket_path.ControlError`.

        `read_only`: the server refuses whatever would change something.  With `reconnect` one
        that ends is looked for until it is there again, and so is one that has dropped this console
        for not reading, as it does while it is suspended: who learns of that reads again.
        """
        self._path = path
        self._read_only = read_only
        self._reconnect = reconnect
        self._wire = ControlClient(path, read_only=read_only)
        self._wire.setblocking(False)
        self._clock = clock
        self._status = LinkStatus(True, read_only=read_only)
        self._closed = False
        self._latest = 0.0             # when the newest event happened, on the wall clock
        self._known_until = 0.0        # events up to then have been told before
        self._pause = FIRST_PAUSE
        self._try_at = 0.0             # when the server is looked for again
        self._next: ControlClient | None = None # one that has not been greeted yet
        self._out = bytearray()
        self._asked: dict[int, Future[CommandResult]] = {}
        self._count = 0
        self._happened: deque[events.Event] = deque()
        self._dropped_here = self._dropped_there = 0
        self._new: Snapshot | None = None
        self._shown: Snapshot | None = None    # as it was given out, for the lints of the next
        self._kernel_queued = 0
        self._looking = False
        self._looked_at = 0.0
        self._pulse: Pulse | None = None
        self._shown_of = -1        # the activity of which the newest snapshot tells
        self._asleep = False       # it has answered that nothing had happened since then
        self._probing = False      # it has been asked, and has not answered yet
        welcome = self._wire.welcome
        self._built_in = BuiltInClients(tls=welcome.tls)
        self._address = (reachable(welcome.host), welcome.port)

    @property
    def status(self) -> LinkStatus:
        status, pulse = self._status, self._pulse
        if pulse is None or not status.alive:
            return status
        if self._probing:          # until it answers, nobody knows that it sleeps
            pulse = replace(pulse, behind=True)
        return replace(status, pulse=pulse)

    @property
    def unsure(self) -> bool:
        """Whether the server's silence could be want of time: it has been asked, or will be."""
        return self._status.alive and self._pulse is not None and not self._asleep

    @property
    def events_dropped(self) -> int:
        return self._dropped_here + self._dropped_there

    def submit(self, command: Command) -> Future[CommandResult]:
        if isinstance(command, Spawn | Despawn):
            if self._read_only:
                refused: Future[CommandResult] = Future()
                refused.set_result(CommandResult(False, f"{spec_of(command).name}: {ONLY_LOOKS}"))
                return refused
            if isinstance(command, Spawn) and not self._status.alive:
                return not_running()
            return self._built_in.submit(command, self._address)
        if isinstance(command, Quit):
            self._built_in.dismiss()
        future: Future[CommandResult] = Future()
        if not self._status.alive:
            return not_running()
        if len(self._out) > UNSENT:
            future.set_result(CommandResult(False, "the server is busy; too much waits already"))
        else:
            self._count += 1
            self._asked[self._count] = future
            self._asleep = False
            self._send(Ask(self._count, command))  # type: ignore[arg-type]  # the table says which are the server's
        return future

    def drain(self, limit: int | None = None) -> list[events.Event]:
        keep = len(self._happened) if limit is None else limit
        self._forget(len(self._happened) - keep)
        happened = list(self._happened)
        self._happened.clear()
        return happened

    def poll(self) -> Snapshot | None:
        if self._status.retrying:
            self._look_for_it()
        self._receive()
        now = self._clock()
        silent = now - self._looked_at
        probe = self.unsure and not self._probing and silent >= PROBE_AFTER
        quiet = probe or (self._kernel_queued > 0 and silent >= QUIET_LOOK)
        if self._status.alive and (quiet or not self._looking):
            self._probing = probe or self._probing
            self._looking = True
            self._looked_at = now
            self._send(Poll(now=quiet))
        elif self._out and self._status.alive:
            self._wire.send_some(self._out)
        if self._new is None:
            return None
        self._shown = replace(self._new, lints=lints.find(self._new, self._shown))
        self._new = None
        return self._shown

    def report(self, event: events.Event) -> None:
        """Nothing: the server's log is not this console's."""

    def close(self) -> None:
        self._closed = True
        self._lost(LinkStatus(False, "detached"))
        self._status = replace(self._status, retrying=False)
        if self._next is not None:
            self._next.close()
            self._next = None
        self._built_in.close()

    # -- inside

    def _receive(self) -> None:
        try:
            for _ in range(AT_ONCE):
                if not self._status.alive or not self._wire.receive():
                    break
                while (reply := self._wire.next()) is not None:
                    self._take(reply)
        except CutOffError as error:
            self._lost(LinkStatus(False, str(error), dropped=True))
        except ControlError as error:
            self._lost(LinkStatus(False, str(error), failed=True))

    def _take(self, reply: Reply) -> None:
        match reply:
            case Update(happened, dropped, snapshot, pulse):
                self._looking = False
                self._beat(pulse)
                fresh = [event for event in happened if event.at > self._known_until]
                self._known_until = 0.0        # what comes later is news, whatever its clock says
                if fresh:
                    self._latest = fresh[-1].at
                self._happened.extend(fresh)
                self._forget(len(self._happened) - EVENTS_KEPT)
                self._dropped_there = dropped
                if snapshot is not None:
                    self._kernel_queued = snapshot.kernel_queued
                    self._new = snapshot if self._new is None else _joined(self._new, snapshot)
            case Done(ident, result):
                future = self._asked.pop(ident, None)
                if future is not None and future.set_running_or_notify_cancel():
                    future.set_result(result)
            case Bye(detail, failed, dropped):
                self._lost(LinkStatus(False, detail, failed, dropped))

    def _beat(self, pulse: Pulse | None) -> None:
        self._pulse, self._probing, self._asleep = pulse, False, False
        if pulse is not None and not pulse.behind:
            self._asleep = pulse.activity == self._shown_of
            self._shown_of = pulse.activity

    def _forget(self, count: int) -> None:
        for _ in range(count):
            self._happened.popleft()
            self._dropped_here += 1

    def _send(self, message: ControlMessage) -> None:
        self._out += pack(message)
        self._wire.send_some(self._out)

    def _lost(self, status: LinkStatus) -> None:
        """The server, or this console, has gone; the first reason counts."""
        if not self._status.alive:
            return
        retrying = self._reconnect and not self._closed
        self._status = replace(status, retrying=retrying, read_only=self._read_only)
        self._pause, self._try_at = FIRST_PAUSE, self._clock() + FIRST_PAUSE
        self._wire.close()
        for future in self._asked.values():
            if future.set_running_or_notify_cancel():
                future.set_result(CommandResult(False, "the server is gone"))
        self._asked.clear()

    def _look_for_it(self) -> None:
        """One step on the way back to the server; none of them waits."""
        try:
            if self._next is None and self._clock() >= self._try_at:
                self._next = ControlClient(self._path, read_only=self._read_only, wait=False)
                self._try_at = self._clock() + PATIENCE
            if self._next is not None and self._next.greeted():
                self._found(self._next)
            elif self._next is not None and self._clock() >= self._try_at:
                raise ControlError("it does not answer")
        except ControlError:
            if self._next is not None:
                self._next.close()
                self._next = None
            self._try_at = self._clock() + self._pause
            self._pause = min(LONGEST_PAUSE, 2 * self._pause)

    def _found(self, wire: ControlClient) -> None:
        """It is there again, or another in its place: begin anew, and keep what was seen."""
        old, welcome = self._wire.welcome, wire.welcome
        self._wire, self._next = wire, None
        self._known_until = self._latest if welcome.pid == old.pid else 0.0
        self._built_in.close()
        self._built_in = BuiltInClients(tls=welcome.tls)
        self._address = (reachable(welcome.host), welcome.port)
        self._out.clear()
        self._looking = self._asleep = self._probing = False
        self._new = self._pulse = None
        self._shown_of = -1
        self._kernel_queued = 0
        self._dropped_here += self._dropped_there
        self._dropped_there = 0
        self._status = LinkStatus(True, read_only=self._read_only)


def _joined(unseen: Snapshot, newest: Snapshot) -> Snapshot:
    """The newest, with the turns of the one that nobody has seen before it."""
    first = newest.turns[0].n if newest.turns else newest.turn
    before = [turn for turn in unseen.turns if turn.n < first]
    return replace(newest, turns=(*before, *newest.turns))
