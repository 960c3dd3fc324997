"""Starting servers and loads as processes, and ending them whatever happens."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import IO, Any, Generic, Self, TypeVar

import msgspec

from chatops.bench import usage
from chatops.bench.contenders import Contender
from chatops.bench.load import LoadResult, LoadSpec
from chatops.bench.nonreaders import ServerPort, StalledResult, StalledSpec
from chatops.bench.ports import HeldPort
from chatops.system.errors import ChatopsError

START_DEADLINE = 20.0          # seconds until a server must listen
STOP_DEADLINE = 5.0            # seconds between being asked to end and being made to
LOAD_DEADLINE = 180.0
SCREEN_ROWS, SCREEN_COLUMNS = 40, 120
TAIL = 2000                    # bytes kept of what was drawn, for its last words
ANSWER_KEPT = 1 << 18          # bytes of what is drawn that an answer is looked for in
ESCAPES = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|[@-Z\\-_]|[ -/]*[0-~])")
SCREEN_WARM_UP = 1.5           # seconds a console gets to mount before it is measured

_Result = TypeVar("_Result")


class BenchError(ChatopsError, RuntimeError):
    """A process did not do its part; one line says which and why."""


class NullTerminal:
    """A terminal that nobody looks at: what is drawn is read at once and thrown away."""

    def __init__(self) -> None:
        self._master, self.slave = pty.openpty()
        size = struct.pack("HHHH", SCREEN_ROWS, SCREEN_COLUMNS, 0, 0)
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, size)
        self.drawn = 0
        self._tail = b""
        self._news = threading.Condition()
        self.answer = bytearray()  # what has been drawn since the last question
        self._thread = threading.Thread(target=self._drain, name="terminal", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Hang up.  The other end must be gone, or the drain would wait for it."""
        os.close(self.slave)
        self._thread.join(STOP_DEADLINE)
        os.close(self._master)

    def ask(self, keys: bytes, sign: re.Pattern[bytes], patience: float) -> float:
        """Press these keys; seconds until something drawn since then matches `sign`.

        Raises BenchError when it is not within `patience`.
        """
        with self._news:
            self.answer.clear()
            began = time.perf_counter()
            if keys:
                os.write(self._master, keys)
            while not sign.search(self.answer):
                left = began + patience - time.perf_counter()
                if left <= 0 or not self._news.wait(left):
                    raise BenchError(f"the console did not answer {keys!r} within {patience:g} s")
            return time.perf_counter() - began

    def last_words(self) -> bytes:
        """The text at the end of what was drawn, without escape sequences."""
        return ESCAPES.sub(b"", self._tail)

    def _drain(self) -> None:
        try:
            while data := os.read(self._master, 65536):
                self.drawn += len(data)
                self._tail = (self._tail + data)[-TAIL:]
                with self._news:
                    self.answer += data
                    del self.answer[:-ANSWER_KEPT]
                    self._news.notify_all()
        except OSError:
            pass  # EIO: the last one that had it open has closed it


