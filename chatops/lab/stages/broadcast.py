"""Stage 3: everybody hears everybody, unless one does not listen."""

from __future__ import annotations

from selectors import EVENT_READ
from socket import socket

from chatops.lab.stages.base import StageServer, receive


class BroadcastStage(StageServer):
    number = 3
    title = "broadcast"
    what = "What one client says is sent at once to every registered client."
    fault = "one client that does not read stops everybody"
    why = ("The sockets are blocking, as accept() makes them. When the buffers between here "
           "and one client are full, send() waits until that client reads. It waits inside a "
           "callback, so the loop waits too, and with it everybody else.")
    try_it = ("nc {host} {port} in two terminals, and in a third one that does not read; or "
              ":spawn mute, then :spawn flood")
    look_at = ("the header: no turn ends any more, and the lint says for how long the loop has "
               "been held, and in which line. The kernel queue of one client is full.")

    def serve(self) -> None:
        self.selector.register(self.listener, EVENT_READ, self.accept)
        while self.running:
            for key, _mask in self.selector.select():
                if key.fileobj.fileno() >= 0:    # type: ignore[union-attr]  # still open
                    key.data(key.fileobj)

    def accept(self, listener: socket) -> None:
        connection, address = listener.accept()
        self.selector.register(connection, EVENT_READ, self.read)
        self.say(f"accepted {address} as fd {connection.fileno()}")

    def read(self, connection: socket) -> None:
        text = receive(connection)
        if not text or text.strip() == b"quit":
            self.leave(connection)
        else:
            self.to_all(b"your msg is " + text.rstrip() + b"\n")

    def to_all(self, line: bytes) -> None:
        for key in list(self.selector.get_map().values()):
            if key.data == self.read:
                client: socket = key.fileobj  # type: ignore[assignment]
                try:
                    client.sendall(line)         # this is where everybody waits
                except ConnectionError:
                    self.leave(client)

    def leave(self, connection: socket) -> None:
        self.selector.unregister(connection)
        self.say(f"fd {connection.fileno()} leaves")
        connection.close()
