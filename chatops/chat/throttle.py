"""Slowing brute force down: so many wrong passwords, then a wait, per address and per account."""

from __future__ import annotations

TRIES = 3                      # wrong ones in a row that cost nothing but themselves
WINDOW = 60.0                  # seconds after which they are forgotten
KEPT = 10_000                  # addresses and accounts remembered; the oldest go first


class Throttle:
    """Pure: time is an argument, in seconds that never go back."""

    def __init__(self, tries: int = TRIES, window: float = WINDOW) -> None:
        self._tries = tries
        self._window = window
        self._wrong: dict[str, tuple[int, float]] = {}     # how many, and until when

    def wait(self, now: float, *keys: str) -> float:
        """Seconds until one with any of these keys may try again; 0 for now."""
        longest = 0.0
        for key in keys:
            count, until = self._wrong.get(key, (0, 0.0))
            if count >= self._tries and until > now:
                longest = max(longest, until - now)
        return longest

    def left(self, now: float, key: str) -> int:
        """How many wrong ones more cost this one nothing but themselves."""
        count, until = self._wrong.get(key, (0, 0.0))
        return max(0, self._tries - count) if until > now else self._tries

    def failed(self, now: float, *keys: str) -> None:
        """It was wrong; from now on the window of each of these begins anew."""
        for key in keys:
            count, until = self._wrong.pop(key, (0, 0.0))
            self._wrong[key] = (count + 1 if until > now else 1, now + self._window)
            if len(self._wrong) > KEPT:
                self._wrong.pop(next(iter(self._wrong)))

    def succeeded(self, *keys: str) -> None:
        """It was right: nothing is held against these."""
        for key in keys:
            self._wrong.pop(key, None)

    def forgive(self, key: str, part: str) -> None:
        """Of those held against `key`, no more those that are held against `part` of it too."""
        (count, until), (less, _) = (self._wrong.pop(each, (0, 0.0)) for each in (key, part))
        if count > less:
            self._wrong[key] = (count - less, until)
