"""One console or script on the control socket, as the server sees it: hostile until read."""

from __future__ import annotations

import select
import socket
import time
from contextlib import suppress
from selectors import EVENT_READ, EVENT_WRITE
from typing import cast

import msgspec

from chatops.api import events
from chatops.api.command_line import CommandError, parse, render
from chatops.api.commands import ONLY_LOOKS, Answer, Command, CommandResult, only_looks
from chatops.api.snapshot import Snapshot
from chatops.control.frames import (
    MAX_REQUEST,
    OLDEST,
    PROTOCOL,
    Ask,
    Bye,
    ControlMessage,
    Done,
    FrameDecoder,
    FrameError,
    Hello,
    Poll,
    Request,
    Update,
    pack,
    read_request,
)
from chatops.control.host import SessionHost
from chatops.control.socket_path import peer
from chatops.loop.reactor import Timer
from chatops.loop.rows import thread_rows, with_purposes

CHUNK = 1 << 14                # bytes read in one turn
REQUESTS = 64                  # carried out in one turn
EVENTS = 2000                  # of one Update, the newest
UNREAD = 1 << 16               # bytes of answers that wait, before nothing more is read
PULSE = 0.25                   # seconds between two answers without a snapshot
STALL = 10.0                   # seconds without progress until such a console is given up


