"""Real servers for the tests, in this process and in their own: no wait is without a deadline."""

from __future__ import annotations

import os
import re
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from pathlib import Path
from typing import Any, TypeVar

import chatops
from chatops.api.commands import Command, CommandResult
from chatops.api.events import Event
from chatops.api.snapshot import ClientRow, Snapshot
from chatops.server.server import ChatServer
from chatops.service import ServerThread
from chatops.settings import Settings
from tests.integration.client import Client, Ended, two_can_talk
from tests.integration.open_files import descriptors, sockets_on
from tests.integration.until import until
from tests.patience import PATIENCE, Deadline

__all__ = ["PATIENCE", "PYTHON", "Client", "Clock", "Ended", "Served", "Server", "descriptors",
           "environment", "two_can_talk"]

# The interpreter that runs what is tested as a program: this one, unless another version of
# chatops, in an environment of its own, is to be tried by the tests that look from outside.
PYTHON = os.environ.get("CHATOPS_TESTED_PYTHON", sys.executable)

E = TypeVar("E", bound=Event)
T = TypeVar("T")


class Clock:
    """The monotonic clock of one server, which a test may put forward."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.ahead = 0.0           # seconds
        reactor = server.chat.reactor
        server.call(lambda: setattr(reactor, "clock", lambda: time.monotonic() + self.ahead))

    def advance(self, seconds: float) -> None:
        """Let so much time pass at once; what is due by then has been done on return."""
        self.ahead += seconds
        self._server.turn()


class Server:
    """A server in this process, on a port of its own, and its clients."""

    def __init__(self, *, log: str = "", **overrides: Any) -> None:
        """`overrides` are fields of `Settings`.  Newcomers are announced at once unless they
        say otherwise, so that a test hears when somebody has come.
        """
        self.thread = ServerThread(Settings(**{
            "port": 0, "control": "off", "announce_after": 0.0, **overrides}), log=log)
        self.subscription = self.thread.bus.subscribe(backlog=True, wake=True)
        self.seen: list[Event] = []
        self.must_live = True      # a test whose server is meant to end says so
        self.trust: ssl.SSLContext | None = None   # of its clients, when it speaks TLS
        self.open_to_all = True    # a test that leaves no room for newcomers says so
        self._clients: list[Client] = []
        self.address = self.thread.start()
        # Readers of the bus look at it when they like; this one sleeps until there is news:
        # at the end of every turn, and with the last line of the log.
        self.chat.state.log.subscribe(wake=True).wakeup = self.subscription.wakeup
        self.call(lambda: self.chat.on_publish.append(self.thread.bus.flush))

    @property
    def chat(self) -> ChatServer:
        """What the reactor's thread owns: look at it only inside `call` or `until`."""
        return self.thread.server

    # -- clients

    def client(self, *, rcvbuf: int = 0, source: str = "", greeted: bool = True) -> Client:
        """A new client, closed with the server."""
        client = Client(self.address, rcvbuf=rcvbuf, source=source, greeted=greeted,
                        trust=self.trust)
        self._clients.append(client)
        return client

    def clients(self, count: int) -> list[Client]:
        """So many, each of which has heard the others come."""
        clients = [self.client() for _ in range(count)]
        for client in clients:
            client.heard()
        return clients

    def row(self, client: Client) -> ClientRow:
        """What the console shows of a client."""
        return next(row for row in self.snapshot().clients if row.id == client.id)

    # -- the admin

    def submit(self, command: Command, timeout: float = PATIENCE) -> CommandResult:
        """Have it done; how it went."""
        return self.thread.submit(command).result(timeout)

    def do(self, command: Command) -> CommandResult:
        """Have it done, and it must succeed."""
        result = self.submit(command)
        assert result.ok, result.text
        return result

    def snapshot(self) -> Snapshot:
        """How things stand now."""
        return self.call(self.thread.survey.build)

    def call(self, function: Callable[[], T], timeout: float = PATIENCE) -> T:
        """Run something on the reactor's thread; what it returned."""
        future: Future[T] = Future()

        def run() -> None:
            try:
                future.set_result(function())
            except BaseException as error:
                future.set_exception(error)

        self.chat.reactor.submit(run)
        return future.result(timeout)

    def turn(self) -> None:
        """One whole turn of the loop, from its beginning to its end."""
        self.call(lambda: None)
        self.call(lambda: None)

    def until(self, true: Callable[[ChatServer], object], timeout: float = PATIENCE) -> None:
        """Wait for something to hold at the end of a turn."""
        held: Future[None] = Future()

        def look() -> None:
            try:
                if true(self.chat) and not held.done():
                    held.set_result(None)
            except Exception as error:
                if not held.done():
                    held.set_exception(error)

        self.call(lambda: self.chat.on_publish.append(look))
        try:
            held.result(timeout)
        except FutureTimeoutError:
            raise AssertionError(f"not true within {timeout:g} s; {self.snapshot()}") from None
        finally:
            self.call(lambda: self.chat.on_publish.remove(look))

    # -- events

    def events(self) -> list[Event]:
        """All that has happened since the start."""
        self.seen += self.subscription.drain()
        return self.seen

    def wait_for(self, kind: type[E], where: Callable[[E], bool] = lambda event: True,
                 timeout: float = PATIENCE) -> E:
        """The first such event since the start, when it comes."""
        deadline = Deadline(timeout)
        looked = 0
        while True:
            self.subscription.wakeup.clear()
            events = self.events()
            for event in events[looked:]:
                if isinstance(event, kind) and where(event):
                    return event
            looked = len(events)
            left = deadline.left()
            if left <= 0:
                raise AssertionError(f"no {kind.__name__} came, but {events[-10:]}")
            self.subscription.wakeup.wait(left)

    # -- the end

    def check(self) -> None:
        """It lives, and two newcomers can talk, whatever has been done to it."""
        if not self.must_live:
            return
        assert self.thread.crash is None, self.thread.crash
        assert self.thread.alive, "the reactor's thread has ended"
        if self.open_to_all:
            two_can_talk(self.address, trust=self.trust)
        strays = self.call(self._strays)
        assert not strays, f"descriptors that the server has lost sight of: {strays}"

    def _strays(self) -> set[int]:
        """Sockets of the server's port that are open, and none of its connections'."""
        chat = self.chat
        acceptor = chat.acceptor
        handshakes = acceptor.handshakes.under_way if acceptor.handshakes else ()
        clients = chat.state.connections.values()
        known = {each.fd for each in (*clients, *acceptor.refusing, *handshakes,
                                      *chat.state.context.dead)}
        return sockets_on(self.address[1]) - known - {
            listener.sock.fileno() for listener in chat.listeners}

    def close(self) -> None:
        for client in self._clients:
            client.close()
        self.thread.close()
        self.thread.bus.unsubscribe(self.subscription)
        assert not self.thread.alive, "the reactor's thread did not end"


