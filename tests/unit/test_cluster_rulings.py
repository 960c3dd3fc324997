"""Rulings as the engine keeps them: the later holds, strangers' do not, and none for ever."""

from __future__ import annotations

import pytest

from chatops.api.command_line import render
from chatops.cluster.frames import Codec, Heard, pack
from chatops.cluster.kept_rulings import REMEMBERED, opened, sealed
from chatops.server.bans import BanList
from chatops.server.rulings import Ruling, as_command, settle

NOW = 1e9
BAN = Ruling("192.0.2.1/32", NOW - 60, NOW + 60, "spam")
GOOD = Ruling("192.0.2.2/32", NOW - 60)
LIFTED = Ruling("192.0.2.3/32", NOW - 60, lifted=True)


def codec(secret: bytes = b"sixteen bytes 16") -> Codec:
    return Codec("a", "boot", secret)


def kept(*rulings: Ruling, by: Codec | None = None) -> dict[bytes, bytes]:
    return {network.encode(): value for network, value in sealed(by or codec(), rulings)}


def test_what_was_kept_is_what_is_found() -> None:
    found = opened(codec(), kept(BAN, GOOD, LIFTED), NOW)
    assert found == ((BAN, GOOD, LIFTED), [], [])


def test_its_time_stands_before_it_for_the_engine_to_compare() -> None:
    [(network, value)] = sealed(codec(), [BAN])
    assert network == BAN.network
    assert float(value.split(b" ")[0]) == BAN.at


@pytest.mark.parametrize(("ruling", "now"), [
    (BAN, NOW + 60), (LIFTED, LIFTED.at + REMEMBERED)])
def test_what_is_over_is_told_apart_and_no_sooner(ruling: Ruling, now: float) -> None:
    [entry] = sealed(codec(), [ruling])
    assert opened(codec(), kept(ruling), now) == ((), [entry], [])
    assert opened(codec(), kept(ruling), now - 1) == ((ruling,), [], [])


def test_what_somebody_else_has_written_is_none() -> None:
    forged = kept(GOOD, by=codec(b"another secret 16"))
    forged |= {b"x": b"1.0 " + codec().seal(0, 0.0, [pack(Heard("lobby", []))]), b"y": b""}
    found = opened(codec(), forged | kept(LIFTED), NOW)
    assert found.rulings == (LIFTED,)
    assert not found.over
    assert len(found.bad) == 3


@pytest.mark.parametrize("ruling", [BAN, GOOD, LIFTED])
def test_one_that_is_told_by_a_clock_that_was_compared_anew_is_no_news(ruling: Ruling) -> None:
    bans = BanList()
    assert settle(bans, ruling)
    assert not settle(bans, ruling.shifted(0.003))
    assert not settle(bans, ruling.shifted(-0.003))
    assert bans.ruled_at(ruling.network) == ruling.at
    assert settle(bans, ruling.shifted(60.0))
    assert not settle(bans, ruling)            # the later one holds


def test_the_contrary_of_what_holds_is_news_however_soon_it_comes() -> None:
    bans = BanList()
    assert settle(bans, GOOD)
    assert settle(bans, Ruling(GOOD.network, GOOD.at + 0.001, lifted=True))
    assert not len(bans)
    assert settle(bans, Ruling(GOOD.network, GOOD.at + 0.002, reason="again"))
    assert settle(bans, Ruling(GOOD.network, GOOD.at + 0.003, reason="and why"))
    assert len(bans) == 1


@pytest.mark.parametrize(("ruling", "written"), [
    (BAN.shifted(0.0004), "ban 192.0.2.1/32 2m spam"), (GOOD, "ban 192.0.2.2/32"),
    (LIFTED, "unban 192.0.2.3/32")])
def test_it_is_written_as_an_admin_says_it(ruling: Ruling, written: str) -> None:
    assert render(as_command(ruling)) == written