class ControlSession:
    """Belongs to the reactor's thread.

    It is watched for reading while less than `UNREAD` waits to be written, and for writing
    while anything does.
    """

    kind = "control"

    def __init__(self, control: SessionHost, sock: socket.socket, number: int) -> None:
        self.number = number
        self.label = f"console {number}"
        self.fd = sock.fileno()
        self._control = control
        self._survey = control.survey
        self._selector = control.server.selector
        self._sock = sock
        self._splitter = FrameDecoder(MAX_REQUEST)
        self._greeted = False
        self._read_only = False
        user = peer(sock)
        self._uid = -1 if user is None else user
        self._more = False             # requests wait in the splitter for the next turn
        self._out = bytearray()
        self._progress = False         # since the timer was set
        self._timer: Timer | None = None
        self._watching = False         # it has looked for snapshots
        self._poll: Poll | None = None
        self._updated_at = 0.0         # monotonic, when a poll was answered last
        self._view = self._survey.view()
        self._answered = False         # a poll, with what there was
        self._told: Snapshot | None = None
        self._events = control.server.bus.subscribe(backlog=True)
        self._mask = EVENT_READ
        self._selector.register(sock, EVENT_READ, self.on_ready)

    def __repr__(self) -> str:
        return f"<ControlSession {self.number} fd={self.fd} unread={len(self._out)}>"

    # -- reading

    def on_ready(self, mask: int) -> None:
        """What the selector calls."""
        self._survey.looks += 1
        try:
            if mask & EVENT_WRITE:
                self._write()
                self._requests()       # those that waited for room
            if mask & EVENT_READ and self._mask & EVENT_READ:
                self._read()
        except Exception:
            self.close()
            raise

    def _read(self) -> None:
        try:
            data = self._sock.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        self._splitter.feed(data)
        self._requests()

    def _requests(self) -> None:
        """Carry out what has come whole: a bounded number in a turn, while there is room
        for the answers.
        """
        if self._more:
            return
        try:
            for _ in range(REQUESTS):
                body = self._splitter.next() if self._mask & EVENT_READ else None
                if body is None:
                    return
                self._carry_out(read_request(body))
        except FrameError as error:
            self.drop(str(error))
            return
        self._more = True
        self._control.server.reactor.call_soon(self._go_on)

    def _go_on(self) -> None:
        self._more = False
        self._requests()

    def _carry_out(self, request: Request) -> None:
        if isinstance(request, Hello):
            if not OLDEST <= request.protocol <= PROTOCOL:
                self.drop(f"protocol {request.protocol} is asked for, and this server speaks "
                          f"{PROTOCOL}: it is of another version")
                return
            self._greeted = True
            self._read_only = self._read_only or request.read_only     # never to be undone
            self._send(self._control.welcome(self._read_only))
        elif not self._greeted:
            raise FrameError("the first message must be Hello")
        elif isinstance(request, Ask):
            self._survey.looks -= 1    # what a command does is worth a look
            ident = request.id
            self._run(request.command, lambda result: self._send(Done(ident, result)))
        else:
            self._begin_poll(request)

    def _run(self, command: Command, answer: Answer) -> None:
        """As if it had been typed: so nothing gets in that could not be."""
        try:
            line = render(command)
            typed = parse(line)
        except (CommandError, ValueError, OverflowError) as error:
            answer(CommandResult(False, str(error)))
            return
        if typed != command:
            answer(CommandResult(False, f"no command line says this; the nearest is '{line}'"))
            return
        if self._read_only and not only_looks(typed):
            answer(CommandResult(False, f"{line.split()[0]}: {ONLY_LOOKS}"))
            return
        try:
            self._control.carry_out(typed, answer, self._uid)
        except Exception as error:
            self._control.server.mishap("Admin.carry_out", self.fd, error, None)
            answer(CommandResult(False, f"internal error: {error!r}"))

    # -- looking

    def _begin_poll(self, poll: Poll) -> None:
        self._poll = poll
        if poll.snapshot and not self._watching:
            self._watching = True
            self._survey.begin(self._view)
        self._view.wanted = poll.snapshot and poll.now
        self._view.on_news = poll.snapshot

    def publish(self) -> None:
        """Answer the poll, if there is something to tell and the last answer has gone."""
        poll = self._poll
        if poll is None or self._out:
            return
        if poll.now and self._view.wanted:     # it was not affordable just now
            self._survey.lend(self._view)
        fresh = self._view.latest if self._view.latest is not self._told else None
        if fresh is not None or self._events.pending or (poll.snapshot and self._overdue()):
            self._see(fresh)

    def _overdue(self) -> bool:
        """There is news that a snapshot cannot be afforded for: then its counters are told."""
        return (self._view.activity != self._survey.activity
                and self._control.server.reactor.now - self._updated_at >= PULSE)

    def _see(self, fresh: Snapshot | None) -> None:
        # A snapshot that was over the budget (`SnapshotPublisher.charge`) stays wanted after a
        # reply of events alone; otherwise a steady stream of events would starve it.
        self._poll = None
        self._updated_at = self._control.server.reactor.now
        began = self._survey.cpu()
        self._send(self._update(fresh))
        if fresh is not None:
            self._survey.charge(self._survey.cpu() - began)

    def _update(self, fresh: Snapshot | None) -> Update:
        happened = cast("list[events.AnyEvent]", self._events.drain(EVENTS))
        if not self._answered:
            self._answered = True
            self._events.dropped = 0   # what was before it came is not its loss
        if fresh is not None:
            self._told = fresh
            self._view.took(fresh)
            # A process cannot see the threads of another.
            purposes = self._control.server.purposes
            threads = (with_purposes(fresh.threads, purposes) if fresh.threads
                       else thread_rows(purposes))
            fresh = msgspec.structs.replace(fresh, threads=threads)
        pulse = self._survey.pulse(self._view) if self._watching else None
        return Update(tuple(happened), self._events.dropped, fresh, pulse)

    # -- writing

    def _send(self, message: ControlMessage) -> None:
        if not self._mask:
            return
        if self._out:
            self._out += pack(message)
            self._update_interest()
            return
        self._out += pack(message)
        self._write()
        if self._out:
            self._await_progress()

    def _write(self) -> None:
        try:
            while self._out:
                sent = self._sock.send(memoryview(self._out)[:1 << 18])
                del self._out[:sent]
                self._progress = True
        except BlockingIOError:
            pass
        except OSError:
            self.close()
            return
        self._update_interest()

    def _update_interest(self) -> None:
        if not self._out and self._timer is not None:
            self._timer.cancel()       # what is sent next has all of its time
            self._timer = None
        mask = ((EVENT_READ if len(self._out) < UNREAD else 0)
                | (EVENT_WRITE if self._out else 0))
        if mask != self._mask and self._mask:
            self._mask = mask
            try:
                self._selector.modify(self._sock, mask, self.on_ready)
            except OSError:            # it is out of the map now
                self.close()

    def _await_progress(self) -> None:
        self._progress = False
        if self._timer is None:
            self._timer = self._control.server.reactor.call_later(STALL, self._stalled)

    def _stalled(self) -> None:
        self._timer = None
        self._survey.looks += 1
        if self._out and self._progress:
            self._await_progress()
        elif self._out:
            self.drop("it did not read what it had asked for")

    # -- the end

    def drop(self, reason: str) -> None:
        """End it from this side, and say why to whoever can hear it."""
        server = self._control.server
        server.say(events.Warned(server.wall(), f"control: {self.label} was dropped: {reason}"))
        if self._mask:
            # Behind what it has not read, and cut off with it where there is no room for that.
            self._out += pack(Bye(f"this console was dropped: {reason}", dropped=True))
            self._write()
        self.close()

    def close(self) -> None:
        """Let go of everything.  Idempotent."""
        if not self._mask:
            return
        self._mask = 0
        self._out = bytearray()        # nobody is waited for who would take it
        self._survey.looks -= 1        # the map is another one now
        with suppress(KeyError):       # the selector has let go of it
            self._selector.unregister(self._sock)
        self._sock.close()
        if self._timer is not None:
            self._timer.cancel()
        if self._watching:
            self._survey.end(self._view)
        self._control.left(self)

    def abandon(self) -> None:
        """Close the descriptor alone: the connection is another process's."""
        self._mask = 0
        self._sock.close()

    def end(self, bye: Bye, deadline: float) -> None:
        """The last answers, after the loop has ended; waits until `deadline` at most."""
        self._mask = 0
        if self._answered or self._poll is not None:
            fresh = self._view.latest if self._view.latest is not self._told else None
            self._out += pack(self._update(fresh))
        say_last(self._sock, bye, bytes(self._out), deadline)


def say_last(sock: socket.socket, bye: Bye, before: bytes = b"", deadline: float = 0.0) -> None:
    """Send what is left and why this is the end, then close; until `deadline` at most."""
    rest = memoryview(before + pack(bye))
    room = select.poll()
    try:
        room.register(sock, select.POLLOUT)
        while rest:
            try:
                rest = rest[sock.send(rest):]
            except BlockingIOError:
                left = deadline - time.monotonic()
                if left <= 0 or not room.poll(left * 1000):
                    break
    except (OSError, ValueError):
        pass                   # it has gone, or is closed already
    sock.close()