class Served:
    """`chatops serve` as it ships: a process of its own, heard on its standard error."""

    def __init__(self, *flags: str, cwd: Path, program: tuple[str, ...] = ("-m", "chatops"),
                 variables: dict[str, str] | None = None) -> None:
        """`program` is what Python runs; a test may put a fault in front of the command.
        `variables` go into its environment.
        """
        self.lines: list[str] = []
        self.must_live = True
        self.trust: ssl.SSLContext | None = None   # of its clients, when it speaks TLS
        self._clients: list[Client] = []
        self._news = threading.Condition()
        self._finished = False
        self.process = subprocess.Popen(
            [PYTHON, *program, "serve", "--port", "0", *flags], cwd=cwd,
            env=environment(**(variables or {})), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self._reader = threading.Thread(target=self._listen, name="stderr")
        self._reader.start()
        try:
            line = self.wait_for_line(r'listening on (\S+):(\d+)|"host":"([^"]+)","port":(\d+)')
        except BaseException:
            self.close()
            raise
        self.address = (line[1] or line[3], int(line[2] or line[4]))
        self._sockets = self.sockets()

    @property
    def pid(self) -> int:
        return self.process.pid

    def _listen(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._news:
                self.lines.append(line.rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self._finished = True
            self._news.notify_all()

    def wait_for_line(self, pattern: str, timeout: float = PATIENCE, *, after: int = 0
                      ) -> re.Match[str]:
        """The first line on standard error that matches, when it comes; `after` so many."""
        deadline = Deadline(timeout)
        with self._news:
            while True:
                for line in self.lines[after:]:
                    if match := re.search(pattern, line):
                        return match
                left = deadline.left()
                if self._finished or left <= 0:
                    raise AssertionError(f"no line like {pattern!r} in {self.lines}")
                self._news.wait(left)

    def client(self, *, rcvbuf: int = 0, source: str = "", greeted: bool = True) -> Client:
        """A new client, closed with the process."""
        client = Client(self.address, rcvbuf=rcvbuf, source=source, greeted=greeted,
                        trust=self.trust)
        self._clients.append(client)
        return client

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def status(self, timeout: float = PATIENCE) -> int:
        """Its exit status, once it has ended; all of its output is in `lines` then."""
        status = self.process.wait(timeout)
        self._reader.join(timeout)
        return status

    def descriptors(self) -> int:
        """How many it has open."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def sockets(self) -> int:
        """How many of them are sockets."""
        found = 0
        for name in os.listdir(f"/proc/{self.pid}/fd"):
            try:
                found += os.readlink(f"/proc/{self.pid}/fd/{name}").startswith("socket:")
            except FileNotFoundError:      # closed meanwhile
                pass
        return found

    def memory(self) -> int:
        """Bytes of it that are in RAM."""
        pages = Path(f"/proc/{self.pid}/statm").read_text("ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def cpu(self) -> float:
        """Seconds of processor time that its threads have used so far."""
        return processor_time(self.pid)

    def check(self) -> None:
        """It lives, and two newcomers can talk, whatever has been done to it."""
        if self.must_live:
            assert self.process.poll() is None, self.lines
            two_can_talk(self.address, trust=self.trust)
            for client in self._clients:
                client.close()
            until(lambda: self.sockets() == self._sockets)

    def close(self) -> None:
        for client in self._clients:
            client.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        assert self.process.stderr is not None
        self.process.stderr.close()


def processor_time(pid: int) -> float:
    """Seconds of processor time that a process has used so far, all its threads, to the
    nanosecond: /proc/PID/stat counts hundredths of a second.
    """
    return time.clock_gettime(~pid << 3 | 2)   # as clock_getcpuclockid(3) makes the clock's number


def environment(**more: str) -> dict[str, str]:
    """For a process that runs `chatops` (this very one, unless `PYTHON` has another), with no
    settings from outside.  Its terminal is as large as it is: what runs tests side by side
    gives them a size for theirs.
    """
    root = str(Path(chatops.__file__).parents[1])
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith("CHATOPS_") and name not in ("COLUMNS", "LINES")}
    where = {"PYTHONPATH": root} if sys.executable == PYTHON else {}
    return {**kept, **where, "PYTHONUNBUFFERED": "1", "CHATOPS_CONTROL": "off", **more}
