"""Without `--cluster` nothing of it is there, and without its library a line says what to do."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from chatops.service import openings
from chatops.settings import Settings
from chatops.system.errors import StartError

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("module", ["chatops.service", "chatops.links.local", "chatops.bench.cli"])
def test_a_server_alone_imports_neither_the_cluster_nor_its_library(module: str) -> None:
    """In a process of its own: here, all of that has been imported long ago."""
    found = subprocess.run(
        [sys.executable, "-c",
         f"import sys, {module}; from chatops.service import ServerThread; "
         "from chatops.settings import Settings; "
         "thread = ServerThread(Settings(port=0, control='off')); thread.start(); "
         "thread.close(); print(*sys.modules)"],
        capture_output=True, text=True, check=True, cwd=ROOT).stdout.split()
    assert [name for name in found if name.startswith(("chatops.cluster", "hiredis"))] == []


def test_without_hiredis_it_is_said_in_a_line_what_to_install(
        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openings, "find_spec", lambda name: None)
    with ExitStack() as undo, pytest.raises(StartError) as caught:
        openings.open_cluster(Settings(cluster="redis://127.0.0.1:1/0", node="a"), undo)
    assert str(caught.value) == ("--cluster needs hiredis, which is not installed; "
                                 "pip install 'chatops[cluster]' brings it")
