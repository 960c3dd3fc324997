"""The journal: one line per event, in a thread that waits for disks instead of the reactor."""

from __future__ import annotations

import io
import sys
import threading
from pathlib import Path

import pytest

from chatops.api import events
from chatops.loop.bus import EventBus
from chatops.storage.log_lines import line_of
from chatops.storage.worker import Journal, close_log, open_log
from tests.patience import scaled

PATIENCE = scaled(20.0)        # seconds; only a broken journal ever takes so long

Bus = EventBus[events.Event]


class Stream(io.StringIO):
    """A log whose disk can be full, and which remembers what was written when it is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.full = False
        self.written = ""

    def write(self, text: str) -> int:
        if self.full:
            raise OSError(28, "No space left on device")
        self.written += text
        return len(text)


def publish(bus: Bus, *what: events.Event) -> None:
    for event in what:
        bus.publish(event)
    bus.flush()


def in_its_thread(journal: Journal) -> None:
    """Wait until the journal has done all that it was asked for so far."""
    done = threading.Event()
    journal.later(done.set)
    assert done.wait(PATIENCE)


def test_an_event_is_one_line_of_names_and_values() -> None:
    line = line_of(events.Disconnected(0.0, 3, 10, "bob", "lobby", "192.0.2.1:5", "peer reset", 7))
    stamp, rest = line.split(" ", 1)
    assert len(stamp) == len("1970-01-01T00:00:00+0000")
    assert rest == ('Disconnected id=3 fd=10 nick="bob" room="lobby" peer="192.0.2.1:5" '
                    'reason="peer reset" lines_lost=7')


def test_no_string_can_begin_a_line_of_its_own_or_end_its_quotes() -> None:
    line = line_of(events.Warned(0.0, 'a\nb\r"c" \\ \x1b[2J\0'))
    assert line.endswith('Warned text="a\\nb\\r\\"c\\" \\\\ \\u001b[2J\\u0000"')


def test_what_is_published_is_written_in_order_and_the_backlog_first() -> None:
    bus, stream = Bus(), Stream()
    publish(bus, events.Warned(0.0, "one"))
    journal = Journal(bus, stream)
    journal.start()
    publish(bus, events.Warned(0.0, "two"))
    in_its_thread(journal)
    publish(bus, events.Warned(0.0, "three"))
    journal.close()
    texts = [line.rpartition("text=")[2] for line in stream.written.splitlines()]
    assert texts == ['"one"', '"two"', '"three"']
    assert stream.closed


def test_talk_is_never_written() -> None:
    bus, stream = Bus(), Stream()
    journal = Journal(bus, stream)
    journal.start()
    publish(bus, events.Said(0.0, 1, "bob", "lobby", "secret"),
            events.Acted(0.0, 1, "bob", "lobby", "secret"),
            events.Whispered(0.0, 1, "bob", 2, "eve"))
    journal.close()
    assert stream.written == ""


def test_without_a_log_the_other_work_is_done_all_the_same() -> None:
    bus, done = Bus(), list[str]()
    journal = Journal(bus, None)
    journal.start()
    publish(bus, events.Warned(0.0, "not written"))
    journal.later(lambda: done.append("done"))
    journal.close()
    assert done == ["done"]


def test_a_full_disk_is_reported_once_and_tried_again() -> None:
    bus, stream, reports = Bus(), Stream(), list[str]()
    journal = Journal(bus, stream, report=reports.append)
    journal.start()
    stream.full = True
    for text in ("one", "two", "three"):
        publish(bus, events.Warned(0.0, text))
        in_its_thread(journal)
    journal.later(lambda: setattr(stream, "full", False))
    publish(bus, events.Warned(0.0, "four"))
    journal.close()
    assert reports == ["cannot write the log: No space left on device"]
    assert "four" in stream.written


def test_what_is_not_logged_does_not_have_a_full_disk_reported_again() -> None:
    bus, stream, reports = Bus(), Stream(), list[str]()
    journal = Journal(bus, stream, report=reports.append)
    journal.start()
    stream.full = True
    for text in ("one", "two"):
        publish(bus, events.Warned(0.0, text))
        in_its_thread(journal)
        publish(bus, events.Said(0.0, 1, "bob", "lobby", "talk"))
        in_its_thread(journal)
    assert reports == ["cannot write the log: No space left on device"]
    assert journal.log_fault
    journal.later(lambda: setattr(stream, "full", False))
    publish(bus, events.Said(0.0, 1, "bob", "lobby", "talk"))
    in_its_thread(journal)
    in_its_thread(journal)         # the first may be done before that event is taken
    journal.close()
    assert not journal.log_fault
    assert stream.written.endswith("(2 lines were not logged: No space left on device)\n")


def test_events_that_a_slow_disk_missed_are_counted() -> None:
    bus, stream = EventBus[events.Event](4), Stream()
    journal = Journal(bus, stream)
    publish(bus, *(events.Warned(0.0, str(n)) for n in range(10)))
    journal.start()
    journal.close()
    assert '"9"' in stream.written
    assert stream.written.endswith("(6 events were not logged: the disk was too slow)\n")


def test_closing_waits_no_longer_than_it_is_told_for_a_disk_that_hangs() -> None:
    journal = Journal(Bus(), None)
    journal.start()
    go_on, gave_up = threading.Event(), list[bool]()

    def hang() -> None:
        gave_up.append(not go_on.wait(PATIENCE))

    journal.later(hang)
    journal.close(0.01)
    assert not gave_up, "it waited for the disk"
    go_on.set()
    journal.close()
    assert gave_up == [False]


def test_a_log_is_appended_to_and_standard_error_is_never_closed(tmp_path: Path) -> None:
    path = tmp_path / "log"
    for text in ("one\n", "two \ud800\n"):
        stream = open_log(str(path))
        stream.write(text)
        close_log(stream)
    assert path.read_text("utf-8") == "one\ntwo \\ud800\n"
    assert open_log("-") is sys.stderr
    close_log(sys.stderr)
    assert not sys.stderr.closed


def test_a_log_that_cannot_be_opened_is_the_callers_to_report(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        open_log(str(tmp_path / "no" / "log"))
