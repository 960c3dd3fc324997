"""Output that cannot be written: the chat goes on, and the exit status tells of the chat only."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.client import two_can_talk
from tests.integration.command import run
from tests.integration.harness import PATIENCE, Server, environment
from tests.integration.until import until
from tests.patience import scaled

StartServer = Callable[..., Server]
Shell = Callable[[str], "Running"]


class Running:
    """`chatops serve` with its descriptors as a shell has set them."""

    def __init__(self, redirections: str, folder: Path) -> None:
        self._control = folder / "control"
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", f'exec "$0" -m chatops serve --port 0 {redirections}',
             sys.executable], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, env=environment(CHATOPS_CONTROL=str(self._control)))
        until(lambda: self.process.poll() is not None or self._control.exists())
        assert self.process.poll() is None, "it did not start"

    def port(self, folder: Path) -> int:
        done = run("ctl", "--socket", str(self._control), "status", cwd=folder)
        return int(done.stdout.splitlines()[0].rpartition(":")[2].partition(",")[0])

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    started: list[Running] = []

    def start(redirections: str) -> Running:
        started.append(Running(redirections, tmp_path))
        return started[-1]

    yield start
    for each in started:
        each.process.kill()
        each.process.wait()


@pytest.mark.parametrize("redirections", [
    "2>/dev/full", ">/dev/full 2>&1", "--log-file /dev/full 2>/dev/full", "2>&-", "0<&- 1>&- 2>&-",
    "0<&- 1>&- 2>&- --log-file log", "2>pipe",
])
def test_the_chat_goes_on_and_ends_with_0(shell: Shell, tmp_path: Path,
                                          redirections: str) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    chat = shell(redirections)
    os.close(reader)                           # nobody reads what it says from now on
    two_can_talk(("127.0.0.1", chat.port(tmp_path)))
    assert chat.stop() == 0


@pytest.mark.parametrize("redirections", ["0<&- 1>&- 2>&-", "0<&-", "1>&- 2>&- --log-file log"])
def test_closed_descriptors_are_filled_before_anything_else(shell: Shell, tmp_path: Path,
                                                            redirections: str) -> None:
    chat = shell(redirections)
    chat.port(tmp_path)
    assert {os.readlink(f"/proc/{chat.process.pid}/fd/{fd}") for fd in range(3)} == {"/dev/null"}


@pytest.mark.parametrize("words", ["clients", "status --json", "bans", "broadcast hello"])
def test_ctl_says_one_line_when_its_answer_cannot_be_written(server: StartServer, tmp_path: Path,
                                                             words: str) -> None:
    control = tmp_path / "control"
    server(control=str(control))
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run(
            [sys.executable, "-m", "chatops", "ctl", "--socket", str(control), *words.split()],
            stdout=full, stderr=subprocess.PIPE, text=True, env=environment(), timeout=PATIENCE,
            check=False)
    assert (done.returncode, done.stderr) == (
        1, "chatops: cannot write the answer: No space left on device\n")


@pytest.mark.parametrize(("words", "status"), [("kick nobody", 1), ("nonsense", 2), ("bans", 0)])
def test_an_error_that_cannot_be_written_leaves_the_status(server: StartServer, tmp_path: Path,
                                                           words: str, status: int) -> None:
    control = tmp_path / "control"
    server(control=str(control))
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run(
            [sys.executable, "-m", "chatops", "ctl", "--socket", str(control), *words.split()],
            stdout=subprocess.PIPE, stderr=full, env=environment(), timeout=PATIENCE, check=False)
    assert done.returncode == status


def test_the_console_without_descriptors_is_refused(tmp_path: Path) -> None:
    done = subprocess.run(["/bin/sh", "-c", 'exec "$0" -m chatops --port 0 0<&-', sys.executable],
                          cwd=tmp_path, capture_output=True, text=True, env=environment(),
                          timeout=PATIENCE, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "needs a terminal" in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device here")
@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("serve", "--help")])
def test_help_that_cannot_be_written_is_told_in_a_line(arguments: tuple[str, ...]) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run([sys.executable, "-m", "chatops", *arguments], stdout=full,
                              stderr=subprocess.PIPE, text=True, timeout=scaled(60.0))
    assert done.returncode == 1
    assert done.stderr == "chatops: cannot write: No space left on device\n"
