"""A pseudo-terminal with the console on it: keys go in, and the screen is read as it is seen."""

from __future__ import annotations

import fcntl
import os
import re
import select
import struct
import subprocess
import termios
import threading
import time
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pyte

from chatops.bench import usage
from tests.integration.client import Client, two_can_talk
from tests.integration.harness import PYTHON, environment, processor_time
from tests.patience import PATIENCE, Deadline

T = TypeVar("T")
Size = tuple[int, int]         # columns and lines, as people say them

WIDE: Size = (120, 40)
NARROW: Size = (80, 24)
CHUNK = 1 << 16
PAUSE = 0.15                   # seconds before enter: three times what makes it part of a paste
LEAVE_SCREEN = b"\x1b[?1049l"
MOUSE_OFF = (b"\x1b[?1000l", b"\x1b[?1003l", b"\x1b[?1006l")

# The process takes the terminal as its controlling one, so that hanging up reaches it,
# and becomes what it was asked to be.
TAKE_TERMINAL = ("import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
                 "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])")


class Terminal:
    """A program on a terminal of its own.  A thread reads what it draws as soon as it is
    drawn, unless the terminal is stalled; `until` waits for the screen to read so.
    """

    def __init__(self, *program: str, cwd: Path, size: Size = WIDE,
                 variables: dict[str, str] | None = None) -> None:
        """`program` is what Python runs; `variables` go into its environment."""
        self._screen = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self._screen)
        self._news = threading.Condition()
        self._flowing = threading.Event()
        self._flowing.set()
        self._closing = False
        self._written = bytearray()
        self.read_at = 0.0         # when the last of it was read (time.perf_counter)
        self._master, self._slave = os.openpty()
        self._set_size(size)
        self.modes_before = termios.tcgetattr(self._slave)
        self.process = subprocess.Popen(
            [PYTHON, "-c", TAKE_TERMINAL, *program], cwd=cwd, stdin=self._slave,
            stdout=self._slave, stderr=self._slave, start_new_session=True,
            env=environment(**{"TERM": "xterm-256color", "COLORTERM": "truecolor",
                               "LC_ALL": "C.UTF-8", "NO_COLOR": "",
                               "XDG_CONFIG_HOME": str(cwd / "config"),
                               **(variables or {})}))
        self._reader = threading.Thread(target=self._read, name="terminal")
        self._reader.start()

    @property
    def pid(self) -> int:
        return self.process.pid

    # -- looking

    @property
    def text(self) -> str:
        """What is on the screen, line by line."""
        with self._news:
            # Not the screen's own `display`, which fails where half a wide character is left.
            columns, lines = range(self._screen.columns), self._screen.buffer
            return "\n".join("".join([lines[y][x].data for x in columns])
                             for y in range(self._screen.lines))

    @property
    def underlined(self) -> str:
        """What of it is underlined, such as the label of the button in focus."""
        with self._news:
            lines = self._screen.buffer
            cells = (lines[y][x] for y in range(self._screen.lines)
                     for x in range(self._screen.columns))
            return "".join(cell.data for cell in cells if cell.underscore)

    @property
    def written(self) -> bytes:
        """All bytes that the program has written so far, as they were."""
        with self._news:
            return bytes(self._written)

    def until(self, true: Callable[[], T], timeout: float = PATIENCE) -> T:
        """Wait until this holds, looking whenever something is drawn; what made it true."""
        deadline = Deadline(timeout)
        with self._news:
            while not (held := true()):
                left = deadline.left()
                if left <= 0:
                    raise AssertionError(f"not on the screen within {timeout:g} s; it shows\n"
                                         f"{self.text}")
                self._news.wait(left)
        return held

    def see(self, pattern: str, timeout: float = PATIENCE) -> re.Match[str]:
        """Wait until the screen shows this."""
        found = self.until(lambda: re.search(pattern, self.text), timeout)
        assert found is not None
        return found

    def miss(self, pattern: str, timeout: float = PATIENCE) -> None:
        """Wait until the screen no longer shows this."""
        self.until(lambda: not re.search(pattern, self.text), timeout)

    def focus_on(self, label: str) -> None:
        """Wait until the button in focus is the one of this label, "" for none."""
        self.until(lambda: self.underlined.strip() == label)

    def _read(self) -> None:
        # Not for ever in one `read`: a stall and the end must be noticed.
        while not self._closing:
            if not self._flowing.wait(0.05) or not self._has_more(0.05):
                continue
            try:
                data = os.read(self._master, CHUNK)
            except OSError:        # EIO: hung up
                return
            at = time.perf_counter()
            with self._news:
                self.read_at = at
                self._written += data
                self._stream.feed(data)
                self._news.notify_all()

    def _has_more(self, timeout: float) -> bool:
        return bool(select.select([self._master], [], [], timeout)[0])

    # -- doing

    def type(self, text: str) -> None:
        """Press these keys, one when the one before it has been read, and enter after a pause:
        who is faster than that pastes, and a paste runs nothing.
        """
        for n, key in enumerate(re.findall("\x1b(?:[\\[O][<0-?]*[@-~])?|[^\x1b]", text)):
            if n or key == "\r":
                self._await_reading()
            if key == "\r":
                threading.Event().wait(PAUSE)      # since that, however late it was read
            self.paste(key.encode())

    def paste(self, data: bytes) -> None:
        """Put all of this into the terminal at once."""
        os.write(self._master, data)

    def _await_reading(self) -> None:
        deadline = Deadline(PATIENCE)
        waiting = array("i", [1])
        while waiting[0] and deadline.left() > 0 and self.process.poll() is None:
            threading.Event().wait(0.002)      # the kernel hands it over in its own time
            fcntl.ioctl(self._slave, termios.FIONREAD, waiting)

    def resize(self, size: Size) -> None:
        """Give the window another size, of which the program is told."""
        with self._news:
            self._screen.resize(size[1], size[0])
        self._set_size(size)

    def _set_size(self, size: Size) -> None:
        columns, lines = size
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def stall(self) -> None:
        """Take nothing any more, as after Ctrl-S."""
        self._flowing.clear()

    def flow(self) -> None:
        """Take everything again."""
        self._flowing.set()

    def hang_up(self) -> None:
        """Close the terminal under the program, as a window that is closed does."""
        self._stop_reading()
        os.close(self._slave)
        os.close(self._master)
        self._master = self._slave = -1

    # -- the end

    def status(self, timeout: float = PATIENCE) -> int:
        """The program's exit status, once it has ended; all it wrote has been read then."""
        status = self.process.wait(timeout)
        if self._master >= 0 and self._flowing.is_set():
            self._stop_reading()
            while self._has_more(0):
                data = os.read(self._master, CHUNK)
                self._written += data
                self._stream.feed(data)
        return status

    @property
    def modes(self) -> list[Any]:
        """The terminal's attributes as they are now (termios(3))."""
        return termios.tcgetattr(self._slave)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(PATIENCE)
        if self._master >= 0:
            self.hang_up()

    def _stop_reading(self) -> None:
        self._closing = True
        self._reader.join(PATIENCE)


