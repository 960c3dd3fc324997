"""Lesson: level-triggered and edge-triggered."""

from __future__ import annotations

from chatops.lab.experiments.triggering import Triggering
from chatops.lab.lessons.figures import Figure, Table
from chatops.lab.lessons.lesson import MeasuredLesson, page
from chatops.lab.lessons.wording import yes

PAGES = (
    page("""
        A doorbell can work in two ways.

          level   it rings for as long as somebody stands at the door
          edge    it rings once, when somebody comes

        select and poll know the first only. epoll does as they do, unless
        you ask for the second with EPOLLET.

        With the edge, whoever opens, greets one of three guests and goes
        back to the kitchen has two of them standing outside, and a bell
        that is silent. In a program that is a client whose last line
        arrives when it says the next one. Or never.
    """),
    page("""
        So an edge comes with a duty: make the socket non-blocking, and
        read until EAGAIN, each time. With the level you may read as much
        as is good for everybody, and are told again of the rest. That is
        how this server stays fair to the others when one client floods.

        Edge is not "each change from empty to not empty": more data is
        news, even while old data lies unread. Nor is it faster by nature:
        it saves wake-ups you would have ignored, and costs the extra
        recv() that says EAGAIN.

        `selectors` is level-triggered throughout; it has no word for
        EPOLLET.
    """),
)

STEPS = (
    ("sent", "2N bytes come"),
    ("half_read", "N are read, nothing new"),
    ("more_sent", "N more come"),
    ("asked_twice", "asked again, nothing new"),
    ("rearmed", "the interest is set again"),
    ("emptied", "everything is read"),
)
ANSWERS = ((True, True), (True, False), (False, True), (False, False))


def _figures(result: Triggering) -> tuple[Figure, ...]:
    return (Table(f"Told that it is readable? (N = {result.half:,})",
                  ("what happened", *(told.mechanism for told in result.told)),
                  tuple((text, *(yes(getattr(told, field)) for told in result.told))
                        for field, text in STEPS)),)


def _explain(result: Triggering) -> str:
    level, edge = result.of("epoll, level"), result.of("epoll, edge")
    again = "was told again" if level.half_read else "was not told again"
    silent = "was told too" if edge.half_read else "heard nothing"
    news = "did ring" if edge.more_sent else "did not ring"
    return (f"With {result.half:,} of {2 * result.half:,} bytes still unread and nothing new, the "
            f"level {again}; the edge {silent}. {result.half:,} more bytes {news} for the edge, "
            "although the first lay unread; and setting the same interest again counts as a "
            f"fresh look (told: {yes(edge.rearmed)}), which is a way out of a missed edge.")


LESSON = MeasuredLesson(
    name="triggering",
    title="The level and the edge",
    pages=PAGES,
    experiment="triggering",
    about="2,000 bytes come, 1,000 are read, and everybody is asked what they were told",
    figures=_figures,
    question="2,000 bytes came, 1,000 were read, nothing new. Who is told again?",
    choices=("both", "the level-triggered one", "the edge-triggered one", "neither"),
    answer=lambda result: ANSWERS.index((result.of("epoll, level").half_read,
                                         result.of("epoll, edge").half_read)),
    explain=_explain,
    needs=("epoll",),
)
