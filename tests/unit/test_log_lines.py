"""Events as lines: one each, whatever is in them, in either form and from any level on."""

from __future__ import annotations

import json
import re
from typing import get_args

import msgspec
import pytest

from chatops.api import events
from chatops.api.command_table import LOG_LEVELS as LEVELS
from chatops.storage.log_lines import LogForm, json_line, level_of, line_of

KINDS = get_args(events.AnyEvent)
AT = 1_700_000_000.1234
NASTY = 'two\nlines "quoted" \x1b[31m\u2028\ud83d'.encode("utf-8", "replace").decode()


def made(kind: type[events.Event]) -> events.Event:
    """One of this kind, with the worst in every string."""
    values = {"str": NASTY, "int": 7, "float": 0.5, "bool": True, "tuple": [NASTY]}
    fields = {field.name: values[getattr(field.type, "__name__", str(field.type))]
              for field in msgspec.structs.fields(kind)}
    return msgspec.convert({**fields, "type": kind.__name__, "at": AT}, kind)


@pytest.mark.parametrize("kind", KINDS)
def test_every_event_is_one_line_of_json_with_all_its_fields(kind: type[events.Event]) -> None:
    line = json_line(made(kind))
    assert "\n" not in line
    told = json.loads(line)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d", told.pop("time"))
    assert told.pop("level") in LEVELS
    assert told.pop("event") == kind.__name__
    kept = json.loads(msgspec.json.encode(made(kind)))
    del kept["at"], kept["type"]
    assert told == kept


@pytest.mark.parametrize("kind", KINDS)
def test_no_field_of_an_event_hides_what_every_line_has(kind: type[events.Event]) -> None:
    assert {"time", "level", "event"} & {f.name for f in msgspec.structs.fields(kind)} == set()


def test_milliseconds_are_those_of_the_event() -> None:
    assert ".123" in json.loads(json_line(events.Warned(AT, "x")))["time"]


def test_a_level_leaves_out_what_is_beneath_it() -> None:
    happened = [made(kind) for kind in KINDS]
    logged = [event for event in happened if type(event) not in events.TALK]
    assert LogForm().lines(happened) == [line_of(event) for event in logged]
    for n, level in enumerate(LEVELS):
        wanted = [event for event in logged if LEVELS.index(level_of(event)) >= n]
        assert LogForm(level=level).lines(happened) == [line_of(event) for event in wanted]
        assert wanted
    assert {level_of(event) for event in logged} == set(LEVELS)


def test_an_event_that_cannot_be_written_is_named_in_the_form_of_the_others() -> None:
    beyond = events.Warned(1e20, "x")
    (text,) = LogForm().lines([beyond])
    assert text.startswith("(Warned could not be written: ")
    (line,) = LogForm(json=True).lines([beyond])
    told = json.loads(line)
    assert told["event"] == "Warned"
    assert told["text"].startswith("Warned could not be written: ")
