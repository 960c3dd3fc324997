"""What a console shows of somebody's program, where that is no chat server (`chatops watch`)."""

from __future__ import annotations

import msgspec

CALLBACKS = 30                 # names that a picture has at most


class TaskRow(msgspec.Struct, frozen=True, gc=False):
    """One task of an asyncio program, or several of one coroutine in one line."""

    id: int                    # ours, never used twice; 0 for several
    name: str
    coro: str                  # "handle (chat.py:8)": as it was defined
    at: str                    # "handle (chat.py:12)": the innermost line of the author's
    on: str                    # what it waits for: "Lock.acquire", "sleep", "task Task-8"
    state: str                 # waiting, ready, running, failed (and nobody has asked)
    since: float               # monotonic, when it was first seen as it is now
    chain: tuple[str, ...] = ()        # from the coroutine inwards, whatever awaits whatever
    holder: str = ""           # of a lock: the task that holds it, where that can be told
    busy: float = 0.0          # seconds it ran while somebody looked
    steps: int = 0             # how often
    count: int = 1             # of several: how many
    error: str = ""            # of one that failed
    behind: tuple[int, ...] = ()       # ids of tasks that it cannot go on without

    @property
    def waits(self) -> str:
        """What it waits for and who holds that, or how it failed."""
        return self.error or (f"{self.on} held by {self.holder}" if self.holder else self.on)


class CallbackRow(msgspec.Struct, frozen=True, gc=False):
    """What calls of one name have cost while somebody looked, in seconds."""

    name: str
    calls: int
    busy: float
    p50: float
    p99: float
    slowest: float


class Executor(msgspec.Struct, frozen=True, gc=False):
    """The pool of threads that a loop gives blocking calls to."""

    threads: int
    most: int                  # that there may be
    busy: int
    waiting: int               # calls that no thread has begun


class Held(msgspec.Struct, frozen=True, gc=False):
    """A loop that is held, as its thread's stack shows."""

    seconds: float             # so far
    since: float               # monotonic
    at: str                    # "handle (chat.py:8)": the innermost line of the author's
    inside: str                # "sleep": what that line calls, "" when it is that line itself
    stack: tuple[str, ...] = ()        # the outermost first
    call: str = ""             # "socket.getaddrinfo": what it waits in, "" when it computes
    kind: str = ""             # what that waits for: "name", see chatops.watch.blocking


class LoopRow(msgspec.Struct, frozen=True, gc=False):
    """One of the selectors of a program; one of them is what a snapshot shows."""

    number: int
    kind: str                  # "asyncio", or "selectors" for a loop somebody wrote
    thread: str
    backend: str
    registered: int
    turns: int
    armed_by: str              # where the first descriptor was registered


class Process(msgspec.Struct, frozen=True, gc=False):
    """Another process of the same program, with a control socket of its own."""

    pid: int
    path: str


class Program(msgspec.Struct, frozen=True, gc=False):
    """Somebody's program, where a snapshot is not of a chat server."""

    name: str
    pid: int
    python: str                # "3.12.1"
    kind: str                  # of the loop that is shown; "" while there is none
    shown: int = 0             # its number
    loops: tuple[LoopRow, ...] = ()
    unseen: str = ""           # why there is nothing to see, or not all; one line
    held: Held | None = None
    executor: Executor | None = None
    callbacks: tuple[CallbackRow, ...] = ()    # of CALLBACKS names, the most expensive first
    tasks: int = 0             # in all, however many have a row
    processes: tuple[Process, ...] = ()
    was_held: Held | None = None       # the last one that is over, with the time it took in all
