"""What stands in the echo row while there is nothing to echo.  Pure."""

from __future__ import annotations

from collections.abc import Iterator

from chatops.system.columns import width as cells
from tui.model.state import ConsoleState
from tui.program import is_offered

COMMAND = ": type a command"
OR = "  or  "                  # between the ways in, in a greeting
ROOM = 78
AT_HOME = ("127.0.0.1", "::1", "localhost")    # nobody from elsewhere is there to be disturbed


def hint(state: ConsoleState, room: int = ROOM) -> str:
    """Something that can be done now, as much of it as a row has `room` for, in cells."""
    lines = list(_lines(state))
    return next((line for line in lines if cells(line) <= room), lines[-1])


def _lines(state: ConsoleState) -> Iterator[str]:
    """The one that says most first."""
    ways = _ways(state)
    if state.greeting:             # an address that is cut is none
        yield "   ".join([COMMAND, *ways])
        yield state.greeting
        ways = [state.greeting.partition(OR)[0]]
    for many in range(len(ways), -1, -1):
        yield "   ".join([COMMAND, *ways[:many]])


def _ways(state: ConsoleState) -> list[str]:
    """What the command line is not needed for, or what it is good for."""
    live, keymap = state.live, state.preferences.keymap
    if state.greeting:
        return [state.greeting]
    if live is not None and _is_a_server(state) and not (live.clients or state.paused):
        if live.tls:                   # which no client that is built in speaks
            return [f"come in:  openssl s_client -quiet -connect {live.host}:{live.port}"]
        come = [f"come in:  nc {live.host} {live.port}"]
        return come + (["or  :spawn chat 5"] if _can(state, "spawn") else [])
    details = keymap.sign("details").replace("⏎", "enter")     # as the dialogs have it
    ways = [f"{details} details"]
    if is_offered("lab", state):
        ways.append(f"{keymap.sign('lab')} lab")
    if (live is not None and live.host in AT_HOME and _can(state, "write-interest")
            and not state.paused and state.write_interest[0] != "always"):
        ways.append(f"{keymap.sign('write-interest toggle')} breaks it 30 s: write-interest")
    return ways


def _is_a_server(state: ConsoleState) -> bool:
    return state.status.alive and state.program is None and not state.replay


def _can(state: ConsoleState, command: str) -> bool:
    """Whether this server can be asked for it."""
    return (_is_a_server(state) and not state.status.read_only
            and not state.refusal(command))
