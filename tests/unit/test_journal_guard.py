"""The journal survives its jobs, names them, answers who waits, and says when it dies."""

from __future__ import annotations

import io
import threading
from typing import NoReturn

import pytest

from chatops.api import events
from chatops.loop.bus import EventBus
from chatops.storage.worker import Journal, JournalDied
from tests.patience import scaled

PATIENCE = scaled(20.0)        # seconds; only a broken journal ever takes so long

FAILURES = [OSError(28, "No space left on device"), ValueError("embedded null byte"),
            LookupError("a fault"), OverflowError("beyond the calendar"), MemoryError(),
            AssertionError()]


class Kept(io.StringIO):
    """A log that can be read when it has been closed."""

    written = ""

    def close(self) -> None:
        self.written = self.getvalue()
        super().close()


class Told:
    """A journal, and what it has told to whom."""

    def __init__(self) -> None:
        self.bus: EventBus[events.Event] = EventBus()
        self.stream = Kept()
        self.reports: list[str] = []
        self.mishaps: list[tuple[str, Exception]] = []
        self.deaths: list[str] = []
        self.died = threading.Event()
        self.journal = Journal(self.bus, self.stream, report=self.reports.append,
                               mishap=lambda *what: self.mishaps.append(what), died=self._died)
        self.journal.start()

    def _died(self, last: str) -> None:
        self.deaths.append(last)
        self.died.set()

    def settle(self) -> None:
        """Wait until it has done all that it was asked for so far."""
        done = threading.Event()
        self.journal.later(done.set, "settle")
        assert done.wait(PATIENCE)


def raising(error: BaseException) -> NoReturn:
    raise error


@pytest.mark.parametrize("error", FAILURES, ids=lambda error: type(error).__name__)
def test_whatever_a_job_raises_ends_that_job_alone_and_who_waits_is_told(
        error: Exception) -> None:
    told = Told()
    failed: list[Exception] = []
    told.journal.later(lambda: raising(error), "read the tea leaves", failed.append)
    told.settle()
    assert failed == [error]
    (report,) = told.reports
    assert report.startswith("cannot read the tea leaves: ")
    assert "ban file" not in report
    assert "\n" not in report
    # A disk explains itself; anything else is logged with its traceback.
    assert told.mishaps == ([] if isinstance(error, OSError)
                            else [("read the tea leaves", error)])
    told.bus.publish(events.Warned(0.0, "the log goes on"))
    told.bus.flush()
    told.journal.close()
    assert "the log goes on" in told.stream.written
    assert not told.deaths


def test_a_job_without_a_name_is_called_by_what_it_does() -> None:
    told = Told()

    def polish() -> None:
        raise LookupError

    told.journal.later(polish)
    told.settle()
    assert "polish" in told.reports[0]
    told.journal.close()


def test_each_job_is_reported_once_until_it_has_worked_again() -> None:
    told = Told()
    for fails in (True, True, False, True):
        told.journal.later((lambda: raising(LookupError())) if fails else (lambda: None), "work")
    told.journal.later(lambda: raising(LookupError()), "play")
    told.settle()
    assert [report.partition(":")[0] for report in told.reports] == [
        "cannot work", "cannot work", "cannot play"]
    told.journal.close()


def test_an_event_that_no_line_can_be_made_of_does_not_cost_the_others() -> None:
    told = Told()
    for at, text in ((0.0, "before"), (1e20, "never"), (0.0, "behind")):
        told.bus.publish(events.Warned(at, text))
    told.bus.flush()
    told.settle()
    told.journal.close()
    before, bad, behind = told.stream.written.splitlines()
    assert 'text="before"' in before
    assert "Warned could not be written" in bad
    assert 'text="behind"' in behind


def test_a_thread_that_dies_says_so_and_leaves_nobody_waiting() -> None:
    told = Told()
    failed: list[Exception] = []
    held = threading.Event()

    def hold() -> None:
        held.wait(PATIENCE)

    told.journal.later(hold, "hold")
    told.journal.later(lambda: raising(SystemExit("a fault")), "die")
    told.journal.later(lambda: None, "come too late", failed.append)
    held.set()
    assert told.died.wait(PATIENCE)
    told.journal.close()
    told.journal.later(lambda: None, "come much too late", failed.append)
    assert "SystemExit: a fault" in told.deaths[0]
    assert [type(error) for error in failed] == [JournalDied, JournalDied]
    assert "ThreadDied" in told.stream.getvalue()
