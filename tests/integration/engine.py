"""A real Redis or Valkey for the tests: a port and a process of its own, ended with the test."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hiredis import Reader, pack_command

from chatops.bench.ports import HeldPort
from tests.integration.until import until
from tests.patience import PATIENCE

# ENGINE=valkey-server has the tests run on that one where both are installed.
PROGRAM = shutil.which(os.environ.get("ENGINE", "redis-server")) or shutil.which("valkey-server")
needs_engine = pytest.mark.skipif(
    PROGRAM is None, reason="neither redis-server nor valkey-server is installed")


class Engine:
    """`redis-server` on loopback, that keeps nothing on disk."""

    def __init__(self, directory: Path, *, start: bool = True) -> None:
        self._held = HeldPort()
        self.port = self._held.number
        self.path = directory / "engine.sock"
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        if start:
            self.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Run, empty, and answer."""
        assert PROGRAM is not None
        self._process = subprocess.Popen(
            [PROGRAM, "--bind", "127.0.0.1", "--port", str(self.port), "--save", "",
             "--appendonly", "no", "--dir", str(self._directory),
             "--unixsocket", str(self.path)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(self._answers)

    def _answers(self) -> bool:
        try:
            return bool(self.ask("PING") == b"PONG")
        except OSError:
            return False

    def write(self, frame: bytes) -> None:
        """Have this in the nodes' log, whatever it is."""
        self.ask("XADD", "{chatops}:log", "*", "f", frame)

    def ask(self, *words: str | int | bytes) -> Any:
        """One command, and its answer."""
        reader = Reader()
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as sock:
            sock.settimeout(PATIENCE)
            sock.sendall(pack_command(words))  # type: ignore[arg-type]  # its stub: of one word
            while (answer := reader.gets()) is False:
                data = sock.recv(1 << 16)
                if not data:
                    raise ConnectionResetError
                reader.feed(data)
        return answer

    def freeze(self) -> None:
        """It keeps its connections, and says nothing."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """At once, with all that it kept."""
        self._signal(signal.SIGCONT)
        self._signal(signal.SIGKILL)
        assert self._process is not None
        self._process.wait(PATIENCE)
        self._process = None

    def close(self) -> None:
        self._held.close()
        if self._process is not None:
            self.kill()

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)
