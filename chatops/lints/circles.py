"""Tasks that wait for each other: circles in who cannot go on without whom."""

from __future__ import annotations

from collections.abc import Iterable

from chatops.api.program import TaskRow


def circles(tasks: Iterable[TaskRow]) -> list[tuple[TaskRow, ...]]:
    """Each circle once, each task in one of them at most, in the order in which they wait."""
    rows = {task.id: task for task in tasks if task.behind}
    found: list[tuple[TaskRow, ...]] = []
    done: set[int] = set()
    for ident in sorted(rows):
        if ident not in done:
            found += _from(ident, rows, done)
    return found


def _from(start: int, rows: dict[int, TaskRow], done: set[int]) -> list[tuple[TaskRow, ...]]:
    """Those that are come to from here, depth first (Tarjan); `done` is who has been gone through.
    """
    found: list[tuple[TaskRow, ...]] = []
    path: list[int] = [start]
    left = [iter(rows[start].behind)]
    while path:
        ident = next(left[-1], None)
        if ident is None:
            left.pop()
            done.add(path.pop())
        elif ident in path:
            circle = path[path.index(ident):]
            if not done.intersection(circle):
                done.update(circle)
                found.append(tuple([rows[each] for each in circle]))
        elif ident in rows and ident not in done:
            path.append(ident)
            left.append(iter(rows[ident].behind))
    return found
