"""A recording played to a console: from the file, in its own time, to its end."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from chatops.api.commands import Broadcast, Kick
from chatops.api.events import Event
from chatops.api.link import ConsoleLink
from chatops.api.snapshot import Snapshot
from chatops.links.replay import REFUSAL, ReplayLink
from chatops.replay.recording import Header, Moment, Recording, read
from chatops.replay.writer import save
from tests.patience import scaled
from tests.unit.imagined import Moments, idle_turn, moments, snapshot
from tests.unit.scripted import Clock


@pytest.fixture
def taken() -> Moments:
    return moments(40)


def replayed(taken: Moments, folder: Path) -> tuple[ReplayLink, Clock]:
    save(folder / "demo.chatops", taken)
    clock = Clock()
    return ReplayLink(read(folder / "demo.chatops"), clock), clock


def test_a_replay_is_a_link_like_any_other(taken: Moments, tmp_path: Path) -> None:
    link: ConsoleLink = replayed(taken, tmp_path)[0]
    assert link.status.alive
    assert link.events_dropped == 0
    link.close()
    link.close()


def test_it_plays_at_the_speed_it_happened(taken: Moments, tmp_path: Path) -> None:
    link, clock = replayed(taken, tmp_path)
    began, first = clock.now, taken[0][0].mono
    assert link.poll() == taken[0][0]
    assert link.poll() is None
    for s, _ in taken[1:]:
        clock.now = began + (s.mono - first) + 1e-6
        assert link.poll() == s
        assert link.poll() is None


def test_time_begins_with_the_first_look(taken: Moments, tmp_path: Path) -> None:
    link, clock = replayed(taken, tmp_path)
    clock.now += 1000.0
    assert link.poll() == taken[0][0]
    assert link.status.alive


def test_events_come_with_their_moments(taken: Moments, tmp_path: Path) -> None:
    link, clock = replayed(taken, tmp_path)
    assert link.drain() == taken[0][1]
    heard: list[Event] = []
    for _ in range(100):
        clock.now += 0.01
        heard += link.drain()
    assert heard == [event for _, events in taken[1:] for event in events]


def test_a_console_that_lags_gets_the_newest_events_and_every_turn(
        taken: Moments, tmp_path: Path) -> None:
    link, clock = replayed(taken, tmp_path)
    link.poll()
    link.drain()
    clock.now += 3600.0
    assert link.drain(5) == [event for _, events in taken for event in events][-5:]
    assert link.events_dropped == sum(len(events) for _, events in taken[1:]) - 5
    last = link.poll()
    assert last is not None
    assert replace(last, turns=()) == replace(taken[-1][0], turns=())
    assert [turn.n for turn in last.turns] == list(range(1, 41))


def test_a_run_that_went_on_is_one_turn_to_a_console_that_lags() -> None:
    shots = [snapshot(1, 0.1), snapshot(4, 0.2, turns=(idle_turn(2, repeats=2),)),
             snapshot(9, 0.3, turns=(idle_turn(2, repeats=7),))]
    clock = Clock()
    link = ReplayLink(Recording(Header(1.0, "", "", ""), tuple(Moment(s, ()) for s in shots)),
                      clock)
    link.poll()
    clock.now += 1.0
    last = link.poll()
    assert last is not None
    assert last.turns == (idle_turn(2, repeats=7),)


def test_at_its_end_it_stops_and_says_so(taken: Moments, tmp_path: Path) -> None:
    link, clock = replayed(taken, tmp_path)
    link.poll()
    clock.now += 3600.0
    assert link.status.alive
    link.poll()
    assert (link.status.alive, link.status.failed) == (False, False)
    assert link.status.detail == "END of the recording"
    assert link.poll() is None
    assert link.drain() is not None


def test_nothing_in_it_can_be_changed(taken: Moments, tmp_path: Path) -> None:
    link, _ = replayed(taken, tmp_path)
    for command in (Kick(("3",)), Broadcast("hello")):
        future = link.submit(command)
        assert future.done()
        assert (future.result().ok, future.result().text) == (False, REFUSAL)


def test_all_of_it_can_be_stepped_through_before_it_has_played(
        taken: Moments, tmp_path: Path) -> None:
    link, _ = replayed(taken, tmp_path)
    history = link.history
    assert (history.oldest, history.newest) == (0, 40)
    assert history.at(30) == taken[30][0]
    assert history.step(30, 1) == 31
    link.history.add(taken[3][0], taken[3][1])
    assert (history.oldest, history.newest) == (0, 40)


SCRIPT = """
import sys
from chatops.replay.recording import read
from chatops.links.replay import ReplayLink
link = ReplayLink(read(sys.argv[1]))
last = link.history.at(link.history.newest)
print(len(link.recording.moments), last.turn, len(last.clients))
"""


def test_another_process_reads_what_this_one_wrote(taken: Moments, tmp_path: Path) -> None:
    save(tmp_path / "demo.chatops", taken)
    last: Snapshot = taken[-1][0]
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(tmp_path / "demo.chatops")],
                          capture_output=True, text=True, timeout=scaled(60.0), check=True,
                          env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert done.stdout.split() == ["41", "40", str(len(last.clients))]
