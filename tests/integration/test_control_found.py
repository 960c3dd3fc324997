"""A server is found wherever its control socket is: case 10."""

from __future__ import annotations

import os
import re
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from chatops.cli import main
from chatops.control import find
from chatops.control.socket_path import ControlError, ControlSocket, default_path
from tests.integration.command import run
from tests.integration.harness import Served
from tests.integration.terminal import Terminal

Start = Callable[..., Served]
Environment = dict[str, str]

# What a server, and whoever asks for it, may have in the environment; "" is as good as unset.
PLACES: dict[str, Environment] = {
    "login": {"XDG_RUNTIME_DIR": "{}/run", "TMPDIR": ""},
    "other session": {"XDG_RUNTIME_DIR": "{}/run2", "TMPDIR": ""},
    "unit": {"XDG_RUNTIME_DIR": "", "TMPDIR": ""},
    "unit with TMPDIR": {"XDG_RUNTIME_DIR": "", "TMPDIR": "{}/tmp"},
    "left over": {"XDG_RUNTIME_DIR": "{}/gone", "TMPDIR": "{}/tmp2"},
}


@pytest.fixture
def places(control_path: Path) -> dict[str, Environment]:
    """The environments, with directories of this test."""
    folder = control_path.parent
    for name in ("run", "run2", "tmp", "tmp2"):
        (folder / name).mkdir(mode=0o700)
    return {place: {name: value.format(folder) for name, value in variables.items()}
            for place, variables in PLACES.items()}


def started(served: Start, environment: Environment, *flags: str) -> Served:
    return served(*flags, variables={"CHATOPS_CONTROL": "auto", **environment})


@pytest.mark.parametrize("asks", PLACES)
@pytest.mark.parametrize("serves", PLACES)
def test_ctl_finds_the_server_of_a_port_from_every_environment(
        served: Start, places: dict[str, Environment], tmp_path: Path, serves: str, asks: str
        ) -> None:
    chat = started(served, places[serves])
    port = str(chat.address[1])
    done = run("ctl", "--port", port, "status", cwd=tmp_path, **places[asks])
    assert done.returncode == 0, done.stderr
    assert f"127.0.0.1:{port}, running" in done.stdout


def test_attach_finds_the_server_of_a_port_from_another_environment(
        served: Start, places: dict[str, Environment], tmp_path: Path) -> None:
    chat = started(served, places["unit with TMPDIR"])
    port = str(chat.address[1])
    terminal = Terminal("-m", "chatops", "attach", "--port", port, cwd=tmp_path,
                        variables=places["login"])
    try:
        terminal.see(f"127.0.0.1:{port}")
    finally:
        terminal.close()


def test_a_server_that_was_killed_does_not_hide_one_that_runs(
        served: Start, places: dict[str, Environment], tmp_path: Path) -> None:
    killed = started(served, places["login"])
    killed.must_live = False
    port = str(killed.address[1])
    killed.signal(signal.SIGKILL)
    killed.status()
    left = Path(places["login"]["XDG_RUNTIME_DIR"], "chatops", f"{port}.sock")
    assert left.is_socket()
    done = run("ctl", "--port", port, "status", cwd=tmp_path, **places["login"])
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"chatops: nobody listens at {left} any more, nor elsewhere\n"
    again = started(served, places["unit"], "--port", port)
    assert str(again.address[1]) == port
    done = run("ctl", "--port", port, "status", cwd=tmp_path, **places["login"])
    assert f"127.0.0.1:{port}, running" in done.stdout


def test_where_nothing_is_found_it_is_said_where_was_looked(
        places: dict[str, Environment], tmp_path: Path) -> None:
    login = places["login"]
    done = run("ctl", "--port", "1", "status", cwd=tmp_path, **login)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    uid = os.geteuid()
    for place in (f"{login['XDG_RUNTIME_DIR']}/chatops", f"/run/user/{uid}/chatops",
                  f"/tmp/chatops-{uid}"):
        assert place in done.stderr
    assert "--socket" in done.stderr


# -- which of several


@pytest.fixture
def listening(control_path: Path, monkeypatch: pytest.MonkeyPatch
              ) -> Iterator[Callable[[str], Path]]:
    """Makes sockets that listen, in directories that are looked into, and no others are."""
    opened: list[socket.socket] = []
    folders: list[Path] = [control_path.parent / "own"]

    def start(name: str) -> Path:
        path = control_path.parent / name
        path.parent.mkdir(mode=0o700, exist_ok=True)
        if path.parent not in folders:
            folders.append(path.parent)
        opened.append(socket.socket(socket.AF_UNIX))
        opened[-1].bind(str(path))
        opened[-1].listen()
        return path

    monkeypatch.setattr(find, "directories", lambda: folders)
    yield start
    for sock in opened:
        sock.close()


def test_the_only_one_is_found_elsewhere_too(listening: Callable[[str], Path]) -> None:
    path = listening("b/9.sock")
    assert find.find("", None) == path


def test_the_one_that_the_environment_leads_to_goes_first(
        listening: Callable[[str], Path]) -> None:
    listening("b/9.sock")
    listening("b/8.sock")
    own = listening("own/9.sock")
    assert find.find("", None) == own
    assert find.find("", 9) == own


