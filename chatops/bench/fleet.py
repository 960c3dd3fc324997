"""Three nodes and their engine, each a process that can be stopped, killed and begun again."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from types import TracebackType
from typing import Self

from chatops.bench.contenders import CHATOPS
from chatops.bench.nodes import NAMES, engine_program
from chatops.bench.ports import HeldPort
from chatops.bench.runner import BenchError, end, spawn

LOOK = 0.05                    # seconds that an engine gets before its nodes begin


def go_on(pid: int) -> None:
    """One that stands still would not end when asked."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)


class _Restarted:
    """A process that has several beginnings."""

    _process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def run(self, command: Sequence[str]) -> None:
        """Begin, and let nobody hear what it writes."""
        self._process = spawn(list(command), stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def kill(self) -> None:
        """At once: nothing is kept, and nobody is told."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._process = None

    def ask_to_end(self) -> None:
        """In good order, without waiting for that."""
        assert self._process is not None
        self._process.terminate()

    def has_ended(self) -> bool:
        """Whether it has, by now."""
        if self._process is not None and self._process.poll() is not None:
            self._process = None
        return self._process is None

    def close(self) -> None:
        """In good order."""
        if self._process is not None:
            go_on(self._process.pid)
            end(self._process)
            self._process = None


class EngineProcess(_Restarted):
    """On one port for its whole life, which may have several beginnings; it keeps nothing."""

    def __init__(self) -> None:
        program = engine_program()
        assert program is not None
        self._held = HeldPort()
        self.port = self._held.number
        self._command = [program, "--bind", "127.0.0.1", "--port", str(self.port), "--save", "",
                         "--appendonly", "no"]

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def begin(self) -> None:
        self.run(self._command)

    def close(self) -> None:
        super().close()
        self._held.close()


class NodeProcess(_Restarted):
    """One node, on another port after each beginning, which takes as long as its lease of before
    lives; nobody is kept waiting for that.
    """

    def __init__(self, name: str, url: str, history: str = "") -> None:
        """`history` is the file of it, if it keeps one."""
        self.name = name
        self.history = history
        self.port = self.irc_port = 0
        self.began = 0                 # how often
        self._url = url
        self._held: list[HeldPort] = []

    def begin(self) -> None:
        self._let_go()
        self._held = [HeldPort(), HeldPort()]
        self.port, self.irc_port = (held.number for held in self._held)
        self.began += 1
        contender = replace(CHATOPS, command=(
            *CHATOPS.command, "--cluster", self._url, "--node", self.name,
            "--irc-port", str(self.irc_port),
            *(("--history", self.history) if self.history else ())))
        self.run(contender.on(self.port))

    def close(self) -> None:
        super().close()
        self._let_go()

    def _let_go(self) -> None:
        for held in self._held:
            held.close()

    def check(self) -> None:
        """Raises `BenchError` if it has ended by itself."""
        if self._process is not None and (status := self._process.poll()) is not None:
            raise BenchError(f"node {self.name} ended by itself, with {status}")


class Fleet:
    """All of them, ended with the `with` block."""

    def __init__(self, histories: str = "") -> None:
        """`histories` is the directory of what the nodes keep."""
        self.engine = EngineProcess()
        self.nodes = [NodeProcess(name, self.engine.url,
                                  f"{histories}/{name}.db" if histories else "")
                      for name in NAMES]
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._stack.callback(self.engine.close)
        self.engine.begin()
        time.sleep(LOOK)
        for node in self.nodes:
            self._stack.callback(node.close)
            node.begin()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._stack.close()
