"""Bans: found quickly, over when they are over, and kept in a file that is never half-written."""

from __future__ import annotations

import ipaddress
import os
import time
from math import inf
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatops.server.ban_file import BanFile
from chatops.server.bans import BanEntry, BanError, BanList, network_of


@pytest.mark.parametrize(("written", "network"), [
    ("192.0.2.1", "192.0.2.1/32"), ("192.0.2.9/24", "192.0.2.0/24"), ("10.0.0.0/8", "10.0.0.0/8"),
    ("::1", "::1/128"), (" [2001:db8::1] ", "2001:db8::1/128"), ("2001:db8::/32", "2001:db8::/32"),
    ("fe80::1%eth0", "fe80::1/128"), ("[fe80::9%eth0/64]", "fe80::/64"),
])
def test_addresses_and_networks_are_read_as_people_write_them(written: str, network: str) -> None:
    assert str(network_of(written)) == network


@pytest.mark.parametrize("written", ["", "bob", "1.2.3", "1.2.3.4/33", "1.2.3.4:80", "::g"])
def test_what_is_neither_is_refused(written: str) -> None:
    with pytest.raises(BanError, match="is not an address or a network"):
        network_of(written)


def test_a_ban_keeps_out_exactly_what_it_names() -> None:
    bans = BanList()
    bans.add("192.0.2.1", 0.0)
    bans.add("10.1.0.0/16", 0.0, reason="all of them")
    bans.add("2001:db8::/32", 0.0)
    assert bans.find("192.0.2.1", 1.0) is not None
    assert bans.find("192.0.2.2", 1.0) is None
    found = bans.find("10.1.255.255", 1.0)
    assert found is not None
    assert found.reason == "all of them"
    assert bans.find("10.2.0.0", 1.0) is None
    assert bans.find("2001:db8::42", 1.0) is not None
    assert bans.find("2001:db9::42", 1.0) is None
    assert bans.find("-", 1.0) is None


def test_an_ipv4_address_is_the_same_through_an_ipv6_socket() -> None:
    bans = BanList()
    bans.add("192.0.2.1", 0.0)
    assert bans.find("::ffff:192.0.2.1", 1.0) is not None


@pytest.mark.parametrize(("written", "network"), [
    ("::ffff:192.0.2.1", "192.0.2.1/32"), ("::ffff:192.0.2.0/120", "192.0.2.0/24"),
])
def test_a_ban_of_such_an_address_is_one_of_the_ipv4_address(written: str, network: str) -> None:
    bans = BanList()
    assert bans.add(written, 0.0).network == network
    assert bans.find("192.0.2.1", 1.0) is not None
    assert bans.find("::ffff:192.0.2.1", 1.0) is not None


@pytest.mark.parametrize("banned", ["10.0.{}.{}", "10.{}.{}.0/24"])
def test_thousands_of_bans_are_not_looked_through(banned: str) -> None:
    few, many = BanList(), BanList()
    for bans, count in ((few, 1 << 5), (many, 1 << 13)):
        for n in range(count):
            bans.add(banned.format(n >> 8, n & 255), 0.0)
        bans.add("192.0.2.0/24", 0.0)

    def look(bans: BanList, last: str) -> float:
        began = time.thread_time()
        for _ in range(200):
            assert bans.find("192.0.2.9", 1.0) is not None
            assert bans.find(last, 1.0) is not None
            assert bans.find("198.51.100.1", 1.0) is None
        return time.thread_time() - began

    # 256 times as many: looking through them would cost about so many times as much.
    last = banned.removesuffix("/24")
    assert (min(look(many, last.format(31, 255)) for _ in range(5))
            < 8 * min(look(few, last.format(0, 31)) for _ in range(5)))


lengths = st.integers(0, 128)
places = st.integers(0, 7).map(lambda n: n << 60 | n << 26 | n)    # near each other, and far apart


