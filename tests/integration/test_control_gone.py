"""A control socket whose file somebody has removed: a reload makes it again, and says so."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from chatops.api.commands import CommandResult, Reload
from chatops.control.client import ControlClient
from chatops.control.socket_path import ControlError, ControlSocket
from chatops.links.remote import RemoteLink
from tests.integration.control import seen
from tests.integration.harness import Served, Server

StartServer = Callable[..., Server]
Attach = Callable[[Path], RemoteLink]


def reloaded(chat: Server) -> CommandResult:
    return chat.submit(Reload())


def made_again(path: Path) -> CommandResult:
    return CommandResult(True, f"the control socket {path} was gone; it is there again")


def test_a_forwarded_socket_of_a_server_that_does_not_run_is_told_from_one_that_ended(
        control_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as ssh:
        ssh.bind(os.fspath(control_path))
        ssh.listen()

        def hang_up() -> None:
            ssh.accept()[0].close()

        forwarding = threading.Thread(target=hang_up)
        forwarding.start()
        with pytest.raises(ControlError, match="a forwarded socket leads to one that does not run"):
            ControlClient(control_path)
        forwarding.join()


@pytest.mark.parametrize("with_its_lock", [True, False])
def test_a_reload_makes_it_again_and_who_is_attached_stays(
        server: StartServer, control_path: Path, attach: Attach, with_its_lock: bool) -> None:
    chat = server(control=str(control_path))
    before = attach(control_path)
    seen(before)
    control_path.unlink()
    if with_its_lock:
        Path(f"{control_path}.lock").unlink()
    with pytest.raises(ControlError):
        attach(control_path)
    assert reloaded(chat) == made_again(control_path)
    assert control_path.stat().st_mode & 0o777 == 0o600
    assert seen(attach(control_path)).port == chat.address[1]
    assert before.status.alive
    with pytest.raises(ControlError, match="another chatops has"):
        ControlSocket(control_path)            # the lock is as it was
    assert "nothing to read again" in reloaded(chat).text      # it is there
    chat.must_live = False
    chat.close()
    assert list(control_path.parent.iterdir()) == []


def test_its_directory_is_made_again_too_and_the_link_in_the_usual_place(
        server: StartServer, control_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(control_path.parent))
    own = control_path.parent / "own" / "c.sock"
    chat = server(control=str(own))
    usual = control_path.parent / "chatops" / f"{chat.address[1]}.sock"
    shutil.rmtree(own.parent)
    shutil.rmtree(usual.parent)
    assert reloaded(chat) == made_again(own)
    assert own.parent.stat().st_mode & 0o777 == 0o700
    assert os.readlink(usual) == str(own)
    usual.unlink()
    sock = own.stat().st_ino
    assert reloaded(chat) == made_again(own)
    assert own.stat().st_ino == sock           # the socket itself had been there
    assert usual.is_socket()


def test_what_has_been_put_in_its_place_is_left_alone_and_said(
        server: StartServer, control_path: Path) -> None:
    chat = server(control=str(control_path))
    control_path.unlink()
    control_path.write_text("precious", "utf-8")
    result = reloaded(chat)
    assert not result.ok
    assert result.text == ("the control socket is gone, and stays so: "
                           f"{control_path} is in the way, and not a socket")
    assert control_path.read_text("utf-8") == "precious"
    control_path.unlink()
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(control_path))
        other.listen()
        assert reloaded(chat).text.endswith(f"another program listens on {control_path}")
    assert reloaded(chat) == made_again(control_path)


def test_sighup_makes_it_again_where_nothing_else_is_to_be_read(
        served: Callable[..., Served], control_path: Path, attach: Attach) -> None:
    chat = served("--control", str(control_path))
    control_path.unlink()
    after = len(chat.lines)
    chat.signal(signal.SIGHUP)
    line = chat.wait_for_line(r'AdminDid line="reload" outcome="(.*)" ok=True', after=after)
    assert line[1] == made_again(control_path).text
    seen(attach(control_path))
