"""An asyncio program that is only imagined: what `chatops watch` shows, the same each time."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from msgspec.structs import replace

from chatops import lints
from chatops.api.events import Event, LoopHeld, Printed
from chatops.api.program import CallbackRow, Executor, Held, LoopRow, Program, TaskRow
from chatops.api.snapshot import ClientRow, Snapshot, Turn
from tests.tui.feed import BEGAN, QUEUE_LIMIT, Feed, Talker

HANDLE = "handle (chat.py:8)"
LOOKS_UP = ("handle (chat.py:12)", "host = socket.gethostbyaddr(peer[0])")
NOTICED = 0.1                      # seconds that it takes to see that a loop is held


@dataclass
class ProgramFeed(Feed):
    """The feed's clients as connections of a chat server that somebody wrote with asyncio."""

    kind: str = "asyncio"
    unseen: str = ""
    held_since: float | None = None    # a handler looks a name up, in the loop's thread
    noticed: bool = False
    said: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.said.append(Printed(self.wall, "chat.py: listening on 127.0.0.1:8888"))

    def hold(self) -> None:
        """From now on no turn comes to its end."""
        self.held_since, self.noticed = self.now, False

    def step(self, seconds: float = 0.1) -> None:
        if self.held_since is None:
            super().step(seconds)
            if round(self.now * 10) % 300 == 0:
                self.said.append(Printed(self.wall, f"chat.py: {len(self.talkers)} people here"))
            return
        self.now += seconds
        self.worked += seconds
        if not self.noticed and self._held_for >= NOTICED:
            self.noticed = True
            self.said.append(LoopHeld(self.wall, self._held_for, *LOOKS_UP))

    def _say(self, who: Talker) -> None:
        """Two turns, as asyncio has them: one that finds a line and queues its callback, and one
        that runs what that has woken, and does not sleep.
        """
        super()._say(who)
        found = self.turns.pop()
        name = f"{_task(who.id)} {HANDLE}"
        self.turns.append(replace(
            found, notes=(), queues=(),
            ready=tuple([replace(ready, name=name, cost=math.nan) for ready in found.ready]),
            changes=tuple([replace(change, name=f"{_task(change.client or who.id)} {HANDLE}",
                                   by="_SelectorTransport.write (selector_events.py:1083)")
                           for change in found.changes])))
        self.turn += 1
        self.turns.append(Turn(self.turn, self.now, 0.0, 0.000007, 0.0003, ()))

    def snapshot(self) -> Snapshot:
        before = super().snapshot()
        rows = tuple(map(self._connection, before.clients))
        task_of = {row.fd: f"{row.nick} {HANDLE}" for row in rows}
        keys = tuple(
            replace(key, data=task_of.get(key.fd, key.data),
                    callback=f"StreamReaderProtocol: {HANDLE}" if key.client else
                    HANDLE if key.type == "listener" else "loop wakes up",
                    type="self-pipe" if key.type == "waker" else key.type,
                    armed_by="main (chat.py:30)") for key in before.keys)
        picture = replace(
            before, host="", port=0, clients=rows, keys=keys, rooms=(), lints=(),
            loop=replace(before.loop, lag=max(self._held_for, 0.0021), slowest_name=HANDLE),
            program=self._program(len(rows)), tasks=self._tasks(rows))
        return replace(picture, lints=lints.find(picture))

    @property
    def _held_for(self) -> float:
        """Seconds."""
        return self.now - self.held_since if self.held_since is not None else 0.0

    def take(self) -> list[Event]:
        super().take()
        said, self.said = self.said, []
        return said

    def _connection(self, row: ClientRow) -> ClientRow:
        queued = 5 * row.queued if row.queued else 0
        return replace(
            row, nick=_task(row.id), room="StreamReaderProtocol", task=HANDLE,
            queued=queued, queue_limit=QUEUE_LIMIT, queued_lines=0, lines_in=0, lines_out=0,
            bytes_out=1_000 * row.id + row.bytes_out,
            state="throttled" if queued > QUEUE_LIMIT else "open")

    def _program(self, connections: int) -> Program:
        held = Held(self._held_for, self.held_since, *LOOKS_UP
                    ) if self.held_since is not None and self.noticed else None
        return Program(
            "chat.py", 4242, "3.12.1", self.kind, 1,
            (LoopRow(1, self.kind, "MainThread", "epoll", connections + 2, self.turn,
                     "main (chat.py:30)"),),
            unseen=self.unseen, held=held, executor=Executor(6, 6, 2, 0), tasks=connections + 3,
            callbacks=(CallbackRow("backup (chat.py:19)", 40, 9.0, 0.0002, 0.3, 0.31),
                       CallbackRow(HANDLE, round(90 * self.now), 0.1 * self.now, 0.0001, 0.0009,
                                   0.02)))

    def _tasks(self, rows: tuple[ClientRow, ...]) -> tuple[TaskRow, ...]:
        if self.kind != "asyncio":
            return ()
        now = self.now
        return (
            TaskRow(1, "Task-1", "main (chat.py:28)", "main (chat.py:33)",
                    "Server.serve_forever", "waiting", BEGAN,
                    ("main (chat.py:33)", "Server.serve_forever (base_events.py:369)")),
            TaskRow(2, "backup", "backup (chat.py:19)", "backup (chat.py:21)", "Lock.acquire",
                    "waiting", now - 41.0,
                    ("backup (chat.py:21)", "Lock.acquire (locks.py:113)"),
                    f"Task-5 {HANDLE}"),
            *(TaskRow(row.id + 2, row.nick, HANDLE, "handle (chat.py:9)", "StreamReader.readline",
                      "waiting", row.active_at,
                      ("handle (chat.py:9)", "StreamReader.readline (streams.py:568)"),
                      busy=0.001 * row.id, steps=40 + row.id) for row in rows),
        )


def _task(connection: int) -> str:
    """The name of the one that serves it."""
    return f"Task-{connection + 2}"
