"""Rooms stay in the order in which they are listed, whoever comes and goes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chatops.chat.hub import Hub
from chatops.chat.intake import Intake
from chatops.chat.rooms import Rooms
from chatops.chat.session import Session

DOOR = Intake(Hub())
NAMES = ("lobby", "a", "b", "tea", "zoo")


def sorted_anew(rooms: Rooms, most: int) -> list[str]:
    """The listing, the slow and obvious way."""
    largest = sorted(rooms.values(), key=lambda room: (-len(room.members), room.name))
    lines = [f"{room.name}: {len(room.members)}" for room in largest[:most]]
    return lines + ([f"and {len(largest) - most} more rooms"] if len(largest) > most else [])


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from([*NAMES, ""])), max_size=60),
       st.integers(1, 6))
def test_the_listing_is_what_sorting_them_all_would_give(
        steps: list[tuple[int, str]], most: int) -> None:
    rooms = Rooms()
    lobby = rooms.open("lobby")
    here: dict[int, Session] = {}
    for who, name in steps:
        if who in here:
            leaver = here.pop(who)
            left = leaver.room
            assert left is not None
            rooms.leave(leaver, left)
            if not left.members and left is not lobby:
                rooms.close(left)
        if name:
            here[who] = Session(who, "peer", DOOR)
            rooms.enter(here[who], rooms.open(name))
        assert rooms.listing(most) == sorted_anew(rooms, most)
    assert set(rooms) == {"lobby", *(session.where for session in here.values())}


def test_a_listing_is_made_once_for_all_who_ask_until_somebody_moves() -> None:
    rooms = Rooms()
    lobby = rooms.open("lobby")
    first = rooms.listing(50)
    assert rooms.listing(50) is first
    rooms.enter(Session(1, "peer", DOOR), lobby)
    assert rooms.listing(50) == ["lobby: 1"]


def test_a_room_that_is_closed_twice_takes_no_other_of_its_name_along() -> None:
    rooms = Rooms()
    old = rooms.open("tea")
    rooms.close(old)
    new = rooms.open("tea")
    rooms.close(old)
    assert rooms.open("tea") is new
    assert "tea" in rooms
    assert len(rooms) == 1
