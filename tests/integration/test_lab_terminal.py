"""`chatops lab STAGE` in a plain terminal, as somebody at its keyboard sees it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatops.lab.stages import STAGES
from chatops.lab.stages.terminal import run_stage
from chatops.service import StartError
from tests.integration.client import Client
from tests.integration.command import run
from tests.integration.until import until
from tests.patience import scaled


class Keyboard:
    """A stage that runs in a thread, what is typed to it, and what it has printed."""

    def __init__(self, number: int) -> None:
        reader, self._writer = os.pipe()
        self._reader = reader
        self.lines: list[str] = []
        self.thread = threading.Thread(
            target=run_stage, args=(number, "127.0.0.1", 0),
            kwargs={"stdin": reader, "write": self.lines.append})
        self.thread.start()
        until(lambda: any("quit" in line for line in self.lines))
        match = re.search(r"127\.0\.0\.1:(\d+)", self.text)
        assert match is not None
        self.address = ("127.0.0.1", int(match[1]))

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def type(self, line: str) -> None:
        os.write(self._writer, line.encode() + b"\n")

    def shows(self, pattern: str) -> None:
        until(lambda: re.search(pattern, self.text))

    def close(self) -> None:
        if self.thread.is_alive():
            self.type("quit")
        self.thread.join(scaled(5.0))
        assert not self.thread.is_alive()
        os.close(self._writer)
        os.close(self._reader)


@pytest.fixture
def keyboards() -> Iterator[list[Keyboard]]:
    opened: list[Keyboard] = []
    yield opened
    for keyboard in opened:
        keyboard.close()


def test_stage_1_says_what_to_try_and_prints_key_and_mask(keyboards: list[Keyboard]) -> None:
    keyboard = Keyboard(1)
    keyboards.append(keyboard)
    assert f"nc 127.0.0.1 {keyboard.address[1]}" in keyboard.text
    with Client(keyboard.address, greeted=False):
        keyboard.shows(r"SelectorKey\(fileobj=.*mask 1")
        keyboard.type("fds")
        keyboard.shows(r"listener +R +1  ListenStage\.accept")
        keyboard.shows(r"not registered  #1 client-1")
        keyboard.type("threads")
        keyboard.shows(r"stage 1 .* s of CPU")
    keyboard.type("dance")
    keyboard.shows("'dance' is no command here")
    keyboard.type("quit")
    keyboard.shows("stage 1: stopped")
    keyboard.shows("next: chatops lab 2")


def test_stage_2_says_that_it_spins_and_why(keyboards: list[Keyboard]) -> None:
    keyboard = Keyboard(2)
    keyboards.append(keyboard)
    with Client(keyboard.address, greeted=False) as client:
        client.say("hello")
        assert client.read_line() == "your msg = hello ==="
    keyboard.shows(r"select\(\) returns [\d,]+ times a second")
    keyboard.shows("at end of file and still watched")


def test_stage_3_is_held_and_the_keyboard_is_not(keyboards: list[Keyboard]) -> None:
    keyboard = Keyboard(3)
    keyboards.append(keyboard)
    with Client(keyboard.address, greeted=False) as talker:
        stopped = socket.create_connection(keyboard.address)
        with stopped:
            keyboard.shows("client-2 from")
            keyboard.type("fds")
            keyboard.shows("BroadcastStage.accept")
            reading = threading.Event()

            def read() -> None:
                while not reading.is_set():
                    try:
                        talker.sock.recv(1 << 16)
                    except OSError:
                        return

            reader = threading.Thread(target=read)
            reader.start()
            sender = threading.Thread(target=_say_much, args=(talker,))
            sender.start()
            until(lambda: re.search(r"held the loop for .* client\.sendall\(line\)",
                                    keyboard.text), 20.0)
            keyboard.type("quit")
            keyboard.shows("stage 3: stopped")
            reading.set()
            sender.join(scaled(5.0))
            reader.join(scaled(5.0))


def _say_much(talker: Client) -> None:
    try:
        for _ in range(20_000):
            talker.send(b"x" * 999 + b"\n")
    except OSError:
        pass                       # the stage has been stopped


def test_what_cannot_be_run_says_why() -> None:
    with pytest.raises(StartError, match="no stage 9; there are 1 listen, 2 echo"):
        run_stage(9, "127.0.0.1", 0)
    with (socket.create_server(("127.0.0.1", 0)) as taken,
          pytest.raises(StartError, match="in use by another program")):
        run_stage(1, *taken.getsockname())


@pytest.mark.parametrize("stdin", [subprocess.PIPE, subprocess.DEVNULL])
def test_ctrl_c_stops_a_stage_and_an_ended_input_does_not(stdin: int) -> None:
    code = "from chatops.lab.stages.terminal import run_stage; run_stage(5, '127.0.0.1', 0)"
    with subprocess.Popen([sys.executable, "-u", "-c", code], stdin=stdin,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        assert process.stdout is not None
        greeting = b""
        while b"quit" not in (line := process.stdout.readline()):
            assert line, "it never came up"
            greeting += line
        match = re.search(rb"127\.0\.0\.1:(\d+)", greeting)
        assert match is not None
        with Client(("127.0.0.1", int(match[1])), greeted=False) as client:
            client.say("still there?")
            assert client.read_line() == "your msg is still there?"
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read().decode()
        assert process.wait(scaled(5.0)) == 0
    assert "stage 5: stopped" in rest
    assert "Traceback" not in rest


def test_a_last_command_needs_no_end_of_line() -> None:
    said: list[str] = []
    reader, writer = os.pipe()
    os.write(writer, b"threads\nquit")
    os.close(writer)
    runs = threading.Thread(target=run_stage, args=(1, "127.0.0.1", 0), daemon=True,
                            kwargs={"stdin": reader, "write": said.append})
    runs.start()
    runs.join(scaled(5.0))
    assert "stage 1: stopped" in said
    os.close(reader)


def test_without_a_stage_the_six_are_listed_with_how_to_run_one(tmp_path: Path) -> None:
    done = run("lab", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    for number, stage in STAGES.items():
        assert f"  {number}  {stage.title}" in done.stdout
        assert stage.fault in done.stdout
    assert "chatops lab 2" in done.stdout
    assert "chatops --demo" in done.stdout
    assert max(map(len, done.stdout.splitlines())) < 100
