"""Events as lines of a log: for people, or as JSON for whatever collects them."""

from __future__ import annotations

import time
from datetime import datetime
from typing import NamedTuple

import msgspec

from chatops.api import events
from chatops.api.command_table import LOG_LEVELS as LEVELS

_LEVEL: dict[type[events.Event], str] = {
    events.QueueGrew: "debug", events.QueueEmptied: "debug", events.Throttled: "debug",
    events.Renamed: "debug", events.Moved: "debug",
    events.Refused: "warning", events.HandshakeFailed: "warning", events.LinesDropped: "warning",
    events.BadInput: "warning", events.ListenerPaused: "warning", events.Warned: "warning",
    events.EngineLost: "warning", events.NodeGone: "warning", events.FramesLost: "warning",
    events.NickLost: "warning",
    events.Crashed: "error", events.ThreadDied: "error", events.CallbackFailed: "error",
}


def level_of(event: events.Event) -> str:
    """How much it matters; what has no level of its own is worth knowing."""
    return _LEVEL.get(type(event), "info")


def line_of(event: events.Event) -> str:
    """One line, whatever the strings in it hold: `2026-01-31T12:00:00 kicked id=3 …`."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(event.at))
    fields = msgspec.structs.asdict(event)
    words = [f"{name}={_value(value)}" for name, value in fields.items() if name != "at"]
    return " ".join([stamp, type(event).__name__, *words])


def _value(value: object) -> str:
    if isinstance(value, str):
        return msgspec.json.encode(value).decode()   # quotes, and escapes what is not a line
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def json_line(event: events.Event) -> str:
    """One object: `time` (ISO 8601, milliseconds, with the zone), `level`, `event`, and then
    what the event itself has.
    """
    stamp = datetime.fromtimestamp(event.at).astimezone().isoformat(timespec="milliseconds")
    fields = msgspec.structs.asdict(event)
    del fields["at"]
    return msgspec.json.encode({"time": stamp, "level": level_of(event),
                                "event": type(event).__name__, **fields}).decode()


class LogForm(NamedTuple):
    """How events are written, and which: those of `level` and above."""

    json: bool = False
    level: str = "debug"

    def lines(self, fresh: list[events.Event]) -> list[str]:
        """What people say to each other is theirs, and is never logged."""
        least = LEVELS.index(self.level)
        return [self._line(event) for event in fresh if type(event) not in events.TALK
                and LEVELS.index(level_of(event)) >= least]

    def _line(self, event: events.Event) -> str:
        try:
            return json_line(event) if self.json else line_of(event)
        except Exception as error:     # a time beyond the calendar, say; the others are fine
            return self.remark(f"{type(event).__name__} could not be written: {error!r}")

    def remark(self, text: str) -> str:
        """A line about the log itself."""
        if not self.json:
            return f"({text})"
        return json_line(events.Warned(time.time(), text))


PLAIN = LogForm()
