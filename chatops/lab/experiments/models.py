"""The five I/O models: one read each, of data that comes 300 ms late, as two phases.

Every input has two phases: waiting until there is data, and copying it from the kernel to
the process.  The models (Stevens, UNIX Network Programming 1, 6.2) differ in what the
process does in the first; only in the fifth is the second done for it as well.

Meant for a process of its own (see `apart`): the second model burns a core, and the
fourth needs the main thread, where Python runs signal handlers.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import select
import signal
import socket
import threading
import time
from types import FrameType
from typing import Any, Literal

import msgspec

from chatops.lab.experiments.late import LATE, SIZE, LateData

STEP = 0.005                   # seconds of "other work" between two looks, where one is free

Doing = Literal["asleep", "asking", "free", "copying"]


class IoSpan(msgspec.Struct, frozen=True):
    """A stretch of an input operation, and what the process did meanwhile.  Seconds."""

    phase: Literal["wait", "copy"]
    start: float
    end: float
    calls: int                 # system calls made in it, to get this data
    doing: Doing
    note: str

    @property
    def length(self) -> float:
        return self.end - self.start


class ModelRun(msgspec.Struct, frozen=True):
    """One model at work.  Times are seconds since the process first asked for data."""

    name: str
    spans: tuple[IoSpan, ...]
    arrived: float             # when the sender sent
    eagain: int                # reads that found nothing
    steps: int                 # times the caller was free to do something else before
    cpu: float                 # seconds of CPU that the reading thread used
    size: int                  # bytes read

    def span(self, phase: str) -> IoSpan:
        return next(span for span in self.spans if span.phase == phase)


class Models(msgspec.Struct, frozen=True):
    late: float
    runs: tuple[ModelRun, ...]

    def run(self, name: str) -> ModelRun:
        return next(run for run in self.runs if run.name == name)


def measure(late: float = LATE) -> Models:
    """All five, one after the other.  Raises RuntimeError outside the main thread."""
    return Models(late, tuple(model(late) for model in (
        blocking, nonblocking, multiplexing, signal_driven, asynchronous)))


def blocking(late: float = LATE) -> ModelRun:
    """One call, and it sleeps in the kernel through both phases."""
    into = bytearray(SIZE)
    with LateData(late) as line:
        cpu = time.thread_time()
        line.begin()
        size = line.reader.recv_into(into)
        end = line.elapsed()
        cpu = time.thread_time() - cpu
        arrived = line.sent_at(into)
    return ModelRun("blocking", (
        IoSpan("wait", 0.0, arrived, 1, "asleep", "inside recv(); the boundary is the sender's "
               "clock, the call does not show it"),
        IoSpan("copy", arrived, end, 0, "copying", "waking up and copying, in the same recv()"),
    ), arrived, 0, 0, cpu, size)


def nonblocking(late: float = LATE) -> ModelRun:
    """The descriptor never makes us wait, so we ask, and ask, and ask."""
    into = bytearray(SIZE)
    eagain = 0
    with LateData(late) as line:
        line.reader.setblocking(False)
        read, elapsed = line.reader.recv_into, line.elapsed
        cpu = time.thread_time()
        line.begin()
        while True:
            try:
                asked = elapsed()
                size = read(into)
                break
            except BlockingIOError:
                eagain += 1
        end = elapsed()
        cpu = time.thread_time() - cpu
        arrived = line.sent_at(into)
    asked = max(asked, arrived)    # the lucky call may have begun before the data came
    return ModelRun("non-blocking", (
        IoSpan("wait", 0.0, asked, eagain, "asking", f"recv() said EAGAIN {eagain:,} times"),
        IoSpan("copy", asked, end, 1, "copying", "the recv() that found data"),
    ), arrived, eagain, eagain, cpu, size)


def multiplexing(late: float = LATE) -> ModelRun:
    """Two calls: one that waits, for any number of descriptors, and one that copies."""
    into = bytearray(SIZE)
    with LateData(late) as line:
        line.reader.setblocking(False)
        cpu = time.thread_time()
        line.begin()
        select.select([line.reader], [], [])
        ready = line.elapsed()
        size = line.reader.recv_into(into)
        end = line.elapsed()
        cpu = time.thread_time() - cpu
        arrived = line.sent_at(into)
    return ModelRun("multiplexing", (
        IoSpan("wait", 0.0, ready, 1, "asleep", "inside select(), which could watch a thousand "
               "more"),
        IoSpan("copy", ready, end, 1, "copying", "recv(), which has no reason to wait now"),
    ), arrived, 0, 0, cpu, size)


def signal_driven(late: float = LATE) -> ModelRun:
    """SIGIO interrupts whatever we do; its handler reads.

    A real handler, because the interruption is the model: `sigtimedwait` in a thread would
    show a process that waits after all.  Handlers need the main thread, which in a console
    belongs to somebody else, and SIGIO's default action is to end the process: so this is
    run in a process of its own, whose main thread works in short steps until it comes.
    """
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("Python runs signal handlers in the main thread only")
    into = bytearray(SIZE)
    reads: list[tuple[float, float, int]] = []
    eagain = 0

    def on_sigio(_number: int, _frame: FrameType | None) -> None:
        nonlocal eagain
        asked = line.elapsed()
        try:
            size = line.reader.recv_into(into)
        except BlockingIOError:
            eagain += 1        # a signal may be about something else, or come twice
        else:
            reads.append((asked, line.elapsed(), size))

    steps = 0
    before = signal.signal(signal.SIGIO, on_sigio)
    try:
        with LateData(late) as line:
            cpu = time.thread_time()
            line.begin()
            ask_for_signals(line.reader)
            while not reads:
                time.sleep(STEP)
                steps += 1
            cpu = time.thread_time() - cpu
            arrived = line.sent_at(into)
    finally:
        signal.signal(signal.SIGIO, before)
    asked, end, size = reads[0]
    return ModelRun("signal-driven", (
        IoSpan("wait", 0.0, asked, 3, "free", f"fcntl() three times, then {steps} steps of other "
               "work, until SIGIO came"),
        IoSpan("copy", asked, end, 1, "copying", "recv() in the signal's handler"),
    ), arrived, eagain, steps, cpu, size)


def ask_for_signals(sock: socket.socket) -> None:
    """Have SIGIO sent to this process when `sock` becomes ready.  fcntl(2), F_SETOWN."""
    fcntl.fcntl(sock, fcntl.F_SETOWN, os.getpid())
    flags = fcntl.fcntl(sock, fcntl.F_GETFL)
    fcntl.fcntl(sock, fcntl.F_SETFL, flags | os.O_ASYNC | os.O_NONBLOCK)


class _Traced(socket.socket):
    """A socket that notes when it was read, to look under asyncio's completion style."""

    def trace(self, line: LateData) -> None:
        self.line = line
        self.reads: list[tuple[float, float]] = []
        self.eagain = 0

    def recv_into(self, *args: Any, **named: Any) -> int:
        asked = self.line.elapsed()
        try:
            size = super().recv_into(*args, **named)
        except BlockingIOError:
            self.eagain += 1
            raise
        self.reads.append((asked, self.line.elapsed()))
        return size


