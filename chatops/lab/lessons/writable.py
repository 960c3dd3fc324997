"""Lesson: a socket is nearly always writable, so ask only when there is something to write."""

from __future__ import annotations

from chatops.lab.experiments.writable import Watched, Writable
from chatops.lab.lessons.figures import Figure, Quantities, Quantity, Table
from chatops.lab.lessons.lesson import MeasuredLesson, bucket, page
from chatops.units import format_size

PAGES = (
    page("""
        Readable means: somebody sent something. That is rare.

        Writable means: there is room in the send buffer. That is nearly
        always so. Only a peer that has stopped reading makes it untrue,
        and only after the kernels at both ends have filled up, with
        megabytes, on a fast wire.

        Tutorials register every client for READ | WRITE, so that lines
        can be sent "when the socket is ready". It is ready now. And now.
        select() has no reason to sleep, ever again.
    """),
    page("""
        The cure is a rule of three steps:

          1  something to send? send() it at once
          2  the kernel took less than all? keep the rest, and only now
             watch for WRITE as well
          3  the rest is gone? stop watching for WRITE

        A quiet server then makes no wake-ups at all. You can see both in
        the console, on the server that runs: `:write-interest always`,
        or `w`, and look at the wake-ups. It goes back by itself after
        30 s. Stages 4 and 5 of the lab are these two, and nothing else.
    """),
)


def _figures(result: Writable) -> tuple[Figure, ...]:
    return (
        Quantities("Wake-ups per second, one client, nobody talking", "1/s", True,
                   tuple(_wakeups(loop) for loop in result.loops)),
        Quantities("CPU", "%", False, tuple(
            Quantity(loop.interest, _percent(loop), f"{_percent(loop):.1f} %", _kind(loop))
            for loop in result.loops)),
        Table("And when is it not writable?", ("", ""), (
            ("bytes taken until send() said EAGAIN", f"{result.taken:,}"),
            ("writable then?", "yes" if result.writable_when_full else "no"),
            ("bytes the peer read until it was again", f"{result.drained:,}"),
        )),
    )


def _wakeups(loop: Watched) -> Quantity:
    return Quantity(loop.interest, loop.per_second, f"{loop.per_second:,.0f}", _kind(loop))


def _percent(loop: Watched) -> float:
    return 100 * loop.cpu / loop.seconds


def _kind(loop: Watched) -> str:
    return "bad" if "write" in loop.interest else "good"


def _explain(result: Writable) -> str:
    always, quiet = result.loop("read and write"), result.loop("read only")
    return (f"Watching for writing: {always.per_second:,.0f} wake-ups a second and "
            f"{_percent(always):.0f} % of a core, with nothing said and nothing to say. Reading "
            f"only: {quiet.wakeups} wake-ups in {quiet.seconds:.2f} s. To make the socket not "
            f"writable it took {format_size(result.taken)} that the peer did not read; the peer "
            f"then read {format_size(result.drained)} before there was room again.")


LESSON = MeasuredLesson(
    name="writable",
    title="Nearly always writable",
    pages=PAGES,
    experiment="writable",
    about="a loop with one silent client, watching for reading, then for writing too (1 s)",
    figures=_figures,
    question="One silent client, watched for READ | WRITE: how many wake-ups in a second?",
    choices=("none", "fewer than a hundred", "fewer than ten thousand", "ten thousand or more"),
    answer=lambda result: bucket(result.loop("read and write").per_second, 1, 100, 10_000),
    explain=_explain,
)
