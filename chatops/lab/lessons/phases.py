"""Lesson: a read is a wait and a copy."""

from __future__ import annotations

from chatops.lab.experiments.models import Models
from chatops.lab.lessons.figures import Figure
from chatops.lab.lessons.lesson import MeasuredLesson, bucket, page
from chatops.lab.lessons.timelines import close_up, whole
from chatops.lab.lessons.wording import micros, millis, times

PAGES = (
    page("""
        recv() looks like one step. It is two:

          1  wait    until the kernel has something for this socket
          2  copy    it from the kernel's memory into yours

        The first takes a microsecond or a week: that is up to somebody
        else, at the other end of a wire. The second is up to the number
        of bytes and to your memory.

        Everything in this lab is about the first. What shall a program
        do while there is nothing to read, when it has one other client
        to look after, or ten thousand?
    """),
    page("""
        The experiment: a peer sends 16 KiB, 300 ms after we asked with a
        plain blocking recv(). One call, one answer, two phases in it.

        From inside, the boundary between them cannot be seen: we were
        asleep. So the picture takes it from the sender's clock, which on
        this machine is ours.

        On the scale of the wait, the copy is less than a character wide.
        The second picture looks at the same moment a thousand times
        closer. Much of what it shows as copying is the process being
        woken up: the scheduler's time, not the memory's.
    """),
)


def _figures(result: Models) -> tuple[Figure, ...]:
    runs = (result.run("blocking"),)
    return whole("One blocking recv()", runs), close_up("The same, where the data came", runs)


def _share(result: Models) -> float:
    run = result.run("blocking")
    return run.span("copy").length / run.spans[-1].end


def _explain(result: Models) -> str:
    run = result.run("blocking")
    wait, copy = run.span("wait").length, run.span("copy").length
    return (f"recv() took {millis(run.spans[-1].end)}: {millis(wait)} of waiting, then "
            f"{micros(copy)} to wake up and copy {run.size:,} bytes. The wait was "
            f"{times(wait / copy)} times as long as the copy, and the process used "
            f"{millis(run.cpu)} of CPU for both. Waiting is cheap; it is being unable to do "
            "anything else meanwhile that costs.")


LESSON = MeasuredLesson(
    name="phases",
    title="A read is a wait and a copy",
    pages=PAGES,
    experiment="models",
    about="one blocking recv() of data that comes 300 ms late (all five models run, 2 s)",
    figures=_figures,
    question="How much of the time that recv() took here was the copying?",
    choices=("less than a hundredth", "a hundredth to a tenth", "a tenth to a half",
             "more than half"),
    answer=lambda result: bucket(_share(result), 0.01, 0.1, 0.5),
    explain=_explain,
)
