"""`chatops lab STAGE`: one of the six servers in a plain terminal."""

from __future__ import annotations

import os
import select
import textwrap
import time
from collections.abc import Callable

from chatops.api.events import Connected, Crashed, Disconnected, Event, Said, Warned
from chatops.api.snapshot import Snapshot
from chatops.lab.stages import STAGES, StageLink, StageServer
from chatops.lab.stages.base import nick_of
from chatops.net.listen_error import explain
from chatops.system.addresses import with_port
from chatops.system.errors import StartError

TICK = 0.1                     # seconds between looks at what the stage has printed
TOLD_EVERY = 2.0               # seconds between two reports of the same trouble
SPINNING = 1000.0              # wake-ups a second that are worth a word
ANSWER = 1.0                   # seconds to wait for an answer from the stage

COMMANDS = "fds: the map   threads: who runs   quit: stop (or Ctrl-C)"


def run_stage(number: int, host: str, port: int, *, stdin: int = 0,
              write: Callable[[str], object] = print) -> None:
    """Run a stage until `quit`, Ctrl-C, or its own end.  Raises `StartError`.

    `stdin` is the descriptor that commands are read from, a line each; at its end the stage
    goes on until it is interrupted.
    """
    if number not in STAGES:
        raise StartError(f"there is no stage {number}; there are "
                         + ", ".join(f"{n} {kind.title}" for n, kind in STAGES.items()))
    stage = STAGES[number](host, port)
    try:
        stage.start()
    except OSError as error:
        raise StartError(explain(error, host, port)) from None
    terminal = _StageTerminal(stage, write)
    try:
        terminal.greet()
        terminal.run(stdin)
    except KeyboardInterrupt:
        write("")
    finally:
        ended = stage.stop()
        terminal.show_events()
        terminal.link.close()
    write(f"{stage.label}: {stage.ended}" if ended else f"{stage.label} did not stop in time")
    following = STAGES.get(number + 1)
    if following is not None:
        write(f"next: chatops lab {number + 1} ({following.title}) {following.what}")


class _StageTerminal:
    """What is printed of a stage, and what is asked of it."""

    def __init__(self, stage: StageServer, write: Callable[[str], object]) -> None:
        self.link = StageLink(stage)
        self._stage = stage
        self._write = write
        self._snapshot: Snapshot | None = None
        self._told: dict[str, float] = {}

    def greet(self) -> None:
        stage = self._stage
        host, port = stage.address
        self._write(f"stage {stage.number}: {stage.title}, listening on {with_port(host, port)}")
        for name, text in (("does", stage.what), ("fault", stage.fault),
                           ("try", stage.try_it.format(host=host, port=port))):
            self._write(textwrap.fill(text, 96, initial_indent=f"  {name:6}",
                                      subsequent_indent=" " * 8))
        self._write(f"  {COMMANDS}")

    def run(self, stdin: int) -> None:
        """Print and obey until the stage ends or is told to."""
        typed = b""
        watched = [stdin]
        while self._stage.alive:
            if select.select(watched, [], [], TICK)[0]:
                data = os.read(stdin, 4096)
                if not data:
                    watched = []           # nobody can type: wait for Ctrl-C
                *lines, typed = (typed + (data or b"\n")).split(b"\n")
                for line in lines:
                    if not self._obey(line.decode(errors="replace").strip()):
                        return
            self.show_events()
            self._look()

    def show_events(self) -> None:
        """What the stage has printed since the last time."""
        for event in self.link.drain():
            text = _line(event)
            if text:
                self._write(text)
        if self.link.events_dropped:
            self._tell("dropped", f"({self.link.events_dropped:,} lines so far were not shown)")

    def _look(self) -> None:
        """Say what is wrong, now and then, for as long as it is."""
        snapshot, before = self.link.poll(), self._snapshot
        if snapshot is None:
            return
        self._snapshot = snapshot
        for lint in snapshot.lints:
            self._tell(lint.code, f"! {lint.summary}")
        if before is not None and snapshot.mono > before.mono:
            rate = (snapshot.loop.turns - before.loop.turns) / (snapshot.mono - before.mono)
            if rate > SPINNING:
                self._tell("spinning", f"! select() returns {rate:,.0f} times a second")

    def _tell(self, what: str, text: str) -> None:
        now = time.monotonic()
        if now - self._told.get(what, float("-inf")) >= TOLD_EVERY:
            self._told[what] = now
            self._write(text)

    def _obey(self, word: str) -> bool:
        """Carry out a typed command; whether to go on."""
        match word:
            case "quit" | "q" | "exit":
                return False
            case "fds":
                self._fds()
            case "threads":
                snapshot = self._fresh()
                for row in snapshot.threads if snapshot is not None else ():
                    self._write(f"  {row.name:12} {row.cpu:8.2f} s of CPU   {row.doing}")
            case "":
                pass
            case _:
                self._write(f"'{word}' is no command here. {COMMANDS}")
        return True

    def _fds(self) -> None:
        snapshot = self._fresh()
        if snapshot is None:
            self._write("the stage does not answer")
            return
        self._write(f"  {'FD':>3} {'TYPE':11} {'EV':2} {'FIRES':>9}  CALLBACK")
        for row in snapshot.keys:
            events = interest_text(row.events)
            self._write(f"  {row.fd:>3} {row.type:11} {events:2} {row.fires:>9,}  "
                        f"{row.callback}  {row.data}")
        for client in snapshot.clients:
            if not client.mask:
                self._write(f"  {client.fd:>3} {'connection':11} {'':2} {'':>9}  not registered  "
                            f"#{client.id} {client.nick}")

    def _fresh(self) -> Snapshot | None:
        """A snapshot from now; an older one when the stage sleeps or is held."""
        deadline = time.monotonic() + ANSWER
        while time.monotonic() < deadline and self._stage.alive:
            snapshot = self.link.poll()
            if snapshot is not None:
                self._snapshot = snapshot
                break
            if self._snapshot is not None and self.link.settled:
                break
            select.select([], [], [], 0.01)
        return self._snapshot


def interest_text(events: int) -> str:
    """`R`, `W` or `RW`: what a key is watched for."""
    return ("R" if events & 1 else "") + ("W" if events & 2 else "")


def _line(event: Event) -> str:
    match event:
        case Said(text=text):
            return text
        case Warned(text=text):
            return f"! {text}"
        case Connected(id=number, peer=peer):
            return f"+ {nick_of(number)} from {peer}"
        case Disconnected(id=number, reason=reason):
            return f"- {nick_of(number)} {reason}"
        case Crashed(traceback=traceback):
            return traceback.rstrip()
    return ""
