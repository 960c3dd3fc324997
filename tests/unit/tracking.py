"""A dialect for tests that follows who is there, as IRC clients do, and counts its renderings."""

from __future__ import annotations

from collections.abc import Sequence

from chatops.chat.dialect import Rendered
from chatops.chat.groups import Group, Sender
from chatops.chat.hub import Hub
from chatops.chat.intake import Intake
from chatops.chat.session import Session


class Tracking:
    """Writes every group out, as `kind sender room text`."""

    name = "tracking"
    follows = True

    def __init__(self) -> None:
        self.rendered = 0

    def render(self, room: str, groups: Sequence[Group]) -> Rendered:
        self.rendered += 1
        parts = [b"" if group.repeats else b"".join(
            f"{group.kind} {group.sender.nick} {room} {line}".rstrip().encode() + b"\n"
            for line in group.text.decode().split("\n")) for group in groups]
        chunk = b"".join(parts)
        return Rendered(chunk, chunk.count(b"\n"), parts)

    def private(self, to: Sender, group: Group) -> bytes:
        return f"{group.kind} {group.sender.nick} {to.nick} {group.text.decode()}\n".encode()

    def copy(self, _to: Sender, _group: Group) -> bytes:
        return b""

    def notice(self, _to: Sender | None, lines: Sequence[str]) -> bytes:
        return "".join(f"notice {line}\n" for line in lines).encode()

    def error(self, _to: Sender | None, text: str) -> bytes:
        return f"error {text}\n".encode()

    def farewell(self, _to: Sender | None, text: str, *, error: bool = False,
                 by: Sender | None = None) -> bytes:
        return f"{'error' if error else 'bye'} {text}\n".encode()

    def gap(self, _to: Sender | None, lines: int) -> bytes:
        return f"gap {lines}\n".encode()


class TrackingDoor(Intake):
    """Lets people in who are in no room until they ask for one."""

    def __init__(self, hub: Hub) -> None:
        super().__init__(hub)
        self.dialect = Tracking()

    def connect(self, id: int, fd: int, peer: str) -> Session:  # noqa: A002
        return self.hub.connect(Session(id, peer, self), fd)
