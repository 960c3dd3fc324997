"""What the control socket needs of whatever it gives access to: a chat server, or a program."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from chatops.api import events
from chatops.api.commands import Answer, Command
from chatops.api.slot import SnapshotSlot
from chatops.api.snapshot import Pulse
from chatops.control.frames import Welcome
from chatops.loop.bus import EventBus
from chatops.loop.observed import ObservedSelector
from chatops.loop.reactor import Reactor


class ControlEndpoint(Protocol):
    """A control socket that listens, at a path that is given back at the end."""

    @property
    def path(self) -> object:
        """Where."""

    @property
    def sock(self) -> socket.socket:
        """On which sessions are accepted."""

    @property
    def is_there(self) -> bool:
        """Whether the path still leads to it."""

    def renew(self) -> None:
        """Have it there again; where that takes a new `sock`, the old one is for its user to
        close.  Raises `ControlError`, and then nothing has changed.
        """

    def close(self) -> None:
        """Give the path back.  Idempotent."""


class Host(Protocol):
    """Whose control socket it is.  All of it belongs to the thread of its reactor."""

    @property
    def reactor(self) -> Reactor:
        """What turns the control socket's sessions."""

    @property
    def selector(self) -> ObservedSelector:
        """The reactor's."""

    @property
    def bus(self) -> EventBus[events.Event]:
        """Where `say` publishes."""

    @property
    def on_publish(self) -> list[Callable[[], None]]:
        """Called at the end of every turn."""

    @property
    def wall(self) -> Callable[[], float]:
        """The wall clock that events are stamped with."""

    @property
    def purposes(self) -> Mapping[str, str]:
        """What each of its threads is there for, by name."""

    @property
    def address(self) -> tuple[str, int]:
        """Where its clients connect to; ("", 0) when that is not one place."""

    @property
    def tls(self) -> bool:
        """Whether nothing else is spoken there."""

    @property
    def what(self) -> str:
        """`chat`, or `program`."""

    @property
    def possible(self) -> tuple[str, ...]:
        """The names of the commands that it knows; () for all of a server's."""

    @property
    def history_file(self) -> str:
        """Where what is said is kept, for who may read it as well; "" if it is not."""

    def say(self, event: events.Event) -> None:
        """Publish an event."""

    def mishap(self, name: str, fd: int, error: Exception, culprit: None) -> None:
        """A session raised; it has been closed."""


class SnapshotSource(Protocol):
    """Where the snapshots come from.  Belongs to the same thread."""

    looks: int                 # ready events and calls that only served a look
    activity: int              # grows with all that happens, but for what serves a look
    cpu: Callable[[], float]   # seconds of CPU that the calling thread has had

    def view(self) -> SnapshotSlot:
        """A slot for somebody who may look; it is filled from `begin` to `end`."""

    def begin(self, view: SnapshotSlot) -> None:
        """Somebody looks from now on."""

    def end(self, view: SnapshotSlot) -> None:
        """They do not look any more."""

    def charge(self, seconds: float) -> None:
        """Something else done for a snapshot took so much CPU: the next one comes later."""

    def lend(self, view: SnapshotSlot) -> None:
        """Give a view that cannot wait the last snapshot, with its age, if it has none as new."""

    def pulse(self, view: SnapshotSlot) -> Pulse | None:
        """The loop's counters as they are, where they can be had between two snapshots."""


class SessionHost(Protocol):
    """What a session needs of whoever let it in.  Belongs to the same thread."""

    server: Host
    survey: SnapshotSource
    carry_out: Callable[[Command, Answer, int], None]

    def welcome(self, read_only: bool) -> Welcome:
        """Who is behind the socket."""

    def left(self, session: Any) -> None:
        """Called by a session when it has ended."""
