"""Lesson: what happens to a descriptor that is closed while it is registered."""

from __future__ import annotations

from chatops.lab.experiments.closed import ASKED, Aftermath, Closed
from chatops.lab.lessons.figures import Figure, Table
from chatops.lab.lessons.lesson import MeasuredLesson, page
from chatops.lab.lessons.wording import yes

MECHANISMS = ("select", "poll", "epoll")

PAGES = (
    page("""
        sock.close(), and the selector was not told. A common slip, and
        each mechanism takes it in a way of its own, because each knows
        descriptors in another way:

          select, poll   look numbers up at each call
          epoll          looked the number up once, when you registered,
                         and has watched the open file behind it since

        A number is a ticket in your process's cloakroom. The coat is the
        open file, and dup(), fork() or a passed descriptor can put two
        tickets on one coat. close() tears up a ticket. The coat goes
        when the last one does.
    """),
    page("""
        Worse follows. Numbers are given out lowest first, so the next
        client very likely gets the one that was just closed.

        Where the old registration lives on, its events now arrive under
        the newcomer's number. Where it was forgotten, the newcomer is not
        watched, though your map says that it is. And `selectors` will not
        let you register it: the number is in its map already.

        The rule is short: unregister first, then close, in one place, at
        the end of a turn, when no ready event of this turn can still
        name the old number.
    """),
)


def _figures(result: Closed) -> tuple[Figure, ...]:
    return (
        Table(f"A readable descriptor, closed; then asked {ASKED} times",
              ("mechanism", "copy open", "said", "a `selectors` loop sees"),
              tuple((c.mechanism, yes(c.duplicated), _said(c), c.through_selectors)
                    for c in result.cases)),
        Table("The number goes to a new, quiet socket",
              ("mechanism", "copy open", "newcomer blamed", "unregistering the number"),
              tuple((c.mechanism, yes(c.duplicated), yes(c.newcomer_blamed), c.removable)
                    for c in result.cases),
              "unregistering was tried at the end, with the number closed again"),
    )


def _said(case: Aftermath) -> str:
    if case.error:
        return f"{case.error}, for the whole call"
    return f"{case.flags}, {case.reports} times" if case.reports else "nothing"


def _silent(result: Closed) -> tuple[str, ...]:
    return tuple(c.mechanism for c in result.cases
                 if not c.duplicated and not c.error and not c.reports)


def _answer(result: Closed) -> int:
    silent = _silent(result)
    return MECHANISMS.index(silent[0]) if silent else len(MECHANISMS)


def _explain(result: Closed) -> str:
    said = "; ".join(f"{c.mechanism}: {_said(c)}" for c in result.cases if not c.duplicated)
    kept = result.of("epoll", duplicated=True)
    blamed = "was reported in its place" if kept.newcomer_blamed else "was left alone"
    return (f"After the close, {said}. But with a duplicate open elsewhere, epoll said "
            f"{_said(kept)}, about a number that was no longer open; unregistering it ended in "
            f"{kept.removable}, and a new socket on that number {blamed}. Only closing the last "
            "duplicate, or the epoll itself, ends that.")


LESSON = MeasuredLesson(
    name="closed",
    title="Closed, but still registered",
    pages=PAGES,
    experiment="closed",
    about="a registered socket closed, with and without a duplicate, under each mechanism",
    figures=_figures,
    question="A registered socket is closed, the only one of its file. Who is silent?",
    choices=(*MECHANISMS, "none of them: all complain"),
    answer=_answer,
    explain=_explain,
    needs=("poll", "epoll"),
)