def _network(version: int, place: int, length: int) -> str:
    kind = ipaddress.IPv4Network if version == 4 else ipaddress.IPv6Network
    most = 32 if version == 4 else 128
    return str(kind((place & (1 << most) - 1, min(length, most)), strict=False))


@given(st.lists(st.tuples(st.sampled_from([4, 6]), places, lengths), max_size=12), st.data())
def test_whoever_is_in_a_banned_network_is_kept_out_and_nobody_else(
        banned: list[tuple[int, int, int]], data: st.DataObject) -> None:
    bans, networks = BanList(), [_network(*each) for each in banned]
    for network in networks:
        bans.add(network, 0.0)
    lifted = data.draw(st.sets(st.sampled_from(networks))) if networks else set()
    for network in lifted:
        bans.remove(network, 1.0)
    left = {network_of(network) for network in networks if network not in lifted}
    for version in (4, 6):
        address = network_of(_network(version, data.draw(places), 128))
        found = bans.find(str(address.network_address), 2.0)
        inside = {each for each in left if address.network_address in each}
        assert found is None if not inside else (
            found is not None and network_of(found.network) in inside)


def test_a_scope_does_not_hide_an_address() -> None:
    bans = BanList()
    bans.add("fe80::1", 0.0)
    assert bans.find("fe80::1%eth0", 1.0) is not None


def test_a_ban_for_a_time_ends_and_one_for_good_does_not() -> None:
    bans = BanList()
    short = bans.add("192.0.2.1", 100.0, 60.0)
    long = bans.add("192.0.2.2", 100.0)
    assert (short.left(130.0), long.left(130.0)) == (30.0, inf)
    assert bans.find("192.0.2.1", 159.0) is short
    assert bans.all(160.0) == [long]
    assert bans.find("192.0.2.1", 160.0) is None
    assert len(bans) == 1


def test_a_ban_given_again_replaces_the_one_before() -> None:
    bans = BanList()
    bans.add("192.0.2.1", 0.0, 10.0, "first")
    bans.add("192.0.2.1/32", 5.0, 100.0, "second")
    assert [ban.reason for ban in bans.all(20.0)] == ["second"]


def test_a_ban_is_lifted_once() -> None:
    bans = BanList()
    bans.add("192.0.2.0/24", 0.0)
    assert bans.remove("192.0.2.7/24", 0.0)
    assert not bans.remove("192.0.2.0/24", 0.0)
    assert bans.find("192.0.2.7", 1.0) is None


# -- the file


def test_what_is_saved_is_what_is_loaded(tmp_path: Path) -> None:
    file = tmp_path / "bans.json"
    kept = [BanEntry("192.0.2.1/32", 1.0, 99.0, 'he said "[/]" é\u2028'),
            BanEntry("2001:db8::/32", 2.0)]
    BanFile(file).save(kept, 0.0)
    again = BanFile(file)
    assert again.load() == kept
    again.save([], 0.0)
    assert BanFile(file).load() == []


def test_no_file_is_no_bans(tmp_path: Path) -> None:
    assert BanFile(tmp_path / "none.json").load() == []


@pytest.mark.parametrize("content", [
    b"{}", b"[1]", b'[{"network": 5, "at": 0}]', b"\xff", b'[{"network": "bob", "at": 0}]',
    b'[{"network": "1.2.3.4"}]',
])
def test_a_file_of_something_else_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "bans.json"
    file.write_bytes(content)
    with pytest.raises(BanError) as raised:
        BanFile(file).load()
    assert str(raised.value).startswith(str(file))
    assert "\n" not in str(raised.value)


def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BanError, match="Is a directory"):
        BanFile(tmp_path).load()


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "bans.json"
    bans = BanFile(file)
    bans.save([BanEntry("192.0.2.1/32", 1.0)], 0.0)
    before = file.read_bytes()

    def full(_fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        bans.save([], 0.0)
    assert os.listdir(tmp_path) == ["bans.json"]
    assert file.read_bytes() == before
