"""The log of a running server: as JSON, from a level on, and on a disk that is full."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path

from chatops import lints
from chatops.api import commands, events
from tests.integration.harness import Served, Server
from tests.integration.until import until

StartServer = Callable[..., Server]
StartServed = Callable[..., Served]


def test_serve_logs_json_to_standard_error(served: StartServed) -> None:
    chat = served("--log-format", "json")
    chat.client()
    chat.wait_for_line('"event":"Connected"')
    chat.must_live = False
    chat.signal(signal.SIGTERM)
    assert chat.status() == 0
    told = [json.loads(line) for line in chat.lines]       # and nothing else is among them
    assert [line["event"] for line in told[:2]] == ["ServerStarted", "Connected"]
    assert told[1]["nick"].startswith("guest-")
    assert told[-1]["event"] == "ServerStopped"


def test_only_what_matters_enough_is_logged(server: StartServer, tmp_path: Path) -> None:
    path = tmp_path / "log"
    chat = server(log=str(path), log_level="warning")
    chat.client()
    chat.call(lambda: chat.chat.say(events.Warned(chat.chat.hub.at, "look")))
    chat.check()
    chat.must_live = False
    chat.close()
    names = [line.split()[1] for line in path.read_text().splitlines()]
    assert names == ["Warned"]


def test_a_log_on_a_full_disk_is_named_and_costs_the_chat_nothing(server: StartServer) -> None:
    chat = server(log="/dev/full")
    warned = chat.wait_for(events.Warned)
    assert warned.text == "cannot write the log: /dev/full: No space left on device"
    snapshot = chat.snapshot()
    assert snapshot.log_fault == "/dev/full: No space left on device"
    assert [lint.code for lint in lints.find(snapshot)] == ["log-lost"]
    ada, bob = chat.client(), chat.client()
    ada.say("still here")
    bob.read_until(f"{ada.nick}: still here")
    assert [e for e in chat.events() if isinstance(e, events.Warned)] == [warned]


def test_a_log_that_can_be_written_again_is_no_fault_any_more(
        server: StartServer, tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.symlink_to("/dev/full")
    chat = server(log=str(path))
    chat.wait_for(events.Warned)
    path.unlink()
    chat.do(commands.Reopen())
    chat.client()
    until(lambda: not chat.chat.state.log_fault())
    until(lambda: "Connected" in path.read_text())
