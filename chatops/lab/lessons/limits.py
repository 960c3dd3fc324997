"""Lesson: select's limit is on the number of a descriptor, not on how many there are."""

from __future__ import annotations

from chatops.lab.experiments.limits import Limits
from chatops.lab.lessons.figures import Figure, Table
from chatops.lab.lessons.lesson import MeasuredLesson, page
from chatops.lab.lessons.wording import yes
from chatops.loop.backends import SELECT_LIMIT

PAGES = (
    page("""
        select() is given three bit maps: whom to watch for reading, for
        writing, for exceptions. Bit 7 stands for descriptor 7. The maps
        are FD_SETSIZE bits long, and that is 1,024, whatever `ulimit -n`
        says. It is a constant of the C library; the kernel would take
        longer ones.

        So the highest descriptor that select() can watch is 1,023. What
        counts is the number, not how many you watch. One lonely socket
        is too much, if its number happens to be 1,024.
    """),
    page("""
        Numbers are given out lowest first, so a server meets the limit
        when 1,024 things are open: clients, but log files, pipes and
        databases too. In C, FD_SET(1024) writes past the end of the map,
        into whatever lies there. Python refuses with an exception, in the
        middle of an innocent select(), for all clients alike.

        poll() passes an array instead, of (fd, wanted, got), as long as
        you like. epoll is told of each descriptor once and keeps the set
        in the kernel. Both stop only where `ulimit -n` does.
    """),
)


def _figures(result: Limits) -> tuple[Figure, ...]:
    return (Table("Two readable descriptors, handed to each",
                  ("mechanism", "descriptor", "reported", "error"),
                  tuple((t.mechanism, f"{t.fd:,}", yes(t.reported), t.error or "none")
                        for t in result.trials),
                  f"ulimit -n here: {result.soft:,}, and it may be raised to {result.hard:,}"),)


def _refusals(result: Limits) -> tuple[str, ...]:
    return tuple(t.mechanism for t in result.trials if t.fd == SELECT_LIMIT and not t.reported)


def _answer(result: Limits) -> int:
    """Whenever anybody refuses, select does: nobody's maps are shorter."""
    return min(2, len(_refusals(result)))


def _explain(result: Limits) -> str:
    refused = _refusals(result)
    if not refused:
        return f"Here nobody refused descriptor {SELECT_LIMIT:,}: this C library's maps are longer."
    error = result.of(refused[0], SELECT_LIMIT).error
    return (f"{' and '.join(refused)} refused descriptor {SELECT_LIMIT:,} ({error}), and had taken "
            f"{SELECT_LIMIT - 1:,} just before. This process may have {result.soft:,} descriptors, "
            "so `ulimit -n` was not the reason. It is why `selector select` is refused in the "
            "console while a client sits on a higher number.")


LESSON = MeasuredLesson(
    name="limits",
    title="Descriptor 1,024",
    pages=PAGES,
    experiment="limits",
    about="a readable socket as descriptor 1,023, then as 1,024, for each mechanism",
    figures=_figures,
    question="Descriptor 1,024 has data. Of those measured, who refuses to watch it?",
    choices=("nobody", "select alone", "select and others"),
    answer=_answer,
    explain=_explain,
)
