"""Whose descriptor a change of the map is about: a field, and no part of a label."""

from __future__ import annotations

import socket
from selectors import EVENT_READ as READ

import pytest

from chatops.api.snapshot import Change
from chatops.loop.observed import ObservedSelector
from chatops.loop.rows import turns_since


@pytest.mark.parametrize(("change", "owner"), [
    (Change("modify", 9, 1, 3, "#2 bob", "f (a.py:1)", 2), 2),
    (Change("modify", 9, 1, 3, "bob", "f (a.py:1)", 2), 2),
    (Change("modify", 9, 1, 3, "#2 bob", "f (a.py:1)"), 2),       # as older versions wrote it
    (Change("modify", 9, 1, 3, "#2", "f (a.py:1)"), 2),
    (Change("register", 7, 0, 1, "waker", "f (a.py:1)"), 0),
    (Change("register", 7, 0, 1, "#\u0662 bob", "f (a.py:1)"), 0),
    (Change("register", 7, 0, 1, "#", "f (a.py:1)"), 0),
])
def test_a_change_says_whose_descriptor_it_is(change: Change, owner: int) -> None:
    assert change.owner == owner


def test_a_client_of_the_server_is_in_its_changes_by_its_number() -> None:
    class Owner:
        client_id, label = 12, "who says another number: #7"

        def on_ready(self, mask: int) -> None: ...

    near, far = socket.socketpair()
    with ObservedSelector() as selector, near, far:
        selector.watch()
        selector.select(0)         # what changes now belongs to the turn that this began
        selector.register(near, READ, Owner().on_ready)
        changes = [change for turn in turns_since(selector, 0) for change in turn.changes]
    assert [change.owner for change in changes] == [12]
