"""What rooms are told of other nodes: once for each room, however many people that are about."""

from __future__ import annotations

from collections.abc import Iterable

from chatops.chat import abroad
from chatops.chat.elsewhere import Person
from chatops.chat.hub import Hub
from chatops.units import counted


def moved(hub: Hub, node: str, people: Iterable[tuple[Person, str]], how: str) -> None:
    """These have come into rooms, or left them, with their node."""
    rooms: dict[str, int] = {}
    for _, room in people:
        rooms[room] = rooms.get(room, 0) + 1
    for room, members in rooms.items():
        abroad.note(hub, room, f"node {node} {how}, and "
                               f"{counted(members, 'member')} of {room} with it", node)


def lines_missing(hub: Hub, node: str, people: Iterable[Person]) -> None:
    """Of a node on which these people are."""
    for room in dict.fromkeys([room for person in people for room in person.rooms]):
        abroad.note(hub, room, f"some lines of node {node} are missing", node)
