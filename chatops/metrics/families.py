"""What is told to a collector: one table of names, kinds and meanings.

Names and units follow Prometheus' conventions (prometheus.io/docs/practices/naming): base
units, `_total` for what only grows.  No label ever says which client: a label's values are
kept for ever, and clients come and go.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple

from chatops.api.snapshot import Snapshot
from chatops.lints import LINTS
from chatops.server.counts import DROPPED, EVICTED, REFUSED

Labels = tuple[str, ...]
Sample = tuple[Labels, float]


class Figures(NamedTuple):
    """How things stand, for one scrape."""

    snapshot: Snapshot
    version: str               # of chatops
    journal_backlog: int = 0
    history: bool = False      # it was asked for


class Family(NamedTuple):
    """One metric.  `unit` is what Grafana calls what the panel shows: a counter's is a rate's."""

    name: str
    kind: Literal["counter", "gauge", "histogram", "info"]
    help: str
    samples: Callable[[Figures], Iterable[Sample]]
    labels: Labels = ()
    unit: str = "short"
    panel: str = ""            # the panel of the dashboard that shows it; "" for none


def _one(read: Callable[[Snapshot], float]) -> Callable[[Figures], Iterable[Sample]]:
    return lambda figures: [((), read(figures.snapshot))]


def _each(read: Callable[[Snapshot], tuple[tuple[str, int], ...]], known: tuple[str, ...]
          ) -> Callable[[Figures], Iterable[Sample]]:
    """With a 0 for what has not happened: a rate is only seen if it begins somewhere."""
    def samples(figures: Figures) -> Iterable[Sample]:
        counts = dict.fromkeys(known, 0) | dict(read(figures.snapshot))
        return [((word,), count) for word, count in counts.items()]
    return samples


def _lints(figures: Figures) -> Iterable[Sample]:
    found = Counter(lint.code for lint in figures.snapshot.lints)
    return [((code,), found[code]) for code in LINTS]


def _history(figures: Figures) -> Iterable[Sample]:
    state = ("off" if not figures.history
             else "failing" if figures.snapshot.history_fault else "kept")
    return [((each,), float(each == state)) for each in ("off", "kept", "failing")]


FAMILIES = (
    Family("chatops", "info", "Version of the server, and what its loop waits with.",
           lambda figures: [((figures.version, figures.snapshot.loop.backend,
                              figures.snapshot.loop.slow_consumer), 1)],
           ("version", "selector", "slow_consumer")),
    Family("chatops_start_time_seconds", "gauge", "When the server began, since the Unix epoch.",
           _one(lambda s: s.at - (s.mono - s.started_at)), unit="dateTimeAsIso"),
    Family("chatops_draining", "gauge", "1 while it delivers its last lines.",
           _one(lambda s: float(s.phase != "running"))),
    Family("chatops_connections", "gauge", "Clients connected now.",
           _one(lambda s: len(s.clients)), panel="Connections"),
    Family("chatops_rooms", "gauge", "Rooms with somebody in them.",
           _one(lambda s: len(s.rooms)), panel="Connections"),
    Family("chatops_connections_accepted_total", "counter", "Clients that came in.",
           _one(lambda s: s.accepted), unit="ops", panel="Newcomers"),
    Family("chatops_connections_refused_total", "counter", "Newcomers turned away.",
           _each(lambda s: s.refused_by, REFUSED), ("reason",), "ops", "Newcomers"),
    Family("chatops_messages_received_total", "counter", "Lines that clients sent.",
           _one(lambda s: s.lines_in), unit="ops", panel="Messages"),
    Family("chatops_messages_sent_total", "counter",
           "Lines put on the way to clients, those in their queues included.",
           _one(lambda s: s.lines_out), unit="ops", panel="Messages"),
    Family("chatops_received_bytes_total", "counter", "Bytes that clients sent.",
           _one(lambda s: s.bytes_in), unit="Bps", panel="Bytes"),
    Family("chatops_sent_bytes_total", "counter", "Bytes handed to the kernel for clients.",
           _one(lambda s: s.bytes_out), unit="Bps", panel="Bytes"),
    Family("chatops_queued_bytes", "gauge",
           "Bytes that wait for clients, in the server and in its kernel.",
           lambda figures: [(("application",), figures.snapshot.queued),
                            (("kernel",), figures.snapshot.kernel_queued)],
           ("queue",), "bytes", "Queues"),
    Family("chatops_clients_evicted_total", "counter", "Slow readers that were given up.",
           _each(lambda s: s.evicted_by, EVICTED), ("reason",), "ops", "Slow readers"),
    Family("chatops_messages_dropped_total", "counter",
           "Lines that a slow-consumer policy threw away.",
           _each(lambda s: s.dropped_by, DROPPED), ("policy",), "ops", "Slow readers"),
    Family("chatops_loop_wakeups_total", "counter", "Returns of the selector.",
           _one(lambda s: s.loop.turns), unit="ops", panel="Wake-ups"),
    Family("chatops_loop_ready_total", "counter",
           "Descriptors found ready; divided by the wake-ups, how many at once.",
           _one(lambda s: s.loop.ready), unit="ops", panel="Wake-ups"),
    Family("chatops_loop_waiting_seconds_total", "counter", "Time inside the selector.",
           _one(lambda s: s.loop.waited), unit="percentunit", panel="Loop"),
    Family("chatops_loop_working_seconds_total", "counter",
           "Time outside the selector: near 1 a second, the loop is full.",
           _one(lambda s: s.loop.worked), unit="percentunit", panel="Loop"),
    Family("chatops_loop_descriptors", "gauge", "Descriptors in the selector's map.",
           _one(lambda s: s.loop.registered)),
    Family("chatops_callback_seconds", "histogram", "What the callbacks of descriptors took.",
           lambda figures: (), unit="s", panel="Callbacks"),
    Family("chatops_lints", "gauge", "What a reviewer would object to in the selector now.",
           _lints, ("code",), panel="Lints"),
    Family("chatops_journal_backlog", "gauge",
           "Events and jobs that wait for the thread that writes to disk.",
           lambda figures: [((), figures.journal_backlog)], panel="Journal"),
    Family("chatops_history", "gauge",
           "1 for the state that history is in: off, kept, or failing.",
           _history, ("state",), panel="Journal"),
)
