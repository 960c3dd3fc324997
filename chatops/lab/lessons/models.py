"""Lesson: the five I/O models."""

from __future__ import annotations

from chatops.lab.experiments.models import ModelRun, Models
from chatops.lab.lessons.figures import Figure, Quantities, Quantity, Table
from chatops.lab.lessons.lesson import MeasuredLesson, page
from chatops.lab.lessons.timelines import close_up, whole
from chatops.lab.lessons.wording import millis, times

MODELS = ("blocking", "non-blocking", "multiplexing", "signal-driven", "asynchronous")

PAGES = (
    page("""
        Five ways to get through the same two phases. The data is 300 ms
        late in each. What does the process do meanwhile?

          blocking        sleeps in recv(), through both phases
          non-blocking    asks; EAGAIN; asks; EAGAIN; asks ...
          multiplexing    sleeps in select(), then calls recv()
          signal-driven   works; SIGIO interrupts; its handler recv()s
          asynchronous    starts it; works; is told: your buffer is full

        Stevens drew them first. In four of the five you do the copying
        yourself; only the last hands over both phases.
    """),
    page("""
        None of them gets the data sooner. Multiplexing is not faster than
        blocking: for a single socket it is one call more. Its gain is the
        plural. One thread sleeps for a thousand sockets, and is woken by
        whichever is first.

        SIGIO sounds like the best of both. But a signal is for the whole
        process, in Python it is handled in the main thread only, and TCP
        sends one for so many reasons (connected, acknowledged, closing,
        readable, room to write) that you have to ask anyway which it was.
    """),
    page("""
        And asyncio? Asynchronous in style: you say `await sock_recv()`
        and get the bytes. Underneath, on Linux, it tries a non-blocking
        recv(), gets EAGAIN, registers the socket with a selector, and
        sleeps in epoll: models two and three in a good coat. We looked
        into the socket while it did, and the EAGAIN is in the table.

        The true thing for sockets is io_uring on Linux, which the
        standard library does not offer, and IOCP on Windows, which
        asyncio does use there. POSIX AIO in glibc is threads that block.
    """),
)


def _figures(result: Models) -> tuple[Figure, ...]:
    return (
        whole("Five ways to wait for the same data", result.runs),
        close_up("The same, where the data came", result.runs),
        Table("Counted", ("model", "calls", "EAGAIN", "steps of other work", "CPU"),
              tuple(_row(run) for run in result.runs),
              "steps of other work: how often the program had the floor before the data came"),
        Quantities("CPU used to wait", "ms", True, tuple(
            Quantity(run.name, run.cpu * 1e3, millis(run.cpu),
                     "bad" if run is _dearest(result) else "good") for run in result.runs)),
    )


def _row(run: ModelRun) -> tuple[str, ...]:
    return (run.name, f"{sum(span.calls for span in run.spans):,}", f"{run.eagain:,}",
            f"{run.steps:,}", millis(run.cpu))


def _dearest(result: Models) -> ModelRun:
    return max(result.runs, key=lambda run: run.cpu)


def _explain(result: Models) -> str:
    dearest, blocking = _dearest(result), result.run("blocking")
    return (f"{dearest.name}: {millis(dearest.cpu)} of CPU in {millis(dearest.spans[-1].end)}, "
            f"{times(dearest.cpu / blocking.cpu)} times what blocking used. "
            f"{result.run('non-blocking').eagain:,} times recv() said EAGAIN, and each time it "
            "was asked again. Non-blocking is a property of a socket that selectors need; as a "
            "way of waiting it is a fire. All five had the data within "
            f"{millis(max(r.spans[-1].end - r.arrived for r in result.runs))} of its coming.")


LESSON = MeasuredLesson(
    name="models",
    title="Five ways to wait",
    pages=PAGES,
    experiment="models",
    about="one read in each of the five models, the data 300 ms late each time (2 s)",
    figures=_figures,
    question="Which model used the most CPU to wait those 300 ms?",
    choices=MODELS,
    answer=lambda result: MODELS.index(_dearest(result).name),
    explain=_explain,
)
