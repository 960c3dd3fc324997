"""Bytes to lines: whole chunks at a time, bounded whatever the peer sends."""

from __future__ import annotations


class Framer:
    """Keeps the unfinished last line of one peer between two reads.

    Lines end in `\\n` and in nothing else: a CR is an ordinary byte here, and the sanitiser
    removes it.  A line may have `limit` bytes before its newline; a longer one is counted
    when it crosses the limit, once, and thrown away up to its newline, which need never
    come.  At most `limit` bytes are held between two calls.

    The end of file ends a line too: what `end` returns is to be treated as one, so that
    `printf x | nc -N host port` says x.
    """

    __slots__ = ("crossed", "limit", "overlong", "partial")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.partial = b""         # the beginning of a line, without its newline
        self.overlong = False      # everything up to the next newline is thrown away
        self.crossed = 0           # lines that became too long, not yet taken

    def __repr__(self) -> str:
        state = "overlong" if self.overlong else f"partial={len(self.partial)}"
        return f"<Framer {state} limit={self.limit}>"

    @property
    def unfinished(self) -> bool:
        """Whether a line has begun and not ended, one that is thrown away included."""
        return bool(self.partial) or self.overlong

    def feed(self, data: bytes) -> bytes:
        """All lines that are now complete, in one piece that ends in `\\n`; b"" if none."""
        if not self.partial and not self.overlong and data[-1:] == b"\n" \
                and len(data) <= self.limit:
            return data  # whole lines, and too few bytes for a long one
        return self._feed(data)

    def take_overlong(self) -> int:
        """How many lines have crossed the limit since this was last asked.

        A read can hold several such lines, with their newlines, and leave `overlong` false.
        """
        crossed, self.crossed = self.crossed, 0
        return crossed

    def end(self) -> bytes:
        """What the peer left unfinished when it ended its stream, at most once."""
        left, self.partial, self.overlong = self.partial, b"", False
        return left

    def _feed(self, data: bytes) -> bytes:
        if self.overlong:
            newline = data.find(b"\n")
            if newline < 0:
                return b""
            self.overlong = False
            data = data[newline + 1:]
        if self.partial:
            data = self.partial + data
            self.partial = b""
        pieces = []
        kept = start = 0           # beginning of the piece, and of the line being judged
        reach = self.limit + 1     # the farthest that a newline may be
        while len(data) - start >= reach:
            # The last newline within reach clears every line before it at once.
            newline = data.rfind(b"\n", start, start + reach)
            if newline < 0:
                pieces.append(data[kept:start])
                self.crossed += 1
                newline = data.find(b"\n", start + reach)
                if newline < 0:
                    self.overlong = True
                    return b"".join(pieces)
                kept = newline + 1
            start = newline + 1
        start += data[start:].rfind(b"\n") + 1
        self.partial = data[start:]
        if not pieces:
            return data[kept:start]
        pieces.append(data[kept:start])
        return b"".join(pieces)
