"""Files that are named: what a name leads to is seen at the start, and what is kept there stays
the operator's file.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from chatops.system.files import append_to
from tests.integration.command import refused, run
from tests.integration.harness import PATIENCE, Served, Server, environment

StartServer = Callable[..., Server]
StartProcess = Callable[..., Served]

HERE = [{"network": "127.0.0.2/32", "at": 1.0}]
FLAGS = ("--ban-file", "--log-file", "--history", "--tls-cert", "--config")


def turned_away(chat: Server | Served, source: str) -> bool:
    with socket.create_connection(chat.address, PATIENCE, (source, 0)) as sock:
        return sock.recv(100).startswith(b"*** error: you are banned")


# -- the start


@pytest.mark.parametrize("given", ["flag", "variable", "file"])
def test_a_ban_in_a_file_under_home_keeps_out(served: StartProcess, tmp_path: Path,
                                              given: str) -> None:
    (tmp_path / "bans.json").write_text(json.dumps(HERE), "utf-8")
    (tmp_path / "chatops.toml").write_text('ban-file = "~/bans.json"\n', "utf-8")
    flags = {"flag": ["--ban-file=~/bans.json"], "variable": [],
             "file": ["--config=~/chatops.toml"]}[given]
    more = {"CHATOPS_BAN_FILE": "~/bans.json"} if given == "variable" else {}
    chat = served(*flags, variables={"HOME": str(tmp_path), **more})
    assert turned_away(chat, "127.0.0.2")


@pytest.mark.parametrize("flag", FLAGS)
def test_a_directory_that_is_not_there_is_an_error_at_the_start(tmp_path: Path, flag: str) -> None:
    status = 2 if flag == "--config" else 1
    line = refused(run("serve", "--port", "0", flag, "no/such/file", cwd=tmp_path), status)
    assert "no/such" in line
    assert "there is no directory" in line or line.endswith("No such file or directory")


@pytest.mark.parametrize("flag", FLAGS)
def test_a_pipe_that_nobody_is_at_does_not_hang_the_start(tmp_path: Path, flag: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    status = 2 if flag == "--config" else 1
    assert "pipe" in refused(run("serve", "--port", "0", flag, "pipe", cwd=tmp_path), status)


@pytest.mark.parametrize("flag", ["--ban-file", "--history", "--tls-cert", "--config"])
def test_a_device_without_an_end_does_not_hang_the_start(tmp_path: Path, flag: str) -> None:
    status = 2 if flag == "--config" else 1
    assert "/dev/zero" in refused(run("serve", "--port", "0", flag, "/dev/zero", cwd=tmp_path),
                                  status)


def test_a_log_goes_into_a_pipe_that_somebody_reads(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with append_to(str(pipe)) as log:
            log.write("a line\n")
            log.flush()
            assert os.get_blocking(log.fileno())
            assert os.read(reader, 4096) == b"a line\n"
    finally:
        os.close(reader)


HELD = """
import {module} as module, socket, sys, threading
def held(*arguments, **more):
    print("waiting", flush=True)
    with socket.socket(socket.AF_UNIX) as nobody:
        nobody.bind("")
        nobody.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, b"\\x14" + b"\\0" * 15)
        from ctypes import CDLL
        libc = CDLL(None)      # as a slow disk or a slow name server: Python gets no turn
        while True:
            libc.recv(nobody.fileno(), bytes(8), 8, 0)
module.{name} = held
from chatops.cli import main
main(prog_name="chatops")
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize(("module", "name"), [
    ("chatops.cli.options", "from_file"), ("chatops.service.thread", "configured"),
    ("chatops.service.thread", "BanFile"),
    ("chatops.service.past", "check_place_of"), ("chatops.service.thread", "EventLog"),
    ("chatops.service.openings", "listen"),
])
def test_signals_end_the_start_at_whatever_it_waits_for(tmp_path: Path, module: str, name: str,
                                                        number: signal.Signals) -> None:
    (tmp_path / "c").touch()
    process = subprocess.Popen(
        [sys.executable, "-c", HELD.format(module=module, name=name), "serve", "--port", "0",
         "--config", "c", "--ban-file", "b", "--history", "h", "--log-file", "l"],
        cwd=tmp_path, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"waiting\n"
        process.send_signal(number)
        assert process.wait(PATIENCE) == -number
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


IMPORTED = """
import os, runpy, signal, sys
class Interrupt:
    def find_spec(name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupt)
runpy.run_module("chatops", run_name="__main__")
"""


@pytest.mark.parametrize(("command", "module"), [
    ("serve", "click"), ("serve", "chatops.settings"), ("serve", "chatops.cli.serve"),
    ("serve", "chatops.service"), ("serve", "chatops.net"), ("attach", "textual"),
    ("ctl", "chatops.control.ctl"), ("replay", "chatops.replay"), ("web", "textual_serve.server")])
def test_ctrl_c_while_it_is_being_imported_ends_it_silently(command: str, module: str) -> None:
    done = subprocess.run([sys.executable, "-c", IMPORTED.format(module=module), command,
                           *(["--port", "0"] if command == "serve" else [])],
                          env=environment(), stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=PATIENCE)
    assert (done.returncode, done.stderr) == (-signal.SIGINT, b"")
