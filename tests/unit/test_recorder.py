"""Writing recordings: what was given is read back, whatever the disk does."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from chatops.api.events import Connected, Crashed, Said
from chatops.api.snapshot import Snapshot
from chatops.replay import writer as recorder
from chatops.replay.history import TurnHistory
from chatops.replay.recording import RecordingError, read
from chatops.replay.writer import Recorder, save
from chatops.system.version import __version__
from tests.patience import scaled
from tests.unit.imagined import WALL, as_read, client, moments, snapshot


def test_what_was_saved_is_read_back(tmp_path: Path) -> None:
    taken = moments()
    size = save(tmp_path / "demo.chatops", taken)
    found = read(tmp_path / "demo.chatops")
    assert list(found.moments) == as_read(taken)
    assert found.warning == ""
    assert found.duration == pytest.approx(taken[-1][0].mono - taken[0][0].mono)
    assert size == (tmp_path / "demo.chatops").stat().st_size


def test_a_history_that_was_saved_is_the_same_history_again(tmp_path: Path) -> None:
    history, again = TurnHistory(), TurnHistory()
    for s, events in moments():
        history.add(s, events)
    save(tmp_path / "demo.chatops", history.frames())
    for s, told in read(tmp_path / "demo.chatops").moments:
        again.add(s, told)
    assert (again.oldest, again.newest) == (history.oldest, history.newest)
    assert [again.at(n) for n in range(again.newest + 1)] == [
        history.at(n) for n in range(history.newest + 1)]


def test_the_header_says_where_it_comes_from_but_names_no_path(tmp_path: Path) -> None:
    save(tmp_path / "demo.chatops", moments(1))
    header = read(tmp_path / "demo.chatops").header
    assert (header.selector, header.chatops) == ("ScriptedSelector", __version__)
    assert header.made_at > WALL
    assert "/" not in repr(header)


def test_a_traceback_leaves_out_where_the_program_lives(tmp_path: Path) -> None:
    crash = Crashed(WALL, 'Traceback:\n  File "/home/ann/chatops/hub.py", line 3, in say\nKeyError')
    save(tmp_path / "demo.chatops", [(snapshot(1, 0.1), [crash])])
    (event,) = read(tmp_path / "demo.chatops").moments[0].events
    assert isinstance(event, Crashed)
    assert event.traceback == 'Traceback:\n  File "hub.py", line 3, in say\nKeyError'


def test_rows_that_do_not_change_take_next_to_nothing(tmp_path: Path) -> None:
    crowd = tuple(client(n, n) for n in range(1000))
    size = save(tmp_path / "crowd.chatops", [(snapshot(n, n / 10, crowd), []) for n in range(200)])
    first = save(tmp_path / "one.chatops", [(snapshot(0, 0.0, crowd), [])])
    assert size - first < 200 * 150


def test_an_existing_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "thesis.txt"
    path.write_text("precious")
    for write in (lambda: save(path, moments(1)), lambda: Recorder(path)):
        with pytest.raises(RecordingError, match=r"cannot write .*thesis.txt: File exists"):
            write()
    assert path.read_text() == "precious"


def test_saving_before_anything_is_held_says_so(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="nothing is held"):
        save(tmp_path / "demo.chatops", TurnHistory().frames())
    assert list(tmp_path.iterdir()) == []


# -- recording while it happens


def test_a_recorder_writes_all_that_it_is_given(tmp_path: Path) -> None:
    taken = moments(20)
    recorder = Recorder(tmp_path / "live.chatops", "epoll")
    for s, events in taken:
        recorder.add(s, events)
    late = Connected(WALL + 999, 77, 9, "late", "10.0.0.1:1")
    recorder.add(None, [late])
    recorder.close()
    recorder.close()
    assert (recorder.error, recorder.dropped, recorder.active) == ("", 0, False)
    found = read(recorder.path)
    assert found.warning == ""
    assert list(found.moments) == [*as_read(taken), (taken[-1][0], (late,))]
    assert recorder.size == recorder.path.stat().st_size


class FullDisk:
    """A file that takes a little and then no more."""

    def __init__(self, file: Any, room: int) -> None:
        self.file, self.room = file, room

    def write(self, data: memoryview) -> int:
        if not self.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        taken = min(self.room, len(data))
        self.room -= taken
        return int(self.file.write(data[:taken]))

    def close(self) -> None:
        self.file.close()


def test_a_recording_that_cannot_begin_leaves_no_file_in_the_way_of_the_next(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(path: Path, *_: object, **__: object) -> FullDisk:
        return FullDisk(path.open("xb"), 3)

    monkeypatch.setattr("chatops.replay.writer.open", opened, raising=False)
    for _ in range(2):
        with pytest.raises(RecordingError, match="No space left on device"):
            Recorder(tmp_path / "live.chatops")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_ends_the_recording_and_what_was_written_can_be_read(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "live.chatops")
    recorder._writer._file = FullDisk(recorder._writer._file, 3000)  # type: ignore[assignment]
    for s, events in moments():
        recorder.add(s, events)
    recorder._thread.join(scaled(10.0))
    assert not recorder.active
    assert recorder.error == (f"recording stopped: cannot write {recorder.path}: "
                              "No space left on device")
    recorder.add(snapshot(99, 99.0))
    recorder.close()
    found = read(recorder.path)
    assert "live.chatops ends early: the first" in found.warning
    assert list(found.moments) == as_read(moments())[:len(found.moments)]


def test_a_full_disk_leaves_no_half_of_a_saved_file(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    monkeypatch.setattr(recorder._Writer, "finish", lambda self: (_ for _ in ()).throw(full))
    with pytest.raises(RecordingError, match="No space left on device"):
        save(tmp_path / "demo.chatops", moments(3))
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_hangs_never_makes_the_console_wait(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gate, entered, write = threading.Event(), threading.Event(), recorder._Writer.write

    def hang(self: Any, s: Snapshot, events: Any) -> None:
        entered.set()
        assert gate.wait(scaled(10.0))
        write(self, s, events)

    monkeypatch.setattr(recorder._Writer, "write", hang)
    live = Recorder(tmp_path / "live.chatops")
    live.add(snapshot(0, 0.0))
    assert entered.wait(scaled(10.0))
    for n in range(1, 101):
        live.add(snapshot(n, n / 10), [Said(WALL + n, 1, "bob", "lobby", str(n))])
    assert live.dropped == 100 - recorder.QUEUE
    gate.set()
    live.close()
    found = read(live.path)
    said = [e.text for m in found.moments for e in m.events if isinstance(e, Said)]
    assert said == [str(n) for n in range(1, 101)]


def test_a_recording_can_be_read_while_it_is_made(tmp_path: Path) -> None:
    writer = recorder._Writer(tmp_path / "live.chatops", "epoll")
    taken = moments(3)
    for count, (s, events) in enumerate(taken, 1):
        writer.write(s, events)
        assert len(read(tmp_path / "live.chatops").moments) == count
    writer.stop()
