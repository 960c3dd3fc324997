"""What is wrong between the nodes that share a chat, as one of them sees it."""

from __future__ import annotations

from collections.abc import Iterator

from chatops.api.snapshot import Lint, Snapshot
from chatops.lints.program import LintText
from chatops.units import counted, format_age, format_bytes

AWAY = 5.0                     # seconds without the engine: less is a restart of it
GONE_SHOWN = 3600.0            # seconds that a node is missed; by then it was meant
LOST_SHOWN = 60.0
UNREAD_SHOWN = 600.0           # seconds: who is idle writes no frame for a while
OTHERS_SHOWN = 60.0            # seconds after its last sign: several renewals of a lease
SKEWED = 2.0                   # seconds; less is NTP at work

NODE_LINTS = {
    "engine-away": LintText(
        "the other nodes cannot be reached",
        "What joins the nodes, a Redis or Valkey, does not answer, or takes nothing. Clients of "
        "this node talk on among themselves; what they say waits for it, as far as there is room "
        "and for two minutes, and nobody is kept waiting. Nicks that are chosen meanwhile may turn "
        "out to be another's.",
        "Look at the engine: its own words are in the line. OOM is its memory, READONLY a "
        "replica that was left behind by a failover, NOAUTH the password in `--cluster`."),
    "node-gone": LintText(
        "a node is gone",
        "Its lease has run out: for some time it has not said a word to the engine. It crashed, "
        "its machine stands still, or it is cut off and its people talk on alone. One that ends "
        "in good order says so, and is not missed.",
        "Look at its console, if it has one: `alone` in its header means that it lives and "
        "cannot reach the engine."),
    "node-version": LintText(
        "a node is of another version",
        "What it writes means nothing here, nor what is written here there. It holds its lease and "
        "its name, and nicks stay one namespace; but its people talk among themselves, nobody "
        "here sees them, and bans do not reach it.",
        "Have all nodes run the same version of chatops. An upgrade is over with the last of "
        "them."),
    "lines-lost": LintText(
        "lines of a node are missing",
        "Frames are numbered, and some numbers of a node never came: it could not reach the "
        "engine for longer than its queue keeps what waits, or the engine dropped what nobody "
        "had read yet, as when it is emptied or a failover leaves the newest behind. Its rooms "
        "have been told; what is missing is on that node alone.",
        "Lines are not sent again. If it happens without an outage, the engine drops too early: "
        "look at its memory policy, which must be `noeviction`.", is_over=True),
    "frames-unread": LintText(
        "what a node writes cannot be read",
        "Somebody writes to the nodes' log what is not signed with this node's secret, or is no "
        "frame at all: as a rule a node with another `--cluster-secret`, or with none. It holds "
        "its lease and its name; but its people talk among themselves, nobody here sees them, "
        "and bans do not reach it.",
        "Give all nodes the same file as `--cluster-secret`, and start anew the one that had "
        "another. The events say what was wrong."),
    "clock-skew": LintText(
        "a node's clock is wrong",
        "It differs from the engine's by more than two seconds. Among the nodes the engine's clock "
        "counts, so bans end and what was said is dated alike everywhere; but this node's log, its "
        "certificates and the times that it shows are those of its own clock.",
        "Have its machine's clock set by NTP (`timedatectl`, `chronyc tracking`); if all nodes "
        "are off by the same, it is the engine's. Nodes look every few seconds, and show what "
        "they found first until that is off by half a second."),
}


def find(now: Snapshot, before: Snapshot | None) -> Iterator[Lint]:
    """Those that hold now."""
    engine = now.engine
    if engine is None:
        return
    away = now.mono - engine.since
    if engine.state != "up" and away >= AWAY:
        waiting = sum(row.buffered for row in now.nodes)
        yield Lint("engine-away", f"{engine.address} has been away for {format_age(away)}, "
                   f"{format_bytes(waiting)} waiting: {engine.reason}", since=engine.since,
                   dated=True)
    if engine.unread and now.mono - engine.unread_at < UNREAD_SHOWN:
        yield Lint("frames-unread", f"{counted(engine.unread, 'frame')} of the nodes' log could "
                   "not be read: has a node another secret?", since=engine.unread_at)
    for row in now.nodes:
        if row.state == "gone" and now.mono - row.seen < GONE_SHOWN:
            yield Lint("node-gone", f"node {row.name} is gone, not heard of for "
                       f"{format_age(now.mono - row.seen)}", since=row.seen, dated=True)
        if row.state == "other version" and now.mono - row.seen < OTHERS_SHOWN:
            yield Lint("node-version", f"node {row.name} is of another version, and neither hears "
                       "the other", since=engine.since)
        if row.state in ("here", "up") and abs(row.skew) > SKEWED:
            off = format_age(round(abs(row.skew)))         # it is not known to the millisecond
            ahead = "ahead of" if row.skew > 0 else "behind"
            yield Lint("clock-skew", f"the clock of node {row.name} is {off} {ahead} the engine's",
                       since=engine.since)
    yield from _lost(now, before)


def _lost(now: Snapshot, before: Snapshot | None) -> Iterator[Lint]:
    """Of each node that has lost more than before; what is over is told of for a while."""
    if before is None:
        return
    known = {row.name: row.lost for row in before.nodes}
    told = {lint.place: lint for lint in before.lints if lint.code == "lines-lost"}
    for row in now.nodes:
        if row.lost > known.get(row.name, row.lost):
            told.pop(row.name, None)
            yield Lint("lines-lost", f"node {row.name}: {counted(row.lost, 'frame')} of lines "
                       "never came", since=now.mono, place=row.name)
    for lint in told.values():
        if now.mono - lint.since < LOST_SHOWN:
            yield lint
