"""An asyncio program that is only imagined: what `chatops watch` shows, the same each time."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec.structs import replace

from chatops import lints
from chatops.api.events import Event, LoopHeld, Printed
from chatops.api.snapshot import (
    CallbackRow,
    ClientRow,
    Executor,
    Held,
    LoopRow,
    Program,
    Snapshot,
    TaskRow,
)
from tests.tui.feed import BEGAN, QUEUE_LIMIT, Feed

HANDLE = "handle (chat.py:8)"


@dataclass
class ProgramFeed(Feed):
    """The feed's clients as connections of a chat server that somebody wrote with asyncio."""

    held: bool = False                 # a handler looks a name up, in the loop's thread
    kind: str = "asyncio"
    unseen: str = ""

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
            loop=replace(before.loop, lag=1.2 if self.held else 0.0021,
                         slowest_name=HANDLE),
            program=self._program(len(rows)), tasks=self._tasks(rows))
        return replace(picture, lints=lints.find(picture))

    def take(self) -> list[Event]:
        super().take()
        said: list[Event] = [Printed(self.wall, "chat.py: listening on 127.0.0.1:8888")]
        if self.held:
            said.append(LoopHeld(self.wall, 1.2, "handle (chat.py:12)",
                                 "host = socket.gethostbyaddr(peer[0])"))
        return said if round(self.now * 10) % 300 == 0 else []

    def _connection(self, row: ClientRow) -> ClientRow:
        queued = 5 * row.queued if row.queued else 0
        return replace(
            row, nick=f"Task-{row.id + 2}", room="StreamReaderProtocol", task=HANDLE,
            queued=queued, queue_limit=QUEUE_LIMIT, queued_lines=0, lines_in=0, lines_out=0,
            bytes_out=1_000 * row.id + row.bytes_out,
            state="throttled" if queued > QUEUE_LIMIT else "open")

    def _program(self, connections: int) -> Program:
        held = Held(1.2, self.now - 1.2, "handle (chat.py:12)",
                    "host = socket.gethostbyaddr(peer[0])") if self.held else None
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
