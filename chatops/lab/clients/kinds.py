"""The kinds of built-in clients: two that behave, and six that a server must survive."""

from __future__ import annotations

import socket
from typing import ClassVar

from chatops.lab.clients.client import BuiltIn

SLOW_BYTES = 24                # what a slow reader takes at once …
SLOW_PAUSE = 1.0               # … and seconds until it reads again
LOOK_PAUSE = 1.0               # seconds between looks whether the server has hung up
FLOOD_PAUSE = 0.25             # seconds between bursts
FLOOD_LINES = 250              # of one burst, about 50 KB
BOT_PAUSE = 2.0                # seconds between pastes
BOT_LINES = 5                  # of one paste, about 500 bytes
DRIP_PAUSE = 1.5               # seconds between bytes
STAY = 2.0                     # seconds that a connection lasts before it is broken
REST = 6.0                     # seconds before it comes back


class Chat(BuiltIn):
    """Talks like people do, and reads what it is told; its circle gives it the lines."""

    kind = "chat"


class Bot(BuiltIn):
    """Pastes a build's log into the room, as every team's bot does: enough to fill the
    queue of one who does not keep up, too little to be a flood."""

    kind = "bot"

    _steps = 0

    def begin(self) -> None:
        self.later(BOT_PAUSE, self._paste)

    def _paste(self) -> None:
        self.later(BOT_PAUSE, self._paste)
        first, self._steps = self._steps, self._steps + BOT_LINES
        self.send(b"".join([
            f"build {1204 + n // 60}: [{n % 60 * 100 // 59:3}%] compiled part {n % 60:02} of 59, "
            f"{300 + n * 7919 % 900} ms, no warnings; sha256 {n * 2654435761 % 2**64:016x}\n"
            .encode() for n in range(first, self._steps)]))


class Slow(BuiltIn):
    """Reads a few bytes a second: the server's queues for it grow, then empty, slowly."""

    kind = "slow"
    tiny = True
    reads = False

    def begin(self) -> None:
        self.later(SLOW_PAUSE, self._sip)

    def _sip(self) -> None:
        if self.is_over():
            self.leave()
            return
        self.later(SLOW_PAUSE, self._sip)
        self.read(SLOW_BYTES)


class Unreading(BuiltIn):
    """Says its nick and never reads: Ctrl-S in a terminal, or a laptop that was shut."""

    kind = "mute"
    tiny = True
    reads = False

    def begin(self) -> None:
        self.later(LOOK_PAUSE, self._look)

    def _look(self) -> None:
        if self.is_over():
            self.leave()
        else:
            self.later(LOOK_PAUSE, self._look)


class Flood(BuiltIn):
    """Sends as fast as the server takes it, in bursts; reads everything and keeps nothing."""

    kind = "flood"

    _lines = 0

    def begin(self) -> None:
        self._burst()

    def _burst(self) -> None:
        self.later(FLOOD_PAUSE, self._burst)
        if self.unsent:            # the server presses back: no more than it takes
            return
        numbers = range(self._lines, self._lines + FLOOD_LINES)
        self._lines += FLOOD_LINES
        self.send(b"".join([b"%-199b\n" % f"flood {n:09,} {'=' * (n % 60)}".encode()
                            for n in numbers]))


class Drip(BuiltIn):
    """Begins a line and never ends it, a byte now and then: each one looks like a sign of
    life, and none of them is."""

    kind = "drip"
    text: ClassVar[bytes] = b"wait for it ... "

    def begin(self) -> None:
        self._drip(0)

    def _drip(self, n: int) -> None:
        self.later(DRIP_PAUSE, lambda: self._drip(n + 1))
        self.send(self.text[n % len(self.text):][:1])


class HalfClose(BuiltIn):
    """Speaks, shuts its writing side and goes on reading, as `printf … | nc -N` does."""

    kind = "half-close"
    _shut = False

    def begin(self) -> None:
        self._shut = False
        self.later(STAY, self._say_last)

    def _say_last(self) -> None:
        self.say("that was all from me, but I am still reading")
        if self.sock is not None and not self.unsent:
            self._shut = True
            self.sock.shutdown(socket.SHUT_WR)
        self.later(REST, lambda: self.come_back(0.0))

    def ended(self) -> None:
        if self._shut:
            self.come_back(REST)
        else:
            self.leave()


class Reset(BuiltIn):
    """Speaks and breaks the connection with an RST, as a crash or a lost NAT entry does."""

    kind = "rst"

    def begin(self) -> None:
        self.later(STAY, self._say_last)

    def _say_last(self) -> None:
        self.say("I will be gone before you can answer")
        self.later(0.1, self._break)

    def _break(self) -> None:
        self.hang_up(reset=True)
        self.come_back(REST)


KINDS: dict[str, type[BuiltIn]] = {
    kind.kind: kind for kind in (Chat, Bot, Slow, Unreading, Flood, Drip, HalfClose, Reset)
}