def test_of_several_elsewhere_the_ports_or_the_paths_are_listed(
        listening: Callable[[str], Path]) -> None:
    first, second = listening("b/9.sock"), listening("b/10.sock")
    with pytest.raises(ControlError, match="on the ports 9, 10; say which one with --port"):
        find.find("", None)
    assert find.find("", 10) == second
    twin = listening("c/9.sock")
    with pytest.raises(ControlError, match=f"--socket: {first}, {twin}"):
        find.find("", 9)
    with pytest.raises(ControlError, match="--socket"):
        find.find("", None)


def test_what_is_advised_is_called_as_the_command_that_asked_calls_it(
        listening: Callable[[str], Path]) -> None:
    with pytest.raises(ControlError, match="; PATH names one elsewhere"):
        find.find("", None, by_path="PATH")
    listening("b/9.sock")
    listening("b/10.sock")
    with pytest.raises(ControlError, match="9, 10; say which one with PATH"):
        find.find("", None, by_path="PATH", by_port="PATH")


@pytest.mark.parametrize("command", ["attach", "web", "ctl", "history"])
def test_no_command_advises_an_option_that_it_has_not(
        command: str, listening: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatops.cli.attach.check_terminal", lambda: None)
    helped = CliRunner().invoke(main, [command, "--help"]).output
    for present in ((), ("b/9.sock", "b/10.sock"), ("c/9.sock",)):
        for path in present:
            listening(path)
        said = CliRunner().invoke(main, [command, *(["status"] if command == "ctl" else [])])
        assert said.exit_code == 1
        for option in re.findall("--[a-z]+", said.stderr):
            assert option in helped


def test_a_directory_that_others_may_write_to_is_not_looked_into(
        listening: Callable[[str], Path]) -> None:
    path = listening("b/9.sock")
    path.parent.chmod(0o777)
    with pytest.raises(ControlError, match="no server of this user on port 9"):
        find.find("", 9)


def test_a_link_to_a_directory_is_not_followed(
        listening: Callable[[str], Path], control_path: Path) -> None:
    path = listening("b/9.sock")
    (control_path.parent / "own").symlink_to(path.parent)
    assert find.sockets(control_path.parent / "own") == []
    assert find.sockets(path.parent) == [path]


def test_names_that_are_no_ports_are_passed_over(listening: Callable[[str], Path]) -> None:
    for name in ("x.sock", "9.sock.lock", "09.sock", "999999.sock", "\u0669.sock"):
        listening(f"b/{name}")
    with pytest.raises(ControlError, match="no server of this user"):
        find.find("", None)


def test_the_kernels_list_is_read_however_odd_its_lines_are(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uid = os.geteuid()
    listed = tmp_path / "unix"
    head = b"000: 00000002 00000000 00010000 0001 01 7 "
    listed.write_bytes(b"Num RefCount Protocol Flags Type St Inode Path\n" + b"\n".join([
        head + b"/a dir/chatops/1.sock", head + f"/t/chatops-{uid}/2.sock".encode(),
        head + f"/t/chatops-{uid + 1}/3.sock".encode(), head + b"@/chatops/4.sock",
        head.replace(b"00010000", b"00000000") + b"/n/chatops/5.sock",
        head + b"relative/chatops/6.sock", head, b"", b"odd", b"1 2 3 zz 5 6 7 /chatops/1.sock",
        head + b"/\xff/chatops/7.sock", head + b"/o/chatops/8.socket"]))
    monkeypatch.setattr(find, "KERNEL_LIST", str(listed))
    found = find.directories()
    named = [Path(os.fsdecode(path)) for path in
             (b"/a dir/chatops", f"/t/chatops-{uid}".encode(), b"/\xff/chatops")]
    assert found[-3:] == named
    monkeypatch.setattr(find, "KERNEL_LIST", str(tmp_path / "none"))
    assert not set(named) & set(find.directories())


# -- a socket at a path of its own


def test_a_socket_at_a_path_of_its_own_is_found_by_its_port_all_the_same(
        served: Start, places: dict[str, Environment], control_path: Path, tmp_path: Path) -> None:
    chat = started(served, places["login"], "--control", str(control_path))
    port = str(chat.address[1])
    done = run("ctl", "--port", port, "status", cwd=tmp_path, **places["login"])
    assert (done.returncode, done.stderr) == (0, "")
    done = run("ctl", "status", cwd=tmp_path, **places["login"])
    assert (done.returncode, done.stderr) == (0, "")
    chat.must_live = False
    chat.signal(signal.SIGTERM)
    assert chat.status() == 0
    assert list(Path(places["login"]["XDG_RUNTIME_DIR"], "chatops").iterdir()) == []


def test_a_link_whose_server_was_killed_is_in_nobodys_way(
        served: Start, places: dict[str, Environment], control_path: Path, tmp_path: Path) -> None:
    killed = started(served, places["login"], "--control", str(control_path))
    killed.must_live = False
    killed.signal(signal.SIGKILL)
    killed.status()
    port = killed.address[1]
    link = Path(places["login"]["XDG_RUNTIME_DIR"], "chatops", f"{port}.sock")
    assert link.is_symlink()
    again = started(served, places["login"], "--port", str(port))
    assert not link.is_symlink()
    done = run("ctl", "--port", str(port), "status", cwd=tmp_path, **places["login"])
    assert (done.returncode, done.stderr) == (0, "")
    assert again.address[1] == port


def test_who_has_the_usual_place_keeps_it(
        control_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(control_path.parent))
    usual = ControlSocket(default_path(1))
    ControlSocket(control_path, default_path(1)).close()
    assert find.find("", 1) == default_path(1)
    usual.close()
