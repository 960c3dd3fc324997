"""The control socket's path: ours alone, and never somebody else's (U01 to U04)."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from chatops.api import events
from chatops.control.socket_path import (
    ControlError,
    ControlSocket,
    default_path,
    directory,
    is_live,
)
from chatops.links.remote import RemoteLink
from chatops.service import ServerThread, StartError
from chatops.settings import Settings
from tests.integration.control import seen
from tests.integration.harness import PATIENCE, Served, Server

StartServer = Callable[..., Server]
Attach = Callable[[Path], RemoteLink]

# -- U01: another user

NOBODY = 65534
INTRUDER = f"""
import os, socket, sys
os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})
sock = socket.socket(socket.AF_UNIX)
sock.settimeout(5)
try:
    sock.connect(sys.argv[1])
    print(sock.recv(4096))
    print(sock.recv(4096))
except OSError as error:
    print(type(error).__name__)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs SO_PEERCRED")
def test_u01_another_user_is_refused_even_with_the_doors_open(
        server: StartServer, control_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    folder = control_path.parent / "own"
    control_path = folder / "c.sock"
    chat = server(control=str(control_path))
    assert folder.stat().st_mode & 0o777 == 0o700
    assert control_path.stat().st_mode & 0o777 == 0o600
    intrude = [sys.executable, "-I", "-c", INTRUDER, str(control_path)]
    assert subprocess.run(intrude, capture_output=True, timeout=PATIENCE,
                          text=True).stdout == "PermissionError\n"
    for opened in (control_path.parent.parent, folder, control_path):
        opened.chmod(0o777)
    told, _, rest = subprocess.run(intrude, capture_output=True, timeout=PATIENCE,
                                   text=True).stdout.partition("\n")
    assert "this server is another user's" in told
    assert rest in ("b''\n", "ConnectionResetError\n")
    assert chat.wait_for(events.Warned).text.startswith("control: refused")


# -- U02: a control_path that is taken, and one that was left behind


def test_u02_a_live_socket_is_never_stolen(
        server: StartServer, control_path: Path, attach: Attach) -> None:
    chat = server(control=str(control_path))
    with pytest.raises(StartError, match="another chatops has the control socket"):
        ServerThread(Settings(port=0, control=str(control_path))).start()
    with pytest.raises(StartError, match="in use"):
        ServerThread(Settings(port=chat.address[1], control=str(control_path))).start()
    link = attach(control_path)
    assert seen(link).port == chat.address[1]


def test_u02_a_live_socket_of_another_program_is_never_stolen(control_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(control_path))
        other.listen()
        with pytest.raises(StartError, match="another program listens"):
            ServerThread(Settings(port=0, control=str(control_path))).start()
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(control_path))


def test_u02_what_a_killed_server_left_is_replaced(
        served: Callable[..., Served], control_path: Path, attach: Attach) -> None:
    killed = served("--control", str(control_path))
    killed.must_live = False
    killed.signal(signal.SIGKILL)
    killed.status()
    assert control_path.is_socket()
    with pytest.raises(ControlError, match="nobody listens"):
        attach(control_path)
    again = served("--control", str(control_path))
    assert seen(attach(control_path)).port == again.address[1]
    again.must_live = False
    again.signal(signal.SIGTERM)
    assert again.status() == 0
    assert list(control_path.parent.iterdir()) == []


# -- U03: something planted at the control_path


def refuse(control_path: Path, why: str) -> None:
    with pytest.raises(StartError, match=why) as refused:
        ServerThread(Settings(port=0, control=str(control_path))).start()
    assert "\n" not in str(refused.value)


def test_u03_a_planted_file_is_refused_and_left_alone(control_path: Path) -> None:
    control_path.write_text("precious", "utf-8")
    refuse(control_path, "in the way, and not a socket")
    assert control_path.read_text("utf-8") == "precious"


@pytest.mark.parametrize("there", [True, False])
def test_u03_a_planted_symlink_is_neither_followed_nor_removed(
        control_path: Path, there: bool) -> None:
    target = control_path.parent / "target"
    if there:
        target.write_text("precious", "utf-8")
    control_path.symlink_to(target)
    refuse(control_path, "in the way, and not a socket")
    assert control_path.is_symlink()
    assert target.exists() == there


def test_u03_a_planted_lock_is_not_followed(control_path: Path) -> None:
    target = control_path.parent / "target"
    Path(f"{control_path}.lock").symlink_to(target)
    refuse(control_path, "cannot open")
    assert not target.exists()


def test_u03_a_directory_in_which_others_may_write_is_refused(control_path: Path) -> None:
    control_path.parent.chmod(0o777)
    refuse(control_path, "other users may write")
    control_path.parent.chmod(0o700)


def test_u03_the_usual_place_is_refused_when_somebody_else_made_it(
        server: StartServer, control_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(control_path.parent))
    elsewhere = control_path.parent / "elsewhere"
    elsewhere.mkdir()
    (control_path.parent / "chatops").symlink_to(elsewhere)
    chat = server(control="auto")      # it starts: the usual place is a comfort
    assert "no control socket" in chat.wait_for(events.Warned).text
    assert list(elsewhere.iterdir()) == []


# -- U04: a control_path that is too long


def test_u04_a_path_that_is_too_long_is_said_to_be_so(control_path: Path) -> None:
    refuse(control_path.parent / ("x" * 120), r"bytes long, and a Unix socket's has 107 at most")


def test_what_servers_that_were_killed_have_left_is_swept_by_the_next_one(
        control_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(control_path.parent))
    folder = directory()
    with ExitStack() as stack:
        alive = ControlSocket(default_path(1))
        stack.callback(alive.close)
        for port in (2, 3):
            dead = ControlSocket(default_path(port))
            dead.sock.close()
            os.close(dead.lock)                # as the kernel does when it is killed
        (folder / "4.sock").write_text("no socket")
        (folder / "4.sock.lock").touch(0o600)
        stack.callback(ControlSocket(default_path(5)).close)
        assert sorted(path.name for path in folder.iterdir()) == [
            "1.sock", "1.sock.lock", "4.sock", "4.sock.lock", "5.sock", "5.sock.lock"]
        assert is_live(default_path(1))
