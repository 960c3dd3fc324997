"""Runs of I/O models as timelines: the whole of them, and a close look at the data's arrival."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from chatops.lab.experiments.models import IoSpan, ModelRun
from chatops.lab.lessons.figures import Bar, Lane, Timeline

BEFORE = 50e-6                 # seconds shown before the data came, in a close-up …
AT_MOST = 500e-6               # … and after it, however long somebody took


def whole(title: str, runs: Sequence[ModelRun]) -> Timeline:
    """In milliseconds since the process asked."""
    end = max(run.spans[-1].end for run in runs) * 1e3
    arrived = statistics.median(run.arrived for run in runs) * 1e3
    lanes = tuple(Lane(run.name, tuple(_bar(span, 0.0, 1e3) for span in run.spans),
                       run.span("wait").note) for run in runs)
    return Timeline(title, "ms", 0.0, end, lanes, arrived, "the data came")


def close_up(title: str, runs: Sequence[ModelRun]) -> Timeline:
    """In microseconds since the data came, each run with its own zero."""
    last = max(run.spans[-1].end - run.arrived for run in runs)
    end = min(AT_MOST, last) * 1e6
    return Timeline(title, "us", -BEFORE * 1e6, end,
                    tuple(_close_lane(run, end) for run in runs), 0.0, "the data came")


def _close_lane(run: ModelRun, end: float) -> Lane:
    start = -BEFORE * 1e6
    bars = (_bar(span, run.arrived, 1e6) for span in run.spans)
    shown = (Bar(max(bar.start, start), min(bar.end, end), bar.kind, bar.label)
             for bar in bars if bar.end > start and bar.start < end)
    note, took = run.span("copy").note, (run.spans[-1].end - run.arrived) * 1e6
    return Lane(run.name, tuple(shown),
                note if took <= end else f"{note}; took {took:,.0f} us")


def _bar(span: IoSpan, zero: float, scale: float) -> Bar:
    return Bar((span.start - zero) * scale, (span.end - zero) * scale, span.doing, span.phase)
