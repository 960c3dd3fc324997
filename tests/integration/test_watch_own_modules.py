"""A program's modules stay its own, also those that are called as one of Python's is."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.watched import Watched, script
from tests.patience import PATIENCE

Start = Callable[..., Watched]


@pytest.mark.parametrize("words", [
    (sys.executable, "-X", "utf8", "there/program.py"), (sys.executable, "there"),
    ("sh", "-c", f"cd there && exec {sys.executable} -m program")],
    ids=["script", "folder", "module"])
def test_what_the_observer_has_imported_before_is_not_taken_for_the_programs_own(
        watched: Start, tmp_path: Path, words: tuple[str, ...]) -> None:
    there = tmp_path / "there"
    there.mkdir()
    for name in ("platform", "bisect"):
        script(there, f"print('its own {name}')", f"{name}.py")
    (there / "array").mkdir()          # without a module in it: Python's own is meant
    text = "import array, bisect, math, platform\nprint(array.array, math.pi)"
    script(there, text)
    script(there, text, "__main__.py")
    alone = subprocess.run(words, cwd=tmp_path, check=True, text=True, timeout=PATIENCE,
                           stdin=subprocess.DEVNULL, capture_output=True)
    program = watched(*words)
    assert program.status() == 0, program.printed
    assert alone.stdout.startswith("its own bisect\nits own platform\n")
    assert program.printed.partition("\n")[2] == alone.stdout


def test_a_module_is_watched_also_in_a_folder_that_is_no_more(watched: Start, tmp_path: Path
                                                              ) -> None:
    program = watched("sh", "-c", "mkdir gone && cd gone && rmdir ../gone && exec "
                      f"{sys.executable} -c 'import asyncio; asyncio.run(asyncio.sleep(3600))'")
    assert program.see(lambda s: s.tasks).tasks[0].on == "sleep"


def test_what_the_observer_imports_later_is_pythons_own_and_not_the_programs(
        watched: Start, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir()
    for name in ("resource", "random", "tempfile"):
        script(there, f"print('its own {name}')", f"{name}.py")
    script(there, """
        import asyncio, os
        async def main():
            print("ready", flush=True)
            while not os.path.exists("seen"):
                await asyncio.sleep(0.01)
            print("seen")
            import random, resource, tempfile
        asyncio.run(main())
    """)
    program = watched("there/program.py")
    program.see(lambda s: s.tasks)
    (tmp_path / "seen").touch()
    assert program.status() == 0
    assert program.printed.splitlines()[1:] == [
        "ready", "seen", "its own random", "its own resource", "its own tempfile"]
