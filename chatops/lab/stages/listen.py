"""Stage 1: a socket that is watched, and one that is not."""

from __future__ import annotations

from selectors import EVENT_READ
from socket import socket

from chatops.lab.stages.base import StageServer


class ListenStage(StageServer):
    number = 1
    title = "listen"
    what = "One listening socket is registered for reading; its key's data is what to call."
    fault = "a client connects, and nothing ever answers it"
    why = ("A socket that is not registered is not watched. accept() made a new socket, with a "
           "descriptor of its own, and nobody told the selector about it: what the client "
           "types arrives, waits in the kernel, and is never looked at.")
    try_it = "nc {host} {port}, then type a line"
    look_at = ("the map: one key, the listener's, however many clients connect. Each connect "
               "fires it once; nothing fires when a client types.")

    def serve(self) -> None:
        self.selector.register(self.listener, EVENT_READ, self.accept)
        while self.running:
            for key, mask in self.selector.select():
                self.say(f"{key}, mask {mask}")
                key.data(key.fileobj)

    def accept(self, listener: socket) -> None:
        connection, address = listener.accept()
        self.say(f"accepted {address} as fd {connection.fileno()}; it is not registered")
