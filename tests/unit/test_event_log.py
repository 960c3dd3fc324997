"""A log file that others rename, delete, truncate and forbid, and what is written meanwhile."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import resource
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from chatops.api import events
from chatops.loop.bus import EventBus
from chatops.storage import event_log
from chatops.storage.event_log import EventLog
from chatops.storage.worker import Journal, LogError, open_log
from tests.integration.until import until
from tests.patience import PATIENCE
from tests.unit.test_journal import Bus, in_its_thread, publish


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log"


def test_a_log_that_was_renamed_goes_on_in_a_new_file(path: Path) -> None:
    log = EventLog(str(path))
    log.write("one\n")
    moved = path.rename(path.with_suffix(".1"))
    log.write("two\n")
    log.write("three\n")
    log.close()
    assert (moved.read_text(), path.read_text()) == ("one\n", "two\nthree\n")


def test_a_log_that_was_deleted_or_replaced_goes_on_under_its_name(path: Path) -> None:
    log = EventLog(str(path))
    log.write("one\n")
    path.unlink()
    log.write("two\n")
    assert path.read_text() == "two\n"
    other = path.with_suffix(".new")
    other.write_text("")
    other.rename(path)             # what logrotate's `create` does, seen from here
    log.write("three\n")
    log.close()
    assert path.read_text() == "three\n"


def test_copytruncate_leaves_no_hole(path: Path) -> None:
    log = EventLog(str(path))
    log.write("one\n" * 1000)
    copy = path.read_text()
    os.truncate(path, 0)
    log.write("two\n")
    log.close()
    assert (len(copy), path.read_text()) == (4000, "two\n")


def test_a_link_whose_target_was_moved_is_followed_again(path: Path) -> None:
    target = path.with_name("target")
    path.symlink_to(target)
    log = EventLog(str(path))
    log.write("one\n")
    target.rename(path.with_name("target.1"))
    log.write("two\n")
    log.close()
    assert path.is_symlink()
    assert target.read_text() == "two\n"


def test_while_nothing_is_moved_no_file_is_opened(path: Path, monkeypatch: pytest.MonkeyPatch
                                                  ) -> None:
    log = EventLog(str(path))
    monkeypatch.setattr(event_log, "open_log", lambda path: pytest.fail("opened again"))
    log.write("one\n")
    log.write("two\n")
    log.close()
    assert path.read_text() == "one\ntwo\n"


def test_a_log_that_cannot_be_opened_again_is_named_loses_nothing_and_is_tried_again(
        tmp_path: Path) -> None:
    path = tmp_path / "logs" / "log"
    path.parent.mkdir()
    bus, reports = Bus(), list[str]()
    journal = Journal(bus, EventLog(str(path)), report=reports.append)
    journal.start()
    publish(bus, events.Warned(0.0, "one"))
    in_its_thread(journal)
    moved = path.parent.rename(tmp_path / "logs.1")
    for text in ("two", "three"):
        publish(bus, events.Warned(0.0, text))
        in_its_thread(journal)
    until(lambda: '"three"' in (moved / "log").read_text())    # jobs are done before lines
    path.parent.mkdir()
    publish(bus, events.Warned(0.0, "four"))
    journal.close()
    assert reports == [f"cannot write the log: {path} was moved away and cannot be opened again "
                       "(No such file or directory); the old file goes on"]
    old, new = (moved / "log").read_text(), path.read_text()
    assert [word for word in ("one", "two", "three", "four") if f'"{word}"' in old] == [
        "one", "two", "three"]
    assert new.count("\n") == 1
    assert '"four"' in new


def test_asked_to_open_again_what_cannot_be_it_keeps_the_old_one(
        path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = EventLog(str(path))

    def refuse(path: str) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(event_log, "open_log", refuse)
    with pytest.raises(PermissionError):
        log.reopen()
    log.write("one\n")
    log.close()
    assert path.read_text() == "one\n"


def test_standard_error_is_never_opened_again_nor_closed() -> None:
    log = EventLog("-")
    assert not log.is_named
    log.reopen()
    log.close()
    assert not sys.stderr.closed


def test_a_device_is_not_watched_and_a_fifo_with_a_reader_keeps_it(tmp_path: Path) -> None:
    device = EventLog(os.devnull)
    device.write("one\n")
    device.close()
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    log = EventLog(str(fifo))
    fifo.unlink()
    log.write("one\n")
    assert os.read(reader, 100) == b"one\n"
    log.close()
    os.close(reader)


def fifo_of(tmp_path: Path, size: int = 4096) -> tuple[int, EventLog]:
    """The reading end of a pipe of so many bytes, and a log that is written into it."""
    path = tmp_path / "fifo"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, size)
    return reader, EventLog(str(path))


def test_a_reader_that_stops_reading_holds_nobody_and_is_told_what_it_missed(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_log, "STALL", 0.01)
    reader, log = fifo_of(tmp_path, 1 << 16)
    bus: Bus = EventBus()
    told: list[str] = []
    journal = Journal(bus, log, report=told.append)
    journal.start()
    in_its_thread(journal)
    for n in range(200):           # 160 KB, into a pipe of 64
        publish(bus, events.Warned(0.0, f"{n} {'=' * 800}"))
        in_its_thread(journal)
    assert told == ["cannot write the log: whoever reads it has stopped reading"]
    assert journal.log_fault == "whoever reads it has stopped reading"
    in_its_thread(journal)         # the last one has been tried, too
    read = os.read(reader, 1 << 16)
    publish(bus, events.Warned(0.0, "it reads again"))
    for _ in range(2):
        in_its_thread(journal)
    assert journal.log_fault == ""
    journal.close()
    while piece := os.read(reader, 1 << 16):
        read += piece
    os.close(reader)
    *before, lost, last = read.decode().splitlines()
    assert "it reads again" in last
    missed = int(re.findall(r"(\d+) lines were not logged: whoever reads it", lost)[0])
    whole = [line for line in before if line.endswith("=" * 800 + '"')]
    assert len(whole) + missed == 200
    assert len(before) - len(whole) <= 1       # the line that was cut, on a line of its own


@pytest.mark.skipif(sys.platform != "linux", reason="F_SETPIPE_SZ is Linux's")
def test_lines_longer_than_a_pipe_are_written_whole_to_one_who_reads(tmp_path: Path) -> None:
    reader, log = fifo_of(tmp_path)
    text = "".join(f"{n} {'é' * 3000}\n" for n in range(20))
    read = b""
    os.set_blocking(reader, True)
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(log.write, text)
        while len(read) < len(text.encode()):
            read += os.read(reader, 1000)
        writing.result(PATIENCE)
    assert read.decode() == text
    log.close()
    os.close(reader)


def test_a_stream_that_is_no_file_is_written_as_before(path: Path) -> None:
    bus: EventBus[events.Event] = EventBus()
    journal = Journal(bus, open_log(str(path)))
    journal.start()
    publish(bus, events.Warned(0.0, "one"))
    journal.close()
    assert '"one"' in path.read_text()


def test_what_a_full_disk_did_not_take_is_counted_once_and_not_written_later(path: Path) -> None:
    log = EventLog(str(path))
    log.write("before\n")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len("before\none\ntw"), hard))
    try:
        with pytest.raises(LogError) as full:
            log.write("one\ntwo\nthree\n")
        with pytest.raises(LogError) as still:
            log.write("four\n")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (full.value.lost, still.value.lost) == (2, 1)
    assert path.read_text() == "before\none\n"     # no half line: a collector chokes on it
    log.write("five\n")
    assert path.read_text() == "before\none\nfive\n"
    log.close()
    assert path.read_text() == "before\none\nfive\n"


def half_a_line_before_anothers(log: EventLog, path: Path, monkeypatch: pytest.MonkeyPatch
                                ) -> None:
    """The disk is full after `tw`, and another program has written on."""
    write = os.write

    def full(fd: int, data: bytes) -> int:
        if data[:2] == b"tw":
            return write(fd, b"tw")
        with path.open("a") as another:
            another.write("another's")
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(LogError):
        log.write("two\n")
    monkeypatch.undo()


def test_what_another_program_has_written_after_half_a_line_is_not_taken_back(
        path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = EventLog(str(path))
    log.write("one\n")
    half_a_line_before_anothers(log, path, monkeypatch)
    log.write("three\n")
    log.close()
    assert path.read_text() == "one\ntwanother's\nthree\n"


def test_half_a_line_that_was_truncated_away_leaves_no_empty_one(
        path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = EventLog(str(path))
    half_a_line_before_anothers(log, path, monkeypatch)
    os.truncate(path, 0)
    log.write("two\n")
    log.close()
    assert path.read_text() == "two\n"
