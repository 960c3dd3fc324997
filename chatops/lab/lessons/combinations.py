"""Lesson: blocking and synchronous are two different questions."""

from __future__ import annotations

from chatops.lab.experiments.combinations import Combinations, FirstCall
from chatops.lab.lessons.figures import Bar, Figure, Lane, Table, Timeline
from chatops.lab.lessons.lesson import MeasuredLesson, page
from chatops.lab.lessons.wording import micros, millis

CALLS = ("recv(), blocking", "recv(), non-blocking", "select()", "submit(recv)")

PAGES = (
    page("""
        Two questions to ask about any call, and people mix them up:

          Does it come back at once?      no:  it is blocking
                                          yes: it is non-blocking

          When it is back, is it over?    yes: it is synchronous
                                          no:  it is asynchronous

        "Over" means that you hold the whole answer, and that nobody goes
        on working for you behind your back. EAGAIN is a whole answer. It
        says "not now", and the kernel does not remember that you asked.
        If you still want the data, you have to come again.
    """),
    page("""
        Two questions, so four combinations, and a real call for each:

                           over when it returns    not over yet
          waits            recv()                  select()
          returns at once  recv() with O_NONBLOCK  submit(), a future

        The surprise is select(). It waits as long as recv() would, and
        has no data for you when it is back: only the news that a recv()
        would find some.

        POSIX looks at the read as a whole, and calls select() and recv()
        together synchronous, because in the end your own call copies the
        data. Here we look at one call at a time. Know which is meant.
    """),
)


def _figures(result: Combinations) -> tuple[Figure, ...]:
    end = max(call.data_at for call in result.calls) * 1e3
    return (
        Timeline("Four calls, made when nothing had come", "ms", 0.0, end,
                 tuple(_lane(call) for call in result.calls), result.late * 1e3,
                 "the data came"),
        Table("What each came back with", ("call", "back after", "with", "then"),
              tuple((c.name, millis(c.returned), c.answer, c.then) for c in result.calls)),
    )


def _lane(call: FirstCall) -> Lane:
    returned, data_at = call.returned * 1e3, call.data_at * 1e3
    calling = Bar(0.0, returned, "asleep" if call.blocking else "asking", "in the call")
    bars = (calling, Bar(returned, data_at, "free", "back, no data")) if data_at > returned else (
        calling,)
    return Lane(call.name, bars, call.answer)


def _answer(result: Combinations) -> int:
    return CALLS.index(result.combination(blocking=False, synchronous=False).name)


def _explain(result: Combinations) -> str:
    right = result.combination(blocking=False, synchronous=False)
    other = result.combination(blocking=False, synchronous=True)
    return (f"{right.name} was back after {micros(right.returned)} with {right.answer}, and the "
            f"data was there at {millis(right.data_at)} without another call: a thread waited "
            f"in our place. {other.name} was as quick ({micros(other.returned)}), but its answer, "
            f"'{other.answer}', was final. Had we not come back, the data would be lying "
            "there still.")


LESSON = MeasuredLesson(
    name="combinations",
    title="Blocking? Synchronous? Two questions",
    pages=PAGES,
    experiment="combinations",
    about="four calls when nothing has come yet; the data follows after 150 ms (1 s)",
    figures=_figures,
    question="Which call came back at once and left the read under way?",
    choices=CALLS,
    answer=_answer,
    explain=_explain,
)
