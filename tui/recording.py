"""The recording that the console makes, if it makes one: begun, fed and ended here."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from chatops.api.events import Event
from chatops.api.snapshot import Snapshot
from chatops.replay.writer import Recorder
from chatops.units import format_size


class ConsoleRecording:
    """One recording at a time; belongs to the console's thread and never waits for a disk
    but in `stop`.
    """

    def __init__(self) -> None:
        self._recorder: Recorder | None = None

    @property
    def text(self) -> str:
        """For the header: `REC 41K`, what went wrong, or nothing."""
        recorder = self._recorder
        if recorder is None:
            return ""
        if recorder.error:
            return "REC failed"
        lost = f", {recorder.dropped} lost" if recorder.dropped else ""
        return f"REC {format_size(recorder.size)}{lost}"

    def start(self, path: Path, selector: str) -> str:
        """Begin a new file; what was being recorded ends.  Raises `RecordingError`."""
        fresh = Recorder(path, selector)
        self.stop()
        self._recorder = fresh
        return f"recording to {fresh.path}"

    def add(self, snapshot: Snapshot | None, events: Iterable[Event]) -> None:
        """Record what the link gave."""
        if self._recorder is not None:
            self._recorder.add(snapshot, events)

    def stop(self) -> str:
        """End the file; says what was written, or that nothing was."""
        recorder, self._recorder = self._recorder, None
        if recorder is None:
            return "nothing was being recorded"
        recorder.close()
        return recorder.error or f"{format_size(recorder.size)} in {recorder.path}"
