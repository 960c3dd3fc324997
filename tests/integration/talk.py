"""Numbered talk, and readers that know what they should have heard."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Thread

from chatops.api.events import Disconnected, LinesDropped
from tests.integration.client import Client
from tests.integration.harness import Server

BATCH = 64                     # lines said before they are waited for
TIGHT = 4096                   # bytes of a kernel buffer that fills at once

_DROPPED = re.compile(r"\*\*\* error: (\d+) lines? (?:was|were) dropped here: you read too slowly")
_EVICTED = re.compile(r"\*\*\* error: evicted: .*; (\d+) lines? (?:was|were) lost")


def numbered(first: int, last: int, size: int = 0) -> Iterator[str]:
    """`17 ....`, filled up to so many characters."""
    for n in range(first, last):
        yield f"{n} ".ljust(size, ".")


def alice_and_bob(server: Server) -> tuple[Client, Client]:
    """Two in the lobby of these names, who have heard everything so far."""
    alice, bob = server.clients(2)
    alice.rename("alice")
    bob.rename("bob")
    alice.heard()
    return alice, bob


def say_and_hear(speaker: Client, texts: Iterable[str], hearers: Sequence[Client] = ()) -> None:
    """Say them all, and hear each in its turn, as the hearers must too."""
    batch: list[str] = []
    for text in [*texts, None]:
        if text is not None:
            batch.append(text)
        if batch and (text is None or len(batch) == BATCH):
            speaker.say(*batch)
            for client in (speaker, *hearers):
                for line in batch:
                    client.expect(f"{speaker.nick}: {line}")
            batch = []


@contextmanager
def meanwhile(step: Callable[[Event], object]) -> Iterator[None]:
    """Take this step again and again, in a thread of its own, until its event is set."""
    over = Event()

    def go_on() -> None:
        while not over.is_set():
            step(over)

    thread = Thread(target=go_on)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def slow_room(server: Server) -> tuple[Client, Client, Client]:
    """A speaker, one who reads, and one whose kernel takes next to nothing."""
    speaker, reader = server.clients(2)
    mute = server.client(rcvbuf=TIGHT)
    for client in (speaker, reader):
        client.heard()
    return speaker, reader, mute


def speak_until(enough: Callable[[], bool], speaker: Client, *readers: Client) -> int:
    """One line of a kibibyte at a time, each heard before the next; how many it took."""
    for n in range(10_000):
        if enough():
            return n
        say_and_hear(speaker, numbered(n, n + 1, 1024), readers)
    raise AssertionError("never enough")


def accounted(lines: Iterable[str], speaker: str) -> tuple[int, int]:
    """How many of a speaker's numbered lines a reader knows of, and how many of them it has
    read itself; the others it was told that it lost, where they are missing.

    Fails when a line is cut, glued, out of order, there twice, or missing without a word.
    """
    known = read = 0
    for line in lines:
        if told := _DROPPED.fullmatch(line) or _EVICTED.fullmatch(line):
            known += int(told[1])
            continue
        match = re.fullmatch(rf"{re.escape(speaker)}: (\d+) ?\.*", line)
        assert match is not None, f"a line that nobody said: {line[:200]!r}"
        assert int(match[1]) == known, f"line {match[1]} came after {known - 1}"
        known += 1
        read += 1
    return known, read


def hear_bursts(speaker: Client, reader: Client, slow: Client, count: int = 2000) -> int:
    """So many lines in bursts, of which the slow one reads a few at a time, and in the end the
    rest; how many it has read itself.
    """
    lines: list[str] = []
    for first in range(0, count, 100):
        say_and_hear(speaker, numbered(first, first + 100, 300), [reader])
        lines += [slow.read_line() for _ in range(20)]
    while accounted(lines, speaker.nick)[0] < count:
        lines.append(slow.read_line())
    known, read = accounted(lines, speaker.nick)
    assert known == count
    assert 0 < read < count
    return read


def dropped(server: Server, client: Client) -> list[LinesDropped]:
    """What was said of the lines that this client has lost, now that it leaves."""
    client.close()
    server.wait_for(Disconnected, lambda event: event.id == client.id)
    return [event for event in server.events()
            if isinstance(event, LinesDropped) and event.id == client.id]


def told_lost(line: str) -> int:
    """The number in the last words to somebody who was evicted."""
    match = _EVICTED.fullmatch(line)
    assert match is not None, line
    return int(match[1])


def watch_queues(server: Server) -> Callable[[], int]:
    """From now on: the most bytes that all outboxes held together at the end of a turn."""
    peak = 0

    def measure() -> None:
        nonlocal peak
        peak = max(peak, server.chat.state.context.queued)

    server.call(lambda: server.chat.on_publish.append(measure))
    return lambda: peak
