"""Other threads and other processes (Z11, Z12): nobody waits, and nothing is handed on."""

from __future__ import annotations

import os
import re
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from chatops.api.commands import Bans, Broadcast, CommandResult
from chatops.api.events import CallbackFailed
from tests.integration.control import Raw
from tests.integration.harness import PATIENCE, Served, Server, descriptors

StartServer = Callable[..., Server]
StartProcess = Callable[..., Served]

STANDARD = {0, 1, 2}


def test_z11_a_broadcast_wakes_a_sleeping_loop_at_once(server: StartServer) -> None:
    chat = server()
    clients = chat.clients(5)
    chat.turn()
    assert chat.snapshot().loop.next_deadline is None     # nothing but the command wakes it
    for n in range(20):
        chat.thread.submit(Broadcast(f"number {n}"))
        for client in clients:
            client.expect(f"*** [admin] number {n}")


def test_z11_ten_thousand_commands_for_a_loop_that_is_busy_never_block(
        server: StartServer) -> None:
    chat = server()
    busy, go_on = threading.Event(), threading.Event()

    def be_busy() -> None:
        busy.set()
        assert go_on.wait(PATIENCE)

    chat.chat.reactor.submit(be_busy)
    assert busy.wait(PATIENCE)
    began = time.monotonic()
    futures: list[Future[CommandResult]] = []
    costs = []
    for _ in range(10):
        before = time.thread_time()
        futures += [chat.thread.submit(Bans()) for _ in range(1_000)]
        costs.append(time.thread_time() - before)
    took = time.monotonic() - began
    assert not any(future.done() for future in futures)
    go_on.set()
    assert all(future.result(PATIENCE).ok for future in futures)
    assert median(costs) < 3 * min(costs)      # however many wait already
    assert took < PATIENCE / 2     # and it never waited for the loop
    assert not any(isinstance(event, CallbackFailed) for event in chat.events())


def test_z12_a_child_process_inherits_no_descriptor_of_the_server(
        server: StartServer, control_path: Path, tmp_path: Path) -> None:
    before = descriptors().keys()
    chat = server(control=str(control_path), history=str(tmp_path / "history"),
                  ban_file=str(tmp_path / "bans"), log=str(tmp_path / "log"))
    client, *_ = chat.clients(3)
    with Raw(control_path):
        client.say("/history")     # the file is open when the answer is there
        client.read_until(lambda line: "guest-1" in line or "nothing like that" in line)
        opened = chat.call(descriptors).keys() - before
        with subprocess.Popen(["cat"], stdin=subprocess.PIPE, close_fds=False) as child:
            inherited = {int(fd) for fd in os.listdir(f"/proc/{child.pid}/fd")}
            child.communicate()
    assert len(opened) > 3 * 2 + 5     # both ends of the clients, and what the server needs
    assert inherited <= before | STANDARD


def test_z12_every_descriptor_of_a_server_as_it_ships_is_closed_on_exec(
        served: StartProcess, control_path: Path) -> None:
    chat = served("--control", str(control_path), "--history", "history", "--ban-file", "bans",
                  "--log-file", "log")
    with ExitStack() as stack:
        clients = [chat.client() for _ in range(3)]
        stack.enter_context(Raw(control_path))
        clients[0].say("/history")
        clients[0].read_until(lambda line: "guest-1" in line or "nothing like that" in line)
        flags = {int(path.name): _flags(path)
                 for path in Path(f"/proc/{chat.pid}/fdinfo").iterdir()}
    kept = {fd for fd, flag in flags.items() if not flag & os.O_CLOEXEC}
    assert len(flags) > 3 + 8
    assert kept <= STANDARD


def _flags(fdinfo: Path) -> int:
    found = re.search(r"^flags:\s+(\d+)$", fdinfo.read_text("ascii"), re.MULTILINE)
    assert found is not None
    return int(found[1], 8)
