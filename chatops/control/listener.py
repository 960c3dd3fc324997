"""The control socket on the server's side: it shares the reactor's selector with the clients."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable

from chatops.api import events
from chatops.api.commands import Answer, Command, CommandResult
from chatops.control.frames import PROTOCOL, Bye, Welcome
from chatops.control.host import ControlEndpoint, Host, SnapshotSource
from chatops.control.session import ControlSession, say_last
from chatops.control.socket_path import ControlError, may_talk
from chatops.loop import backends
from chatops.net.listener import Listener, Shortage
from chatops.system.version import __version__

MOST = 32                      # consoles and scripts at once
LAST_WORDS = 0.25              # seconds that a server which has ended gives them all to read


class ControlListener(Listener):
    """Where consoles and scripts come in."""

    kind = "control"
    label = "Control"


class Control:
    """Lets consoles in and tells them what there is.  Belongs to the reactor's thread."""

    def __init__(self, endpoint: ControlEndpoint, server: Host, survey: SnapshotSource,
                 carry_out: Callable[[Command, Answer, int], None]) -> None:
        """Made before the reactor's thread starts; `carry_out` does a command of the user with
        this id, and answers.
        """
        self.server = server
        self.survey = survey
        self.carry_out = carry_out
        self._endpoint = endpoint
        self._sessions: dict[int, ControlSession] = {}
        self._count = 0
        self._door = self._opened()
        server.on_publish.append(self._publish)

    def __repr__(self) -> str:
        return f"<Control {self._endpoint.path} sessions={len(self._sessions)}>"

    def welcome(self, read_only: bool) -> Welcome:
        """Who this server is."""
        server = self.server
        host, port = server.address
        return Welcome(PROTOCOL, __version__, os.getpid(), host, port, server.tls,
                       server.what, server.possible, read_only, server.history_file)

    @property
    def is_lost(self) -> bool:
        """Whether its path no longer leads here.  From any thread."""
        return not self._endpoint.is_there

    def restore(self) -> CommandResult | None:
        """Listen at the path again if somebody has taken its file away; how that went, and None
        where there was no need.  Consoles that are connected stay.
        """
        endpoint = self._endpoint
        if endpoint.is_there:
            return None
        try:
            endpoint.renew()
        except ControlError as error:
            return CommandResult(False, f"the control socket is gone, and stays so: {error}")
        if endpoint.sock is not self._door.sock:
            self._door.close()
            self._door = self._opened()
        return CommandResult(True, f"the control socket {endpoint.path} was gone; it is there "
                                   "again")

    def left(self, session: ControlSession) -> None:
        """A session is over; said by itself."""
        self._sessions.pop(session.number, None)

    def finish(self, detail: str, *, failed: bool = False) -> None:
        """Tell everybody how it ended, and give the path back.

        After the reactor has ended and has closed its selector, so this waits for slow
        readers itself: for a quarter of a second in all.
        """
        deadline = time.monotonic() + LAST_WORDS
        sessions, self._sessions = self._sessions, {}
        for session in sessions.values():
            session.end(Bye(detail, failed), deadline)
        self._endpoint.close()

    def abandon(self) -> None:
        """In a forked child: close what was inherited; what is shared stays as it is."""
        for session in self._sessions.values():
            session.abandon()
        self._sessions.clear()

    def _opened(self) -> ControlListener:
        reactor = self.server.reactor
        return ControlListener(reactor, self._endpoint.sock, Shortage(
            reactor, paused=lambda _reason, _seconds: None, resumed=lambda: None),
            accepted=self._accepted)

    def _accepted(self, sock: socket.socket, _address: object) -> None:
        sock.setblocking(False)
        limit = backends.BACKENDS[self.server.selector.backend].max_fd
        if not may_talk(sock):
            reason = "this server is another user's"
        elif len(self._sessions) >= MOST:
            reason = f"{MOST} consoles and scripts are connected already"
        elif limit is not None and sock.fileno() > limit:
            reason = "select() cannot watch more descriptors"
        else:
            try:
                self._sessions[self._count + 1] = ControlSession(self, sock, self._count + 1)
                self._count += 1
                return
            except OSError as error:       # of the selector: epoll has a limit of its own
                reason = f"the server cannot watch it ({error.strerror})"
        self.server.say(events.Warned(self.server.wall(), f"control: refused: {reason}"))
        say_last(sock, Bye(reason))

    def _publish(self) -> None:
        """At the end of every turn, after the survey: no session may end the loop."""
        for session in list(self._sessions.values()) if self._sessions else ():
            try:
                session.publish()
            except Exception as error:
                session.close()
                self.server.mishap("ControlSession.publish", session.fd, error, None)
