"""`chatops` as a shell runs it, without a terminal and to its end."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.harness import PYTHON, environment
from tests.patience import scaled

Ctl = Callable[..., subprocess.CompletedProcess[str]]

PATIENCE = scaled(20.0)        # seconds for a process that is to end by itself


def run(*arguments: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """`chatops` with these arguments, without a terminal, to its end."""
    return subprocess.run([PYTHON, "-m", "chatops", *arguments], cwd=cwd, text=True,
                          env=environment(**variables), stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=PATIENCE, check=False)


def refused(done: subprocess.CompletedProcess[str], status: int, *,
            prefix: str = "chatops: ") -> str:
    """The one line with which it ended."""
    assert done.returncode == status, done
    assert done.stdout == ""
    line, end, rest = done.stderr.partition("\n")
    assert line.startswith(prefix)
    assert (end, rest) == ("\n", "")
    return line.removeprefix(prefix)


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    """It failed, and says why in one line."""
    assert done.returncode not in (0, None), done
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


@pytest.fixture
def ctl(control_path: Path, tmp_path: Path) -> Ctl:
    """`chatops ctl` on that control socket; a word may be bytes."""
    def ask(*words: str | bytes) -> subprocess.CompletedProcess[str]:
        return run("ctl", "--socket", str(control_path), *map(os.fsdecode, words), cwd=tmp_path)

    return ask
