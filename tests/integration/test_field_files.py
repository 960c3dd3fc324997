"""What users reported of other people's servers, tried from outside: files, addresses, output.

Each case looks at nothing but what a user sees: a terminal, a socket, a file, an exit status.  So
another version can be tried by the same cases, with `CHATOPS_TESTED_PYTHON` naming the
interpreter of the environment that it is installed in.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sqlite3
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.integration.client import Client
from tests.integration.command import Ctl, one_line, run
from tests.integration.harness import PATIENCE, PYTHON, Served, environment
from tests.integration.until import until
from tests.patience import scaled

StartServed = Callable[..., Served]

SOON = scaled(5.0)             # seconds within which a process has to end
BANNED = [{"network": "127.0.0.2/32", "at": 1.0}]

# `several.test` has two addresses, the one of version 6 first.
TWO_ADDRESSES = """
import socket
ask = socket.getaddrinfo
def getaddrinfo(host, *more, **named):
    if host == "several.test":
        return ask("::1", *more, **named) + ask("127.0.0.1", *more, **named)
    return ask(host, *more, **named)
socket.getaddrinfo = getaddrinfo
from chatops.cli import main
main(prog_name="chatops")
"""


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    """Starts `chatops` with these arguments and redirections, as a shell does."""
    started: list[subprocess.Popen[bytes]] = []

    def start(command: str, **variables: str) -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen(
            ["/bin/sh", "-c", f'exec "$0" -m chatops {command}', PYTHON], cwd=tmp_path,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=environment(**variables)))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def listening(process: subprocess.Popen[bytes], control: Path) -> None:
    until(lambda: process.poll() is not None or control.exists())
    assert process.poll() is None, "it did not start"


def port_of(ctl: Ctl) -> int:
    done = ctl("status")
    assert done.returncode == 0, done.stderr
    return int(done.stdout.splitlines()[0].rpartition(":")[2].partition(",")[0])


def welcomed(port: int, source: str) -> bool:
    with socket.create_connection(("127.0.0.1", port), PATIENCE, (source, 0)) as sock:
        return sock.recv(100).startswith(b"*** welcome")


# -- names of files


@pytest.mark.parametrize("words", [
    ("ctl", "--socket", "~nosuch/y", "status"), ("serve", "--port", "0", "--control", "~nosuch/y"),
    ("serve", "--port", "0", "--history", "~nosuch/y"),
])
def test_a_home_of_nobody_on_the_command_line_is_refused_in_a_line(
        tmp_path: Path, words: tuple[str, ...]) -> None:
    assert "nosuch" in one_line(run(*words, cwd=tmp_path))


@pytest.mark.parametrize("given", ["flag", "variable", "file"])
def test_bans_in_a_file_under_home_hold_whoever_expands_the_tilde(
        served: StartServed, tmp_path: Path, given: str) -> None:
    (tmp_path / "bans.json").write_text(json.dumps(BANNED))
    (tmp_path / "c.toml").write_text('ban-file = "~/bans.json"\n')
    flags = {"flag": ["--ban-file=~/bans.json"], "variable": [], "file": ["--config=c.toml"]}
    variables = {"HOME": str(tmp_path)}
    if given == "variable":
        variables["CHATOPS_BAN_FILE"] = "~/bans.json"
    chat = served(*flags[given], variables=variables)
    assert not welcomed(chat.address[1], "127.0.0.2")


def test_a_ban_file_that_is_a_link_stays_one_and_its_target_keeps_its_mode(
        served: StartServed, ctl: Ctl, control_path: Path, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    target, link = tmp_path / "real" / "bans.json", tmp_path / "b.json"
    target.write_text("[]")
    target.chmod(0o640)
    link.symlink_to("real/bans.json")
    served("--ban-file", str(link), "--control", str(control_path))
    assert ctl("ban", "203.0.113.7").returncode == 0
    until(lambda: "203.0.113.7" in link.read_text())
    assert link.is_symlink()
    assert "203.0.113.7" in target.read_text()
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


def test_an_empty_ban_file_has_no_bans(served: StartServed, tmp_path: Path) -> None:
    (tmp_path / "bans.json").touch()
    chat = served("--ban-file", "bans.json")
    assert welcomed(chat.address[1], "127.0.0.2")


def test_a_ban_that_was_added_by_hand_is_not_lost(
        served: StartServed, ctl: Ctl, control_path: Path, tmp_path: Path) -> None:
    file = tmp_path / "bans.json"
    file.write_text("[]")
    served("--ban-file", str(file), "--control", str(control_path))
    file.write_text(json.dumps(BANNED))
    ctl("ban", "203.0.113.7")
    ctl("ban", "203.0.113.8")
    assert "127.0.0.2" in file.read_text()


@pytest.mark.parametrize("flag", ["--log-file", "--ban-file"])
def test_a_file_that_is_a_fifo_does_not_hold_the_start_or_can_be_given_up(
        shell: Callable[..., subprocess.Popen[bytes]], tmp_path: Path, control_path: Path,
        flag: str) -> None:
    os.mkfifo(tmp_path / "fifo")
    process = shell(f"serve --port 0 --control {control_path} {flag} fifo")
    until(lambda: process.poll() is not None or control_path.exists())
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        process.wait(SOON)


# -- settings, addresses


@pytest.mark.parametrize("value", ["tcp://10.96.12.7:9999", ""])
def test_a_flag_wins_over_a_variable_that_is_no_port(served: StartServed, value: str) -> None:
    assert welcomed(served(variables={"CHATOPS_PORT": value}).address[1], "127.0.0.1")


@pytest.mark.parametrize("serves", [True, False])
def test_a_server_is_found_by_whoever_has_another_runtime_directory(
        served: StartServed, tmp_path: Path, control_path: Path, serves: bool) -> None:
    folder = control_path.parent / "run"
    folder.mkdir(0o700)
    login = {"XDG_RUNTIME_DIR": str(folder)}
    unit = {"XDG_RUNTIME_DIR": "", "TMPDIR": ""}
    chat = served(variables={"CHATOPS_CONTROL": "auto", **(login if serves else unit)})
    done = run("ctl", "--port", str(chat.address[1]), "status", cwd=tmp_path,
               **(unit if serves else login))
    assert done.returncode == 0, done.stderr


def test_a_name_with_two_addresses_is_listened_to_on_both(served: StartServed) -> None:
    chat = served("--host", "several.test", program=("-c", TWO_ADDRESSES))
    chat.must_live = False         # for those who do not know the name it has no address
    port = int(re.findall(r":(\d+)", " ".join(chat.lines))[-1])
    for host in ("127.0.0.1", "::1"):
        Client((host, port)).close()


def test_an_address_of_version_6_is_printed_in_brackets_and_taken_in_them(
        shell: Callable[..., subprocess.Popen[bytes]], ctl: Ctl, control_path: Path) -> None:
    listening(shell(f"serve --host '[::1]' --port 0 --control {control_path}"), control_path)
    assert re.search(r"\[::1\]:\d+", ctl("status").stdout)


# -- output


@pytest.mark.parametrize("redirection", ["2>/dev/full", "2>&1 | true"])
def test_a_server_whose_errors_cannot_be_written_goes_on(
        shell: Callable[..., subprocess.Popen[bytes]], ctl: Ctl, control_path: Path,
        redirection: str) -> None:
    process = shell(f"serve --port 0 --control {control_path} {redirection}")
    if "|" in redirection:         # the shell waits for the server, which has no reader
        listening(process, control_path)
    else:
        listening(process, control_path)
        assert welcomed(port_of(ctl), "127.0.0.1")
        process.send_signal(signal.SIGTERM)
        assert process.wait(SOON) == 0
    if process.poll() is None:
        assert welcomed(port_of(ctl), "127.0.0.1")
        assert ctl("quit", "now").returncode == 0
        process.wait(SOON)


def test_closed_descriptors_are_not_given_to_sockets(
        shell: Callable[..., subprocess.Popen[bytes]], ctl: Ctl, control_path: Path) -> None:
    process = shell(f"serve --port 0 --control {control_path} 0<&- 1>&- 2>&-")
    listening(process, control_path)
    for fd in range(3):
        assert os.readlink(f"/proc/{process.pid}/fd/{fd}") == "/dev/null"


def test_a_log_that_was_renamed_is_left_on_a_hangup(served: StartServed, tmp_path: Path) -> None:
    log = tmp_path / "chat.log"
    chat = served("--log-file", str(log))
    chat.client().close()
    until(lambda: log.exists() and "guest-1" in log.read_text())
    log.rename(tmp_path / "chat.log.1")
    chat.signal(signal.SIGHUP)
    until(log.exists, SOON)
    chat.client().say("again")
    until(lambda: "guest-2" in log.read_text())


# -- threads


def test_a_bad_row_in_the_history_does_not_end_who_writes_it(
        served: StartServed, ctl: Ctl, control_path: Path, tmp_path: Path) -> None:
    history = tmp_path / "history.db"
    bans = tmp_path / "bans.json"
    chat = served("--history", str(history), "--ban-file", str(bans),
                  "--control", str(control_path))
    ada = chat.client()
    ada.say("one")
    ada.expect(f"{ada.nick}: one")
    ada.say("/history")            # it is written before it is read
    ada.read_until(lambda line: "one" in line)
    with closing(sqlite3.connect(history)) as file, file:
        assert file.execute("UPDATE said SET at = 1e300").rowcount == 1
    ada.say("/history")
    ada.heard()
    ctl("ban", "203.0.113.7")
    until(lambda: bans.exists() and "203.0.113.7" in bans.read_text(), SOON)
