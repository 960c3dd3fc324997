"""`ctl ban 0.0.0.0/0` takes everybody: it is asked about at a terminal, and refused in a script."""

from __future__ import annotations

import os
import pty
import subprocess

import pytest

from tests.integration.command import PATIENCE, Ctl, ctl, refused
from tests.integration.harness import PYTHON, environment

__all__ = ["ctl"]
EVERYBODY = ("0.0.0.0/0", "::/0", "10.0.0.1/0", "::ffff:0:0/96")


def at_a_terminal(answer: bytes, *words: str) -> subprocess.CompletedProcess[str]:
    """Of a server that is not there: whoever goes on comes to that."""
    master, slave = pty.openpty()
    try:
        os.write(master, answer)
        return subprocess.run(
            [PYTHON, "-m", "chatops", "ctl", "--socket", "/nowhere/at/all.sock", *words],
            env=environment(), stdin=slave, capture_output=True, text=True, timeout=PATIENCE,
            check=False)
    finally:
        os.close(master)
        os.close(slave)


@pytest.mark.parametrize("network", EVERYBODY)
def test_a_script_has_to_say_that_it_means_everybody(ctl: Ctl, network: str) -> None:
    assert refused(ctl("ban", network), 1) == f"{network} is everybody; --yes bans them all"


@pytest.mark.parametrize("words", [("ban", "0.0.0.0/0", "--yes"), ("ban", "10.0.0.0/8"),
                                   ("ban", "bob"), ("kick", "3")])
def test_what_is_meant_and_what_is_less_is_not_asked_about(ctl: Ctl, words: tuple[str, ...]
                                                           ) -> None:
    done = ctl(*words)
    assert "everybody" not in done.stderr
    assert done.returncode == 1            # there is no server


def test_a_flag_that_means_nothing_is_not_swallowed_as_a_word_would_be(ctl: Ctl) -> None:
    assert refused(ctl("broadcast", "really?", "--yes"), 2) == "--yes is for a ban of everybody"


@pytest.mark.parametrize("answer", [b"n\n", b"\n", b"\x04"])
def test_at_a_terminal_no_is_the_answer_that_is_not_given(answer: bytes) -> None:
    done = at_a_terminal(answer, "ban", "0.0.0.0/0")
    assert "everybody, you too? [y/N]" in done.stderr
    assert "nobody was banned" in done.stderr
    assert (done.returncode, done.stdout) == (1, "")


def test_at_a_terminal_yes_goes_on() -> None:
    done = at_a_terminal(b"y\n", "ban", "0.0.0.0/0")
    assert "everybody, you too? [y/N]" in done.stderr
    assert "nobody was banned" not in done.stderr
    assert "/nowhere/at/all.sock" in done.stderr
