"""One line for each event: a glyph, a colour, whose it is, and what happened.  Pure.

What clients wrote comes in as text and stays text: nothing here is markup.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from textual.content import Content

from chatops.api import events as e
from chatops.api.events import Event
from chatops.system.addresses import with_port
from chatops.units import counted, format_seconds, format_size
from tui.text.cells import clean

LINES_SHOWN = 3                # of one chunk of chat


@dataclass(frozen=True, slots=True)
class Kind:
    """How one kind of event looks; `topic` is the word that a filter knows it by."""

    glyph: str
    style: str
    topic: str
    tell: Callable[[Any], str]


def _lost(lines: int) -> str:
    return f", {counted(lines, 'line')} lost" if lines else ""


def _why(reason: str) -> str:
    """That it left is said already."""
    return "" if reason == "left" else f": {reason}"


def _to(event: e.Whispered) -> str:
    """Its id, which older recordings do not have of those on other nodes."""
    return f"{event.to_node}#{event.to_id} " if event.to_id else ""


def _people(event: e.NodeUp | e.NodeGone) -> str:
    return counted(event.people, "client") if event.people else "nobody"


def _said(event: e.Said) -> str:
    lines = event.text.split("\n")
    more = len(lines) - LINES_SHOWN
    text = " ⏎ ".join(lines[:LINES_SHOWN]) + (f" ⏎ … {more} more" if more > 0 else "")
    return f"{event.nick}: {text}"


def _listening(event: e.ServerStarted) -> str:
    where = " and ".join((with_port(event.host, event.port), *event.also))
    irc = " and ".join(([f"on {event.irc}"] if event.irc else [])
                       + ([f"over TLS on {event.irc_tls}"] if event.irc_tls else []))
    return (f"listening on {where}{' over TLS' if event.tls else ''} with {event.selector}"
            + (f", for IRC {irc}" if irc else "")
            + (f", for metrics on {event.metrics}" if event.metrics else ""))


def _held(event: e.LoopHeld) -> str:
    inside = f", in {event.inside}" if event.inside else ""
    so_far = "was held for" if event.over else "has been held for"
    which = f"loop {event.loop}" if event.loop else "the loop"
    return f"{which} {so_far} {format_seconds(event.seconds)}: {event.where}{inside}"


KINDS: dict[type[Event], Kind] = {
    e.Connected: Kind("+", "$success", "join",
                      lambda v: f"{v.nick} connected from {v.peer} on fd {v.fd}"),
    e.Disconnected: Kind("-", "$text-muted", "leave",
                         lambda v: f"{v.nick} left{_why(v.reason)}{_lost(v.lines_lost)}"),
    e.Refused: Kind("x", "$warning", "refused",
                    lambda v: f"{v.peer} turned away: {v.reason}"),
    e.HandshakeFailed: Kind("x", "$warning", "tls",
                            lambda v: f"{v.peer} did not get through TLS: {v.reason}"),
    e.Said: Kind("»", "$text", "chat", _said),
    e.Acted: Kind("*", "$text", "chat", lambda v: f"{v.nick} {v.text}"),
    e.Whispered: Kind("→", "$text-muted", "chat",
                      lambda v: f"{v.nick} whispers to {_to(v)}{v.to_nick}"),
    e.Renamed: Kind("~", "$secondary", "nick", lambda v: f"{v.old} is now {v.new}"),
    e.Moved: Kind("↷", "$secondary", "room",
                  lambda v: f"{v.nick} went from {v.old} to {v.new}"),
    e.Joined: Kind("↳", "$secondary", "room", lambda v: f"{v.nick} came into {v.room}"),
    e.Parted: Kind("↰", "$secondary", "room", lambda v: f"{v.nick} left {v.room}"
                   + (f": {v.reason}" if v.reason else "")),
    e.LoggedIn: Kind("✓", "$success", "login",
                     lambda v: f"{v.nick} made the account {v.account}" if v.made
                     else f"{v.nick} logged in as {v.account}"),
    e.QueueGrew: Kind("▲", "$warning", "queue",
                      lambda v: f"{v.nick}: kernel buffer full, {format_size(v.queued)} queued"),
    e.QueueEmptied: Kind("▽", "$success", "queue",
                         lambda v: f"{v.nick}: queue empty again after "
                         f"{format_seconds(v.seconds)}, {format_size(v.peak)} at most"),
    e.LinesDropped: Kind("✂", "$error", "queue",
                         lambda v: f"{v.nick}: {counted(v.lines, 'line')} dropped ({v.policy})"),
    e.Throttled: Kind("◔", "$warning", "flood",
                      lambda v: f"{v.nick} speaks too fast, not read for "
                      f"{format_seconds(v.seconds)}"),
    e.BadInput: Kind("?", "$warning", "input",
                     lambda v: f"{v.nick} sent {v.kind}" + (f", {v.count:,} times so far"
                                                            if v.count > 1 else "")),
    e.ListenerPaused: Kind("‖", "$error", "server",
                           lambda v: f"not accepting for {format_seconds(v.seconds)}: {v.reason}"),
    e.ListenerResumed: Kind("▶", "$success", "server", lambda v: "accepting again"
                            + (f"; {v.refused:,} were refused" if v.refused else "")),
    e.ServerStarted: Kind("●", "$success", "server",
                          _listening),
    e.ServerStopping: Kind("!", "$warning", "server",
                           lambda v: f"stopping; queues drain for at most "
                           f"{format_seconds(v.deadline)}"),
    e.ServerStopped: Kind("■", "$text-muted", "server",
                          lambda v: f"stopped: {v.reason}"),
    e.Crashed: Kind("✗", "bold $error", "fault",
                    lambda v: "the reactor died: "
                    + (v.traceback.strip().rpartition("\n")[2] or "no traceback")),
    e.CallbackFailed: Kind("✗", "$error", "fault",
                           lambda v: f"{v.callback} failed"
                           + (f" on fd {v.fd}, which was closed" if v.fd >= 0 else "")
                           + f": {v.error}"),
    e.ThreadDied: Kind("✗", "bold $error", "fault",
                       lambda v: f"the thread '{v.name}' died: "
                       + (v.traceback.strip().rpartition("\n")[2] or "no traceback")),
    e.AdminDid: Kind("✓", "$accent", "admin", lambda v: f":{v.line}  {v.outcome}"),
    e.EngineLost: Kind("✗", "$error", "node",
                       lambda v: f"the other nodes cannot be reached: {v.engine}: {v.reason}"),
    e.EngineBack: Kind("o", "$success", "node",
                       lambda v: f"{v.engine} is reached, after {format_seconds(v.seconds)}"),
    e.NodeUp: Kind("o", "$success", "node", lambda v: f"node {v.node} is there, with {_people(v)}"),
    e.NodeGone: Kind("x", "$warning", "node",
                     lambda v: f"node {v.node} {v.reason}, with {_people(v)} on it"),
    e.FramesLost: Kind("✗", "$error", "node",
                       lambda v: f"some lines of node {v.node} are missing: "
                                 f"{counted(v.frames, 'frame')}"),
    e.NickLost: Kind("!", "$warning", "nick",
                     lambda v: f"{v.nick} is another's on node {v.node}, and is {v.new} here"),
    e.Warned: Kind("!", "$warning", "warning", lambda v: v.text),
    e.Printed: Kind("│", "$text", "output", lambda v: v.text),
    e.LoopHeld: Kind("✗", "$error", "held", _held),
    e.ProgramEnded: Kind("■", "$text-muted", "program",
                         lambda v: f"the program has ended with status {v.status}"),
}
UNKNOWN = Kind("·", "$text-muted", "other", lambda v: type(v).__name__)
FAILED_DEED = Kind("✗", "$error", "admin", lambda v: f":{v.line}  {v.outcome}")


def kind_of(event: Event) -> Kind:
    """How this event looks."""
    if isinstance(event, e.AdminDid) and not event.ok:
        return FAILED_DEED
    return KINDS.get(type(event), UNKNOWN)


def client_of(event: Event) -> int:
    """The connection id that an event is about, 0 for none."""
    return int(getattr(event, "id", 0))


def clock_of(at: float) -> str:
    """The local time of day, `02:12:44`."""
    return datetime.fromtimestamp(at).strftime("%H:%M:%S")


def words_of(event: Event) -> str:
    """All that is said of an event, as one plain line; what a filter looks into."""
    kind = kind_of(event)
    ident = client_of(event)
    who = f"#{ident} " if ident else ""
    room = getattr(event, "room", "")
    return clean(f"{kind.topic} {who}{kind.tell(event)}" + (f" room:{room}" if room else ""))


def line_of(event: Event) -> Content:
    """`02:12:44 + #3 bob connected from 127.0.0.1:50131 on fd 10`"""
    kind = kind_of(event)
    ident = client_of(event)
    room = getattr(event, "room", "")
    return Content.assemble(
        (clock_of(event.at), "$text-muted"), " ", (kind.glyph, kind.style), " ",
        (f"{f'#{ident}':<4} " if ident else "     ", "$primary"),
        (clean(kind.tell(event)), kind.style),
        (f"  {clean(room)}" if room and kind.topic == "chat" else "", "$text-disabled"),
    )


def whole_of(event: Event) -> str:
    """All of it, in as many lines as it has: every line of a chunk of chat, and a traceback."""
    if isinstance(event, e.Said):
        first, *others = event.text.split("\n")
        lines = [f"{event.nick}: {first}", *others]
    else:
        lines = [kind_of(event).tell(event)]
    lines += getattr(event, "traceback", "").strip().splitlines()
    return "\n".join(map(clean, lines))


def matches(event: Event, expression: str) -> bool:
    """Whether a filter keeps an event: every word occurs, no word after `!` does.

    `chat`, `leave`, `queue` … are topics; `#3` is a client.
    """
    if not expression:
        return True                # most of the time, and there may be thousands
    text = words_of(event).casefold()
    tokens = text.split()
    for word in expression.casefold().split():
        wanted = word.removeprefix("!")
        # A client's number is a word of its own: #3 is not #30.
        found = wanted in tokens if wanted.startswith("#") else wanted in text
        if wanted and found is word.startswith("!"):
            return False
    return True