class ServerProcess:
    """A contender that listens, from `with` until the end of the block."""

    def __init__(self, contender: Contender, cpu: int | None = None) -> None:
        self.contender = contender
        self.port = 0
        self.pid = 0
        self._cpu = cpu
        self._terminal: NullTerminal | None = None
        self._said: IO[bytes] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._held: HeldPort | None = None

    def __enter__(self) -> Self:
        try:
            self._start()
            self._wait_until_it_listens()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._end()

    def _start(self) -> None:
        self._held = HeldPort()
        self.port = self._held.number
        said = self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed in _end
        terminal = self._terminal = NullTerminal() if self.contender.screen else None
        self._process = spawn(
            self.contender.on(self.port),
            stdin=terminal.slave if terminal else subprocess.DEVNULL,
            stdout=terminal.slave if terminal else said,
            stderr=terminal.slave if terminal else said,
            env={**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"})
        self.pid = self._process.pid
        usage.pin(self.pid, self._cpu)

    @property
    def screen(self) -> NullTerminal:
        """The terminal of one that draws."""
        assert self._terminal is not None
        return self._terminal

    def check(self, grace: float = 0.0) -> None:
        """Raises BenchError with its last words when it has ended, or does within `grace`."""
        assert self._process is not None
        try:
            status = self._process.wait(grace)
        except subprocess.TimeoutExpired:
            return
        raise BenchError(f"{self.contender.title} ended with status {status}: "
                         f"{self._last_words()}")

    def _wait_until_it_listens(self) -> None:
        deadline = time.monotonic() + START_DEADLINE
        while time.monotonic() < deadline:
            self.check()
            try:
                socket.create_connection(("127.0.0.1", self.port), 1.0).close()
            except OSError:
                time.sleep(0.02)
                continue
            time.sleep(SCREEN_WARM_UP if self._terminal else 0.1)
            return
        raise BenchError(f"{self.contender.title} never listened on port {self.port}")

    def _last_words(self) -> str:
        if self._terminal is not None:
            return _last_of(self._terminal.last_words())
        assert self._said is not None
        return _last_line(self._said)

    def _end(self) -> None:
        if self._process is not None:
            end(self._process)
        if self._terminal is not None:
            self._terminal.close()
        if self._said is not None:
            self._said.close()
        if self._held is not None:
            self._held.close()


def _last_line(said: IO[bytes]) -> str:
    said.seek(0)
    return _last_of(said.read())


def _last_of(said: bytes) -> str:
    lines = said.decode(errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else "not a word"


def spawn(command: list[str], **options: Any) -> subprocess.Popen[bytes]:
    """Start a process in a group of its own: Ctrl-C is for us, and we end what we started.

    In the same session: Linux divides CPUs among sessions first (autogroups, sched(7)), and who is
    to yield to the others would yield to none in a session of its own.

    A signal that came in the middle of `Popen` would leave a process that nobody knows of,
    so it is held back until there is something to end.
    """
    came: list[int] = []
    before = {number: signal.signal(number, lambda number, _frame: came.append(number))
              for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        process = subprocess.Popen(command, process_group=0, **options)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if came:
        end(process)
        raise KeyboardInterrupt
    return process


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask a process to end, and make it when it does not."""
    process.terminate()
    try:
        process.wait(STOP_DEADLINE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def run_load(spec: LoadSpec) -> LoadResult:
    """Run a load on one server to its end.  Raises BenchError."""
    return run_loads([spec])[0]


def run_loads(specs: Sequence[LoadSpec]) -> list[LoadResult]:
    """Run several loads side by side.  Raises BenchError."""
    with ExitStack() as stack:
        loads = [stack.enter_context(Load("chatops.bench.load", spec, LoadResult))
                 for spec in specs]
        return [load.result() for load in loads]


class Load(Generic[_Result]):
    """A load in a process of its own, from `with` until it ends, or the block does."""

    def __init__(self, module: str, spec: msgspec.Struct, kind: type[_Result]) -> None:
        self._command = [sys.executable, "-m", module, msgspec.json.encode(spec).decode()]
        self._kind = kind

    def __enter__(self) -> Self:
        self._process = spawn(self._command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        with self._process:            # closes its pipes
            if self._process.poll() is None:
                end(self._process)

    def result(self) -> _Result:
        """What came of it, when it has ended.  Raises BenchError."""
        try:
            answer, said = self._process.communicate(timeout=LOAD_DEADLINE)
        except subprocess.TimeoutExpired:
            raise BenchError(f"the load did not end within {LOAD_DEADLINE:.0f} s") from None
        if self._process.returncode:
            lines = said.decode(errors="replace").strip().splitlines()
            raise BenchError(lines[-1] if lines
                             else f"the load ended with {self._process.returncode}")
        return msgspec.json.decode(answer, type=self._kind)


def measure(contender: Contender, spec: LoadSpec, cpus: tuple[int, int] | None) -> LoadResult:
    """Start a contender, load it as the spec says, and end it."""
    server_cpu, load_cpu = cpus or (None, None)
    with ServerProcess(contender, server_cpu) as server:
        try:
            result = run_load(msgspec.structs.replace(
                spec, port=server.port, spoken=contender.spoken, server_pid=server.pid,
                cpu=load_cpu))
            server.check()
            return result
        except BenchError:
            server.check(grace=0.5)    # what it died of tells more than that nobody answered
            raise


def measure_in_turn(contender: Contender, spec: StalledSpec,
                    cpus: tuple[int, int] | None) -> StalledResult:
    """Start a contender twice, load both in turn as the spec says, and end them."""
    server_cpu, load_cpu = cpus or (None, None)
    with ServerProcess(contender, server_cpu) as one, ServerProcess(contender, server_cpu) as other:
        try:
            with Load("chatops.bench.nonreaders", msgspec.structs.replace(
                    spec, reading=ServerPort(one.port, one.pid),
                    stalling=ServerPort(other.port, other.pid), cpu=load_cpu),
                    StalledResult) as load:
                return load.result()
        except BenchError:
            for server in (one, other):
                server.check(grace=0.5)
            raise
