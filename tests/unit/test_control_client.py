"""What a console and a script are told by a connection on which nobody answers."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from chatops.control.client import NO_PYTHON, ControlClient
from chatops.control.socket_path import ControlError


def told(path: Path) -> str:
    """Where somebody listens and never answers."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        with pytest.raises(ControlError) as error:
            ControlClient(path, patience=0.01)
    return str(error.value)


def test_of_a_program_that_does_not_answer_it_is_said_what_it_may_be(tmp_path: Path) -> None:
    assert told(tmp_path / "nightly.sh-4711.sock") == (
        f"the program has not answered for 0.01 s{NO_PYTHON}")


@pytest.mark.parametrize("name", ["9999.sock", "ctl.sock"])
def test_a_server_is_called_one_where_that_is_known(name: str, tmp_path: Path) -> None:
    who = "the server" if name == "9999.sock" else f"what listens at {tmp_path / name}"
    assert told(tmp_path / name) == f"{who} has not answered for 0.01 s"
