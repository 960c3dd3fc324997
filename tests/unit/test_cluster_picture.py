"""Rows of those on other nodes, as consoles show them."""

from __future__ import annotations

from math import inf

import pytest
from msgspec.structs import replace

from chatops.chat import abroad
from chatops.chat.elsewhere import Elsewhere, Person
from chatops.chat.groups import Sender
from chatops.chat.hub import Hub
from chatops.chat.intake import Intake
from chatops.cluster import standing
from chatops.cluster.picture import FarRows

BOB = Person(Sender(3, "bob", account="robert", node="b"), ("lobby",), guest=False)


@pytest.fixture
def hub() -> Hub:
    hub = Hub()
    hub.now, hub.at = 100.0, 5000.0
    abroad.begin(hub, "a")
    return hub


def there(hub: Hub) -> Elsewhere:
    assert hub.elsewhere is not None
    return hub.elsewhere


def test_who_is_muted_there_is_so_in_its_row_until_that_is_over(hub: Hub) -> None:
    rows = FarRows(hub)
    there(hub).put(replace(BOB, muted_until=5060.0))
    [row] = rows.rows()
    assert (row.muted, row.account) == (True, "robert")
    assert rows.rows()[0] is row
    hub.at += 60.0
    assert not rows.rows()[0].muted


def test_who_is_muted_for_ever_stays_so(hub: Hub) -> None:
    rows = FarRows(hub)
    there(hub).put(replace(BOB, muted_until=inf))
    hub.at += 1e9
    assert rows.rows()[0].muted


@pytest.mark.parametrize(("seconds", "until"), [(60.0, 5057.0), (0.0, inf)])
def test_other_nodes_are_told_who_is_muted_by_the_engines_clock_and_who_is_no_more(
        hub: Hub, seconds: float, until: float) -> None:
    session = Intake(hub).connect(1, 7, "peer:1")
    hub.touched.clear()
    hub.mute(session, seconds)
    assert session.id in hub.touched
    person = standing.person(hub, session.id, 3.0)
    assert person is not None
    assert person.muted_until == until
    hub.touched.clear()
    hub.unmute(session)
    assert session.id in hub.touched
    person = standing.person(hub, session.id, 3.0)
    assert person is not None
    assert person.muted_until == 0.0
