"""Lints: each fault is found where it is, and nowhere else, and its text tells the truth."""

from __future__ import annotations

import math

from msgspec.structs import replace

from chatops.api.snapshot import ClientRow, KeyRow, Lint, Ready, Snapshot, Turn
from chatops.lints import LINTS, age_of, find
from tests.unit.imagined import LOOP, READ, WRITE, client, snapshot

LISTENER = KeyRow(3, "listener", "socket tcp", READ, "Listener.on_ready", "Listener", 0, "", 1.0,
                  1.0, 0, 0, 0.0, 0.0)


def key(fd: int, *, events: int = READ, fires: int = 0, client: int = 0, armed_at: float = 1.0,
        slowest: float = 0.0, stale: bool = False, at_eof: bool = False) -> KeyRow:
    return replace(LISTENER, fd=fd, type="connection", events=events, fires=fires, client=client,
                   callback="Connection.on_ready", data=f"#{client}", armed_at=armed_at,
                   slowest=slowest, stale=stale, at_eof=at_eof)


def scene(mono: float, *keys: KeyRow, clients: tuple[ClientRow, ...] = (), backend: str = "epoll",
          write_interest: str = "on-demand", turns: tuple[Turn, ...] = ()) -> Snapshot:
    """A server with a listener, and this."""
    loop = replace(LOOP, backend=backend, write_interest=write_interest)
    return snapshot(int(mono * 10), mono, clients, (LISTENER, *keys), loop=loop, turns=turns)


def with_lints(s: Snapshot, previous: Snapshot | None = None) -> Snapshot:
    return replace(s, lints=find(s, previous))


def codes(found: tuple[Lint, ...]) -> list[str]:
    return [lint.code for lint in found]


def test_every_text_says_what_it_is_what_it_means_and_what_to_do() -> None:
    for text in LINTS.values():
        assert text.title == text.title.strip()
        assert text.title
        assert len(text.meaning) > 150
        assert text.remedy.endswith(".")


def test_a_server_at_peace_has_nothing_to_object_to() -> None:
    crowd = tuple(client(n, n) for n in range(10, 20))
    before = scene(10.0, *(key(c.fd, client=c.id) for c in crowd), clients=crowd)
    assert find(before) == ()
    assert find(replace(before, mono=11.0), before) == ()


# -- write-idle


def spin(fires: int, *, queued: int = 0, seconds: float = 1.0) -> tuple[Lint, ...]:
    row = client(3, 10, queued=queued)
    before = scene(10.0, key(10, events=READ | WRITE, client=3, armed_at=9.5), clients=(row,))
    now = scene(10.0 + seconds, key(10, events=READ | WRITE, client=3, fires=fires, armed_at=9.5),
                clients=(row,))
    return find(now, before)


def test_watching_for_writing_with_nothing_to_write_is_found_by_its_rate() -> None:
    (lint,) = spin(4000)
    assert (lint.code, lint.fd, lint.client, lint.since) == ("write-idle", 10, 3, 9.5)
    assert lint.summary == "#3 guest-3: watched for writing, 4,000 fires/s, nothing to write"
    assert find(scene(11.0, key(10, events=READ | WRITE, fires=4000))) == ()


def test_rates_are_over_the_time_that_passed() -> None:
    assert codes(spin(400, seconds=0.1)) == ["write-idle"]
    assert spin(400, seconds=60.0) == ()
    assert spin(9, seconds=0.001) == ()


def test_a_queue_that_is_being_written_is_no_fault() -> None:
    assert "write-idle" not in codes(spin(4000, queued=100))


def test_a_descriptor_number_that_was_given_again_is_another_registration() -> None:
    row = client(3, 10)
    before = scene(10.0, key(10, events=WRITE, client=3), clients=(row,))
    again = replace(key(10, events=WRITE, client=3, fires=5000), registered_at=10.5)
    assert find(scene(11.0, again, clients=(row,)), before) == ()


def test_the_always_mode_is_named_once_for_a_thousand_clients() -> None:
    crowd = tuple(client(n, n) for n in range(10, 1010))
    before = scene(10.0, *(key(c.fd, events=READ | WRITE, client=c.id) for c in crowd),
                   clients=crowd, write_interest="always")
    now = scene(11.0, *(key(c.fd, events=READ | WRITE, client=c.id, fires=200) for c in crowd),
                clients=crowd, write_interest="always")
    (lint,) = find(now, before)
    assert lint.summary == ("write interest is always on: 1,000 descriptors fire 200,000/s "
                            "with nothing to write")
    one_by_one = find(replace(now, loop=LOOP), before)
    assert [lint.summary for lint in one_by_one] == [
        "watched for writing with nothing to write: 1,000 descriptors (10, 11, 12, 13, 14, …)"]


# -- select-limit


def test_a_descriptor_near_select_s_limit_is_found_only_with_select() -> None:
    (lint,) = find(scene(10.0, key(900), key(1003), backend="select"))
    assert (lint.code, lint.summary) == (
        "select-limit", "fd 1003 of select's 1,024: 20 numbers left")
    assert find(scene(10.0, key(899), backend="select")) == ()
    assert find(scene(10.0, key(1003), backend="poll")) == ()


# -- held-loop


def turn(n: int, cost: float, *, worked: float = 0.0, repeats: int = 0) -> Turn:
    return Turn(n, n / 10, None, 0.0, worked, (Ready(10, READ, "#3 bob", cost),), repeats=repeats)


def test_the_callback_that_held_the_loop_longest_is_named() -> None:
    (lint,) = find(scene(10.0, key(10, client=3), turns=(
        turn(98, 0.06), turn(99, 0.071, worked=0.072), turn(100, 0.049))))
    assert (lint.code, lint.fd, lint.client, lint.since) == ("held-loop", 10, 3, 10.0)
    assert lint.summary == "#3 bob held the loop for 71ms"


