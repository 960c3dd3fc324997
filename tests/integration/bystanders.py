"""People who talk on while somebody does harm: each line must reach each of them, in order."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.integration.client import SOON, Client

PACE = 0.02                    # seconds between two lines: what the rate limit lets anybody say
HEARERS = 2
LEAST = 3                      # lines that must have passed while the harm was done, and after


class Bystanders:
    """One who speaks, and those who listen; each line is heard by all before the next."""

    def __init__(self, speaker: Client, hearers: list[Client]) -> None:
        self._speaker = speaker
        self._all = [speaker, *hearers]
        self.said = 0
        self.slowest = 0.0         # seconds from saying a line to its reaching the last of them

    def talk(self) -> None:
        """Say one more line, which must be the next that each of them hears of the speaker."""
        prefix = f"{self._speaker.nick}: "
        line = f"{prefix}line {self.said}"
        began = time.monotonic()
        self._speaker.say(line.removeprefix(prefix))
        for client in self._all:
            lines = client.read_until(lambda heard: heard.startswith(prefix), SOON)
            assert lines[-1] == line, f"{client.nick} heard {lines[-1]!r} instead of {line!r}"
        self.said += 1
        self.slowest = max(self.slowest, time.monotonic() - began)

    def hear_nothing_more(self) -> None:
        """No line came twice."""
        for client in self._all:
            assert not any(heard.startswith(f"{self._speaker.nick}: ") for heard in client.heard())


@contextmanager
def talking_on(address: tuple[str, int]) -> Iterator[Bystanders]:
    """They talk in the lobby all the while, in a thread of their own; a line that is lost,
    late, twice or out of order fails the test that did the harm.
    """
    over = threading.Event()
    failures: list[BaseException] = []
    with ExitStack() as stack:
        speaker, *hearers = [stack.enter_context(Client(address)) for _ in range(1 + HEARERS)]
        people = Bystanders(speaker, hearers)

        def talk() -> None:
            try:
                while not over.wait(PACE):
                    people.talk()
            except BaseException as error:
                failures.append(error)

        thread = threading.Thread(target=talk, name="bystanders")
        thread.start()
        try:
            yield people
        finally:
            over.set()
            thread.join()
        if failures:
            raise AssertionError(f"after {people.said} lines: {failures[0]}") from failures[0]
        for _ in range(LEAST):
            people.talk()
        people.hear_nothing_more()
        assert people.said >= LEAST
