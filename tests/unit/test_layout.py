"""The layout is the architecture: what lies where, which way imports go, what the core pulls in."""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from functools import cache
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[2]
IN_THE_ROOT = {"__init__", "__main__", "cli", "units"}
# What a server, embedded or alone, must not need: a console, a command line, an extra.
FOREIGN = ("textual", "rich", "click", "tui", "argon2", "hiredis", "prometheus_client",
           "textual_serve")


@cache
def _graph() -> grimp.ImportGraph:
    """All imports, those that only types need included."""
    return grimp.build_graph("chatops", "tui", exclude_type_checking_imports=False)


def _arrows(folder: str) -> dict[str, set[str]]:
    """Which room of a folder, a module or a package with all in it, imports from which."""
    graph, depth = _graph(), folder.count(".") + 2
    arrows: dict[str, set[str]] = defaultdict(set)
    for module in graph.modules:
        if not module.startswith(f"{folder}."):
            continue
        room = ".".join(module.split(".")[:depth])
        arrows[room] |= {".".join(found.split(".")[:depth])
                         for found in graph.find_modules_directly_imported_by(module)
                         if found.startswith(f"{folder}.")} - {room}
    return arrows


def _circles(arrows: dict[str, set[str]]) -> list[set[str]]:
    """Rooms that reach each other (strongly connected components, by mutual reachability)."""
    def reach(room: str) -> set[str]:
        seen: set[str] = set()
        todo = [room]
        while todo:
            todo += [found for found in arrows.get(todo.pop(), ()) if found not in seen
                     and not seen.add(found)]  # type: ignore[func-returns-value]
        return seen

    reached = {room: reach(room) for room in arrows}
    circles = {frozenset(other for other in reached[room] if room in reached.get(other, ()))
               for room in arrows if room in reached[room]}
    return [set(circle) for circle in circles]


FOLDERS = ["chatops", "tui", *(
    f"{package}.{path.name}" for package in ("chatops", "tui")
    for path in sorted((ROOT / package).iterdir()) if (path / "__init__.py").exists())]


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_imports_go_in_a_circle(folder: str) -> None:
    assert _circles(_arrows(folder)) == []


def test_the_root_holds_packages_and_what_belongs_nowhere_else() -> None:
    assert {path.stem for path in (ROOT / "chatops").glob("*.py")} <= IN_THE_ROOT


@pytest.mark.parametrize("module", ["chatops", "chatops.service", "chatops.links.local",
                                    "chatops.links.remote", "chatops.replay.writer"])
def test_the_core_comes_without_console_and_command_line(module: str) -> None:
    """In a process of its own: here, all of that has been imported long ago."""
    found = subprocess.run(
        [sys.executable, "-c", f"import sys, {module}; print(*sys.modules)"],
        capture_output=True, text=True, check=True, cwd=ROOT).stdout.split()
    assert [name for name in found if name.partition(".")[0] in FOREIGN] == []
