"""Stage 2: each client is watched and answered, but nobody looks for the end."""

from __future__ import annotations

from selectors import EVENT_READ
from socket import socket

from chatops.lab.stages.base import StageServer, receive


class EchoStage(StageServer):
    number = 2
    title = "echo"
    what = "Every connection is registered for reading, and each line is answered."
    fault = "after a client has left, the loop spins"
    why = ("At end of file recv() returns b'', and the socket stays readable for ever, since "
           "there will never be more to wait for. The callback does not check for it: the "
           "descriptor stays registered, select() returns at once, again and again.")
    try_it = "nc {host} {port}, type a line, then leave with Ctrl-C"
    look_at = ("wake-ups per second, the moment a client leaves: from a few to many thousand. "
               "The map: the key that fires all the time is at end of file.")

    def serve(self) -> None:
        self.selector.register(self.listener, EVENT_READ, self.accept)
        while self.running:
            for key, _mask in self.selector.select():
                key.data(key.fileobj)
        self.close_all()

    def accept(self, listener: socket) -> None:
        connection, address = listener.accept()
        self.selector.register(connection, EVENT_READ, self.read)
        self.say(f"accepted {address} as fd {connection.fileno()}")

    def read(self, connection: socket) -> None:
        text = receive(connection)
        if text:
            try:
                connection.sendall(b"your msg = " + text.rstrip() + b" ===\n")
            except ConnectionError:
                pass                             # it has left, and is still registered

    def close_all(self) -> None:
        """Print the map, the listener is in it too, and take it apart.

        The file objects are collected first: the map may not change while it is walked.
        """
        fileobjs = []
        for fd, key in self.selector.get_map().items():
            self.say(f"fd {fd}: {key.fileobj}")
            fileobjs.append(key.fileobj)
        for fileobj in fileobjs:
            self.selector.unregister(fileobj)
            fileobj.close()  # type: ignore[union-attr]  # all of them are sockets