class Console(Terminal):
    """`chatops` as it ships, with its console on a terminal, and clients of its server."""

    def __init__(self, *flags: str, cwd: Path, size: Size = WIDE,
                 program: tuple[str, ...] = ("-m", "chatops"),
                 variables: dict[str, str] | None = None) -> None:
        """`program` is what Python runs; a test may put a fault in front of the command."""
        super().__init__(*program, "--port", "0", *flags, cwd=cwd, size=size, variables=variables)
        self.must_live = True      # a test whose console is meant to end says so
        self._clients: list[Client] = []
        try:
            header = self.see(r"chatops +(\d+\.\d+\.\d+\.\d+):(\d+)\b.*LIVE")
        except BaseException:
            self.close()
            raise
        self.address = (header[1], int(header[2]))

    def client(self, nick: str = "", *, rcvbuf: int = 0) -> Client:
        """A new client, under this nick if one is given; closed with the console."""
        client = Client(self.address, rcvbuf=rcvbuf)
        self._clients.append(client)
        if nick:
            client.rename(nick)
        return client

    def see_row(self, client: Client, timeout: float = PATIENCE) -> int:
        """Wait until the table shows this client under its nick; the descriptor it names."""
        row = self.see(rf"[ >»]\s+{client.id}\s+(\d+)\s+{re.escape(client.nick)}\b", timeout)
        return int(row[1])

    def leave(self, timeout: float = PATIENCE) -> int:
        """Stop the server in the dialog that asks for that; the exit status."""
        self.must_live = False
        self.type("q")
        self.see("Stop the server")
        self.focus_on("Cancel")
        self.type("s")
        return self.status(timeout)

    def memory(self) -> int:
        """Bytes of it that are in RAM."""
        return usage.resident_bytes(self.pid) or 0

    def cpu(self) -> float:
        """Seconds of processor time it has used so far."""
        return processor_time(self.pid)

    def cpu_of_main(self) -> float:
        """Seconds of it that the thread which draws has used."""
        nanoseconds = Path(f"/proc/{self.pid}/task/{self.pid}/schedstat").read_text("ascii")
        return int(nanoseconds.split()[0]) / 1e9

    def check(self) -> None:
        """It lives, and two newcomers can talk, whatever has been done to it."""
        if self.must_live:
            assert self.process.poll() is None, self.text
            two_can_talk(self.address)

    def close(self) -> None:
        for client in self._clients:
            client.close()
        super().close()


def assert_left_as_it_was(terminal: Terminal) -> None:
    """The main screen is shown, the mouse is let go, and the modes are what they were."""
    _, left, after = terminal.written.rpartition(LEAVE_SCREEN)
    assert left, "the alternate screen was never left"
    assert b"\x1b[?1049h" not in after
    before_leaving = terminal.written[:-len(after) or None]
    for mode in MOUSE_OFF:
        assert before_leaving.rindex(mode) > before_leaving.rindex(mode[:-1] + b"h")
    assert b"\x1b[?25h" in after, "the cursor was not shown again"
    assert terminal.modes == terminal.modes_before
