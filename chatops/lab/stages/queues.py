"""Stage 4: reading and writing are separated, and the loop never sleeps again."""

from __future__ import annotations

from collections.abc import Callable
from queue import Empty, Queue
from selectors import EVENT_READ, EVENT_WRITE
from socket import socket

from chatops.lab.stages.base import StageServer, receive


class Lines(Queue[bytes]):
    """What waits for one client, and how many bytes that is."""

    size = 0

    def _put(self, item: bytes) -> None:
        self.size += len(item)
        super()._put(item)

    def _get(self) -> bytes:
        item = super()._get()
        self.size -= len(item)
        return item


Data = tuple[Callable[[socket, int, Lines], None], Lines]


class QueuesStage(StageServer):
    number = 4
    title = "queues"
    what = ("Each client has a queue: a line goes into all of them, and a client that is "
            "writable is sent one item of its own.")
    fault = "the loop never sleeps: one core at 100 % with nobody talking"
    why = ("Every client is registered for reading and for writing. A socket is writable as "
           "long as its kernel buffer has room, which is nearly always, so select() has "
           "something to report at once, every time: writable, writable, writable.")
    try_it = "nc {host} {port}, and say nothing"
    look_at = ("wake-ups per second, as soon as one client is there. The mask of each key is "
               "RW; w fires without end, and there is nothing to write.")
    write_interest = "always"

    def serve(self) -> None:
        data: Data = (self.accept, Lines())
        self.selector.register(self.listener, EVENT_READ, data)
        while self.running:
            for key, mask in self.selector.select():
                callback, queue = key.data
                callback(key.fileobj, mask, queue)

    def accept(self, listener: socket, _mask: int, _queue: Lines) -> None:
        connection, address = listener.accept()
        connection.setblocking(False)
        data: Data = (self.talk, Lines())
        self.selector.register(connection, EVENT_READ | EVENT_WRITE, data)
        self.say(f"accepted {address} as fd {connection.fileno()}")

    def talk(self, connection: socket, mask: int, queue: Lines) -> None:
        if mask & EVENT_READ:
            text = receive(connection)
            if not text or text.strip() == b"quit":
                self.leave(connection)
                return
            self.to_all(b"your msg is " + text.rstrip() + b"\n")
        if mask & EVENT_WRITE:
            try:
                item = queue.get_nowait()
            except Empty:
                return                           # woken up for nothing
            try:
                connection.send(item)            # writable means room for far more than a line
            except ConnectionError:
                self.leave(connection)

    def to_all(self, line: bytes) -> None:
        for key in self.selector.get_map().values():
            if key.fileobj is not self.listener:
                key.data[1].put(line)

    def buffered(self) -> int:
        return sum([key.data[1].size for key in self.selector.get_map().values()])

    def leave(self, connection: socket) -> None:
        self.selector.unregister(connection)
        self.say(f"fd {connection.fileno()} leaves")
        connection.close()
