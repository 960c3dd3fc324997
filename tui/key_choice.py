"""Which keys are worth a place in the last line, by what is looked at.  Pure."""

from __future__ import annotations

from typing import NamedTuple

from chatops.api.command_table import SPECS
from tui.model.state import ConsoleState
from tui.program import ENDS, ENDS_CALLED, is_offered

# In the order they stand.
SHOWN = ("help", "filter", "sort", "tag", "kick", "broadcast", "pause", "step", "speed", "seek",
         "lab", "loops", "quit")
# What stays the longest stands first.
KEPT = ("help", "quit", "filter", "kick", "sort", "step", "lab", "speed", "loops", "pause",
        "broadcast", "seek", "tag")
ON_THE_PAST = ("step", "seek", "live", "speed", "filter", "sort", "help", "quit")
LABELS = {spec.name: spec.label or spec.name for spec in SPECS}


class KeyOffer(NamedTuple):
    """A command with a key; those with the highest ranks give way first."""

    command: str
    label: str
    rank: int


def offers(state: ConsoleState) -> tuple[KeyOffer, ...]:
    """What there is a use for now, in the order it stands.  Where rows do not move, the way to go
    on comes first and gives way last.
    """
    first, names = _first(state), SHOWN if state.travel is None else ON_THE_PAST
    here = [*first, *(name for name in names if name not in first and _is_of_use(name, state))]
    kept = (*_way_back(state), *first, *KEPT)
    return tuple([KeyOffer(name, _label(name, state), kept.index(name)) for name in here])


def _first(state: ConsoleState) -> tuple[str, ...]:
    if state.travel is None:
        return ("pause",) if state.paused else ()
    return ("pause", "step", "seek", "live") if state.replay else ("step", "seek", "live")


def _way_back(state: ConsoleState) -> tuple[str, ...]:
    """What leads to where everything moves."""
    if not state.paused:
        return ()
    return ("live",) if state.travel is not None and not state.replay else ("pause",)


def _is_of_use(name: str, state: ConsoleState) -> bool:
    program = state.program
    match name:
        case "kick":
            return _may_change(state) and (program is None or state.pane in ENDS["kick"])
        case "broadcast":
            return _may_change(state) and program is None
        case "loops":
            return program is not None and (len(program.loops) > 1 or bool(program.processes))
        case "speed" | "seek":
            return state.replay
        case "lab":
            return is_offered(name, state)
    return True


def _may_change(state: ConsoleState) -> bool:
    return state.status.alive and not (state.replay or state.status.read_only)


def _label(name: str, state: ConsoleState) -> str:
    match name:
        case "kick" if state.program is not None:
            return ENDS_CALLED[ENDS["kick"][state.pane]]
        case "pause" if state.replay:
            if state.paused:
                return "play on"
            return "stop" if state.status.alive else "play again"
        case "pause" if state.paused:
            return "go on"
        case "live" if state.replay:
            return "back"
    return LABELS[name]
