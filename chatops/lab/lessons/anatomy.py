"""Lesson: the selectors module, its classes and the life of a registration."""

from __future__ import annotations

from chatops.lab.experiments.anatomy import Anatomy, ClassRow
from chatops.lab.lessons.figures import Figure, Table
from chatops.lab.lessons.lesson import MeasuredLesson, page
from chatops.lab.lessons.wording import yes

PAGES = (
    page("""
        Systems differ in what they have for waiting on many descriptors:

          select      everywhere, since 4.2BSD
          poll        POSIX; no limit on the number
          epoll       Linux
          kqueue      the BSDs and macOS: files, processes, timers too
          /dev/poll   Solaris
          Windows     select() for sockets alone, as a list and not a
                      bit map; and IOCP, which is another model

        `selectors` puts one face on all that have one: register, modify,
        unregister, select, get_map, close. DefaultSelector is the best
        of those that this machine has, found out at import.
    """),
    page("""
        What you register comes back as a SelectorKey, a tuple of four:

          fileobj   what you gave: a socket, or a bare number
          fd        its number, as it was then
          events    your interest: READ is 1, WRITE is 2, both are 3
          data      yours. A callback, a connection, whatever you need
                    when it fires. The selector never looks at it

        select() returns pairs (key, mask). The mask is what is ready. It
        is not key.events, which is what you asked for. Test it bit by
        bit: a socket can be readable and writable at once.
    """),
    page("""
        Keys are tuples: modify() does not change the one you hold, it
        makes another and puts that into the map. get_map() is the map
        itself, read-only and live. Do not walk it while you register or
        unregister: collect first, then act.

        To want nothing for a while, unregister. register(sock, 0) is
        refused; modify(sock, 0) is not, where poll and epoll are used
        (see the table). Errors and hang-ups are reported to you whatever
        you asked for, so a socket that is gone then makes the kernel
        return at once, with nothing for you, on every turn.
    """),
)


def _figures(result: Anatomy) -> tuple[Figure, ...]:
    tried = ", ".join(f"{name} {yes(here)}" for name, here in result.tried)
    return (
        Table("The family", ("class", "here", "what it is"),
              tuple(_class(row) for row in result.classes),
              f"DefaultSelector is {result.chosen}: the first of {tried}"),
        Table("A SelectorKey, just registered", ("field", "value", "what it is"),
              tuple((f.name, f.value, f.meaning) for f in result.fields)),
        Table("A registration's life", ("call", "came to", "keys in the map"),
              tuple((s.call, s.outcome, str(s.in_map)) for s in result.steps)),
    )


def _class(row: ClassRow) -> tuple[str, ...]:
    return "  " * row.depth + row.name, yes(row.here), row.why


def _explain(result: Anatomy) -> str:
    old = result.step("register(sock, READ, data)").outcome
    new = result.step("modify(sock, READ | WRITE, data)").outcome
    kept = "still said so" if result.old_key_unchanged else "had changed with it"
    return (f"register() gave {old}, modify() gave {new}; afterwards the first key {kept}. A key "
            "is a named tuple: a statement about the moment it was made. Whoever keeps one and "
            "later reads its events, reads old news; `get_map()[sock]` has the present. The "
            f"choice here was {result.chosen}, made when `selectors` was imported.")


LESSON = MeasuredLesson(
    name="anatomy",
    title="One module, many selectors",
    pages=PAGES,
    experiment="anatomy",
    about="the classes of this machine, and one socket registered, modified, unregistered",
    figures=_figures,
    question="key = register(s, READ); modify(s, READ | WRITE). What is key.events?",
    choices=("READ: it is the old key", "READ | WRITE: it is the live one"),
    answer=lambda result: 0 if result.old_key_unchanged else 1,
    explain=_explain,
)
