"""Lesson: what a wake-up costs, beside more and more idle descriptors."""

from __future__ import annotations

from chatops.lab.experiments.cost import CostCurve
from chatops.lab.lessons.figures import Figure, LinePlot, PlotLine, Table
from chatops.lab.lessons.lesson import MeasuredLesson, bucket, page
from chatops.lab.lessons.wording import micros, times

MECHANISMS = ("select", "poll", "epoll")

PAGES = (
    page("""
        One of your clients speaks. The others are silent. What does it
        cost to find out which one it was?

        select() and poll() are handed the whole set on every call. The
        kernel goes through it, asks each descriptor "are you ready?",
        joins each one's wait queue, sleeps, and then goes through them
        all again, to ask and to leave the queues. One ready among ten
        thousand costs ten thousand questions, every time.

        epoll is told once whom to watch. When data comes, the socket
        puts itself on epoll's ready list. To wait is to look at that
        list: the silent ones are not asked, because nobody passes them.
    """),
    page("""
        Some things that are often said, and are not so:

          "epoll shares memory with the process, to save copies." It does
          not. Each call copies its ready events out, as any call does.
          The gain is the ready list, and not handing over the whole set.

          "epoll is faster." With a handful of descriptors it is not, or
          by less than a microsecond; one send() costs several.

          "select is an array of 1,024." It is bit maps; the array is
          poll's, and is passed in whole.

        And epoll has its price: each change of interest is a system call
        of its own. select's and poll's sets are yours to change.
    """),
    page("""
        The experiment: one descriptor is ready, n are idle beside it,
        and n grows to as many as this machine lets us have; for select,
        to the fullest set it can take. Each point is the median of many
        calls.

        Both axes are logarithmic: a line that climbs by one decade per
        decade grows in proportion. A flat one does not care.

        The line `one send()` is for scale: what it costs to say one line
        of chat to one client. Where a curve is far below it, the choice
        of mechanism makes no difference worth having.
    """),
)


def _figures(result: CostCurve) -> tuple[Figure, ...]:
    present = [m for m in MECHANISMS if result.counts(m)]
    most = max(p.idle for p in result.points)
    curves = (PlotLine(m, tuple((p.idle, p.median * 1e6) for p in result.points
                                if p.mechanism == m)) for m in present)
    yardstick = PlotLine("one send()", ((1.0, result.send * 1e6), (most, result.send * 1e6)))
    counts = sorted({p.idle for p in result.points})
    known = {(p.mechanism, p.idle): micros(p.median) for p in result.points}
    return (
        LinePlot("What a wake-up costs", "idle descriptors beside the one that is ready",
                 "median per call", "us", True, True, (*curves, yardstick),
                 f"this process may have {result.limit:,} descriptors; select ends at 1,023"),
        Table("The same in figures", ("idle", *present),
              tuple((f"{n:,}", *(known.get((m, n), "-") for m in present)) for n in counts)),
    )


def _explain(result: CostCurve) -> str:
    grown = ", ".join(f"{m} {times(result.growth(m))} (to {result.counts(m)[-1]:,})"
                      for m in MECHANISMS if result.counts(m))
    first = ", ".join(f"{m} {micros(result.cost(m, 1))}" for m in MECHANISMS if result.counts(m))
    return (f"From 10 idle descriptors to the most there could be, a call grew dearer by a factor "
            f"of: {grown}. Beside a single idle one they cost {first}; a send() costs "
            f"{micros(result.send)}. epoll does not make a wake-up cheap, it keeps it from "
            "getting dear.")


LESSON = MeasuredLesson(
    name="cost",
    title="What a wake-up costs",
    pages=PAGES,
    experiment="cost",
    about="select, poll and epoll beside 1 to as many idle descriptors as there may be (1 s)",
    figures=_figures,
    question="From 10 idle descriptors to the most there can be: how much dearer is epoll?",
    choices=("the same, give or take", "several times", "tens of times", "over a hundred times"),
    answer=lambda result: bucket(result.growth("epoll"), 2.5, 10, 100),
    explain=_explain,
    needs=("epoll",),
)
