"""What a program writes, read as it comes: a console that looks seldom must not hold it up."""

from __future__ import annotations

import os
import select
import threading
import time
from collections import deque

from chatops.api.events import Printed
from chatops.chat.sanitize import clean_text

PIECE = 1 << 16                # bytes taken from the pipe at once: what it holds
WAITING = 1 << 20              # bytes that wait for the console; of more the older half goes
LINES = 1000                   # made events in one read; the rest waits
REST = 8192                    # made events when the program has ended
LONGEST = 4096                 # bytes of a line that is shown; a longer one is cut into such
RESTS = 1.0                    # seconds after which a line is shown that has no end: a question
LAST_READS = 64                # of what it wrote before it ended: more than a pipe holds
LAST_LINES = 40                # of what it wrote, told when it has failed and the console is left


class Output:
    """What a program writes, as events: a line each, sanitised.

    A thread of its own empties the pipe (`take_in`), so that the program's writes return
    however seldom the console reads.  What is too much for it is dropped, the oldest first,
    and counted.  Everything but `take_in` belongs to the console's thread.
    """

    def __init__(self, fd: int) -> None:
        os.set_blocking(fd, False)
        self._fd = fd
        self._lock = threading.Lock()  # of these
        self._waiting = bytearray()
        self._ended = False
        self._dropped = 0
        self._rest = b""               # what had no end at the last look
        self._rest_since = 0.0
        self._shown_early = False      # whether the line that comes has a part that was shown
        self.last: deque[str] = deque(maxlen=LAST_LINES)
        stopped, self._stop = os.pipe()
        self._thread = threading.Thread(target=self._read_on, args=(stopped,), daemon=True,
                                        name="output")
        self._thread.start()

    @property
    def dropped(self) -> int:
        """Lines that were too much."""
        with self._lock:
            return self._dropped

    def take_in(self) -> bool:
        """From the pipe, without waiting; whether there was anything.  From any thread."""
        with self._lock:
            if self._ended:
                return False
            try:
                data = os.read(self._fd, PIECE)
            except BlockingIOError:
                return False
            except OSError:
                data = b""
            self._ended = not data
            self._waiting += data
            if len(self._waiting) > WAITING:
                self._drop()
            return bool(data)

    def read(self, now: float) -> list[Printed]:
        """The next lines that have come by now, on any clock, without waiting."""
        self.take_in()
        with self._lock:
            lines = self._next_lines(LINES)
            if len(lines) < LINES:
                lines += self._at_rest(now)
        return self._said(lines)

    def read_the_rest(self) -> list[Printed]:
        """What it wrote before it ended."""
        for _ in range(LAST_READS):    # what it has started may go on writing
            if not self.take_in():
                break
        with self._lock:
            lines = self._next_lines(WAITING)      # all: a line has a byte at least
            self._dropped += max(0, len(lines) - REST)
        return self._said(lines[-REST:])

    def close(self) -> None:
        """Stop reading; the pipe is the caller's to close.  Idempotent."""
        stop, self._stop = self._stop, -1
        if stop < 0:
            return
        os.close(stop)
        self._thread.join()
        with self._lock:
            self._ended = True         # the number of the pipe may soon be another file's

    # -- inside

    def _said(self, lines: list[bytes]) -> list[Printed]:
        at = time.time()
        said = [clean_text(line.rstrip(b"\r").decode("utf-8", "replace")) for line in lines]
        self.last.extend(said)
        return [Printed(at, text) for text in said]

    def _next_lines(self, most: int) -> list[bytes]:
        """Taken out of what waits.  Under the lock."""
        waiting, lines, at = self._waiting, list[bytes](), 0
        while len(lines) < most and at < len(waiting):
            end = waiting.find(b"\n", at, at + LONGEST + 1)
            after = end + 1
            if end < 0 and len(waiting) - at > LONGEST:
                end = after = _before_letter(waiting, at + LONGEST)
            elif end < 0 and self._ended:
                end = after = len(waiting)
            elif end < 0:
                break                  # its end is still to come
            line = bytes(waiting[at:end])
            if line.rstrip(b"\r") or not self._shown_early:
                lines.append(line)     # else it is the end of what has been shown
            self._shown_early = False
            at = after
        del waiting[:at]
        return lines

    def _at_rest(self, now: float) -> list[bytes]:
        """What waits for its end and has not grown for a while.  Under the lock."""
        rest = bytes(self._waiting)
        if rest != self._rest:
            self._rest, self._rest_since = rest, now
        if not rest or now - self._rest_since < RESTS or self._ended:
            return []
        self._waiting.clear()
        self._rest, self._shown_early = b"", True
        return [rest]

    def _drop(self) -> None:
        """The older half, up to the end of a line.  Under the lock."""
        waiting = self._waiting
        half = len(waiting) - WAITING // 2
        end = waiting.find(b"\n", half) + 1 or half
        self._dropped += waiting.count(b"\n", 0, end) or 1
        del waiting[:end]

    def _read_on(self, stopped: int) -> None:
        ready = select.poll()
        ready.register(self._fd, select.POLLIN)
        ready.register(stopped, 0)     # it hangs up
        try:
            while stopped not in dict(ready.poll()):
                if not self.take_in() and self._ended:
                    return
        finally:
            os.close(stopped)


def _before_letter(data: bytearray, end: int) -> int:
    """Where to cut at the latest, so that no letter of UTF-8 (RFC 3629) is cut in two."""
    for at in range(end, end - 4, -1):
        if data[at] & 0xC0 != 0x80:
            return at
    return end                         # it is no UTF-8