def test_a_turn_that_was_long_without_a_long_callback_is_named_too() -> None:
    (lint,) = find(scene(10.0, turns=(turn(1204, 0.001, worked=0.3),)))
    assert lint.summary == "turn 1,204, no callback alone, held the loop for 300ms"
    assert find(scene(10.0, turns=(turn(9, 0.001, worked=0.3, repeats=9),))) == ()


def test_a_hold_in_turns_that_nobody_timed_shows_in_the_descriptor_s_slowest_call() -> None:
    before = scene(10.0, key(10, slowest=0.06))
    (lint,) = find(scene(10.1, key(10, slowest=0.2), turns=(turn(9, math.nan),)), before)
    assert lint.summary == "Connection.on_ready of connection fd 10 held the loop for 200ms"
    assert find(scene(10.1, key(10, slowest=0.06)), before) == ()
    assert find(before) == ()


def test_a_hold_is_told_of_for_ten_seconds_and_then_forgotten() -> None:
    held = with_lints(scene(10.0, turns=(turn(99, 0.071),)))
    later = with_lints(scene(19.9), held)
    assert codes(later.lints) == ["held-loop"]
    assert later.lints[0].since == 10.0
    again = with_lints(scene(20.0, turns=(turn(199, 0.09),)), later)
    assert [lint.since for lint in again.lints] == [20.0]
    assert codes(with_lints(scene(29.9), again).lints) == ["held-loop"]
    assert find(scene(30.0), again) == ()


# -- slow-reader


def slow(queued: int, progress_at: float, kernel: int = 0) -> ClientRow:
    return replace(client(3, 10, queued=queued), progress_at=progress_at, kernel_queued=kernel)


def test_a_queue_from_which_nothing_is_taken_is_a_slow_reader() -> None:
    (lint,) = find(scene(200.0, clients=(slow(12400, 20.0, 47800),)))
    assert (lint.code, lint.fd, lint.client, lint.since) == ("slow-reader", 10, 3, 20.0)
    assert lint.summary == "#3 guest-3 does not read: 12.1K queued, stuck 3m"
    assert find(scene(22.0, clients=(slow(12400, 20.0),))) == ()
    assert find(scene(200.0, clients=(slow(0, 20.0, 47800),))) == ()


def test_a_queue_half_full_and_not_shrinking_is_a_slow_reader_though_it_reads() -> None:
    before = with_lints(scene(10.0, clients=(slow(40_000, 10.0),)))
    now = with_lints(scene(10.1, clients=(slow(41_000, 10.1),)), before)
    (lint,) = now.lints
    assert lint.summary == "#3 guest-3 reads too slowly: 40.0K of 64.0K queued"
    (after,) = find(scene(12.0, clients=(slow(42_000, 12.0),)), now)
    assert after.since == 10.1
    assert find(scene(12.0, clients=(slow(39_000, 12.0),)), now) == ()


def test_what_waits_has_its_unit_however_little_it_is() -> None:
    (lint,) = find(scene(200.0, clients=(slow(584, 20.0),)))
    assert "584B queued" in lint.summary


# -- since when


def test_an_age_that_the_text_tells_is_not_told_again_beside_it() -> None:
    (stuck,) = find(scene(200.0, clients=(slow(584, 156.0),)))
    assert "44s" in stuck.summary
    assert age_of(stuck, 200.0) == ""
    before = with_lints(scene(190.0, clients=(slow(40_000, 190.0),)))
    growing = with_lints(scene(191.0, clients=(slow(41_000, 191.0),)), before)
    (lint,) = find(scene(200.0, clients=(slow(42_000, 200.0),)), growing)
    assert "9s" not in lint.summary
    assert age_of(lint, 200.0) == "for 9s"


def test_what_was_over_when_it_was_seen_is_some_time_ago() -> None:
    held = with_lints(scene(10.0, turns=(turn(99, 0.071),)))
    (lint,) = with_lints(scene(17.0), held).lints
    assert age_of(lint, 17.0) == "7s ago"


# -- closed-registered, accept-paused, eof-unhandled


def test_a_closed_descriptor_is_found_with_its_number_and_keeps_its_since() -> None:
    first = with_lints(scene(10.0, key(10, client=3, stale=True)))
    assert first.lints == (
        Lint("closed-registered", "fd 10 (#3) was closed while registered", 10, 3, 10.0),)
    assert find(scene(15.0, key(10, client=3, stale=True)), first) == first.lints


def test_a_listener_out_of_the_map_is_found_while_the_server_runs() -> None:
    s = replace(scene(10.0, key(10)), keys=(key(10),))
    (lint,) = find(s)
    assert (lint.code, lint.summary) == (
        "accept-paused", "the listener of port 9999 is not watched: nobody is let in")
    assert find(replace(s, phase="draining")) == ()
    assert find(replace(s, keys=())) == ()


def test_an_end_of_file_that_goes_on_firing_is_found() -> None:
    before = scene(10.0, key(10))
    (lint,) = find(scene(11.0, key(10, fires=9000, at_eof=True)), before)
    assert lint.summary == "connection fd 10: at end of file and still watched, 9,000 fires/s"
    assert (lint.code, lint.fd) == ("eof-unhandled", 10)


def test_a_server_started_anew_is_not_compared_with_the_old_one() -> None:
    before = scene(10.0, key(10))
    now = replace(scene(11.0, key(10, fires=9000, at_eof=True)), started_at=10.5)
    assert find(now, before)[0].summary == "connection fd 10: at end of file and still watched"
