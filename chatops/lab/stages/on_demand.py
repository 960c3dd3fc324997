"""Stage 5: watch for reading; ask for writing only while something waits."""

from __future__ import annotations

from selectors import EVENT_READ, EVENT_WRITE
from socket import socket

from chatops.lab.stages.base import StageServer, receive
from chatops.units import format_size

QUEUE_LIMIT = 1 << 20          # bytes; who is further behind than this is closed


class OnDemandStage(StageServer):
    number = 5
    mended = True
    title = "on demand"
    what = "Try to send first; watch for writing only while a client's queue is not empty."
    fault = "none: this is how chatops itself works"
    why = ("An idle client has one bit in its mask. Writing is asked for when the kernel did "
           "not take everything, and taken back when the queue is empty: the loop wakes up "
           "when there is something to do, and sleeps otherwise. No queue grows for ever: who is "
           f"more than {QUEUE_LIMIT >> 20} MB behind is closed.")
    try_it = "nc {host} {port} in two terminals; stop one with Ctrl-S or :spawn mute, and talk"
    look_at = ("wake-ups per second: one for each line, none in between. The mask of a client "
               "that does not read goes from R to RW, its queue grows, nobody waits for it.")

    def serve(self) -> None:
        self.waiting: dict[socket, bytearray] = {}
        self.listener.setblocking(False)
        self.selector.register(self.listener, EVENT_READ, self.accept)
        while self.running:
            for key, mask in self.selector.select():
                key.data(key.fileobj, mask)

    def accept(self, listener: socket, _mask: int) -> None:
        try:
            connection, address = listener.accept()
        except (BlockingIOError, ConnectionError):
            return                               # it has gone again before we came
        connection.setblocking(False)
        self.waiting[connection] = bytearray()
        self.selector.register(connection, EVENT_READ, self.talk)
        self.say(f"accepted {address} as fd {connection.fileno()}")

    def talk(self, connection: socket, mask: int) -> None:
        if mask & EVENT_WRITE and connection in self.waiting:
            self.send(connection)
        if mask & EVENT_READ and connection in self.waiting:
            try:
                text = receive(connection)
            except BlockingIOError:
                return
            if not text or text.strip() == b"quit":
                self.leave(connection)
            else:
                self.to_all(b"your msg is " + text.rstrip() + b"\n")

    def to_all(self, line: bytes) -> None:
        for connection in list(self.waiting):
            self.waiting[connection] += line
            self.send(connection)

    def send(self, connection: socket) -> None:
        queue = self.waiting[connection]
        try:
            del queue[:connection.send(queue)]
        except BlockingIOError:
            pass                                 # full; select() will say when there is room
        except ConnectionError:
            queue.clear()                        # its end is read in the next turn
        if len(queue) > QUEUE_LIMIT:
            self.reasons[connection] = f"the stage closed it, {format_size(len(queue))} behind"
            self.leave(connection)
            return
        mask = EVENT_READ | EVENT_WRITE if queue else EVENT_READ
        if mask != self.selector.get_key(connection).events:
            self.selector.modify(connection, mask, self.talk)

    def leave(self, connection: socket) -> None:
        del self.waiting[connection]
        self.selector.unregister(connection)
        self.say(f"fd {connection.fileno()}: {self.reasons.get(connection, 'it leaves')}")
        connection.close()