def asynchronous(late: float = LATE) -> ModelRun:
    """Start the operation, do something else, be told when the data is in our buffer.

    asyncio gives this style, but builds it of a non-blocking socket and a selector.  For
    sockets Linux has the real thing in io_uring only, which the standard library does not
    offer; glibc's POSIX AIO is a pool of threads that block.  Windows has it (IOCP, which
    is what asyncio uses there).
    """
    return asyncio.run(_asynchronous(late))


async def _asynchronous(late: float) -> ModelRun:
    into = bytearray(SIZE)
    loop = asyncio.get_running_loop()
    steps = 0
    with LateData(late) as line, _Traced(fileno=os.dup(line.reader.fileno())) as reader:
        reader.trace(line)
        reader.setblocking(False)
        cpu = time.thread_time()
        line.begin()
        operation = asyncio.ensure_future(loop.sock_recv_into(reader, into))
        while not operation.done():
            await asyncio.wait((operation,), timeout=STEP)
            steps += 1
        size = operation.result()
        end = line.elapsed()
        cpu = time.thread_time() - cpu
        arrived = line.sent_at(into)
        asked, copied = reader.reads[0]
    return ModelRun("asynchronous", (
        IoSpan("wait", 0.0, asked, 1 + reader.eagain, "free", f"started, then {steps} steps of "
               "other work; underneath, a selector waited"),
        IoSpan("copy", asked, copied, 1, "copying", "recv() by the event loop, into our buffer"),
        IoSpan("copy", copied, end, 0, "free", "the news that it is done"),
    ), arrived, reader.eagain, steps, cpu, size)
