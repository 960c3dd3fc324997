"""Who may come in, by how many are here, from where, how often, and what was banned."""

from __future__ import annotations

import pytest

from chatops.server.admission import BURST, REMEMBERED, SPARE, Admission
from chatops.server.bans import BanList
from chatops.settings import Settings

HOST, OTHER, LOCAL = "192.0.2.1", "192.0.2.2", "127.0.0.1"


def admission(descriptors: int = 1024, **settings: object) -> Admission:
    chosen = Settings(**{"connect_rate": 0.0, **settings})  # type: ignore[arg-type]  # as named
    return Admission(chosen, BanList(), descriptors)


def refused(door: Admission, host: str = HOST, *, clients: int = 0, now: float = 0.0
            ) -> str | None:
    return door.refuse(host, clients, now, 1000.0 + now)


def test_without_limits_everybody_may_come_in() -> None:
    door = admission()
    assert refused(door, clients=900) is None


def test_a_full_server_says_how_full_it_is() -> None:
    door = admission(max_clients=2)
    assert refused(door, clients=1) is None
    assert refused(door, clients=2) == "the server is full (2 clients); try again later"


@pytest.mark.parametrize("wanted", [0, 5000])
def test_some_descriptors_are_always_kept_for_the_server_itself(wanted: int) -> None:
    door = admission(descriptors=100, max_clients=wanted)
    assert door.capacity == 100 - SPARE
    assert admission(descriptors=3).capacity == 1


def test_one_address_takes_no_more_than_its_places_and_gives_them_back() -> None:
    door = admission(per_address=2)
    for _ in range(2):
        assert refused(door) is None
        door.entered(HOST)
    assert refused(door) == "too many connections from your address (2 allowed)"
    assert refused(door, OTHER) is None
    door.left(HOST)
    assert refused(door) is None
    door.left(HOST)
    door.left(HOST)
    assert refused(door) is None


def test_an_ipv6_host_does_not_get_more_places_by_making_up_addresses() -> None:
    door = admission(per_address=2, connect_rate=1.0)
    own, neighbour = "2001:db8:0:1::{:x}", "2001:db8:0:2::1"
    for n in range(2):
        assert refused(door, own.format(n)) is None
        door.entered(own.format(n))
    assert refused(door, own.format(99)) == "too many connections from your address (2 allowed)"
    assert refused(door, neighbour) is None
    door.left(own.format(0))
    assert sum(refused(door, own.format(n)) is None for n in range(100, 200)) == BURST - 2


def test_connecting_too_often_is_refused_until_some_time_has_passed() -> None:
    door = admission(connect_rate=2.0)
    for _ in range(2 * BURST):
        assert refused(door, now=10.0) is None
    assert refused(door, now=10.0) == "you connect too often; wait a few seconds"
    assert refused(door, OTHER, now=10.0) is None
    assert refused(door, now=10.4) is not None
    assert refused(door, now=10.6) is None
    assert refused(door, now=10.6) is not None


def test_asking_again_and_again_does_not_postpone_the_next_chance() -> None:
    door = admission(connect_rate=1.0)
    allowed = sum(refused(door, now=tick / 10) is None for tick in range(1000))
    assert 100 <= allowed <= 100 + BURST


def test_slow_rates_let_at_least_one_in() -> None:
    door = admission(connect_rate=0.1)
    assert refused(door) is None
    assert refused(door, now=9.0) is not None
    assert refused(door, now=10.1) is None


def test_trusted_networks_are_not_limited_unless_nobody_is_trusted() -> None:
    door = admission(per_address=1, connect_rate=1.0)
    for _ in range(50):
        assert refused(door, LOCAL) is None
        door.entered(LOCAL)
    door.change(Settings(per_address=1, connect_rate=1.0, trusted="none"))
    assert refused(door, LOCAL) is not None


def test_only_so_many_addresses_are_remembered() -> None:
    door = admission(connect_rate=1.0)
    for n in range(REMEMBERED + 100):
        refused(door, f"10.0.{n // 256}.{n % 256}")
    assert len(door._buckets) == REMEMBERED


def test_what_is_no_address_is_let_in_by_the_limits_for_addresses() -> None:
    door = admission(connect_rate=1.0)
    assert refused(door, "-") is None


def test_a_ban_comes_before_everything_and_says_how_long_and_why() -> None:
    door = admission(max_clients=1)
    door.bans.add(HOST, 1000.0, 90.0, "spam")
    assert refused(door, clients=5) == "you are banned for another 1m31s: spam"
    assert refused(door, clients=5, now=89.5) == "you are banned for another 1s: spam"
    assert refused(door, now=90.0) is None
    door.bans.add(HOST, 1000.0)
    assert refused(door) == "you are banned"


def test_a_ban_holds_for_trusted_addresses_too() -> None:
    door = admission()
    door.bans.add(LOCAL, 1000.0)
    assert refused(door, LOCAL) == "you are banned"
